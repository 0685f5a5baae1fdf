"""Time, injected: the engine asks a `Clock`, never the machine, so that tests can run on a virtual one."""

import time
from typing import Protocol


class Clock(Protocol):
    """Must never go backwards; `sleep(s)` must return no earlier than `now()` has grown by `s` (seconds)."""

    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class MonotonicClock:
    """The machine's monotonic clock, in seconds."""

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)


class VirtualClock:
    """A clock that moves only when told to: by `sleep` and by `advance`."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.advance(max(0.0, seconds))

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError(f"a clock cannot be advanced by {seconds} s: expected 0 or more")
        self._now += seconds
