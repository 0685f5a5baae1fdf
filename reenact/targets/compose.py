"""The moved head layer over the still background, one pass over the pixels."""

from typing import Any

import numba
import numpy as np


@numba.njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def compose(
    layer: Any, background: Any, remainder: Any, where: Any, left: int, top: int, out: Any
) -> None:  # pragma: no cover
    """out = layer + (1 - opacity) * background, and at rest the picture itself.

    layer       (h, w, 4) uint8: the moved person, BGR times opacity, and the opacity
    background  (h, w, 3) uint8; remainder (h, w, 3) int16: what the two layers at rest lack of the picture
    where       (h, w, 2) float32: the place each pixel of `layer` was taken from; the pixel itself is at
                (left + x, top + y) of the same coordinates.  The remainder is given back in full to what did
                not move and fades over a displacement of one pixel, so that setting off is no jump.
    out         (h, w, 3) uint8, written
    """
    height, width = out.shape[0], out.shape[1]
    for y in range(height):
        for x in range(width):
            opacity = np.int32(layer[y, x, 3])
            if opacity == 255:
                for c in range(3):
                    out[y, x, c] = layer[y, x, c]
                continue
            clear = 255 - opacity
            missing = remainder[y, x, 0] != 0 or remainder[y, x, 1] != 0 or remainder[y, x, 2] != 0
            share = np.float32(0.0)
            if missing:
                dx, dy = where[y, x, 0] - (left + x), where[y, x, 1] - (top + y)
                share = max(np.float32(0.0), np.float32(1.0) - np.sqrt(dx * dx + dy * dy))
            for c in range(3):
                value = np.int32(layer[y, x, c]) + (np.int32(background[y, x, c]) * clear + 127) // 255
                if missing:
                    value += np.int32(np.rint(share * remainder[y, x, c]))
                out[y, x, c] = min(255, max(0, value))
