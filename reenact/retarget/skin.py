"""How the skin of a face moved since it was at rest, measured in its picture.

A face mesh finds where a face's parts are, brows and lips say, on average to a hundredth of the eyes' distance or two:
as much as brows move.  So the picture itself is asked, as Face2Face does (Thies et al., CVPR 2016, section 4): the face
is laid back into its neutral shape by the mesh, compared with the neutral picture by optical flow (Lucas and Kanade
1981, pyramids as in Bouguet 2001), and the places of skin so found are explained by one pose and one set of expression
weights of the head model, by least squares.
"""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from reenact.geometry import Array, fit_similarity, rotation_matrix, rotation_vector
from reenact.retarget.neutral import head_pose
from reenact.retarget.population import Population, population
from reenact.tracking.canonical import SIZE, to_crop
from reenact.tracking.topology import OVAL, RIGID, face_model
from reenact.tracking.view import MARGIN
from reenact.types import FaceView, Floats

_GRID = 64  # cells across, in each of which the way back into the neutral shape is one affine map
_LOCAL = 25  # pixels: light is evened out over what is larger
_CONTRAST, _NOISE = 40.0, 25.0  # grey levels of a usual detail, and the variance below which there is none
_WINDOW = {"winSize": (13, 13), "maxLevel": 1, "criteria": (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 8, 0.02)}
_RETURN, _REACH = 0.5, 8.0  # pixels: a flow back and forth that ends further away, or goes further, is not believed
_UNSEEN = 0.1  # weight of a place that only the mesh has
_RIDGE = 1e-5  # of the expression weights, for each place
_FAR = 0.03  # IOD: errors from which on a place counts less (Geman and McClure)
_MOST = (-0.15, 1.2)  # expression weights
_ROUNDS = 2
_ENOUGH = (0.1, 0.3)  # share of places found from which the measurement counts, and wholly

Mask = npt.NDArray[np.uint8]


class Measured(NamedTuple):
    """weights (k,): of the head model's expressions; turn (3,): of the head, its axes, radians; trust 0..1"""

    weights: Floats
    turn: Array
    trust: float


class Skin:
    """The neutral picture of one face, and what has moved since.

    view, points  the face at rest and its landmarks (478, 3), pixels of the frame
    learnt        whose expressions explain what moved, the shipped ones unless given
    """

    def __init__(self, view: FaceView, points: Floats, learnt: Population | None = None) -> None:
        learnt = learnt or population()
        self._rest = to_crop(points, view.matrix)
        inner = view.grey[MARGIN : MARGIN + SIZE, MARGIN : MARGIN + SIZE]
        self._picture = _even(inner)
        self._corners, self._shares, self._beside = _mesh_cells(self._rest[:, :2] - MARGIN)
        self._which = learnt.points
        self._places = np.ascontiguousarray(self._rest[self._which, None, :2] - MARGIN, np.float32)
        pose = head_pose(self._rest)
        shape = pose.undo(self._rest)
        self._axes = pose.rotation
        self._shape = shape / np.linalg.norm(shape[33] - shape[263])
        modes = learnt.modes[:, self._which].astype(np.float64)
        self._bends = np.ascontiguousarray(modes.transpose(2, 1, 0))  # (3, n, k)

    def measure(self, view: FaceView, points: Floats) -> Measured:
        """Of the same face in another picture, its landmarks (478, 3) in pixels of that frame."""
        now = to_crop(points, view.matrix)
        flow, found = self._flow(view.grey, now)
        rigid = fit_similarity(self._rest[RIGID], now[RIGID])
        # the flow was seen in the neutral shape: a turned head shows it turned
        moved = flow @ (rigid.scale * rigid.rotation[:2, :2]).T
        places = now[self._which, :2] + np.where(found[:, None], moved, 0)
        share = float(found.mean())
        trust = float(np.clip((share - _ENOUGH[0]) / (_ENOUGH[1] - _ENOUGH[0]), 0, 1))
        weights, turn = self._explain(places, np.where(found, 1.0, _UNSEEN), now)
        return Measured(weights.astype(np.float32), turn, trust)

    def _flow(self, grey: Mask, now: Floats) -> tuple[Array, npt.NDArray[np.bool_]]:
        """Flow (n, 2) of the measured places in pixels of the neutral shape, and whether it is to be believed."""
        back = np.einsum("ct,ctk->ck", self._shares, now[self._corners, :2]) + self._beside
        maps = cv2.resize(
            back.reshape(_GRID, _GRID, 2).astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_LINEAR
        )
        picture = _even(cv2.remap(grey, maps, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))  # type: ignore[call-overload]
        there, _, _ = cv2.calcOpticalFlowPyrLK(self._picture, picture, self._places, None, **_WINDOW)  # type: ignore[call-overload]
        again, _, _ = cv2.calcOpticalFlowPyrLK(picture, self._picture, there, None, **_WINDOW)  # type: ignore[call-overload]
        flow = (there - self._places)[:, 0].astype(np.float64)
        returned = np.linalg.norm((again - self._places)[:, 0], axis=1)
        return flow, (returned < _RETURN) & (np.linalg.norm(flow, axis=1) < _REACH)

    def _explain(self, places: Array, sure: Array, now: Floats) -> tuple[Array, Array]:
        """Expression weights (k,) and the head's turn (3,) for the places (n, 2), by Gauss-Newton."""
        start = fit_similarity(self._shape[RIGID], now[RIGID])
        scale, rotation, shift = start.scale, start.rotation, start.shift[:2]
        count = self._bends.shape[2]
        weights = np.zeros(count)
        shape = self._shape[self._which]
        ridge = np.concatenate([np.full(count, _RIDGE * len(places)), np.zeros(6)])
        for _ in range(_ROUNDS):
            turned = scale * (shape + (self._bends @ weights).T) @ rotation.T
            error = (places - turned[:, :2] - shift) / scale
            bent = np.tensordot(rotation[:2], self._bends, 1).reshape(2 * len(places), count)
            steps = np.concatenate([bent, _posed(turned / scale)], axis=1)
            sureness = sure / (1 + (error**2).sum(1) / _FAR**2)
            weighed = steps * np.tile(sureness, 2)[:, None]
            gram = weighed.T @ steps
            pull = weighed.T @ error.T.ravel() - ridge * np.concatenate([weights, np.zeros(6)])
            step = np.linalg.solve(gram + np.diag(ridge + 1e-9), pull)
            weights = np.clip(weights + step[:count], *_MOST)
            rotation = rotation_matrix(step[count : count + 3]) @ rotation
            shift = shift + scale * step[count + 3 : count + 5]
            scale *= 1 + step[count + 5]
        return weights, rotation_vector(self._axes.T @ rotation)


