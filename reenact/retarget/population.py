"""What a driver's motion would look like on the average person: person-to-person transfer learnt from many.

Two people who do the same thing do not give the same landmarks: each face carries its own tracking error,
and the pose found from a talking face is pulled about by the talking.  A ridge regression, fitted on
480 rendered people who share 600 expressions and poses (reenact.training.population), takes one
person's relative motion to the mean of the others'.  On people and expressions left out it lowers the
landmark error from 1.07 to 0.66 % of the IOD, and that of the pose from 1.1, 0.9 and 0.5 degrees of pitch, yaw and
roll to 0.90, 0.75 and 0.39.
"""

from dataclasses import replace
from functools import lru_cache
from importlib import resources

import numpy as np

from reenact.geometry import Array, rotation_matrix, rotation_vector
from reenact.tracking.topology import INNER_LIPS
from reenact.types import POINTS, Floats, Motion

ROTATION_UNIT = 3.0  # radians are multiplied with this among the features
_LIMIT = 0.6  # radians: the correction does not grow beyond the poses that were learnt


@lru_cache(maxsize=1)
def _weights() -> tuple[Floats, Floats, Floats]:
    """basis (k, 1434), map (k + 3, 1434 + 6) to expression and pose correction, pose part (9, 1434); float32."""
    with resources.as_file(resources.files("reenact.retarget") / "population.npz") as path:
        data = np.load(path, allow_pickle=False)
        return tuple(data[name].astype(np.float32) for name in ("basis", "map", "pose"))  # type: ignore[return-value]


def as_average_person(motion: Motion) -> Motion:
    """The motion as the average person would show it, facing the camera.

    Expression and pose are corrected; what the pose alone does to the expression (`pose_part`) is taken out.
    """
    basis, weights, _ = _weights()
    turn = rotation_vector(motion.rotation)
    angle = float(np.linalg.norm(turn))
    known = turn * min(1.0, _LIMIT / max(angle, 1e-9))
    features = np.concatenate([basis @ motion.expression.reshape(-1), known * ROTATION_UNIT]).astype(np.float32)
    result = features @ weights
    correction = result[POINTS * 3 :].astype(np.float64)
    expression = result[: POINTS * 3].reshape(POINTS, 3) - pose_part(motion.rotation)
    return replace(
        motion,
        expression=expression,
        rotation=rotation_matrix(turn + correction[:3]).astype(np.float32),
        shift=motion.shift + correction[3:5].astype(np.float32),
        scale=motion.scale * float(np.exp(correction[5])),
    )


def pose_part(rotation: Array) -> Floats:
    """What a turned head does to the tracked expression of a face at rest: (478, 3) float32, head axes, IOD units.

    rotation (3, 3) is the head's turn from its neutral pose.  Depth is the weakest part of tracked landmarks, so
    a turned face comes out bent; the bend is much the same in everybody.
    """
    turn = rotation_vector(rotation)
    turn = turn * min(1.0, _LIMIT / max(float(np.linalg.norm(turn)), 1e-9))
    x, y, z = turn
    terms = np.array([x, y, z, x * x, y * y, z * z, x * y, x * z, y * z], np.float32)
    part: Floats = (terms @ _weights()[2]).reshape(POINTS, 3)
    half = len(INNER_LIPS) // 2
    upper, lower = INNER_LIPS[1:half], INNER_LIPS[:half:-1]
    part[upper] = part[lower] = (part[upper] + part[lower]) / 2  # a turn opens no mouth
    return part
