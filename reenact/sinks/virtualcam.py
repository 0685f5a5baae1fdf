"""Virtual cameras, for calls.  The only module that imports pyvirtualcam (GPL-2.0), and only when one is opened."""

import contextlib
import os
import re
import sys
from pathlib import Path
from typing import Any

from reenact.clock import Clock, MonotonicClock
from reenact.errors import DeviceError, InputError, SinkError
from reenact.sinks.card import slate
from reenact.sources import v4l2
from reenact.types import Composite

_BACKENDS = {"linux": ("v4l2loopback",), "win32": ("obs", "unitycapture"), "darwin": ("obs",)}
_LOOPBACK = "v4l2 loopback"  # as the driver calls itself
_MEND = {
    "linux": "install v4l2loopback-dkms, then run "
    "sudo modprobe v4l2loopback video_nr=10 card_label=reenact exclusive_caps=1",
    "win32": "install OBS Studio (obsproject.com), start its virtual camera once and close OBS; or UnityCapture",
    "darwin": "install OBS Studio 30 or newer, start its virtual camera once and close OBS",
}
_WATCH_S = 1.0  # how often the device is looked at while pictures go there


class VirtualCamera:
    """A Sink that other programs see as a webcam.

    device   "auto": the first that works; a backend: "v4l2loopback", "obs", "unitycapture"; or the device itself:
             /dev/videoN, N or its label on Linux, its name on Windows and macOS
    size     (width, height), even numbers
    rate     frames/s that consumers are told; pictures go out when they are sent, pacing is the caller's
    backend, name   what is in use

    Raises DeviceError, which gives each backend's reason and what mends it, when there is none, when it is
    forbidden, too small or in use, and when it is lost; InputError for an odd size.  On Linux the writes' errors
    never reach this program, so the device is looked at once a second.  `close` leaves the slate as the last
    picture, lest a consumer keep a frozen face.
    """

    def __init__(
        self, size: tuple[int, int], rate: float = 30.0, device: str | int = "auto", clock: Clock | None = None
    ) -> None:
        if size[0] % 2 or size[1] % 2 or min(size) < 16:
            raise InputError(
                f"a virtual camera of {size[0]}x{size[1]} cannot be made: expected even numbers from 16 on"
            )
        self.size, self.rate = size, rate
        self._clock = clock or MonotonicClock()
        self._path: Path | None = None
        self._camera: Any = None
        platform = "linux" if sys.platform.startswith("linux") else sys.platform
        reasons: list[str] = []
        for backend, name in _candidates(platform, str(device).strip(), size, reasons):
            try:
                self._camera = _open(backend, name, size, rate)
                self.backend = backend
                self.name = str(self._camera.device)
                break
            except (RuntimeError, ImportError, KeyError, OSError, ValueError, TypeError) as error:
                reasons.append(f"{name or backend}: {_first_line(error)}{_used_by(name)}")
        if self._camera is None:
            why = "; ".join(dict.fromkeys(reasons)) or f"{sys.platform} has no known backend"
            mend = _MEND.get(platform, "use Linux, Windows or macOS")
            raise DeviceError(f"no virtual camera can be opened ({why}): to get one, {mend}")
        self._watched = self._clock.now()
        if platform == "linux":
            self._path = Path(self.name)
            try:
                self._check_size()
            except DeviceError:
                self._release()
                raise

    def _check_size(self) -> None:
        """DeviceError unless the device is there and set to our size."""
        assert self._path is not None
        if not self._path.exists():
            raise DeviceError(f"the virtual camera {self._path} is gone: load v4l2loopback again")
        actual = v4l2.format_size(self._path)
        if actual is not None and actual != self.size:
            wanted, got = "{}x{}".format(*self.size), "{}x{}".format(*actual)
            held = _used_by(str(self._path)) or ", another program keeps it so"
            raise DeviceError(f"{self._path} is set to {got}, not {wanted}{held}: close that program and try again")

    def send(self, composite: Composite) -> None:
        if not isinstance(composite, Composite):
            raise TypeError(f"a VirtualCamera takes a Composite, not {type(composite).__name__}")
        if self._camera is None:
            raise DeviceError("the virtual camera is closed: open it again")
        height, width = composite.pixels.shape[:2]
        if (width, height) != self.size:
            raise SinkError(f"a picture of {width}x{height} came, the virtual camera is {self.size[0]}x{self.size[1]}")
        now = self._clock.now()
        if self._path is not None and now - self._watched >= _WATCH_S:
            self._watched = now
            try:
                self._check_size()
            except DeviceError:
                self._release()
                raise
        try:
            self._camera.send(composite.pixels)
        except (RuntimeError, OSError) as error:
            self._release()
            raise DeviceError(f"the virtual camera {self.name} is lost ({_first_line(error)}): open it again") from None

    def close(self) -> None:
        """Shows the slate, long enough to be read once, and gives the device back."""
        if self._camera is None:
            return
        with contextlib.suppress(RuntimeError, OSError):
            card = slate(self.size)
            for _ in range(2):
                self._camera.send(card)
                self._clock.sleep(1.0 / self.rate)
        self._release()

    def _release(self) -> None:
        camera, self._camera = self._camera, None
        if camera is not None:
            with contextlib.suppress(RuntimeError, OSError):
                camera.close()
            if self._path is not None:
                v4l2.rearm(self._path)

    def __enter__(self) -> "VirtualCamera":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _open(backend: str, name: str | None, size: tuple[int, int], rate: float) -> Any:
    import pyvirtualcam

    fmt = pyvirtualcam.PixelFormat.BGR
    return pyvirtualcam.Camera(size[0], size[1], rate, fmt=fmt, device=name, backend=backend)


