"""The engine's two ends in a glass-to-glass measurement: the number in is read, the number out is written.

What the engine shows holds nothing of the camera's picture, so that a code cannot come through by itself.  Here, and
nowhere else, the source's reader takes the number from the camera's picture and the sink writes that number, never a
pixel, along the lower edge of what was made of it.
"""

import threading
import time
from collections import OrderedDict
from dataclasses import replace

from reenact.bench import code
from reenact.stages import Sink, Source
from reenact.types import Composite, Frame, Kind, Pixels

_REMEMBERED = 512  # frames whose number is kept: more than are ever on their way
_BLINKS_KEPT = 45  # pictures in which the strip is looked for
_TIMED = 10_000


class CodeReading:
    """A Source that reads the number out of every picture it hands on.

    code_of(seq)   the number in that frame, None where there was none
    found          whether the strip's place is known; on a screen it is looked for while it blinks
    """

    def __init__(self, source: Source, *, on_screen: bool = False) -> None:
        self._source, self._on_screen = source, on_screen
        self.size, self.rate, self.live = source.size, source.rate, source.live
        self.corners: code.Corners | None = None
        self.found = not on_screen
        self.seconds: list[float] = []  # that reading the code took
        self._blinks: list[Pixels] = []
        self._codes: OrderedDict[int, int] = OrderedDict()
        self._lock = threading.Lock()

    def read(self) -> Frame | None:
        frame = self._source.read()
        if frame is None:
            return None
        began = time.perf_counter()
        number = code.read(frame.pixels, self.corners) if self.found else self._look(frame.pixels)
        if number is not None:
            with self._lock:
                self._codes[frame.seq] = number
                while len(self._codes) > _REMEMBERED:
                    self._codes.popitem(last=False)
        if len(self.seconds) < _TIMED:
            self.seconds.append(time.perf_counter() - began)
        return frame

    def _look(self, pixels: Pixels) -> int | None:
        """Keeps pictures of the blinking strip, and once there are enough, tries to read where it was."""
        self._blinks.append(pixels)
        if len(self._blinks) < _BLINKS_KEPT:
            return None
        corners = code.find(self._blinks[-_BLINKS_KEPT:])
        del self._blinks[: _BLINKS_KEPT // 3]
        if corners is None:
            return None
        number = code.read(pixels, corners)
        if number is not None:
            self.corners, self.found, self._blinks = corners, True, []
        else:
            self.corners = corners
        return number

    def code_of(self, seq: int) -> int | None:
        with self._lock:
            return self._codes.get(seq)

    def close(self) -> None:
        self._source.close()


class CodeStamping:
    """A Sink that writes the number of the frame that a LIVE picture was made of along the picture's lower edge."""

    def __init__(self, sink: Sink, source: CodeReading) -> None:
        self._sink, self._source = sink, source
        self.seconds: list[float] = []

    def send(self, composite: Composite) -> None:
        began = time.perf_counter()
        pixels = composite.pixels.copy()
        number = self._source.code_of(composite.seq) if composite.kind is Kind.LIVE else None
        code.draw(pixels, number)
        stamped = replace(composite, pixels=pixels)
        if len(self.seconds) < _TIMED:
            self.seconds.append(time.perf_counter() - began)
        self._sink.send(stamped)

    def close(self) -> None:
        self._sink.close()
