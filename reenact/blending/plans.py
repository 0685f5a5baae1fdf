"""Buffers for the largest mask and the plan of the present one."""

from typing import Any

import numpy as np
import numpy.typing as npt

from reenact.blending.domain import MARGIN, MAX_LEVELS, SAMPLES, plan

_AUTO_QUARTER = 256  # pixels of the larger side: from here a quarter of the resolution is enough (see docs/blending.md)
_AUTO_HALF = 48


class Plan:
    """Everything the kernels need for masks up to `max_shape` (h, w), allocated once.

    `make` plans a mask; the arrays are those of reenact.blending.domain.plan, in its order.
    """

    def __init__(self, max_shape: tuple[int, int]) -> None:
        h, w = max_shape
        area = h * w
        flat = (h + 4) * (w + MARGIN) + 64
        bound = min(flat, 2 * area + 2 * (h + w) + 8)
        # of all levels: rows * stride summed, stride rounded up to 8
        total = sum((((h + 1) >> l) + 2) * ((((w + 1) >> l) + 9) // 8 * 8) for l in range(MAX_LEVELS))
        # a checkerboard has 4 crossings at every second pixel; coarse levels a quarter of that, and so on
        fine = 2 * area + 2 * (h + w) + 64
        coarse = area + 4 * (h + w) + 1024
        entries = fine + coarse
        samples = fine + coarse * SAMPLES
        self.max_shape = (h, w)
        self.total = total
        self.map = np.zeros(flat, np.uint8)
        self.flags = np.zeros(flat, np.uint8)
        self.marks = np.zeros(flat, np.uint8)
        self.ids = np.empty(flat, np.int32)
        self.found = np.empty(flat, np.int32)
        self.runs = np.empty((flat // 2 + 1, 2), np.int32)
        self.row_first = np.empty(h + 2, np.int32)
        self.bound = np.empty((bound, 2), np.int32)
        self.levels = np.zeros((MAX_LEVELS, 4), np.int64)
        self.node = np.zeros(total, np.uint8)
        self.edge = np.zeros(total + 8, np.uint8)
        self.diagonal = np.zeros(total, np.float32)
        self.inverse = np.zeros(total, np.float32)
        self.e_node = np.empty(entries, np.int32)
        self.e_ghost = np.empty(entries, np.int32)
        self.e_inv = np.empty(entries, np.float32)
        self.first = np.zeros(entries + 1, np.int32)
        self.source = np.empty(samples, np.int32)
        self.weight = np.empty(samples, np.float32)
        self.spans = np.zeros((MAX_LEVELS, 5), np.int64)
        self.ghosts = np.empty(entries, np.int32)
        self.g_share = np.empty(entries, np.float32)
        self.count = np.zeros(total, np.int32)
        self._edges = np.zeros(4, np.uint8)
        self.shape = (0, 0)
        self.top = self.n_levels = self.n_bound = self.n_runs = 0

    def make(self, mask: npt.NDArray[np.uint8], edges: tuple[bool, bool, bool, bool], resolution: str) -> None:
        """Plans mask (h, w) uint8, nonzero inside.  edges: does the box touch the frame's top, bottom, left, right."""
        self._edges[:] = edges
        self.shape = mask.shape[0], mask.shape[1]
        self.top, self.n_levels, self.n_bound, self.n_runs = plan(
            mask, self._edges, _finest(resolution, max(mask.shape)), self.map, self.flags, self.marks, self.ids,
            self.found, self.runs, self.row_first, self.bound, self.levels, self.node, self.edge, self.diagonal,
            self.inverse, self.e_node, self.e_ghost, self.e_inv, self.first, self.source, self.weight, self.spans,
            self.ghosts, self.g_share, self.count,
        )  # fmt: skip

    def entries(self) -> tuple[Any, ...]:
        return (self.spans, self.e_node, self.e_ghost, self.e_inv, self.first, self.source, self.weight, self.ghosts,
                self.g_share)  # fmt: skip


def _finest(resolution: str, size: int) -> int:
    """Level to solve on; -1 - level where the plan may go finer for a mask with parts narrower than its grid."""
    if resolution == "auto":
        return -1 - (2 if size >= _AUTO_QUARTER else 1 if size >= _AUTO_HALF else 0)
    return {"full": 0, "half": 1, "quarter": 2}[resolution]
