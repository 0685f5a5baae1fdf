"""From the driver's motion to the target's landmarks."""

from dataclasses import dataclass

import numpy as np

from reenact.config import RetargetConfig
from reenact.geometry import eye_distance, rotation_matrix, rotation_vector
from reenact.retarget.neutral import head_pose
from reenact.tracking.topology import RIGID
from reenact.types import Floats, Motion, Shot


def move_head(points: Floats, motion: Motion, gain: float = 1.0) -> Floats:
    """Where the points (478, 3) of a resting face go when only its head moves: (478, 3) float32.

    The driver's rotation, measured in the driver's head axes, is applied in the target's; shift and
    size are taken relative to the eyes' distance.
    """
    axes = head_pose(points).rotation
    turn = rotation_matrix(rotation_vector(motion.rotation) * gain)
    iod, centre = eye_distance(points), points[RIGID].mean(0).astype(np.float64)
    moved = motion.scale**gain * ((points - centre) @ (axes @ turn @ axes.T).T) + centre
    moved[:, :2] += motion.shift * iod * gain
    result: Floats = moved.astype(np.float32)
    return result


@dataclass(frozen=True, slots=True, eq=False)
class Driven:
    """What the target's face shall be.

    points  (478, 3) float32, pixels of the output picture
    own     (478, 3) float32: where those points are in the shot before the expression is changed
    """

    points: Floats
    own: Floats


def drive(shot: Shot, neutral: Floats, motion: Motion, gains: RetargetConfig) -> Driven:
    """The target's landmarks in shot under the driver's expression.

    neutral (478, 3) is the target's neutral shape in head axes.  The head's pose is the shot's own: a
    photo's has been moved already.
    """
    pose = head_pose(shot.points, neutral)
    wanted = pose.apply(neutral + gains.expression_gain * motion.expression)
    return Driven(wanted.astype(np.float32), shot.points)
