"""Single keys on a terminal, without waiting for Enter."""

import contextlib
import sys
from collections.abc import Callable
from typing import Any

_NAMED = {"\x1b": "esc", "\r": "enter", "\n": "enter"}


class Keyboard:
    """Keys pressed on the terminal that is stdin; where it is none, no key is ever pressed.

    Echo and line buffering are switched off while it is open, and on again by `close`; Ctrl-C stays what it is.
    """

    def __init__(self) -> None:
        self._restore: Callable[[], None] | None = None
        self._fd = -1
        with contextlib.suppress(OSError, ValueError, AttributeError):
            if sys.stdin.isatty():
                self._fd = sys.stdin.fileno()
                self._open()

    def _open(self) -> None:
        if sys.platform == "win32":
            self._restore = lambda: None
            return
        import termios
        import tty

        before = termios.tcgetattr(self._fd)
        tty.setcbreak(self._fd, termios.TCSANOW)
        self._restore = lambda: termios.tcsetattr(self._fd, termios.TCSANOW, before)

    @property
    def listens(self) -> bool:
        return self._restore is not None

    def poll_key(self) -> str:
        """The key pressed since the last call, "" for none; "esc" and "enter" by name."""
        if self._restore is None:
            return ""
        char = self._read_windows() if sys.platform == "win32" else self._read()
        return _NAMED.get(char, char)

    def _read(self) -> str:
        import os
        import select

        try:
            if not select.select([self._fd], [], [], 0)[0]:
                return ""
            data = os.read(self._fd, 1)
            if data == b"\x1b" and select.select([self._fd], [], [], 0)[0]:
                os.read(self._fd, 2)  # an arrow: Escape, a bracket and a letter
                return ""
        except (OSError, ValueError):
            return ""
        return data.decode("ascii", "ignore")

    def _read_windows(self) -> str:
        import msvcrt

        console: Any = msvcrt
        return str(console.getwch()) if console.kbhit() else ""

    def close(self) -> None:
        restore, self._restore = self._restore, None
        if restore is not None:
            restore()

    def __enter__(self) -> "Keyboard":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
