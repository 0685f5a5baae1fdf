"""A file that appears under its name only when it is whole."""

import contextlib
import os
from pathlib import Path

from reenact.errors import InputError, SinkError


class OutFile:
    """A new binary file: written as `NAME.part` beside its place, renamed by `keep`, removed by `discard`.

    With `direct` it is written under its own name from the start, and stays whatever happens: for formats that
    can be read while they are written.  The constructor raises InputError where nothing could ever be written.
    `write`, `seek` and `tell` are those of a raw file, but all of the data is written or OSError is raised; the
    first one is remembered in `error`, since not every library that writes hands it on.
    """

    def __init__(self, path: Path, *, direct: bool = False) -> None:
        self.path = path
        self._at = path if direct else path.with_name(path.name + ".part")
        self._direct = direct
        self.error: OSError | None = None
        self._void = False
        if path.is_dir():
            raise InputError(f"{path} is a folder: give the name of a file to write")
        if not path.parent.is_dir():
            raise InputError(f"{path} cannot be written, there is no folder {path.parent}: make it first")
        if path.exists() and not os.access(path, os.W_OK):
            raise InputError(f"{path} cannot be written, it is there and protected: give another name")
        try:
            self._fd = os.open(self._at, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o666)
        except OSError as error:
            raise InputError(f"{path} cannot be written ({_reason(error)}): give another name or folder") from None
        self._open = True

    def write(self, data: bytes) -> int:
        view = memoryview(data)
        while len(view) and not self._void:
            try:
                view = view[os.write(self._fd, view) :]
            except OSError as error:
                self.error = self.error or error
                raise
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        return offset if self._void else os.lseek(self._fd, offset, whence)

    def tell(self) -> int:
        return self.seek(0, 1)

    def check(self) -> None:
        """Raises SinkError if anything could not be written so far."""
        if self.error is not None:
            raise self.failure(self.error)

    def failure(self, error: Exception) -> SinkError:
        """What went wrong, as one sentence."""
        cause = self.error or error
        left = "what was written before is kept" if self._direct else "nothing of it is kept"
        return SinkError(f"{self.path} could not be written to its end ({_reason(cause)}), {left}")

    def keep(self) -> None:
        """Brings everything to the disk and the file to its name; SinkError, and no file, if that fails."""
        if not self._open:
            return
        try:
            self.check()
            os.fsync(self._fd)  # on some file systems a full disk shows only here
            self._close()
            if not self._direct:
                self._at.replace(self.path)
        except SinkError:
            self.discard()
            raise
        except OSError as error:
            self.discard()
            raise self.failure(error) from None

    def discard(self) -> None:
        """Forgets the file; whatever is written from now on goes nowhere."""
        self._close()
        if not self._direct:
            with contextlib.suppress(OSError):
                self._at.unlink(missing_ok=True)

    def _close(self) -> None:
        self._void = True
        if self._open:
            self._open = False
            os.close(self._fd)


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
