"""Buffers for the largest mask and the plan of the present one."""

import numpy as np
import numpy.typing as npt

from reenact.blending.domain import MAX_LEVELS, SAMPLES, Crossings, Grid, PixelMap
from reenact.blending.planning import plan
from reenact.blending.steady import map_size

_AUTO_QUARTER = 256  # pixels of the larger side: from here a quarter of the resolution is enough (see docs/blending.md)
_AUTO_HALF = 48


class Plan:
    """Everything that depends on the mask alone, in buffers for masks up to `max_shape` (h, w), allocated once."""

    def __init__(self, max_shape: tuple[int, int]) -> None:
        h, w = max_shape
        area = h * w
        flat = map_size(h, w)
        bound = min(flat, 2 * area + 2 * (h + w) + 8)
        # of all levels, three channels, row stride rounded up to 8
        total = 3 * sum((((h + 1) >> l) + 2) * ((((w + 1) >> l) + 9) // 8 * 8) for l in range(MAX_LEVELS))
        # a checkerboard has 4 crossings at every second pixel; the coarse levels together a third of that
        fine = 2 * area + 2 * (h + w) + 64
        coarse = area + 4 * (h + w) + 1024
        entries, samples = fine + coarse, fine + coarse * SAMPLES
        self.max_shape = (h, w)
        self.total = total
        self.pixels = PixelMap(
            pixels=np.zeros(flat, np.uint8),
            flags=np.zeros(flat, np.uint8),
            marks=np.zeros(flat, np.uint8),
            ids=np.zeros(flat, np.int32),
            found=np.zeros(flat, np.int32),
            runs=np.zeros((flat // 2 + 1, 2), np.int32),
            row_first=np.zeros(h + 2, np.int32),
            bound=np.zeros((bound, 2), np.int32),
        )
        self.grid = Grid(
            levels=np.zeros((MAX_LEVELS, 4), np.int64),
            node=np.zeros(total, np.uint8),
            edge=np.zeros(total + 32, np.uint8),
            hits=np.zeros(total, np.int32),
            diagonal=np.zeros(total, np.float32),
            inverse=np.zeros(total, np.float32),
        )
        self.cross = Crossings(
            node=np.zeros(entries, np.int32),
            ghost=np.zeros(entries, np.int32),
            inverse=np.zeros(entries, np.float32),
            first=np.zeros(entries + 1, np.int32),
            source=np.zeros(samples, np.int32),
            weight=np.zeros(samples, np.float32),
            ghosts=np.zeros(entries, np.int32),
            share=np.zeros(entries, np.float32),
            spans=np.zeros((MAX_LEVELS, 5), np.int64),
        )
        self._edges = np.zeros(4, np.uint8)
        self.top = self.levels = self.n_bound = self.dropped = 0

    def make(self, mask: npt.NDArray[np.uint8], edges: tuple[bool, bool, bool, bool], resolution: str) -> None:
        """Plans mask (h, w) uint8, nonzero inside.  edges: does the box touch the frame's top, bottom, left, right."""
        self._edges[:] = edges
        want = _finest(resolution, max(mask.shape))
        self.top, self.levels, self.n_bound, self.dropped = plan(
            mask, self._edges, want, self.pixels, self.grid, self.cross
        )


def _finest(resolution: str, size: int) -> int:
    """Level to solve on; -1 - level where the plan may go finer for a mask with parts narrower than its grid."""
    if resolution == "auto":
        return -1 - (2 if size >= _AUTO_QUARTER else 1 if size >= _AUTO_HALF else 0)
    return {"full": 0, "half": 1, "quarter": 2}[resolution]
