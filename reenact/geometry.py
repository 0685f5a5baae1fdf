"""Fits and frames of reference: pure functions on points.  x right, y down, z away from the camera."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Similarity(NamedTuple):
    """x -> scale * rotation @ x + shift."""

    scale: float
    rotation: npt.NDArray[np.float64]  # (3, 3)
    shift: npt.NDArray[np.float64]  # (3,)

    def apply(self, points: Array) -> npt.NDArray[np.float64]:
        """points (n, 3) -> (n, 3)"""
        moved: npt.NDArray[np.float64] = self.scale * (points @ self.rotation.T) + self.shift
        return moved

    def undo(self, points: Array) -> npt.NDArray[np.float64]:
        """The inverse of `apply`; points (n, 3) -> (n, 3)"""
        moved: npt.NDArray[np.float64] = (points - self.shift) @ self.rotation / self.scale
        return moved


def fit_similarity(source: Array, destination: Array) -> Similarity:
    """The similarity that takes source (n, 3) to destination (n, 3) with the least squared error (Umeyama 1991)."""
    if source.shape != destination.shape or source.ndim != 2 or source.shape[1] != 3 or len(source) < 3:
        raise ValueError(
            f"source is {source.shape}, destination {destination.shape}: expected the same shape (n, 3), n >= 3"
        )
    a = source.astype(np.float64)
    b = destination.astype(np.float64)
    mean_a, mean_b = a.mean(0), b.mean(0)
    a, b = a - mean_a, b - mean_b
    u, d, vt = np.linalg.svd(b.T @ a)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * sign) @ vt
    scale = float((d * sign).sum() / max((a * a).sum(), 1e-12))
    return Similarity(scale, rotation, mean_b - scale * rotation @ mean_a)


def eye_distance(points: Array) -> float:
    """IOD: the distance in the picture between the outer eye corners of points (478, 2 or 3)."""
    return float(np.hypot(*(points[263, :2] - points[33, :2])))


def rotation_vector(rotation: Array) -> npt.NDArray[np.float64]:
    """Axis times angle, radians (3,), of a rotation (3, 3) of less than half a turn."""
    axis = np.array(
        [rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0], rotation[1, 0] - rotation[0, 1]], np.float64
    )
    sine, cosine = np.linalg.norm(axis) / 2, (np.trace(rotation) - 1) / 2
    angle = np.arctan2(sine, cosine)
    return axis * (angle / (2 * sine)) if sine > 1e-9 else axis / 2


def rotation_matrix(vector: Array) -> npt.NDArray[np.float64]:
    """The rotation (3, 3) about an axis times angle, radians (3,) (Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = np.asarray(vector, np.float64) / angle
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    matrix: npt.NDArray[np.float64] = np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)
    return matrix
