"""From the driver's motion to the target's landmarks."""

from dataclasses import dataclass

import numpy as np

from reenact.config import RetargetConfig
from reenact.geometry import Similarity, eye_distance, rotation_matrix, rotation_vector
from reenact.retarget.neutral import eye_opening, head_pose, iris_place, mouth_gap
from reenact.retarget.population import pose_part
from reenact.tracking.topology import INNER_LIPS, LEFT_IRIS, OUTER_LIPS, RIGHT_IRIS, RIGID
from reenact.types import Floats, Motion, Shot

# upper and lower lid, right eye then left; their distance follows the driver's lids
LIDS = (
    ((159, 145), (158, 153), (160, 144), (157, 154), (161, 163), (246, 7), (173, 155)),
    ((386, 374), (385, 380), (387, 373), (384, 381), (388, 390), (466, 249), (398, 382)),
)
_CONTACT = (0.004, 0.012)  # IOD: a driver's gap of the lips at which they touch, and from which they are left alone
_ASIDE = (0.15, 0.35)  # radians that a resting face looks aside from which the bend, learnt from faces that look ahead,
#                        fades, and is left out
_SHUT_LIPS = 0.05  # IOD: a gap wider than at rest by which the driver's lips are no longer shut
_FOLLOWS = np.float32(0.8)  # of what the inner edge of a lip does, its outer edge does
_WIDEST = 1.3  # neutral openings: a driver whose neutral was taken squinting must not make eyes bulge
_EYES = ((RIGHT_IRIS, 33, 133), (LEFT_IRIS, 362, 263))
_IRIS_NOISE = (0.015, 0.04)  # eye widths: of the irises wanted in a photo, and in a video that has a gaze of its own
_GAZE_REACH = (0.3, 0.14)  # eye widths from the middle that an iris centre may go, along and across


def move_head(points: Floats, motion: Motion, gain: float = 1.0) -> Floats:
    """Where the points (478, 3) of a resting face go when only its head moves: (478, 3) float32.

    The driver's rotation, measured in the driver's head axes, is applied in the target's; shift and
    size are taken relative to the eyes' distance.  What the landmarks' depth has wrong is made good (`pose_part`).
    """
    axes = head_pose(points).rotation
    turn = rotation_matrix(rotation_vector(motion.rotation) * gain)
    iod, centre = eye_distance(points), points[RIGID].mean(0).astype(np.float64)
    turned = float(np.linalg.norm(rotation_vector(axes)))
    ahead = min(1.0, max(0.0, (_ASIDE[1] - turned) / (_ASIDE[1] - _ASIDE[0])))
    unbent = points - centre + ahead * iod * (pose_part(turn) @ axes.T)
    moved = motion.scale**gain * (unbent @ (axes @ turn @ axes.T).T) + centre
    moved[:, :2] += motion.shift * iod * gain
    result: Floats = moved.astype(np.float32)
    return result


@dataclass(frozen=True, slots=True, eq=False)
class Driven:
    """What the target's face shall be.

    points  (478, 3) float32, pixels of the output picture
    shape   (478, 3) float32, the same in head axes, IOD units
    irises  (2, 2) float32: where the iris centres shall be, right eye first, as iris_place gives it
    gaze    (2,) float32: how far each iris is from where the shot has it, eye widths
    lids    (2,) float32: by how much each eye's opening differs from the shot's, in neutral openings
    """

    points: Floats
    shape: Floats
    irises: Floats
    gaze: Floats
    lids: Floats


def drive(shot: Shot, neutral: Floats, motion: Motion, gains: RetargetConfig) -> Driven:
    """The target's landmarks in a photo's shot under the driver's expression.

    neutral (478, 3) is the target's neutral shape in head axes.  The head's pose is the shot's own: it has
    been moved already.
    """
    pose = head_pose(shot.points, neutral)
    shape = pose.undo(shot.points) + gains.expression_gain * motion.expression
    return _driven(shot, shape.astype(np.float32), pose, neutral, motion, gains, _IRIS_NOISE[0])


def drive_over(shot: Shot, neutral: Floats, own: Floats, motion: Motion, gains: RetargetConfig) -> Driven:
    """The same in a video's shot, whose own expression (478, 3) is `own`: only what differs is changed."""
    pose = head_pose(shot.points, neutral)
    wanted = gains.expression_gain * motion.expression
    shape = (pose.undo(shot.points) + wanted - own).astype(np.float32)
    _close_lips(shape, neutral, mouth_gap(neutral + wanted))
    return _driven(shot, shape, pose, neutral, motion, gains, _IRIS_NOISE[1])


