"""The neutral face: a shape in the head's own axes, and the pose it has in a picture."""

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from reenact.geometry import Array, Similarity, eye_distance, fit_similarity
from reenact.tracking.topology import BROWS, INNER_LIPS, LEFT_EYE, OUTER_LIPS, RIGHT_EYE, RIGID, face_model
from reenact.types import Floats

_CLOSED_GAP = 0.015  # IOD above the most closed frames: still a closed mouth
_NEUTRAL_SHARE = 0.1  # of the frames make the neutral
_TELLING = np.concatenate([BROWS, INNER_LIPS, OUTER_LIPS, RIGHT_EYE, LEFT_EYE, np.array([50, 280, 205, 425, 152])])
_MOST = 600  # frames compared with each other
# of each eye: three pairs of lid points and its two corners
_OPENING = np.array(
    [[(159, 145), (158, 153), (160, 144), (33, 133)], [(386, 374), (385, 380), (387, 373), (362, 263)]], np.int64
)


def head_pose(points: Array, shape: Array | None = None) -> Similarity:
    """The similarity from head axes to the picture of points (478, 3).

    shape (478, 3) is the person's own neutral in head axes; the mean face stands in where it is not known.
    """
    reference = face_model().mean if shape is None else shape
    return fit_similarity(reference[RIGID], points[RIGID])


class Relative(NamedTuple):
    """What a face does against the same face at rest.

    turn        (3, 3): the head's rotation from the resting pose, in the resting head's axes
    shift       (2,): how far the head moved in the picture, in units of the resting IOD;  scale: how much it grew
    expression  (478, 3): displacement, head motion taken off, in the resting head's axes, IOD
    unturned    (478, 3): the points, head motion taken off, pixels of the resting picture
    """

    turn: Array
    shift: Array
    scale: float
    expression: Array
    unturned: Array


class Resting:
    """A face at rest, points (478, 3), that others of the same person are compared with."""

    def __init__(self, points: Array) -> None:
        self.points = points.astype(np.float64)
        self._iod = max(eye_distance(self.points), 1.0)
        self._axes = head_pose(self.points).rotation
        self._centre = self.points[RIGID].mean(0)

    def relative(self, points: Array) -> Relative:
        """What points (478, 3) do."""
        pose = fit_similarity(self.points[RIGID], points[RIGID])
        unturned = pose.undo(points)
        shift = (pose.apply(self._centre[None])[0] - self._centre)[:2] / self._iod
        turn = self._axes.T @ pose.rotation @ self._axes
        expression = (unturned - self.points) @ self._axes / self._iod
        return Relative(turn, shift, pose.scale, expression, unturned)


def head_shape(points: Array) -> Floats:
    """points (478, 3) in head axes: pose removed, IOD 1, about the mean of the skull's points; float32."""
    shape = head_pose(points).undo(points)
    shape -= shape[RIGID].mean(0)
    shape /= np.linalg.norm(shape[263] - shape[33])
    return shape.astype(np.float32)


def mouth_gap(points: Array) -> float:
    """Distance of the inner lips (13, 14) over the IOD, in the picture or in head axes; (478, 2 or 3)."""
    return float(np.linalg.norm(points[13] - points[14]) / np.linalg.norm(points[263] - points[33]))


def neutral_shape(points: Floats) -> Floats:
    """The neutral shape of a person from tracks (N, 478, 3): (478, 3) float32 in head axes.

    The median of the closed-mouth frames with open eyes that lie closest together: the face to which this person
    returns.  (The median of all such frames has the brows half raised in somebody lively.)  One picture is its own.
    """
    if points.ndim != 3 or points.shape[1:] != (478, 3) or len(points) == 0:
        raise ValueError(f"points has shape {points.shape}, expected (n, 478, 3), n >= 1")
    shapes = np.stack([head_shape(p) for p in points])
    keep = np.arange(len(shapes))
    if len(shapes) >= 10:
        gaps = np.array([mouth_gap(s) for s in shapes])
        open_eyes = np.array([eye_opening(s).mean() for s in shapes])
        awake = open_eyes >= 0.8 * np.median(open_eyes)
        keep = np.flatnonzero(awake) if awake.any() else keep
        closed = keep[gaps[keep] <= np.quantile(gaps[keep], 0.1) + _CLOSED_GAP]
        keep = _densest(shapes, closed, max(5, int(len(shapes) * _NEUTRAL_SHARE)))
    shape: Floats = np.median(shapes[keep], axis=0).astype(np.float32)
    return shape


def _densest(shapes: Floats, among: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """Of the frames `among`, the one whose count-th nearest is nearest, with those count nearest."""
    among = among[:: -(-len(among) // _MOST)]
    count = min(count, len(among))
    flat = shapes[among][:, _TELLING, :2].reshape(len(among), -1).astype(np.float64)
    square = (flat**2).sum(1)
    distances = square[:, None] + square[None] - 2 * flat @ flat.T
    order = np.argsort(distances, axis=1, kind="stable")
    reach = np.take_along_axis(distances, order[:, count - 1 : count], axis=1)[:, 0]
    nearest: npt.NDArray[np.int64] = among[order[int(np.argmin(reach)), :count]]
    return nearest


def eye_opening(points: Array) -> Floats:
    """Height of the right and left eye's opening over its width, (2,) float32; points (478, 2 or 3)."""
    opening: Floats = _openings(points, _OPENING)
    return opening


@numba.njit(cache=True, nogil=True)
def _openings(points, pairs):  # type: ignore[no-untyped-def]
    """Asked for seven times a picture: 1 us against 100 in numpy."""
    out = np.zeros(2, np.float32)
    for eye in range(2):
        lengths = np.zeros(4)
        for k in range(4):
            for c in range(points.shape[1]):
                lengths[k] += (points[pairs[eye, k, 0], c] - points[pairs[eye, k, 1], c]) ** 2
        lengths = np.sqrt(lengths)
        out[eye] = (lengths[0] + lengths[1] + lengths[2]) / 3 / max(lengths[3], 1e-6)
    return out


def iris_place(points: Array) -> Floats:
    """Where each iris centre is between its eye's corners: along (0 in the middle) and across.

    "Along" runs from the right to the left of the picture's viewer for both eyes: 33 to 133 and 362 to 263.
    points (478, 2 or 3), of which x and y count -> (2, 2) float32 in eye widths, right eye first.
    """
    places = []
    for centre, a, b in ((468, 33, 133), (473, 362, 263)):
        line = points[b, :2] - points[a, :2]
        width = max(float(np.linalg.norm(line)), 1e-6)
        along = line / width
        offset = points[centre, :2] - (points[a, :2] + points[b, :2]) / 2
        places.append([offset @ along / width, (along[0] * offset[1] - along[1] * offset[0]) / width])
    return np.array(places, np.float32)
