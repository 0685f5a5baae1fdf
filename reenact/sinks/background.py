"""A sink that works in a thread of its own, so that whoever sends never waits for it."""

import contextlib
import os
import sys
import threading
from collections import deque

from reenact.errors import ReenactError, SinkError
from reenact.stages import Sink
from reenact.types import Composite

# Niceness of the thread on Linux: encoding must not take a core from tracking or generating.  With 0, 10 and 19 capture
# to sink took 31.7, 31.6 and 35.9 ms, without recording 30.9 (p50, 1280x720 on two busy cores): at 19 Python's lock is
# held by one that does not get on.
_GENTLE = 10


class Background:
    """A Sink around another, which is opened by whoever asks and closed here.

    waiting   how many pictures may wait; when one more comes the oldest of them is left out and counted in
              `left_out`: a recording loses a picture, never its time, since each carries its own
    close_s   how long `close` waits for what is left to be taken
    What the inner sink raises is raised by the next `send` and by `close`.  A picture sent again (same seq, t_capture
    and kind) is handed on once.
    """

    def __init__(self, sink: Sink, *, waiting: int = 15, close_s: float = 0.8) -> None:
        if waiting < 1:
            raise ValueError(f"waiting is {waiting}: expected 1 or more")
        self._sink, self._most, self._close_s = sink, waiting, close_s
        self._changed = threading.Condition()
        self._pictures: deque[Composite] = deque()
        self._last: tuple[object, ...] | None = None
        self._ending = False
        self._closed = False
        self.left_out = 0
        self.error: ReenactError | None = None
        self._thread = threading.Thread(target=self._work, name="recording", daemon=True)
        self._thread.start()

    def send(self, composite: Composite) -> None:
        """Leaves the picture for the thread; returns at once."""
        if not isinstance(composite, Composite):
            raise TypeError(f"a Background takes a Composite, not {type(composite).__name__}")
        mark = (composite.seq, composite.t_capture, composite.kind)
        with self._changed:
            if self.error is not None:
                raise self.error
            if self._ending:
                raise SinkError("the recording is closed: nothing more can be sent")
            if mark == self._last:
                return
            self._last = mark
            if len(self._pictures) == self._most:
                self._pictures.popleft()
                self.left_out += 1
            self._pictures.append(composite)
            self._changed.notify()

    def _work(self) -> None:
        _be_gentle()
        try:
            while (picture := self._next()) is not None:
                self._sink.send(picture)
        except ReenactError as error:
            self._fail(error)
        except Exception as error:
            self._fail(SinkError(f"the recording failed: {error}"))
        try:
            self._sink.close()
        except ReenactError as error:
            self._fail(error)

    def _next(self) -> Composite | None:
        """The picture that waits longest; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._pictures or self._ending)
            return self._pictures.popleft() if self._pictures else None

    def _fail(self, error: ReenactError) -> None:
        with self._changed:
            self.error = self.error or error
            self._ending = True
            self._pictures.clear()

    def close(self) -> None:
        """Waits until all was taken and the inner sink is closed; raises what went wrong, once."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        if self._closed:
            return
        self._closed = True
        self._thread.join(self._close_s)
        if self._thread.is_alive():
            raise SinkError(
                f"the recording could not be ended within {self._close_s:g} s: its last moments may be missing"
            )
        if self.error is not None:
            raise self.error

    def __enter__(self) -> "Background":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _be_gentle() -> None:
    if sys.platform.startswith("linux"):  # where niceness is a thread's
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _GENTLE)
