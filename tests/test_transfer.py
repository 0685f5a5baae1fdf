"""From the driver's motion to the target's landmarks."""

from dataclasses import replace

import numpy as np
import pytest
from people import motion, rotation
from tracked import POSES, average_face, calibrated, driver, moved, opened, photo_shot, track, with_lids

from reenact.config import RetargetConfig
from reenact.geometry import eye_distance
from reenact.retarget import (
    drive,
    drive_over,
    move_head,
    neutral_shape,
    transfer,
)
from reenact.retarget.neutral import eye_opening, head_pose, iris_place, mouth_gap
from reenact.retarget.population import pose_part
from reenact.retarget.transfer import LIDS
from reenact.tracking.topology import LEFT_EYE, LEFT_IRIS, RIGHT_EYE, RIGHT_IRIS, RIGID
from reenact.types import POINTS, Motion, Shot

# Transfer


def busy() -> Motion:
    """A motion in which everything moves."""
    rest = average_face()
    face = with_lids(opened(rest, 0.2), 0.6)
    face[RIGHT_IRIS] += np.float32([5, 0, 0])
    made = calibrated(track(rest)).retarget(track(moved(face, np.array([0.1, 0.2, 0.1]), (0.1, 0.1), 1.1), 7))
    assert made is not None
    return made


def test_gains_of_nothing_leave_the_target_at_rest() -> None:
    shot, neutral = photo_shot()
    none = RetargetConfig(expression_gain=0, head_gain=0, gaze_gain=0)
    driven = drive(shot, neutral, busy(), none)
    assert np.allclose(driven.points, shot.points, atol=0.01)
    assert np.abs(driven.gaze).max() < 1e-4
    assert np.abs(driven.lids).max() < 1e-3
    assert np.allclose(move_head(shot.points, busy(), 0.0), shot.points, atol=1e-3)
    full = drive(shot, neutral, busy(), RetargetConfig())
    assert np.abs(full.points - shot.points).max() > 3  # pixels: the same motion does move it


def test_the_expressions_gain_scales_it() -> None:
    shot, neutral = photo_shot()
    made = replace(busy(), rotation=np.eye(3, dtype=np.float32), lids=np.ones(2, np.float32))
    chin = [
        drive(shot, neutral, made, RetargetConfig(expression_gain=g)).shape[17, 1] - neutral[17, 1] for g in (0, 1, 2)
    ]
    assert chin[0] == pytest.approx(0, abs=1e-6)
    assert chin[1] > 0.01
    assert chin[2] == pytest.approx(2 * chin[1], rel=1e-3)


def test_the_irises_follow_the_gaze_within_reach() -> None:
    shot, neutral = photo_shot()
    for gaze, gain, expected in ((0.1, 1.0, 0.1), (0.1, 2.0, 0.2), (-0.1, 1.0, -0.1)):
        looking = replace(motion(), gaze=np.float32([[gaze, 0], [gaze, 0]]))
        driven = drive(shot, neutral, looking, RetargetConfig(gaze_gain=gain))
        assert (driven.irises - iris_place(neutral))[:, 0] == pytest.approx([expected] * 2, rel=0.03)
        assert driven.gaze == pytest.approx([abs(expected)] * 2, rel=0.03)
        assert iris_place(driven.points) == pytest.approx(driven.irises, abs=1e-4)
    far = drive(shot, neutral, replace(motion(), gaze=np.full((2, 2), 3, np.float32)), RetargetConfig())
    assert np.abs(far.irises).max() < 0.5  # the iris stays in its eye


def test_a_turned_head_shows_its_irises_nearer_to_the_side_it_turns_to() -> None:
    """They lie before the plane of the corners, so there they are in a picture of that pose, at the same gaze."""
    ahead = average_face(100, (200, 200))
    for turn in ([0, 0.3, 0], [0, -0.3, 0], [0.25, 0, 0]):
        turned = moved(ahead, np.array(turn), (0, 0), 1.0)
        shot, neutral = photo_shot(ahead)
        shot = Shot(shot.pixels, turned, shot.texture, ahead, 0)
        driven = drive(shot, neutral, replace(motion(), gaze=np.zeros((2, 2), np.float32)), RetargetConfig())
        there = iris_place(turned) - iris_place(ahead)
        assert np.linalg.norm(there, axis=1).min() > 0.02
        assert driven.irises - iris_place(ahead) == pytest.approx(there, abs=0.012)


def test_a_videos_irises_stay_where_they_are_unless_the_gaze_differs_by_more_than_noise() -> None:
    shot, neutral = photo_shot()
    own = replace(motion(), gaze=np.zeros((2, 2), np.float32))
    for gaze, least, most in ((0.01, 0.0, 0.1), (0.15, 0.9, 1.0)):
        aside = replace(own, gaze=np.float32([[gaze, 0], [gaze, 0]]))
        driven = drive_over(shot, neutral, own.expression, aside, RetargetConfig())
        assert least <= driven.gaze.min() / gaze <= driven.gaze.max() / gaze <= most