def _driven(
    shot: Shot,
    shape: Floats,
    pose: Similarity,
    neutral: Floats,
    motion: Motion,
    gains: RetargetConfig,
    noise: float,
) -> Driven:
    _meet_lips(shape, neutral)
    opening = 1 + (motion.lids - 1) * min(gains.expression_gain, 1.0)
    _set_lids(shape, neutral, opening, wide=shot.texture is shot.pixels)
    _turn_eyes(shape, neutral, motion.gaze * gains.gaze_gain)
    points = pose.apply(shape).astype(np.float32)
    own = iris_place(shot.texture_points)
    wanted = iris_place(points)
    irises = _worth_moving(own, wanted, noise)
    for (iris, a, b), back in zip(_EYES, irises - wanted, strict=True):
        line = points[b, :2] - points[a, :2]
        points[iris, :2] += back[0] * line + back[1] * np.array([-line[1], line[0]])
    rest = np.maximum(eye_opening(neutral), 0.05)
    return Driven(
        points,
        shape,
        irises,
        np.linalg.norm(irises - own, axis=1).astype(np.float32),
        np.abs(eye_opening(shape) - eye_opening(shot.texture_points)) / rest,
    )


def _turn_eyes(shape: Floats, neutral: Floats, gaze: Floats) -> None:
    """Moves the irises by gaze (2, 2) from where they rest between their eye's corners.

    This is done in the head's axes: an iris is nearer to the viewer than the corners are, so a turned head shows it
    elsewhere between them.
    """
    rest = iris_place(neutral)
    reach = np.array(_GAZE_REACH)
    moved = np.clip(rest + gaze, np.minimum(-reach, rest), np.maximum(reach, rest)) - rest
    for (iris, a, b), (along, across) in zip(_EYES, moved, strict=True):
        line = neutral[b] - neutral[a]
        offset = along * line + across * np.array([-line[1], line[0], 0], np.float32)
        shape[iris] = neutral[iris] + (shape[[a, b]].mean(0) - neutral[[a, b]].mean(0)) + offset


def _worth_moving(own: Floats, wanted: Floats, noise: float) -> Floats:
    """Between the irises' own places (2, 2) and those that are wanted: what is no further than tracking errs stays."""
    change = wanted - own
    size = (change**2).sum(1, keepdims=True)
    moved: Floats = (own + change * (size / (size + noise**2))).astype(np.float32)
    return moved


def _set_lids(shape: Floats, neutral: Floats, opening: Floats, *, wide: bool) -> None:
    """Sets the upper lids at the driver's opening (2,) above the lower ones: shut eyes shut fully.

    wide: open eyes are set too, for a shot whose own may be shut.
    """
    for eye, pairs in enumerate(LIDS):
        if wide or opening[eye] < 1:
            for upper, lower in pairs:
                shape[upper] = shape[lower] + (neutral[upper] - neutral[lower]) * min(opening[eye], _WIDEST)


def _close_lips(shape: Floats, neutral: Floats, gap: float) -> None:
    """Brings lips together that what was taken off the frame's own expression left open, where the driver's are shut.

    gap  IOD: of the neutral's lips under the wanted expression
    """
    now = mouth_gap(shape)
    shut = 1 - np.clip((gap - mouth_gap(neutral)) / _SHUT_LIPS, 0, 1)
    if now <= gap or shut == 0:
        return
    share = np.float32(shut * (1 - gap / now))
    for i in range(1, len(INNER_LIPS) // 2):
        upper, lower = INNER_LIPS[i], INNER_LIPS[len(INNER_LIPS) - i]
        closer = share * (shape[upper] - shape[lower]) / 2
        shape[upper] -= closer
        shape[lower] += closer
        shape[OUTER_LIPS[i]] -= _FOLLOWS * closer
        shape[OUTER_LIPS[len(OUTER_LIPS) - i]] += _FOLLOWS * closer


def _meet_lips(shape: Floats, neutral: Floats) -> None:
    """Brings inner lips that nearly touch together: a mouth that never closes does not look like speech."""
    count = len(INNER_LIPS)
    gap = float(np.linalg.norm(shape[13, :2] - shape[14, :2]))
    rest = float(np.linalg.norm(neutral[13, :2] - neutral[14, :2]))
    if rest > _CONTACT[1] or gap < rest or gap > _CONTACT[1]:
        return  # a target that rests with open lips keeps them so
    touch = np.float32(np.clip((_CONTACT[1] - gap) / (_CONTACT[1] - _CONTACT[0]), 0, 1))
    for i in range(1, count // 2):
        upper, lower = INNER_LIPS[i], INNER_LIPS[count - i]
        middle, half = (shape[upper] + shape[lower]) / 2, (shape[upper] - shape[lower]) / 2
        half += touch * ((neutral[upper] - neutral[lower]) / 2 - half)
        shape[upper], shape[lower] = middle + half, middle - half
