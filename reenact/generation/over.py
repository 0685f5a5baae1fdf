"""Laying drawn parts (eyes, inner mouth) over the warped texture."""

import numba
import numpy as np
import numpy.typing as npt

from reenact.types import Pixels


def lay_over(base: Pixels, layer: npt.NDArray[np.uint8]) -> None:
    """base (h, w, 3) uint8 BGR, changed in place where layer (h, w, 4) uint8 BGRA, straight alpha, is not empty."""
    _lay_over(base, layer)


@numba.njit(cache=True, nogil=True)
def _lay_over(base, layer):  # type: ignore[no-untyped-def]
    for y in range(base.shape[0]):
        for x in range(base.shape[1]):
            alpha = np.int32(layer[y, x, 3])
            if alpha == 0:
                continue
            for c in range(3):
                old = np.int32(base[y, x, c])
                base[y, x, c] = np.uint8(old + ((np.int32(layer[y, x, c]) - old) * alpha + 127) // 255)
