"""Whether a camera's pictures show anything: black ones and frozen ones do not."""

import numpy as np

from reenact.types import Pixels

_STEP = 8  # every 8th pixel each way: 0.1 MB of a picture of 1280x720
_FEW = 0.01  # of the pixels may be brighter in a black picture: some never go dark
_REPEATS = 5  # a camera that is asked for more than it has repeats a picture or two


class Liveliness:
    """Looks at a camera's pictures one after the other.

    frozen_s    the very same picture for so long is no picture: a real sensor's noise never repeats
    dark_level  0..255: what is no brighter is dark
    """

    def __init__(self, frozen_s: float, dark_level: int) -> None:
        self._frozen_s, self._dark = frozen_s, dark_level
        self._last: Pixels | None = None
        self._since = 0.0
        self._repeats = 0

    def fault(self, pixels: Pixels, t_capture: float) -> str:
        """What is wrong with it, as the end of a sentence; "" where it may show somebody."""
        sample = np.ascontiguousarray(pixels[::_STEP, ::_STEP])
        if self._last is not None and np.array_equal(sample, self._last):
            self._repeats += 1
        else:
            self._last, self._since, self._repeats = sample, t_capture, 0
        if np.count_nonzero(sample > self._dark) <= _FEW * sample.size:
            return "gives black pictures: open its shutter, or take its cap off"
        if self._repeats >= _REPEATS and t_capture - self._since >= self._frozen_s:
            return "gives the same picture again and again: unplug it and plug it in again"
        return ""
