"""From one target to the next while it runs: the other is opened aside, the old one plays on until it is ready."""

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack

from reenact.errors import ReenactError
from reenact.playing import Playing

log = logging.getLogger(__name__)

_CLOSE_S = 0.5  # how long `close` waits for a target that is being opened


class Switcher:
    """Steps through targets by name.

    names    to be stepped through, in order
    current  the one that plays; it need not be among them: a file that was opened on the spot
    opens    opens one of them ready to play; left when it is shown no more
    notice   what is being done, or why it could not be, in words
    """

    def __init__(
        self, names: Sequence[str], current: str, opens: Callable[[str], AbstractContextManager[Playing]]
    ) -> None:
        self._names, self._opens = tuple(names), opens
        self.current = current
        self.notice = ""
        self._wanted = current
        self._stack = ExitStack()
        self._closing = threading.Event()
        self._worker: threading.Thread | None = None
        self._lock = threading.Lock()

    def step(self, by: int, show: Callable[[Playing], threading.Event]) -> None:
        """Asks for the next target (1) or the one before (-1); returns at once.

        show  hands over what is to be played and gives an event that is set once it plays (Live.show)
        Asked again meanwhile it goes on from the one asked for, and opens only the last.
        """
        with self._lock:
            others = [name for name in self._names if name != self._wanted]
            if not others:
                self.notice = "there is no other target: add one with `reenact target add`"
                return
            if self._wanted in self._names:
                self._wanted = self._names[(self._names.index(self._wanted) + by) % len(self._names)]
            else:
                self._wanted = self._names[0 if by > 0 else -1]
            self.notice = f"opening {self._wanted}"
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, args=(show,), name="target", daemon=True)
                self._worker.start()

    def _work(self, show: Callable[[Playing], threading.Event]) -> None:
        while (name := self._next()) is not None:
            stack = ExitStack()
            try:
                playing = stack.enter_context(self._opens(name))
            except Exception as error:
                if not isinstance(error, ReenactError):
                    log.exception("a target could not be opened")
                self._give_up(name, error)
                continue
            if self._wanted != name or self._closing.is_set():  # another was asked for meanwhile
                stack.close()
                continue
            changed = show(playing)
            while not changed.wait(0.05):
                if self._closing.is_set():  # it may play or may not: what is closed then is closed by `close`
                    break
            before, self._stack = self._stack, stack
            with self._lock:
                self.current, self.notice = name, f"target {name}"
            before.close()

    def _next(self) -> str | None:
        with self._lock:
            if self._wanted == self.current or self._closing.is_set():
                self._worker = None
                return None
            return self._wanted

    def _give_up(self, name: str, error: Exception) -> None:
        with self._lock:
            self.notice = f"{name} cannot be shown: {error}"
            if self._wanted == name:
                self._wanted = self.current

    def close(self) -> None:
        """Closes the target that was opened here last; after the loop has ended."""
        self._closing.set()
        worker = self._worker
        if worker is not None:
            worker.join(_CLOSE_S)
            if worker.is_alive():
                return  # it is still being opened, by a daemon that ends with the process
        self._stack.close()

    def __enter__(self) -> "Switcher":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
