"""Pictures that need no device and no file: for tests and measurements."""

import numpy as np

from reenact.clock import Clock
from reenact.types import Frame, Pixels

_BITS = 16


def numbered(size: tuple[int, int], number: int) -> Pixels:
    """(H, W, 3): a gradient, a square that moves, and the number as 16 bars along the top, lowest bit at the left."""
    width, height = size
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[:, :, 0] = np.linspace(40, 200, width).astype(np.uint8)
    pixels[:, :, 1] = np.linspace(60, 180, height).astype(np.uint8)[:, None]
    pixels[:, :, 2] = 120
    side = max(4, height // 6)
    left = number * 8 % max(1, width - side)
    pixels[height // 2 : height // 2 + side, left : left + side] = (30, 30, 220)
    for bit in range(_BITS):
        pixels[: max(4, height // 12), bit * width // _BITS : (bit + 1) * width // _BITS] = 255 * (number >> bit & 1)
    return pixels


def read_number(pixels: Pixels) -> int:
    """The number that `numbered` put into a picture, also after coding and scaling."""
    height, width = pixels.shape[:2]
    row = pixels[max(4, height // 12) // 2]
    return sum(int(row[(2 * bit + 1) * width // (2 * _BITS)].mean() > 127) << bit for bit in range(_BITS))


class SyntheticSource:
    """Pictures made by `numbered`.

    With a clock it is live: picture n comes n / rate seconds after the first read, stamped with the clock's time.
    Without one it is a file: `frames` pictures (None: without end) as fast as they are read.
    """

    def __init__(
        self,
        size: tuple[int, int] = (640, 480),
        rate: float = 30.0,
        frames: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        if rate <= 0 or min(size) < _BITS:
            raise ValueError(f"size={size}, rate={rate}: expected {_BITS} pixels or more each way and a positive rate")
        self.size, self.rate, self.frames, self.live = size, rate, frames, clock is not None
        self._clock = clock
        self._began: float | None = None
        self._seq = 0
        self._closed = False

    def read(self) -> Frame | None:
        seq = self._seq
        if self._closed or (self.frames is not None and seq >= self.frames):
            return None
        t_capture = seq / self.rate
        if self._clock is not None:
            if self._began is None:
                self._began = self._clock.now()
            self._clock.sleep(self._began + t_capture - self._clock.now())
            t_capture = self._clock.now()
        self._seq = seq + 1
        return Frame(numbered(self.size, seq), seq, t_capture)

    def close(self) -> None:
        self._closed = True
