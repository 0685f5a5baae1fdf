"""How an engine and a camera host find each other, and what lies between them.

    in a folder that is the user's alone:
    NAME.lock           held by the host of that device, so that there is never a second one
    NAME.sock           its socket; where there are none of that kind (Windows), NAME.port: a port and a token
    pictures.RANDOM     two pictures in memory that both have mapped, the slate and the newest; its name is taken away
                        as soon as both have it, so that nothing is left behind by whoever dies

Messages are lines of JSON.  An engine asks and waits for the answer before it asks again: while the host reads the
picture nobody writes to it, so that no torn picture is shown.
"""

import contextlib
import json
import mmap
import os
import re
import secrets
import select
import socket
import stat
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from reenact.errors import DeviceError
from reenact.types import Pixels

_LONGEST = 4096  # bytes of a message
_PATH_BYTES = 100  # of a socket's address, what every system allows


class LinkLost(Exception):
    """The other side has ended, or talks nonsense."""


def folder() -> Path:
    """The user's own folder for sockets and pictures, in memory where the system has such a place."""
    places = [Path(p) for p in (os.environ.get("XDG_RUNTIME_DIR"),) if p and Path(p).is_dir()]
    if places:
        return _private(places[0] / "reenact")
    user = str(os.getuid()) if hasattr(os, "getuid") else re.sub(r"\W", "", os.environ.get("USERNAME", "user"))
    memory = Path("/dev/shm")
    place = memory if os.access(memory, os.W_OK) and memory.is_dir() else Path(tempfile.gettempdir())
    return _private(place / f"reenact-{user}")


def _private(path: Path) -> Path:
    """The folder, made if it is not there; DeviceError where it is not ours alone."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.lstat()
    except OSError as error:
        raise DeviceError(f"{path} cannot be made ({error.strerror}): the virtual camera needs it") from error
    if hasattr(os, "getuid") and (
        not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077
    ):
        raise DeviceError(f"{path} is not a folder of this user's alone: remove it, it is made anew")
    return path


def file_name(device: str) -> str:
    """A device's name as part of a file's name: /dev/video10 -> dev-video10."""
    return re.sub(r"[^A-Za-z0-9]+", "-", device).strip("-").lower() or "camera"


class Lock:
    """A file that one process at a time may hold; the system lets go of it when that process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: Any = None

    def take(self) -> bool:
        """Whether it is ours now; does not wait."""
        file = self._path.open("a+b")
        try:
            if sys.platform == "win32":
                import msvcrt

                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        self._file = file
        return True

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class Link:
    """One connection; `receive` and `send` raise LinkLost when the other side has ended."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._socket.setblocking(False)
        self._held = b""

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, **message: Any) -> None:
        line = json.dumps(message).encode() + b"\n"
        try:
            while line:
                try:
                    line = line[self._socket.send(line) :]
                except BlockingIOError:
                    if not select.select([], [self._socket], [], 1.0)[1]:
                        raise LinkLost("it takes no messages") from None
        except OSError as error:
            raise LinkLost(str(error)) from None

    def receive(self, timeout_s: float) -> dict[str, Any] | None:
        """The next message, None if there is none in time."""
        until = time.monotonic() + timeout_s
        while b"\n" not in self._held:
            left = max(0.0, until - time.monotonic())
            try:
                if not select.select([self._socket], [], [], left)[0]:
                    return None
                some = self._socket.recv(_LONGEST)
            except BlockingIOError:
                continue
            except (OSError, ValueError) as error:
                raise LinkLost(str(error)) from None
            if not some or len(self._held) > _LONGEST:
                raise LinkLost("it has ended")
            self._held += some
        line, self._held = self._held.split(b"\n", 1)
        try:
            message = json.loads(line)
        except ValueError:
            raise LinkLost("it talks nonsense") from None
        if not isinstance(message, dict):
            raise LinkLost("it talks nonsense")
        return message

    def close(self) -> None:
        self._socket.close()


class Listener:
    """Where a host is called.  name: of its device, by `file_name`."""

    def __init__(self, place: Path, name: str) -> None:
        self.token = ""
        self.path = place / f"{name}.sock"
        for old in (self.path, place / f"{name}.port"):
            old.unlink(missing_ok=True)  # of a host that was killed: the lock is ours
        if hasattr(socket, "AF_UNIX") and len(os.fsencode(self.path)) <= _PATH_BYTES:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._socket.bind(str(self.path))
        else:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self._socket.bind(("127.0.0.1", 0))
            self.token, self.path = secrets.token_hex(16), place / f"{name}.port"
            new = place / f"{name}.new"
            new.write_text(f"{self._socket.getsockname()[1]} {self.token}")
            new.replace(self.path)
        self._socket.listen(8)
        self._socket.setblocking(False)

    def fileno(self) -> int:
        return self._socket.fileno()

    def accept(self) -> Link | None:
        try:
            return Link(self._socket.accept()[0])
        except OSError:
            return None

    def close(self) -> None:
        self._socket.close()
        self.path.unlink(missing_ok=True)


def hosts(place: Path) -> list[Path]:
    """Where hosts may be called: of some, only the file is left."""
    return sorted(path for path in place.iterdir() if path.suffix in (".sock", ".port"))


def call(path: Path, timeout_s: float = 2.0) -> tuple[Link, str] | None:
    """The host that listens there, and the token it wants; None if nobody does."""
    token = ""
    try:
        if path.suffix == ".port":
            port, token = path.read_text().split()
            return Link(socket.create_connection(("127.0.0.1", int(port)), timeout_s)), token
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(path))
        except OSError:
            connection.close()
            raise
        return Link(connection), token
    except (OSError, ValueError):
        return None


class Pictures:
    """The slate and the newest picture, (H, W, 3) uint8 BGR each, in memory that two processes have mapped.

    Made by the engine (`name` None), opened by the host; LinkLost where the file is not what it should be.
    """

    def __init__(self, place: Path, size: tuple[int, int], name: str | None = None) -> None:
        width, height = size
        one = width * height * 3
        if name is None:
            descriptor, path = tempfile.mkstemp(prefix="pictures.", dir=place)
            self.path = Path(path)
            os.truncate(path, 2 * one)
        else:
            self.path = place / Path(name).name
            try:
                descriptor = os.open(self.path, os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0))
            except OSError as error:
                raise LinkLost(f"its pictures are not there ({error.strerror})") from None
        try:
            if os.fstat(descriptor).st_size != 2 * one:
                raise LinkLost("its pictures are of another size")
            self._map = mmap.mmap(descriptor, 2 * one)
        finally:
            os.close(descriptor)
        both = np.frombuffer(self._map, np.uint8).reshape(2, height, width, 3)
        self.slate: Pixels = both[0]
        self.newest: Pixels = both[1]

    def forget_name(self) -> None:
        """Takes the file's name away; where an open file cannot lose it, `close` does it."""
        with contextlib.suppress(OSError):
            self.path.unlink()

    def close(self) -> None:
        """The arrays must not be used any more."""
        self.slate = self.newest = np.empty((1, 1, 3), np.uint8)
        with contextlib.suppress(BufferError):  # an array of it is still held: it goes with the array
            self._map.close()
        self.forget_name()
