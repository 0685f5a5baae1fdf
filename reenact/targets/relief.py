"""How deep a head is at every place of its picture: the face's landmarks, and what can be known of the rest.

Beyond the face's oval the depth grows towards that of the head's widest part, a little behind the ears.
Several reliefs are made, from steep to shallow: the sides of a face are so steep that turning them would
fold the picture, so that a turned head is given a shallower one.
"""

from typing import Any

import cv2
import numpy as np

OVAL = [10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
        152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109]  # fmt: skip
_SLOPES = (2.0, 2.8, 4.0, 6.0, 10.0)  # depth over breadth that a relief has at most
_BEHIND = 0.2  # IOD: the head's widest part, its outline, is behind the ears' roots
_REAR = 0.7  # IOD beyond the face's edge at which the head is as deep as that
_RINGS = (0.3, 0.7, 1.3)  # where points outside the face stand for the head, IOD beyond the face's edge
_STIFF = 1e-4  # smoothing of the spline: landmarks that nearly coincide need not be told apart


def head_middle(face: Any) -> Any:
    """The middle of the head in space, (3,), from its landmarks (468, 3): between the ears' roots."""
    return (face[234] + face[454]) / 2


class Relief:
    """Depths of the head with the landmarks `face` (468, 3) at `places` (P, 2), float64 pixels.

    depths           (P, reliefs); landmark_depths (468, reliefs)
    spread           (P, 468): what the landmarks moved besides the solid head's motion, spread about them
    shallowest       the steepness of the shallowest relief
    """

    shallowest = _SLOPES[0]

    def __init__(self, face: Any, places: Any, iod: float) -> None:
        rear = float(head_middle(face)[2]) + _BEHIND * iod
        self.landmark_depths = np.stack([_shallow(face, slope) for slope in _SLOPES], 1)
        oval = face[OVAL, :2]
        outward = oval - face[:, :2].mean(0)
        outward /= np.linalg.norm(outward, axis=1, keepdims=True)
        rings = np.concatenate([oval + outward * r * iod for r in _RINGS])
        edge = self.landmark_depths[OVAL]
        behind = np.concatenate([edge + (rear - edge) * np.sin(np.pi / 2 * min(1, r / _REAR)) for r in _RINGS])
        spline = _spline(np.concatenate([face[:, :2], rings]) / iod, places / iod)
        # Beyond the last ring the spline would run on; the head is as deep there as its outline.
        contour = oval.astype(np.float32)[:, None]
        beyond = np.array([-cv2.pointPolygonTest(contour, (float(x), float(y)), True) for x, y in places]) / iod
        near = np.clip((_RINGS[-1] - beyond) / 0.4, 0, 1)[:, None]
        near = near * near * (3 - 2 * near)
        self.depths = rear + near * (spline @ np.concatenate([self.landmark_depths, behind]) - rear)
        self.spread = near * spline[:, :468]

    def mix(self, slope: float) -> Any:
        """Weights (reliefs,) of the reliefs, so that their mean is no steeper than `slope` where it can be."""
        at = float(np.interp(slope, _SLOPES, range(len(_SLOPES))))
        return np.maximum(0, 1 - np.abs(np.arange(len(_SLOPES)) - at))


def _shallow(face: Any, slope: float) -> Any:
    """The landmarks' depths (468,) with no part of the face steeper than `slope`; the front keeps its depth."""
    apart = np.hypot(*(face[:, None, :2] - face[None, :, :2]).transpose(2, 0, 1))
    return (face[None, :, 2] + slope * apart).min(1)


def _spline(control: Any, places: Any) -> Any:
    """(P, N): values at places (P, 2) from values at control points (N, 2), by a thin-plate spline (Bookstein 1989)."""
    n = len(control)

    def kernel(a: Any, b: Any) -> Any:
        square = ((a[:, None] - b[None]) ** 2).sum(-1)
        return square * np.log(square + 1e-12)

    system = np.zeros((n + 3, n + 3))
    system[:n, :n] = kernel(control, control) + _STIFF * np.eye(n)
    system[:n, n:] = np.c_[np.ones(n), control]
    system[n:, :n] = system[:n, n:].T
    basis = np.c_[kernel(places, control), np.ones(len(places)), places]
    return np.linalg.solve(system, basis.T)[:n].T  # the system is symmetric