def _candidates(platform: str, device: str, size: tuple[int, int], reasons: list[str]) -> list[tuple[str, str | None]]:
    """(backend, device) to try in order; why others are not tried is added to reasons."""
    backends = _BACKENDS.get(platform, ())
    if platform != "linux":
        if device == "auto":
            return [(backend, None) for backend in backends]
        if device in ("obs", "unitycapture"):
            return [(device, None)]
        return [(backend, device) for backend in backends]
    if device in ("auto", "v4l2loopback"):
        paths = [node.path for node in v4l2.nodes() if _is_loopback(node.path) is not False]
        if not paths:
            reasons.append("v4l2loopback: no such device is loaded")
    elif device.isdigit():
        paths = [v4l2.DEV / f"video{device}"]
    elif device.startswith("/"):
        paths = [Path(device)]
    else:
        paths = [node.path for node in v4l2.nodes() if node.name.casefold() == device.casefold()]
        if not paths:
            reasons.append(f"v4l2loopback: no device has the label {device!r}")
    usable: list[tuple[str, str | None]] = []
    for path in paths:
        reason = _unusable(path, size)
        if reason:
            reasons.append(f"{path}: {reason}")
        else:
            usable.append(("v4l2loopback", str(path)))
    return usable


def _is_loopback(path: Path) -> bool | None:
    """None where the device cannot be asked."""
    able = v4l2.capability(path)
    return None if able is None else able.driver == _LOOPBACK


def _unusable(path: Path, size: tuple[int, int]) -> str:
    """Why the device cannot take our pictures, "" if it can."""
    if not path.exists():
        return "it does not exist"
    if not os.access(path, os.R_OK | os.W_OK):
        group = v4l2.group_of(path)
        return f"permission denied, join its group: sudo usermod -aG {group} $USER, then log in again"
    able = v4l2.capability(path)
    if able is not None and able.driver == _LOOPBACK and not able.output and not able.capture:
        v4l2.rearm(path)  # its last writer died
        able = v4l2.capability(path)
    if able is None:
        return "it is not a video device"
    if able.driver != _LOOPBACK:
        return f"it is a {able.driver} device, not a loopback"
    # Without exclusive_caps it is input and output at once; with it, an output until somebody writes
    if not able.output:
        return f"another program writes to it{_used_by(str(path))}"
    limits = Path("/sys/module/v4l2loopback/parameters")
    for name, wanted in (("max_width", size[0]), ("max_height", size[1])):
        with contextlib.suppress(OSError, ValueError):
            limit = int((limits / name).read_text())
            if 0 < limit < wanted:
                return f"its {name} is {limit}, {wanted} is needed"
    return ""


def _used_by(name: str | None) -> str:
    holding = v4l2.holders(Path(name)) if name and name.startswith("/") else []
    return f", in use by {' and '.join(holding)}" if holding else ""


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    line = text.splitlines()[0].rstrip(".")
    return re.sub(r"^'\w+' backend: ", "", line)  # the caller names it
