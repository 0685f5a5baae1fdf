"""What the renderer's camera sees of a head, pixel by pixel: triangle, place in it, depth.

The renderer gives a picture alone.  What is laid over it has to know where skin, teeth and eyes are and what is behind
what, so the same triangles are drawn here once more, with the same camera.
"""

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from reenact.types import Floats

CENTRE = np.array([0.0, -1.5, 2.0])  # cm: about which the renderer turns the head
CAMERA_CM = 90.0  # from there to its camera
FOCAL = 2.4  # of the picture's width: with it the network's crop lies inside the picture for nearly every pose

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """One view of a head.

    model     the renderer's: tri (t, 3) vertices, tri_uv (t, 3) and uv in 0..1, material (t,), materials by name
    posed     (v, 3) cm, the vertices in the head's own axes, expression included
    turned    (3, 3), and shift (3,) cm: where the head is
    triangle  (n, n) int32, -1 where no head is
    weights   (n, n, 3) float32, the pixel's place in its triangle
    depth     (n, n) float32, cm from the camera; infinite where no head is
    """

    model: Any
    posed: Array
    turned: Array
    shift: Array
    triangle: npt.NDArray[np.int32]
    weights: Floats
    depth: Floats

    @property
    def size(self) -> int:
        """Pixels of the picture's side."""
        return self.triangle.shape[0]

    @property
    def pixels_per_cm(self) -> float:
        """At the distance of a face that looks ahead."""
        return FOCAL * self.size / (CAMERA_CM - 7.0)

    def seen(self, points: Array) -> Array:
        """Points (m, 3) of the head's own axes -> (m, 3): x and y in pixels, distance from the camera in cm."""
        return _projected(points, self.turned, self.shift, self.size)

    def of(self, *materials: str) -> npt.NDArray[np.bool_]:
        """(n, n): where one of these materials is seen."""
        wanted = [self.model.materials[m] for m in materials if m in self.model.materials]
        there: npt.NDArray[np.bool_] = self.triangle >= 0
        there[there] = np.isin(self.model.material[self.triangle[there]], wanted)
        return there

    def mix(self, values: Array, where: npt.NDArray[np.bool_]) -> Array:
        """Values at the vertices (v,) or (v, c) -> at the pixels `where` (k,) or (k, c)."""
        corners = values[self.model.tri[self.triangle[where]]]
        weights = self.weights[where]
        mixed: Array = np.einsum("kt...,kt->k...", corners, weights)
        return mixed

    def texture_map(self, where: npt.NDArray[np.bool_], size: int) -> tuple[Floats, Floats]:
        """For cv2.remap: x and y (n, n) float32 in a texture of that size; -8 off `where`."""
        uv = self.model.uv[self.model.tri_uv[self.triangle[where]]]
        at = np.einsum("ktc,kt->kc", uv, self.weights[where])
        x, y = np.full((2, *where.shape), -8.0, np.float32)
        x[where], y[where] = at[:, 0] * size, (1 - at[:, 1]) * size
        return x, y

    def unhidden(self, places: Array, slack: float = 0.15) -> npt.NDArray[np.bool_]:
        """(m,): which of the places (m, 3), as `seen` gives them, are before the head and in the picture.

        slack  cm that a place may lie behind the surface and still count
        """
        column, row = np.floor(places[:, :2]).astype(int).T
        inside = (column >= 0) & (row >= 0) & (column < self.size) & (row < self.size)
        before = np.zeros(len(places), bool)
        before[inside] = places[inside, 2] < self.depth[row[inside], column[inside]] + slack
        return before


def look(model: Any, person: Any, expression: Floats, turned: Array, shift: Array, size: int) -> Surface:
    """The surface of a person's head with an expression, turned and shifted so, in a picture of size x size."""
    posed = model.shape(person.shape, expression)
    screen = _projected(posed, turned, shift, size).astype(np.float32)
    triangle = np.full((size, size), -1, np.int32)
    weights = np.zeros((size, size, 3), np.float32)
    depth = np.full((size, size), np.inf, np.float32)
    _draw(screen, np.ascontiguousarray(model.tri, dtype=np.int64), triangle, weights, depth)
    return Surface(model, posed, np.asarray(turned), np.asarray(shift), triangle, weights, depth)


def _projected(points: Array, turned: Array, shift: Array, size: int) -> Array:
    world = (points - CENTRE) @ np.asarray(turned).T + shift
    far = CAMERA_CM - world[:, 2]
    across = size / 2 + FOCAL * size * world[:, 0] / far
    down = size / 2 - FOCAL * size * world[:, 1] / far
    return np.stack([across, down, far], axis=1)


@numba.njit(cache=True, nogil=True)
def _draw(screen, tri, triangle, weights, depth):  # type: ignore[no-untyped-def]
    """Nearest triangle at each pixel's middle; weights are those in space, not in the picture."""
    height, width = triangle.shape
    for t in range(tri.shape[0]):
        i, j, k = tri[t]
        ax, ay, az = screen[i]
        bx, by, bz = screen[j]
        cx, cy, cz = screen[k]
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area == 0.0:
            continue
        left, right = int(max(min(ax, bx, cx) - 0.5, 0.0)), int(min(max(ax, bx, cx) + 0.5, width - 1.0))
        top, bottom = int(max(min(ay, by, cy) - 0.5, 0.0)), int(min(max(ay, by, cy) + 0.5, height - 1.0))
        for row in range(top, bottom + 1):
            y = row + 0.5
            for column in range(left, right + 1):
                x = column + 0.5
                u = ((bx - x) * (cy - y) - (cx - x) * (by - y)) / area
                v = ((cx - x) * (ay - y) - (ax - x) * (cy - y)) / area
                w = 1.0 - u - v
                if u < 0.0 or v < 0.0 or w < 0.0:
                    continue
                z = 1.0 / (u / az + v / bz + w / cz)
                if z < depth[row, column]:
                    depth[row, column] = z
                    triangle[row, column] = t
                    weights[row, column, 0] = u / az * z
                    weights[row, column, 1] = v / bz * z
                    weights[row, column, 2] = w / cz * z
