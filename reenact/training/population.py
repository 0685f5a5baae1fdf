"""Fits reenact/retarget/population.npz: person-to-person transfer of expression and pose.

    python -m reenact.training.population TRACKS.npz reenact/retarget/population.npz

TRACKS.npz holds tracked landmarks of groups of rendered people who all do the same:
    N   (groups, people, 478, 3)          each person's neutral face, looking ahead
    S   (groups, people, shots, 478, 3)   the same shots, expression and pose, of every person of a group
    ex  (groups, shots, c)                the expression coefficients that were rendered
One fifth of the groups is left out of a first fit, to print how far it carries; the file gets a fit on all.
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from reenact.geometry import eye_distance, fit_similarity, rotation_vector
from reenact.retarget.neutral import head_pose
from reenact.retarget.population import ROTATION_UNIT
from reenact.tracking.topology import RIGID
from reenact.types import POINTS

MODES = 60  # expressions kept: 99.9 % of the variance
_RIDGE, _POSE_RIDGE, _COEFFICIENT_RIDGE = 0.3, 1e-2, 1.0

Array = npt.NDArray[np.float64]


def relative(neutral: Array, shot: Array) -> tuple[Array, Array]:
    """What reenact.retarget.Retarget reads from a shot: expression (1434,), and turn, shift, log scale (6,)."""
    axes, iod, centre = head_pose(neutral).rotation, eye_distance(neutral), neutral[RIGID].mean(0)
    pose = fit_similarity(neutral[RIGID], shot[RIGID])
    expression = (pose.undo(shot) - neutral) @ axes / iod
    shift = (pose.apply(centre[None])[0] - centre)[:2] / iod
    turn = rotation_vector(axes.T @ pose.rotation @ axes)
    return expression.reshape(-1), np.concatenate([turn, shift, [np.log(pose.scale)]])


def read(path: Path) -> tuple[Array, Array, Array]:
    """Expressions (G, P, K, 1434), poses (G, P, K, 6) and coefficients (G, K, c) of a tracks file."""
    with np.load(path, allow_pickle=False) as data:
        neutral, shots, coefficients = data["N"], data["S"], data["ex"].astype(np.float64)
    groups, people, count = shots.shape[:3]
    expressions = np.zeros((groups, people, count, POINTS * 3))
    poses = np.zeros((groups, people, count, 6))
    for g, p, k in np.ndindex(groups, people, count):
        expressions[g, p, k], poses[g, p, k] = relative(
            neutral[g, p].astype(np.float64), shots[g, p, k].astype(np.float64)
        )
    return expressions, poses, coefficients


def of_the_others(values: Array) -> Array:
    """For each person of a group the mean of the others, (G, P, K, n) -> the same."""
    people = values.shape[1]
    mean: Array = (values.sum(1, keepdims=True) - values) / (people - 1)
    return mean


def fit(expressions: Array, poses: Array) -> tuple[Array, Array]:
    """basis (MODES, 1434) and map (MODES + 3, 1434 + 6), ridge regression on the others' mean."""
    flat = expressions.reshape(-1, POINTS * 3)
    basis: Array = np.linalg.svd(flat, full_matrices=False)[2][:MODES]
    features = np.concatenate([flat @ basis.T, poses.reshape(-1, 6)[:, :3] * ROTATION_UNIT], axis=1)
    wanted = np.concatenate(
        [of_the_others(expressions).reshape(len(flat), -1), (of_the_others(poses) - poses).reshape(-1, 6)], axis=1
    )
    gram = features.T @ features + _RIDGE * np.eye(features.shape[1])
    return basis, np.linalg.solve(gram, features.T @ wanted)


def fit_pose_part(expressions: Array, poses: Array, coefficients: Array) -> Array:
    """(9, 1434): what the turn alone, linear and quadratic, adds to an expression, the coefficients held fixed."""
    people = expressions.shape[1]
    x, y, z = poses.reshape(-1, 6)[:, :3].T
    turn = np.stack([x, y, z, x * x, y * y, z * z, x * y, x * z, y * z], axis=1)
    known = np.repeat(coefficients[:, None], people, axis=1).reshape(len(turn), -1)
    features = np.concatenate([turn, known, known**2], axis=1)
    ridge = np.full(features.shape[1], _COEFFICIENT_RIDGE)
    ridge[: turn.shape[1]] = _POSE_RIDGE
    weights = np.linalg.solve(
        features.T @ features + np.diag(ridge), features.T @ expressions.reshape(len(turn), POINTS * 3)
    )
    part: Array = weights[: turn.shape[1]]
    return part


def error(predicted: Array, expressions: Array) -> float:
    """Mean distance in the picture of the face's points from the others' mean, percent of the IOD."""
    difference = (predicted - of_the_others(expressions)).reshape(-1, POINTS, 3)[:, :468, :2]
    return float(100 * np.linalg.norm(difference, axis=-1).mean())


def predict(basis: Array, weights: Array, expressions: Array, poses: Array) -> Array:
    features = np.concatenate([expressions @ basis.T, poses[..., :3] * ROTATION_UNIT], axis=-1)
    predicted: Array = (features @ weights)[..., : POINTS * 3]
    return predicted


def main(tracks: Path, output: Path) -> None:
    expressions, poses, coefficients = read(tracks)
    held = max(1, len(expressions) // 5)
    trial = fit(expressions[held:], poses[held:])
    left, turned = expressions[:held], poses[:held]
    print(
        f"left-out people: {error(left, left):.3f} % copied, {error(predict(*trial, left, turned), left):.3f} % fitted"
    )
    basis, weights = fit(expressions, poses)
    part = fit_pose_part(expressions, poses, coefficients)
    arrays = {"basis": basis, "map": weights, "pose": part}
    np.savez_compressed(output, **{name: array.astype(np.float16) for name, array in arrays.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
