"""Ctrl-C and SIGTERM: the first ends a command in order, the second ends the process at once."""

import signal
from collections.abc import Callable
from types import FrameType

NUMBERS = (signal.SIGINT, signal.SIGTERM)


class Termination:
    """Makes SIGTERM end a command as Ctrl-C does: files and processes are put in order by what `finally` says.

    got  whether it came; the second is left to the system
    """

    def __init__(self) -> None:
        self.got = False
        signal.signal(signal.SIGTERM, self._on_signal)

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        self.got = True
        signal.signal(number, signal.SIG_DFL)
        raise KeyboardInterrupt


class Ending:
    """Takes both signals while a call runs, opening and closing included.

    got  the number of the first one, 0 for none
    Before there is anything to stop the first one raises KeyboardInterrupt in the main thread.  The second is left to
    the system, which needs no turn of a busy interpreter for it; so the terminal is put in order with the first.
    """

    def __init__(self) -> None:
        self.got = 0
        self._stop: Callable[[], None] | None = None
        self._tidy: Callable[[], None] | None = None
        self._before: dict[int, object] = {}

    def stops(self, stop: Callable[[], None], tidy: Callable[[], None] | None = None) -> None:
        """What the first signal calls from now on; `tidy` is what must not be left to the end."""
        self._stop, self._tidy = stop, tidy

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        self.got = self.got or number
        for each in NUMBERS:
            signal.signal(each, signal.SIG_DFL)
        if self._stop is None:
            raise KeyboardInterrupt
        self._stop()
        if self._tidy is not None:
            self._tidy()

    def __enter__(self) -> "Ending":
        self._before = {number: signal.signal(number, self._on_signal) for number in NUMBERS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
