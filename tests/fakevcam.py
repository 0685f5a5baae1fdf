"""A virtual camera without one: a tree of devices and a backend for the real pyvirtualcam."""

from pathlib import Path

import numpy as np
import pytest
import pyvirtualcam

from reenact.sources import v4l2


class Backend:
    """What pyvirtualcam asks of a backend; pictures it was sent are in `sent`, as (H, W, 3) BGR."""

    opened: "list[Backend]"
    refuses: str = ""

    def __init__(self, *, width: int, height: int, fps: float, fourcc: int, device: str | None) -> None:
        if self.refuses:
            raise RuntimeError(self.refuses)
        self.size, self.rate, self.fourcc = (width, height), fps, fourcc
        self.name = device or "OBS Virtual Camera"
        self.sent: list[np.ndarray] = []
        self.closed = 0
        self.fails = False
        self.opened.append(self)

    def send(self, frame: np.ndarray) -> None:
        if self.fails:
            raise RuntimeError("the pipe is broken")
        assert frame.flags.c_contiguous
        self.sent.append(frame.reshape(self.size[1], self.size[0], 3).copy())

    def close(self) -> None:
        self.closed += 1

    def device(self) -> str:
        return self.name

    def native_fourcc(self) -> None:
        return None


def virtual_camera(root: Path, monkeypatch: pytest.MonkeyPatch, platform: str = "linux") -> type[Backend]:
    """Points reenact at one loopback device, video10 labelled reenact, and at a webcam, video0; gives the backend."""
    (root / "run").mkdir(exist_ok=True)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(root / "run"))
    for name in ("sys", "dev", "proc"):
        (root / name).mkdir(exist_ok=True)
        monkeypatch.setattr(v4l2, name.upper(), root / name)
    for number, label in ((0, "webcam"), (10, "reenact")):
        node = root / "sys" / f"video{number}"
        node.mkdir()
        (node / "name").write_text(label)
        (root / "dev" / f"video{number}").touch()

    class Fresh(Backend):
        pass

    Fresh.opened = []

    def capability(path: Path) -> v4l2.Capability | None:
        known = {"video0": ("uvcvideo", True, False), "video10": ("v4l2 loopback", False, True)}
        return v4l2.Capability(*known[path.name]) if path.name in known else None

    monkeypatch.setattr(v4l2, "capability", capability)
    monkeypatch.setattr(v4l2, "format_size", lambda _: Fresh.opened[-1].size if Fresh.opened else None)
    monkeypatch.setattr("sys.platform", platform)
    for name in ("v4l2loopback", "obs", "unitycapture"):
        monkeypatch.setitem(pyvirtualcam.camera.BACKENDS, name, Fresh)
    return Fresh
