"""Recording that is switched on and off while it runs, one file each time."""

import contextlib
import itertools
import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from reenact.errors import ReenactError
from reenact.sinks.background import Background
from reenact.stages import Sink
from reenact.types import Composite

log = logging.getLogger(__name__)


def _unsigned(path: Path) -> AbstractContextManager[object]:
    return contextlib.nullcontext()


class Recording:
    """A Sink that is at first off; `start` and `stop` switch it, from any thread.

    path    of the first file; those after it get a number: call.mkv, call-2.mkv, ...  None: of reenact.mkv,
            reenact-2.mkv, ... the first that does not exist, in the folder where the program was started
    open    opens the sink that writes a file; it is given a thread of its own and closed in it
    around  what is entered before a file is opened and left after it was closed: signing
    alone   True where nothing else takes the pictures: what stops the recording is then raised by `send`.  False: it
            is told in `stopped`, and the other outputs go on
    """

    def __init__(
        self,
        path: Path | None,
        open: Callable[[Path], Sink],
        *,
        around: Callable[[Path], AbstractContextManager[object]] = _unsigned,
        alone: bool = False,
    ) -> None:
        self._path, self._open, self._around, self._alone = path, open, around, alone
        self._lock = threading.Lock()
        self._sink: Background | None = None
        self._stack = ExitStack()
        self._endings: list[threading.Thread] = []
        self._used: set[Path] = set()
        self.path: Path | None = None  # of the file being written, or written last
        self.stopped = ""  # why the last recording ended on its own, or could not begin
        self.files = 0
        self.left_out = 0  # pictures, of all files: see Background

    @property
    def on(self) -> bool:
        return self._sink is not None

    def start(self) -> None:
        """Begins a new file.  Raises what opening it raises; does nothing while one is being written."""
        with self._lock:
            if self._sink is not None:
                return
            self.stopped = ""
            self.path = self._next_path()
            stack = ExitStack()
            try:
                stack.enter_context(self._around(self.path))
                self._sink = Background(self._open(self.path))
            except BaseException:
                stack.close()
                raise
            self._stack = stack
            self._used.add(self.path)
            self.files += 1

    def stop(self) -> None:
        """Ends the file, in a thread of its own: who switches does not wait for the disk."""
        with self._lock:
            sink, self._sink = self._sink, None
            if sink is None:
                return
            ending = threading.Thread(target=self._end, args=(sink, self._stack), name="end of recording", daemon=True)
            self._endings.append(ending)
            ending.start()

    def toggle(self) -> None:
        """The record key: what goes wrong is told in `stopped`."""
        if self.on:
            self.stop()
            return
        try:
            self.start()
        except ReenactError as error:
            self.stopped = str(error)

    def send(self, composite: Composite) -> None:
        if not isinstance(composite, Composite):
            raise TypeError(f"a Recording takes a Composite, not {type(composite).__name__}")
        sink = self._sink
        if sink is None:
            return
        try:
            sink.send(composite)
        except ReenactError as error:
            if sink is not self._sink:
                return  # it was switched off just now
            self.stopped = f"the recording has stopped: {error}"
            log.warning("%s", self.stopped)
            self.stop()
            if self._alone:
                raise

    def _end(self, sink: Background, stack: ExitStack) -> None:
        with stack:
            try:
                sink.close()
            except ReenactError as error:
                if not self.stopped:
                    self.stopped = f"the recording has stopped: {error}"
                    log.warning("%s", self.stopped)
        self.left_out += sink.left_out

    def _next_path(self) -> Path:
        first = self._path or Path("reenact.mkv")
        if self._path is not None and not self._used:
            return first
        numbered = (first.with_name(f"{first.stem}-{n}{first.suffix}") for n in itertools.count(2))
        return next(path for path in itertools.chain([first], numbered) if path not in self._used and not path.exists())

    def close(self) -> None:
        """Ends what is being written and waits for the files that are not yet whole."""
        self.stop()
        for ending in self._endings:
            ending.join()

    def __enter__(self) -> "Recording":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
