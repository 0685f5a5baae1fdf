"""Ctrl-C and SIGTERM while a call runs: the first ends it in order; the second ends the process at once."""

import os
import signal
from collections.abc import Callable
from types import FrameType

NUMBERS = (signal.SIGINT, signal.SIGTERM)


class Ending:
    """Takes both signals while the block runs, opening and closing included.

    got  the number of the first one, 0 for none
    Before there is anything to stop the first one raises KeyboardInterrupt in the main thread.
    """

    def __init__(self) -> None:
        self.got = 0
        self._stop: Callable[[], None] | None = None
        self._last_words: Callable[[], None] | None = None
        self._before: dict[int, object] = {}

    def stops(self, stop: Callable[[], None], last_words: Callable[[], None] | None = None) -> None:
        """What the first signal calls from now on, and what the second before it ends the process."""
        self._stop, self._last_words = stop, last_words

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if self.got:
            if self._last_words is not None:
                self._last_words()
            os._exit(128 + number)
        self.got = number
        if self._stop is None:
            raise KeyboardInterrupt
        self._stop()

    def __enter__(self) -> "Ending":
        self._before = {number: signal.signal(number, self._on_signal) for number in NUMBERS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
