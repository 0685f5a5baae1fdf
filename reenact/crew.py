"""Threads that repeat one turn each until the first fails or all are told to end."""

import logging
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from reenact.clock import Clock
from reenact.errors import ReenactError

log = logging.getLogger(__name__)

SWITCH_S = 0.0002  # at Python's own 5 ms the tracker waits for the generator's Python code, and the other way round


class Crew:
    """One thread for each turn, by name; daemons, so that one that hangs in a driver does not keep the process.

    ending  set by whoever wants the end, and by a turn that raises; `error` is then why
    """

    def __init__(self, turns: Mapping[str, Callable[[], None]], ending: threading.Event, clock: Clock) -> None:
        self.error: ReenactError | None = None
        self._ending, self._clock = ending, clock
        self._threads = {
            name: threading.Thread(target=self._repeat, args=(turn,), name=name, daemon=True)
            for name, turn in turns.items()
        }

    def start(self) -> None:
        for thread in self._threads.values():
            thread.start()

    def _repeat(self, turn: Callable[[], None]) -> None:
        try:
            while not self._ending.is_set():
                turn()
        except ReenactError as error:
            self.error = self.error or error
        except Exception as error:
            log.exception("a thread of the live loop ended")
            self.error = self.error or ReenactError(f"the live loop failed: {error}")
        finally:
            self._ending.set()

    def ended(self, name: str, deadline: float) -> bool:
        """Waits for one thread until the clock's `deadline`; whether it has ended."""
        self._threads[name].join(max(0.05, deadline - self._clock.now()))
        return not self._threads[name].is_alive()

    def all_ended(self, deadline: float) -> bool:
        ended = [self.ended(name, deadline) for name in self._threads]  # each of them is waited for
        return all(ended)


@contextmanager
def cores_shared() -> Iterator[None]:
    """Each stage has a thread: OpenCV's own would only take the cores from the other stages."""
    import cv2

    threads, interval = cv2.getNumThreads(), sys.getswitchinterval()
    cv2.setNumThreads(1)
    sys.setswitchinterval(SWITCH_S)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
        sys.setswitchinterval(interval)
