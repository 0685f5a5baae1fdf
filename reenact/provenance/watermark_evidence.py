"""What pictures hold of a pattern: their luma with the picture itself taken off as far as possible, added up."""

import cv2
import numpy as np

from reenact.types import Floats, Pixels

LEVELS = 5  # sizes looked at: full, half, to a sixteenth
_LEAST = 48  # pixels of the shorter side of a reduced picture
_MOST = 2560  # pixels of the longer side: no picture so large has a tile that is small enough to be seen only there
_FINE, _COARSE = 0.5, 1.5  # pixels: what lies between is kept; waves of 2.7 to 13 pixels are looked for
_ROUND_ABOUT = 7  # pixels of the square in which contrast is measured: no larger than a wave, so that no edge is left
_POWER = (
    1.5  # of that contrast: 1 would suit a mark as strong as the picture is busy, 2 one of the same strength all over
)
_LIMIT = 2.5  # times the contrast: nothing counts for more
_GRAIN = 0.6  # grey levels squared, of rounding and of coding: nothing below it is believed


class Evidence:
    """The sum over pictures of one size, at several reductions.

    levels  for a reduction by 2 ** level: (h, w) float32, band-passed and divided by its own local contrast
    frames  how many pictures are in it
    """

    def __init__(self) -> None:
        self.levels: dict[int, Floats] = {}
        self.frames = 0

    def add(self, pixels: Pixels) -> None:
        """Adds (H, W, 3) uint8 BGR, of the size of those before."""
        grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY).astype(np.float32)
        for level in range(LEVELS):
            if level > 0:
                height, width = (length // 2 * 2 for length in grey.shape)
                if min(height, width) < 2 * _LEAST:
                    break
                grey = cv2.resize(grey[:height, :width], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
            if max(grey.shape) > _MOST:
                continue
            if level in self.levels:
                self.levels[level] += _evened(grey)
            else:
                self.levels[level] = _evened(grey)
        self.frames += 1


def _evened(grey: Floats) -> Floats:
    """Band-passed, and evened out: where the picture is busy the pattern is strong, but the picture is stronger."""
    band = cv2.GaussianBlur(grey, (0, 0), _FINE)
    band -= cv2.GaussianBlur(grey, (0, 0), _COARSE)
    contrast = cv2.blur(cv2.multiply(band, band), (_ROUND_ABOUT, _ROUND_ABOUT))  # squared
    contrast += np.float32(_GRAIN)
    inverse = cv2.pow(contrast, -0.5)
    band *= inverse
    np.clip(band, -_LIMIT, _LIMIT, out=band)
    band *= cv2.pow(inverse, _POWER - 1)
    return np.asarray(band, np.float32)
