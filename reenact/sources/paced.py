"""A file played in real time, as if it were a webcam."""

from collections.abc import Callable
from pathlib import Path

from reenact.clock import Clock, MonotonicClock
from reenact.config import MediaConfig
from reenact.sources.media import open_media
from reenact.stages import Source
from reenact.types import Frame

_SKIP = 60  # pictures left out at once; who is further behind starts anew from where it is


class Paced:
    """A live Source made of a file: each picture comes when it is due, and what is overdue is left out.

    open_source  opens the file; called again for each round when `loop`
    Frame.t_capture is the clock's time when the picture is handed out; seq counts pictures handed out;
    `dropped` counts those left out.
    """

    live = True

    def __init__(self, open_source: Callable[[], Source], clock: Clock | None = None, *, loop: bool = False) -> None:
        self._open, self._clock, self._loop = open_source, clock or MonotonicClock(), loop
        self._source = open_source()
        self.size, self.rate = self._source.size, self._source.rate
        self.dropped = 0
        self._seq = 0
        self._round = 0.0  # media time at which this round began
        self._length = 0.0  # of this round, so far
        self._closed = False
        self._began: float | None = None
        self._next = self._fetch()

    def _fetch(self) -> tuple[float, Frame] | None:
        """The file's next picture and its media time."""
        frame = self._source.read()
        if frame is None and self._loop and self._length > 0 and not self._closed:
            self._source.close()
            self._source = self._open()
            self._round, self._length = self._round + self._length, 0.0
            frame = self._source.read()
        if frame is None:
            return None
        self._length = frame.t_capture + 1.0 / self.rate
        return self._round + frame.t_capture, frame

    def read(self) -> Frame | None:
        if self._next is None or self._closed:
            return None
        now = self._clock.now()
        if self._began is None:
            self._began = now - self._next[0]
        current, self._next = self._next, self._fetch()
        skipped = 0
        while self._next is not None and self._began + self._next[0] <= now:
            current, self._next = self._next, self._fetch()
            self.dropped += 1
            skipped += 1
            if skipped >= _SKIP:
                self._began = now - current[0]
        self._clock.sleep(self._began + current[0] - self._clock.now())
        seq, self._seq = self._seq, self._seq + 1
        return Frame(current[1].pixels, seq, self._clock.now())

    def close(self) -> None:
        self._closed = True
        self._source.close()

    def __enter__(self) -> "Paced":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class LoopedVideo(Paced):
    """A video file played round and round in real time."""

    def __init__(self, path: Path | str, config: MediaConfig | None = None, clock: Clock | None = None) -> None:
        super().__init__(lambda: open_media(path, config), clock, loop=True)