def test_shut_lids_shut_exactly_and_open_ones_stay() -> None:
    shot, neutral = photo_shot()
    shut = drive(shot, neutral, replace(motion(), lids=np.zeros(2, np.float32)), RetargetConfig())
    for pairs in LIDS:
        for upper, lower in pairs:
            assert np.array_equal(shut.points[upper], shut.points[lower])
    assert np.array_equal(eye_opening(shut.points), [0, 0])
    assert shut.lids == pytest.approx([1, 1], abs=0.01)
    wink = drive(shot, neutral, replace(motion(), lids=np.float32([0, 1])), RetargetConfig())
    assert eye_opening(wink.points)[0] == 0
    assert eye_opening(wink.points)[1] == pytest.approx(eye_opening(shot.points)[1], abs=1e-3)
    assert np.allclose(shut.points[[33, 133, 362, 263]], shot.points[[33, 133, 362, 263]], atol=0.01)
    lids_only = np.concatenate([RIGHT_EYE, LEFT_EYE])
    others = np.setdiff1d(np.arange(POINTS), lids_only)
    assert np.allclose(shut.points[others], shot.points[others], atol=0.01)


def expression_of_gap(neutral: np.ndarray, gap: float) -> Motion:
    apart = opened(neutral, gap) - neutral
    return replace(motion(), expression=apart.astype(np.float32))


def test_lips_that_nearly_touch_meet() -> None:
    touching, apart = transfer._CONTACT
    rest = touching / 3
    shot, neutral = photo_shot(opened(average_face(100, (200, 200)), rest))
    gaps = np.array([rest, 0.95 * touching, (touching + apart) / 2, 1.05 * apart, 3 * apart, 0.2])
    got = np.array(
        [mouth_gap(drive(shot, neutral, expression_of_gap(neutral, g), RetargetConfig()).shape) for g in gaps]
    )
    assert got[:2] == pytest.approx([rest] * 2, rel=0.05)
    assert rest < got[2] < 0.9 * gaps[2]
    assert got[3:] == pytest.approx(gaps[3:], rel=0.05)
    wide = np.linspace(rest, 0.05, 200)
    path = [mouth_gap(drive(shot, neutral, expression_of_gap(neutral, g), RetargetConfig()).shape) for g in wide]
    assert (np.diff(path) > -1e-6).all()  # no jump back on the way, and none forward
    assert np.diff(path).max() < 8 * (wide[1] - wide[0])


def test_lips_that_rest_apart_stay_apart() -> None:
    shot, neutral = photo_shot(opened(average_face(100, (200, 200)), 0.08))
    assert mouth_gap(drive(shot, neutral, motion(), RetargetConfig()).shape) == pytest.approx(0.08, abs=2e-3)


@pytest.mark.parametrize(("turn", "shift", "scale"), POSES)
def test_a_head_is_moved_as_the_driver_moved(turn, shift, scale) -> None:
    """move_head undoes Retarget: a target with the driver's own face lands on the driver's points.

    But for the bend: the mesh's depth is wrong, and a target's is unbent before it is turned.
    """
    rest = average_face()
    degrees = np.rad2deg(turn)
    made = replace(
        motion(), rotation=rotation(degrees[1], degrees[0], degrees[2]), shift=np.float32(shift), scale=scale
    )
    unbent = rest + (eye_distance(rest) * pose_part(made.rotation) @ head_pose(rest).rotation.T).astype(np.float32)
    centre = rest[RIGID].mean(0)
    truth = scale * ((unbent - centre) @ rotation(degrees[1], degrees[0], degrees[2]).T) + centre
    truth[:, :2] += np.array(shift) * eye_distance(rest)
    assert np.allclose(move_head(rest, made), truth, atol=0.05)
    if any(turn[:2]):
        assert 0.2 < np.linalg.norm((unbent - rest)[:468], axis=1).mean() < 3.0
    small = move_head(rest * np.float32(0.5), made)  # in units of the target's own eyes
    assert np.allclose(small, truth * 0.5, atol=0.05)


def test_a_head_half_moved_is_half_way() -> None:
    rest = average_face()
    half = move_head(rest, motion((40, 0, 0), (0.4, 0), 1.44), 0.5)
    assert np.allclose(half, move_head(rest, motion((20, 0, 0), (0.2, 0), 1.2)), atol=0.05)


def test_a_videos_own_expression_driven_by_itself_stays_where_it_is() -> None:
    _, tracks = driver()
    points = max(tracks, key=lambda t: mouth_gap(t.points)).points
    picture = np.zeros((480, 640, 3), np.uint8)
    shot, neutral = Shot(picture, points, picture, points, 0), neutral_shape(np.array([t.points for t in tracks]))
    own = calibrated(track(neutral * np.float32(100))).retarget(track(points))
    assert own is not None
    driven = drive_over(shot, neutral, own.expression, own, RetargetConfig())
    lids = np.concatenate([RIGHT_EYE, LEFT_EYE])
    irises = np.concatenate([RIGHT_IRIS, LEFT_IRIS])
    others = np.setdiff1d(np.arange(POINTS), np.concatenate([lids, irises]))
    assert np.abs(driven.points - points)[others].max() < 0.002 * eye_distance(points)
    assert np.abs(driven.points - points)[irises, :2].max() < 0.006 * eye_distance(points)
    assert np.abs(driven.points - points)[lids].max() < 0.03 * eye_distance(points)
    still = replace(own, expression=np.zeros((POINTS, 3), np.float32))
    closed = drive_over(shot, neutral, own.expression, still, RetargetConfig())
    assert mouth_gap(points) > 0.15
    assert mouth_gap(closed.points) < 0.25 * mouth_gap(points)
