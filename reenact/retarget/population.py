"""What a driver's motion would look like on the average person: person-to-person transfer learnt from many.

Two people who do the same thing do not give the same landmarks: each face carries its own tracking error,
and the pose found from a talking face is pulled about by the talking.  A ridge regression, fitted on
rendered people whose expressions and poses are known (reenact.training.population), takes one person's
relative motion, and what reenact.retarget.skin measured in the picture, to weights of the head model's
expressions and to a correction of the pose.
"""

from dataclasses import replace
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from reenact.geometry import Array, rotation_matrix, rotation_vector
from reenact.tracking.topology import INNER_LIPS
from reenact.types import POINTS, Floats, Motion

if TYPE_CHECKING:
    from reenact.retarget.skin import Measured

ROTATION_UNIT = 3.0  # radians are multiplied with this among the features
WEIGHT_UNIT = 0.3  # and expression weights with this
_LIMIT = 0.6  # radians: the correction does not grow beyond the poses that were learnt
_BENT = (0.35, 0.6)  # radians of turn from which the bend fades, and is left out: it would fold the sides of a face
_POSE = 6  # turn, shift and logarithm of the scale


class Population(NamedTuple):
    """basis (b, 1434): landmark displacements that are told apart; modes (k, 478, 3): the head model's expressions on
    the landmarks, head axes, IOD; from_mesh (b + 3, k + 6), from_skin (b + 6 + k, k + 6): features to expression
    weights and pose correction; bend (9, 1434): see `pose_part`; points (n,): landmarks measured in the picture
    """

    basis: Floats
    modes: Floats
    from_mesh: Floats
    from_skin: Floats
    bend: Floats
    points: npt.NDArray[np.int64]


@lru_cache(maxsize=1)
def population() -> Population:
    with resources.as_file(resources.files("reenact.retarget") / "population.npz") as path:
        data = np.load(path, allow_pickle=False)
        basis, modes, mesh, skin, bend = (
            data[name].astype(np.float32) for name in ("basis", "modes", "from_mesh", "from_skin", "bend")
        )
        return Population(basis, modes.reshape(-1, POINTS, 3), mesh, skin, bend, data["points"].astype(np.int64))


def expression_of(weights: Floats) -> Floats:
    """(478, 3) float32: the displacements of expression weights (k,)."""
    learnt = population().modes
    moved: Floats = (weights @ learnt.reshape(len(learnt), -1)).reshape(POINTS, 3).astype(np.float32)
    return moved


def features(expression: Array, turn: Array, measured: "Measured | None", learnt: Population | None = None) -> Floats:
    """What is regressed on: (b + 3,), or with a measurement (b + 6 + k,); learnt is the shipped one unless given."""
    known = turn * min(1.0, _LIMIT / max(float(np.linalg.norm(turn)), 1e-9))
    parts = [(learnt or population()).basis @ expression.reshape(-1), known * ROTATION_UNIT]
    if measured is not None:
        parts += [measured.weights * WEIGHT_UNIT, measured.turn * ROTATION_UNIT]
    joined: Floats = np.concatenate(parts).astype(np.float32)
    return joined


def understood(expression: Array, turn: Array, measured: "Measured | None") -> tuple[Floats, Array]:
    """Expression weights (k,) and the correction (6,) of turn, shift and logarithm of the scale.

    expression (478, 3) as the landmarks have it, turn (3,) of the head, radians;  measured  as below
    """
    learnt = population()
    found = features(expression, turn, None) @ learnt.from_mesh
    if measured is not None and measured.trust > 0:
        seen = features(expression, turn, measured) @ learnt.from_skin
        found = found + np.float32(measured.trust) * (seen - found)
    return found[:-_POSE], found[-_POSE:].astype(np.float64)


def as_average_person(motion: Motion, measured: "Measured | None" = None) -> Motion:
    """The motion as the average person would show it, facing the camera: expression and pose corrected.

    measured  what the picture told beside the landmarks (reenact.retarget.skin)
    """
    turn = rotation_vector(motion.rotation)
    weights, correction = understood(motion.expression, turn, measured)
    return replace(
        motion,
        expression=expression_of(weights),
        rotation=rotation_matrix(turn + correction[:3]).astype(np.float32),
        shift=motion.shift + correction[3:5].astype(np.float32),
        scale=motion.scale * float(np.exp(correction[5])),
    )


def pose_part(rotation: Array) -> Floats:
    """What a turned head shows of a face at rest beside the turn: (478, 3) float32, head axes, IOD units.

    rotation (3, 3) is the head's turn from its neutral pose.  Depth is the weakest part of tracked landmarks, so
    a face turned by them comes out bent; this unbends it, and is much the same in everybody.
    """
    turn = rotation_vector(rotation)
    angle = float(np.linalg.norm(turn))
    x, y, z = turn * min(1.0, max(0.0, (_BENT[1] - angle) / (_BENT[1] - _BENT[0])))
    terms = np.array([x, y, z, x * x, y * y, z * z, x * y, x * z, y * z], np.float32)
    part: Floats = (terms @ population().bend).reshape(POINTS, 3)
    half = len(INNER_LIPS) // 2
    upper, lower = INNER_LIPS[1:half], INNER_LIPS[:half:-1]
    part[upper] = part[lower] = (part[upper] + part[lower]) / 2  # a turn opens no mouth
    return part