def _posed(turned: Array) -> Array:
    """(2n, 6): what a turn about x, y and z, a shift and a growth move, of places (n, 3) about the head's middle.

    First all that is along x, then all that is along y.
    """
    x, y, z = turned.T
    none, one = np.zeros_like(x), np.ones_like(x)
    along, across = np.stack([none, z, -y, one, none, x], 1), np.stack([-z, none, x, none, one, y], 1)
    return np.concatenate([along, across])


def _even(grey: Mask) -> Mask:
    """The picture with its light evened out and its contrast the same everywhere, (h, w) uint8."""
    value = grey.astype(np.float32)
    value -= cv2.blur(value, (_LOCAL, _LOCAL))
    deviation = np.sqrt(cv2.blur(value * value, (_LOCAL, _LOCAL)) + np.float32(_NOISE))
    even: Mask = cv2.convertScaleAbs(np.maximum(cv2.divide(value, deviation, scale=_CONTRAST) + 128, 0))
    return even


def _mesh_cells(rest: Floats) -> tuple[npt.NDArray[np.int64], Array, Array]:
    """For each cell of the neutral crop: three landmarks (c, 3), their shares (c, 3), and what is to be added (c, 2).

    Beside the face a cell goes with the nearest point of its outline.
    """
    step = SIZE / _GRID
    y, x = np.mgrid[:_GRID, :_GRID]
    cells = np.stack([x.ravel(), y.ravel()], 1) * step + (step - 1) / 2
    nearest = OVAL[np.argmin(((cells[:, None] - rest[OVAL]) ** 2).sum(2), axis=1)]
    corners = np.repeat(nearest[:, None], 3, 1)
    shares = np.tile(np.array([1.0, 0.0, 0.0]), (len(cells), 1))
    beside = cells - rest[nearest]
    for triangle in face_model().triangles:
        a, b, c = rest[triangle].astype(np.float64)
        area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
        low = np.maximum(np.ceil((np.minimum(np.minimum(a, b), c) - (step - 1) / 2) / step), 0).astype(int)
        high = np.minimum(np.floor((np.maximum(np.maximum(a, b), c) - (step - 1) / 2) / step), _GRID - 1).astype(int)
        if abs(area) < 1e-9 or (high < low).any():
            continue
        near = (np.arange(low[1], high[1] + 1)[:, None] * _GRID + np.arange(low[0], high[0] + 1)).ravel()
        x, y = cells[near].T
        u = ((b[0] - x) * (c[1] - y) - (c[0] - x) * (b[1] - y)) / area
        v = ((c[0] - x) * (a[1] - y) - (a[0] - x) * (c[1] - y)) / area
        inside = (u >= -1e-6) & (v >= -1e-6) & (u + v <= 1 + 1e-6)
        corners[near[inside]], beside[near[inside]] = triangle, 0.0
        shares[near[inside]] = np.stack([u, v, 1 - u - v], 1)[inside]
    return corners, shares, beside
