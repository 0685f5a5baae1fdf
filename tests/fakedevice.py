"""A virtual camera in a folder, for the real sink and the real host (see fakehost.py)."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from made import composite

from reenact.config import VirtualCameraConfig
from reenact.sinks import VirtualCamera
from reenact.sinks.card import slate
from reenact.types import Composite

SIZE = (64, 48)
PATIENT = {"answer_s": 10.0, "start_s": 60.0, "stuck_s": 60.0}  # a slow machine is no fault
COMMAND = (sys.executable, str(Path(__file__).with_name("fakehost.py")))


def plain(value: int, seq: int = 0) -> Composite:
    """A picture of one colour, which the slate is not."""
    one = composite(seq, seq / 25, size=SIZE)
    one.pixels[:] = value
    return one


@dataclass(frozen=True, slots=True)
class Written:
    at: float
    value: int
    whole: bool

    @property
    def is_slate(self) -> bool:
        return self.value == int(slate(SIZE)[0, 0, 0]) and not self.whole


class FolderCamera:
    """What other programs would see of it."""

    def __init__(self, folder: Path, runtime: Path) -> None:
        self.folder, self.runtime = folder, runtime

    def opened(self, device: str = "auto", **config: float) -> VirtualCamera:
        settings = VirtualCameraConfig(**{**PATIENT, **config})  # type: ignore[arg-type]
        return VirtualCamera(SIZE, 25, device, config=settings, command=COMMAND)

    @property
    def written(self) -> list[Written]:
        """Every picture that was written to it."""
        path = self.folder / "written"
        lines = path.read_text().splitlines() if path.exists() else []
        rows = [line.split() for line in lines]
        return [Written(float(r[0]), int(r[1]), r[4] == "1") for r in rows if len(r) == 5]

    def hosts(self) -> list[int]:
        """The processes that opened it, in order."""
        path = self.folder / "opened"
        return [int(line.split()[1]) for line in path.read_text().splitlines()] if path.exists() else []

    def until(self, seen: Callable[[], object], limit_s: float = 60.0) -> None:
        """Waits for something to be seen; a slow machine only takes longer."""
        end = time.monotonic() + limit_s
        while not seen():
            assert time.monotonic() < end, "it never happened"
            time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not yet taken leave of does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextmanager
def folder_camera(monkeypatch: pytest.MonkeyPatch) -> Iterator[FolderCamera]:
    """One with nobody sending to it; the hosts are ended with it."""
    place = Path(tempfile.mkdtemp(prefix="rt"))  # short: a socket's address has at most 100 characters
    for name in ("run", "cam"):
        (place / name).mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(place / "run"))
    monkeypatch.setenv("FAKE_DEVICE", str(place / "cam"))
    camera = FolderCamera(place / "cam", place / "run" / "reenact")
    try:
        yield camera
    finally:
        for pid in set(camera.hosts()):
            if alive(pid):
                os.kill(pid, 9)
        shutil.rmtree(place, ignore_errors=True)
