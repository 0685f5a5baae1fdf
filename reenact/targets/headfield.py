"""Where the rest of the picture goes when the face moves: from 478 points to every place.

The face's own landmarks say where the face goes.  The head is taken to be solid: an affine map of the
landmarks' places in space, (x, y, depth), to where they went in the picture moves everything else, at the
depth that reenact.targets.relief gives to each place; what the landmarks moved otherwise is spread about
them.  Below the chin the turn of the head dies away along the neck, its shift more slowly along the
shoulders, and both are gone at the picture's lower edge.
"""

from typing import Any

import numba
import numpy as np

from reenact.targets.relief import Relief, head_middle
from reenact.types import Floats

_CELLS_PER_IOD = 12.0
_FOLD = 0.9  # depth may shift neighbouring pixels towards each other by this share of their distance
_NARROWEST = 0.75  # a head turned far shows its side, which a picture has not, and is not as narrow as its face
_ROUNDS = 30
_SETTLED = 0.005  # pixels: less than the interpolation can show
_TINY = 0.05  # pixels: the landmarks moved as one solid

Field = np.ndarray[Any, np.dtype[np.float32]]


def _smooth_step(low: float, high: float, x: Any) -> Any:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


class HeadField:
    """The displacement of a picture of `size` (width, height) about the face at `points` (478, 3).

    step    pixels between the nodes of the grid; the node (i, j) is at pixel (j * step, i * step)
    layered whether only the head layer will be moved by it, or the whole picture, which then rests at its edges
    """

    def __init__(self, points: Floats, size: tuple[int, int], layered: bool) -> None:
        face = points[:468].astype(np.float64)
        self._face = np.c_[face, np.ones(468)]
        self._fit = np.linalg.pinv(self._face)  # (4, 468)
        self._last: tuple[Floats, tuple[Any, Any, Any]] | None = None
        self.iod = iod = float(np.linalg.norm(face[33, :2] - face[263, :2]))
        self.step = max(4, round(iod / _CELLS_PER_IOD))
        self.shape = (int(np.ceil(size[1] / self.step)) + 1, int(np.ceil(size[0] / self.step)) + 1)
        ys, xs = np.mgrid[: self.shape[0], : self.shape[1]]
        nodes = np.stack([xs.ravel(), ys.ravel()], 1) * self.step
        turn, shift, place = _weights(face, size, nodes, iod, layered)
        self._relief = Relief(face, place, iod)
        middle = np.append(head_middle(face), 1.0)
        # A node goes where turn * (its place on the head) + (shift - turn) * (the head's middle) goes, as
        # displacements; only the depth of its place changes with the relief.
        ones = np.ones(len(place))
        self._flat = turn[:, None] * np.c_[place, 0 * ones, ones] + (shift - turn)[:, None] * middle
        self._depths = (turn[:, None] * self._relief.depths).astype(np.float32)  # (nodes, reliefs)
        self._spread = (turn[:, None] * self._relief.spread).astype(np.float32)  # (nodes, 468)

    def landmarks(self, moved: Floats) -> Floats:
        """Where the warp takes the landmarks, (478, 3), when the head moves so that they should be at `moved`.

        It is there but for the steep sides of the face: turned away, these would fold over, and turned
        towards the viewer show what no picture has.  So the further the head is turned the shallower the
        sides are taken to be, and in a very large turn the face altogether.
        """
        affine, rest, relief = self._solid_once(moved)
        face = self._face.copy()
        face[:, 2] = self._relief.landmark_depths @ relief
        placed = moved.copy()
        placed[:468, :2] = face @ affine + rest
        return placed

    def __call__(self, moved: Floats) -> Field:
        """How far each node's content goes, (rows, columns, 2) float32 pixels, for the head moved to `moved`."""
        affine, rest, relief = self._solid_once(moved)
        affine = affine.copy()
        affine[0, 0] -= 1
        affine[1, 1] -= 1
        field = (self._flat @ affine).astype(np.float32)
        field += (self._depths @ relief.astype(np.float32))[:, None] * affine[2].astype(np.float32)
        if np.abs(rest).max() > _TINY:
            field += self._spread @ rest.astype(np.float32)
        return np.ascontiguousarray(field.reshape(*self.shape, 2))

    def _solid_once(self, moved: Floats) -> tuple[Any, Any, Any]:
        """`_solid`, kept for the same array: field and landmarks are asked for one after the other."""
        if self._last is None or self._last[0] is not moved:
            self._last = moved, self._solid(moved)
        return self._last[1]

    def _solid(self, moved: Floats) -> tuple[Any, Any, Any]:
        """The head's motion as an affine map of space to the picture (4, 2), what it leaves over of the landmarks'
        motion (468, 2), and how the reliefs are to be mixed."""
        affine = self._fit @ moved[:468, :2].astype(np.float64)
        rest = moved[:468, :2] - self._face @ affine
        held = self._face.mean(0) @ affine
        u, breadth, v = np.linalg.svd(affine[:2])
        narrowing = (breadth[0] - breadth[1]) / breadth[0]
        affine[:2] = u @ np.diag([breadth[0], breadth[0] * (1 - _eased(narrowing, 1 - _NARROWEST))]) @ v
        tilt = float(np.hypot(*affine[2])) / breadth[0]
        room = _FOLD * (1 - narrowing)  # tilt times steepness beyond this would fold the picture
        relief = self._relief.mix(room / max(tilt, 1e-9))
        affine[2] *= _eased(tilt, room / self._relief.shallowest) / max(tilt, 1e-9)
        affine[3] += held - self._face.mean(0) @ affine
        return affine, rest, relief

    def inverse(self, field: Field) -> Field:
        """What was displaced *to* each node: d with d(p) = field(p - d(p)), (rows, columns, 2) float32 pixels."""
        back = np.empty_like(field)
        _invert(field, self.step, back)
        return back


