"""The spectrum of evidence, evened out, and read at the waves of a tile of any size.

A tile of p pixels, repeated, has all its energy at multiples of 1/p cycles a pixel.  So there is no need to scale the
picture to every size that the tile might have: one transform is read at other places.
"""

import cv2
import numpy as np
import numpy.typing as npt

from reenact.types import Floats

Complexes = npt.NDArray[np.complex64]

_SMOOTH = 41  # bins: the noise of a coefficient is estimated from those around it
_LIMIT = 3.0  # times that noise: no single coefficient counts for more
_TINY = np.float32(1e-18)  # where there is neither


class Spectrum:
    """Of (h, w) float32, with the origin in the picture's middle.

    Every coefficient is divided by the root mean square of those around it, so that without a mark each has about
    the variance 1, whatever the picture and the encoder left of its frequency.
    """

    def __init__(self, picture: Floats) -> None:
        height, width = self.shape = picture.shape
        self._rows, self._columns = (cv2.getOptimalDFTSize(2 * length) for length in picture.shape)
        padded = np.zeros((self._rows, self._columns), np.float32)
        y, x = height // 2, width // 2
        padded[: height - y, : width - x] = picture[y:, x:]
        padded[: height - y, self._columns - x :] = picture[y:, :x]
        padded[self._rows - y :, : width - x] = picture[:y, x:]
        padded[self._rows - y :, self._columns - x :] = picture[:y, :x]
        made = cv2.dft(padded, flags=cv2.DFT_COMPLEX_OUTPUT)
        self._values: Complexes = _evened(np.ascontiguousarray(made[:, : self._columns // 2 + 1]))

    def at(self, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> Complexes:
        """Coefficients at x >= 0 and y cycles a pixel, interpolated bilinearly; 0 from 0.5 on, where there are none."""
        outside = (x >= 0.5) | (np.abs(y) >= 0.5)
        x, y = np.where(outside, 0.0, x), np.where(outside, 0.0, y)
        across, down = x * self._columns, y * self._rows
        left, top = np.floor(across).astype(np.int64), np.floor(down).astype(np.int64)
        u, v = (across - left).astype(np.float32), (down - top).astype(np.float32)
        below, above = (top + 1) % self._rows, top % self._rows
        values, right = self._values, np.minimum(left + 1, self._values.shape[1] - 1)
        upper = values[above, left] * (1 - u) + values[above, right] * u
        lower = values[below, left] * (1 - u) + values[below, right] * u
        found: Complexes = upper * (1 - v) + lower * v
        found[outside] = 0
        return found


def _evened(made: Floats) -> Complexes:
    """(h, w, 2) float32, changed in place: divided by the noise, or by less of it where that would be over _LIMIT."""
    power = cv2.transform(cv2.multiply(made, made), np.ones((1, 2), np.float32))
    noise = cv2.blur(power, (_SMOOTH, _SMOOTH), borderType=cv2.BORDER_REFLECT_101)
    power *= np.float32(_LIMIT**-2)
    np.maximum(noise, power, out=noise)
    noise += _TINY
    cv2.pow(noise, -0.5, dst=noise)
    values: Complexes = made.view(np.complex64)[:, :, 0]
    values *= noise
    return values
