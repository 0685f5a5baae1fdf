"""A camera of Linux without one: a tree like /sys and /dev, and a stand-in for cv2.VideoCapture."""

import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from reenact.sources import v4l2
from reenact.sources.synthetic import numbered

NAMES = {0: "Integrated Camera", 1: "Integrated Camera", 2: "USB Cam: HD", 9: "reenact"}  # 1 is 0's metadata node


def camera_tree(root: Path, monkeypatch: pytest.MonkeyPatch, names: dict[int, str] | None = None) -> Path:
    """Makes the devices of NAMES under root, points reenact at them and to Linux, and gives the dev folder."""
    names = NAMES if names is None else names
    folders = {name: root / name for name in ("sys", "dev", "proc")}
    for name, folder in folders.items():
        folder.mkdir(exist_ok=True)
        monkeypatch.setattr(v4l2, name.upper(), folder)
    for number, name in names.items():
        plug_in(folders["dev"], number, name)

    def capability(path: Path) -> v4l2.Capability | None:
        number = int(path.name.removeprefix("video")) if path.name.startswith("video") else -1
        if not path.exists() or number < 0:
            return None
        if number == 9:
            return v4l2.Capability("v4l2 loopback", False, True)
        return v4l2.Capability("uvcvideo", number != 1, False)

    monkeypatch.setattr(v4l2, "capability", capability)
    monkeypatch.setattr(v4l2, "offers", lambda path, code: code == "MJPG" and path.name == "video2")
    monkeypatch.setattr("sys.platform", "linux")
    return folders["dev"]


def plug_in(dev: Path, number: int, name: str) -> None:
    """A camera more; its pictures come from its node for as long as that is there."""
    node = dev.parent / "sys" / f"video{number}"
    node.mkdir()
    (node / "name").write_text(name + "\n")
    (node / "index").write_text("1\n" if number == 1 else "0\n")
    (dev / f"video{number}").touch()


def unplug(dev: Path, number: int) -> None:
    (dev / f"video{number}").unlink()
    node = dev.parent / "sys" / f"video{number}"
    for file in node.iterdir():
        file.unlink()
    node.rmdir()


class FakeCapture:
    """cv2.VideoCapture: numbered pictures, one each period_s, at the sizes a driver would choose."""

    opens = True
    hangs: threading.Event | None = None  # until it is set, the constructor does not return
    silent_after: int | None = None
    made: "list[FakeCapture]"

    def __init__(self, *args: object, period_s: float = 0.001) -> None:
        self.args, self.period_s = args, period_s
        self.asked: dict[int, float] = {}
        self.order: list[int] = []
        self.count = 0
        self.released = False
        if self.hangs is not None:
            self.hangs.wait(30)

    def isOpened(self) -> bool:
        return self.opens

    def set(self, what: int, value: float) -> bool:
        self.asked[what] = value
        self.order.append(what)
        return True

    @property
    def size(self) -> tuple[int, int]:
        return (640, 480) if self.asked.get(cv2.CAP_PROP_FRAME_WIDTH, 0) >= 640 else (320, 240)

    def get(self, what: int) -> float:
        if what == cv2.CAP_PROP_FPS:
            return 15.0
        if what == cv2.CAP_PROP_FOURCC:
            return self.asked.get(what, cv2.VideoWriter.fourcc(*"YUYV"))
        return 0.0

    def read(self) -> tuple[bool, np.ndarray | None]:
        time.sleep(self.period_s)
        gone = isinstance(self.args[0], str) and self.args[0].startswith("/") and not Path(self.args[0]).exists()
        if gone or (self.silent_after is not None and self.count >= self.silent_after):
            return False, None
        self.count += 1
        return True, numbered(self.size, self.count)

    def release(self) -> None:
        self.released = True
