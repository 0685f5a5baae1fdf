"""The truth that blending is measured against: the same equations, sparse, solved directly in float64."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from reenact.types import Pixels

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class System:
    """matrix @ x = rhs for the pixels rows, cols of the patch's box; matrix is a scipy.sparse matrix, rhs (n, 3)."""

    matrix: Any
    rhs: Doubles
    rows: npt.NDArray[np.int64]
    cols: npt.NDArray[np.int64]

    def paste(self, solution: Doubles, frame: Pixels, origin: tuple[int, int]) -> Doubles:
        """The frame, float64, with the solution (n, 3) in it, clipped to 0..255 but not rounded."""
        out = frame.astype(np.float64)
        out[origin[1] + self.rows, origin[0] + self.cols] = solution.clip(0, 255)
        return out


def system(
    patch: Pixels, frame: Pixels, mask: npt.NDArray[Any], origin: tuple[int, int], mixed: bool = False
) -> System:
    """Perez, Gangnet, Blake 2003, eq. 7 with the guidance field of eq. 10, or of eq. 12 per channel where `mixed`."""
    from scipy import sparse

    (ox, oy), (h, w), (height, width) = origin, mask.shape, frame.shape[:2]
    inside = np.pad(mask > 0, 1)
    rows, cols = np.nonzero(mask)
    n = len(rows)
    number = np.full((h + 2, w + 2), -1, np.int64)
    number[rows + 1, cols + 1] = np.arange(n)
    padded = np.pad(patch, ((1, 1), (1, 1), (0, 0)), mode="edge").astype(np.float64)
    ys, xs = np.clip(np.arange(oy - 1, oy + h + 1), 0, height - 1), np.clip(np.arange(ox - 1, ox + w + 1), 0, width - 1)
    target = frame[ys[:, None], xs[None]].astype(np.float64)
    degree, rhs = np.zeros(n), np.zeros((n, 3))
    entries: list[tuple[Any, Any]] = []
    for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        v, u = rows + 1 + dy, cols + 1 + dx
        there = (v + oy - 1 >= 0) & (v + oy - 1 < height) & (u + ox - 1 >= 0) & (u + ox - 1 < width)
        gradient = padded[rows + 1, cols + 1] - padded[v, u]
        if mixed:
            own = target[rows + 1, cols + 1] - target[v, u]
            gradient = np.where(np.abs(own) > np.abs(gradient), own, gradient)
        degree += there
        rhs += there[:, None] * gradient
        known = there & ~inside[v, u]
        rhs[known] += target[v, u][known]
        entries.append((np.nonzero(inside[v, u])[0], number[v, u][inside[v, u]]))
    i = np.concatenate([a for a, _ in entries] + [np.arange(n)])
    j = np.concatenate([b for _, b in entries] + [np.arange(n)])
    data = np.concatenate([np.full(len(i) - n, -1.0), degree])
    return System(sparse.csc_matrix((data, (i, j)), shape=(n, n)), rhs, rows, cols)


def solve(
    patch: Pixels, frame: Pixels, mask: npt.NDArray[Any], origin: tuple[int, int], mixed: bool = False
) -> Doubles:
    """The blended frame, float64, clipped but not rounded."""
    from scipy.sparse.linalg import splu

    equations = system(patch, frame, mask, origin, mixed)
    return equations.paste(splu(equations.matrix).solve(equations.rhs), frame, origin)