@numba.njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _invert(field: Any, step: int, back: Any) -> None:  # pragma: no cover
    """Fixed-point iteration, node by node; cv2.remap's steps of 1/32 node would be a wobble of 0.1 pixel."""
    rows, columns = field.shape[0], field.shape[1]
    per_node = np.float32(1) / np.float32(step)
    for i in range(rows):
        for j in range(columns):
            dx, dy = field[i, j, 0], field[i, j, 1]
            for _ in range(_ROUNDS):
                x = min(max(np.float32(j) - dx * per_node, np.float32(0)), np.float32(columns - 1))
                y = min(max(np.float32(i) - dy * per_node, np.float32(0)), np.float32(rows - 1))
                left, top = min(int(x), columns - 2), min(int(y), rows - 2)
                fx, fy = x - np.float32(left), y - np.float32(top)
                upper_x = field[top, left, 0] + fx * (field[top, left + 1, 0] - field[top, left, 0])
                upper_y = field[top, left, 1] + fx * (field[top, left + 1, 1] - field[top, left, 1])
                lower_x = field[top + 1, left, 0] + fx * (field[top + 1, left + 1, 0] - field[top + 1, left, 0])
                lower_y = field[top + 1, left, 1] + fx * (field[top + 1, left + 1, 1] - field[top + 1, left, 1])
                new_x, new_y = upper_x + fy * (lower_x - upper_x), upper_y + fy * (lower_y - upper_y)
                change = abs(new_x - dx) + abs(new_y - dy)
                dx, dy = new_x, new_y
                if change < _SETTLED:
                    break
            back[i, j, 0], back[i, j, 1] = dx, dy


def _eased(value: float, most: float) -> float:
    """The value where it is well below `most`, and never more than that; smooth, so that nothing jerks at the limit."""
    knee = 2 * most / 3
    return value if value <= knee else float(most - (most - knee) * np.exp((knee - value) / (most - knee)))


def _axes(face: Any) -> tuple[Any, Any]:
    """The face's own right-to-left and down in the picture, unit vectors."""
    down = face[152, :2] - face[10, :2]
    down = down / np.linalg.norm(down)
    return np.array([down[1], -down[0]]), down


def _weights(face: Any, size: tuple[int, int], nodes: Any, iod: float, layered: bool) -> tuple[Any, Any, Any]:
    """For each node: how much of the head's turn and of its shift it takes, and where on the head it counts as."""
    across, down = _axes(face)
    chin = face[152, :2]
    below = (nodes - chin) @ down / iod
    beside = np.abs((nodes - head_middle(face)[:2]) @ across) / iod
    room = (size[1] - 1 - chin[1]) / iod  # from the chin to the lower edge
    neck = float(np.clip(room, 0.9, 1.4))
    turn = 1 - _smooth_step(0.05, neck, below)
    shift = 1 - _smooth_step(0.1, float(np.clip(room, 1.5, 4.0)), below)
    if layered:
        side = 1 - _smooth_step(1.6, 2.8, beside)
        turn, shift = turn * side, shift * (1 - _smooth_step(1.8, 4.0, beside))
    else:
        above = np.maximum(0, (face[10, :2] - nodes) @ down / iod)
        away = np.hypot(np.maximum(0, beside - 0.8), np.maximum(0, above - 0.4))
        edge = np.minimum(nodes, np.array(size) - 1 - nodes).min(1) / iod
        fade = (1 - _smooth_step(0.2, 2.0, away)) * _smooth_step(0.0, 0.5, edge)
        turn, shift = turn * fade, shift * fade
    # Where the picture ends close under the chin its edge cannot hold: the neck would be folded up.
    hold = float(np.clip(room / 1.2, 0, 1))
    at_bottom = 1 - hold * (1 - _smooth_step(0.0, 0.5, (size[1] - 1 - nodes[:, 1]) / iod))
    turn, shift = turn * at_bottom, shift * at_bottom
    place = nodes - np.maximum(0, below - 0.4)[:, None] * down * iod
    return turn, shift, place
