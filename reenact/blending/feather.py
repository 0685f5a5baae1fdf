"""Fading a blended picture into the original along a soft mask."""

import numpy as np

from reenact.blending.domain import Array
from reenact.blending.jit import kernel


@kernel
def feather(out: Array, frame: Array, mask: Array, width: int, oy: int, ox: int) -> None:
    """out = frame + (out - frame) * mask / 255, rounded, where 0 < mask < 255; everything else is left.

    out, frame: flat interleaved uint8 of row length 3 * width; mask (h, w) uint8 at row oy, column ox.
    """
    h, w = mask.shape
    for y in range(h):
        begin = 3 * ((oy + y) * width + ox)
        for x in range(w):
            m = np.int32(mask[y, x])
            if m == 0 or m == 255:
                continue
            for i in range(begin + 3 * x, begin + 3 * x + 3):
                base = np.int32(frame[i])
                out[i] = np.uint8((base * 255 + (np.int32(out[i]) - base) * m + 127) // 255)
