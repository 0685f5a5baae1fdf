"""The virtual cameras of this system: finding one, opening it, writing to it.

The only module that imports pyvirtualcam (GPL-2.0), and only when a device is opened: which the camera host does
(reenact.sinks.camerahost), a process of its own.
"""

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reenact.errors import DeviceError
from reenact.sinks.hostlink import Lock, file_name, folder
from reenact.sources import v4l2
from reenact.types import Pixels

BACKENDS = {"linux": ("v4l2loopback",), "win32": ("obs", "unitycapture"), "darwin": ("obs",)}
_LOOPBACK = "v4l2 loopback"  # as the driver calls itself
_MEND = {
    "linux": "install v4l2loopback-dkms, then run "
    "sudo modprobe v4l2loopback video_nr=10 card_label=reenact exclusive_caps=1",
    "win32": "install OBS Studio (obsproject.com), start its virtual camera once and close OBS; or UnityCapture",
    "darwin": "install OBS Studio 30 or newer, start its virtual camera once and close OBS",
}


def platform() -> str:
    return "linux" if sys.platform.startswith("linux") else sys.platform


class CameraDevice:
    """An open virtual camera.

    device   "auto": the first that works; a backend: "v4l2loopback", "obs", "unitycapture"; or the device itself:
             /dev/videoN, N or its label on Linux, its name on Windows and macOS
    size     (width, height), even numbers
    rate     frames/s that consumers are told; pictures go out when they are written, pacing is the caller's
    backend, name, label   what is in use; the label is what a device of Linux is called wherever it comes back

    Raises DeviceError, which gives each backend's reason and what mends it, when there is none, when it is
    forbidden, too small, in use, or served by another host, and, from `write` and `check`, when it is lost.  On
    Linux the writes' errors never reach this program: hence `check`.
    """

    def __init__(self, size: tuple[int, int], rate: float, device: str = "auto") -> None:
        self.size, self.rate = size, rate
        self._lock: Lock | None = None
        self._camera: Any = None
        reasons: list[str] = []
        for backend, name in _candidates(device.strip(), size, reasons):
            try:
                self._try(backend, name)
                break
            except DeviceError as error:
                reasons.append(str(error))
            except ImportError:
                reasons.append("pyvirtualcam is not installed: pip install pyvirtualcam")
            except (RuntimeError, KeyError, OSError, ValueError, TypeError) as error:
                reasons.append(f"{name or backend}: {_first_line(error)}{used_by(name)}")
        if self._camera is None:
            why = "; ".join(dict.fromkeys(reasons)) or f"{sys.platform} has no known backend"
            mend = _MEND.get(platform(), "use Linux, Windows or macOS")
            raise DeviceError(f"no virtual camera can be opened ({why}): to get one, {mend}")
        try:
            self.check()
        except DeviceError:
            self.close()
            raise

    def _try(self, backend: str, name: str | None) -> None:
        lock = Lock(folder() / f"{file_name(name or backend)}.lock")
        if not lock.take():
            raise DeviceError(f"{name or backend}: another reenact sends to it")
        try:
            self._camera = _open(backend, name, self.size, self.rate)
        except BaseException:
            lock.close()
            raise
        self._lock, self.backend, self.name = lock, backend, str(self._camera.device)
        self._path = Path(self.name) if platform() == "linux" else None
        self.label = next((node.name for node in v4l2.nodes() if node.path == self._path), "")

    def check(self) -> None:
        """DeviceError unless the device is there and set to our size."""
        if self._path is None:
            return
        if not self._path.exists():
            raise DeviceError(f"the virtual camera {self._path} is gone: load v4l2loopback again")
        actual = v4l2.format_size(self._path)
        if actual is not None and actual != self.size:
            wanted, got = "{}x{}".format(*self.size), "{}x{}".format(*actual)
            held = used_by(self.name) or ", another program keeps it so"
            raise DeviceError(f"{self._path} is set to {got}, not {wanted}{held}: close that program and try again")

    def write(self, pixels: Pixels) -> None:
        """pixels (H, W, 3) uint8 BGR, of the device's size."""
        try:
            self._camera.send(pixels)
        except (RuntimeError, OSError) as error:
            raise DeviceError(f"the virtual camera {self.name} is lost ({_first_line(error)})") from None

    def close(self) -> None:
        """Gives the device back; may be called twice."""
        camera, self._camera = self._camera, None
        if camera is not None:
            with contextlib.suppress(RuntimeError, OSError):
                camera.close()
            if self._path is not None:
                v4l2.rearm(self._path)
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> "CameraDevice":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _open(backend: str, name: str | None, size: tuple[int, int], rate: float) -> Any:
    import pyvirtualcam

    fmt = pyvirtualcam.PixelFormat.BGR
    return pyvirtualcam.Camera(size[0], size[1], rate, fmt=fmt, device=name, backend=backend)


def is_meant(wanted: str, name: str, backend: str) -> bool:
    """Whether an open device is what `device` of a CameraDevice asks for."""
    if wanted in ("auto", backend, name):
        return True
    if platform() != "linux":
        return False
    if wanted.isdigit():
        return name == str(v4l2.DEV / f"video{wanted}")
    if wanted.startswith("/"):
        return Path(wanted).resolve() == Path(name).resolve()
    return any(str(node.path) == name and node.name.casefold() == wanted.casefold() for node in v4l2.nodes())


def _candidates(device: str, size: tuple[int, int], reasons: list[str]) -> Iterator[tuple[str, str | None]]:
    """(backend, device) to try in order; why others are not tried is added to reasons."""
    backends = BACKENDS.get(platform(), ())
    if platform() != "linux":
        named = None if device == "auto" or device in ("obs", "unitycapture") else device
        for backend in (device,) if device in ("obs", "unitycapture") else backends:
            yield backend, named
        return
    for path in _loopbacks(device, reasons):
        reason = _unusable(path, size)
        if reason:
            reasons.append(f"{path}: {reason}")
        else:
            yield "v4l2loopback", str(path)


def _loopbacks(device: str, reasons: list[str]) -> list[Path]:
    if device in ("auto", "v4l2loopback"):
        paths = [node.path for node in v4l2.nodes() if _is_loopback(node.path) is not False]
        if not paths:
            reasons.append("v4l2loopback: no such device is loaded")
        return paths
    if device.isdigit():
        return [v4l2.DEV / f"video{device}"]
    if device.startswith("/"):
        return [Path(device)]
    paths = [node.path for node in v4l2.nodes() if node.name.casefold() == device.casefold()]
    if not paths:
        reasons.append(f"v4l2loopback: no device has the label {device!r}")
    return paths


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
        return f"another program writes to it{used_by(str(path))}"
    limits = Path("/sys/module/v4l2loopback/parameters")
    for name, wanted in (("max_width", size[0]), ("max_height", size[1])):
        with contextlib.suppress(OSError, ValueError):
            limit = int((limits / name).read_text())
            if 0 < limit < wanted:
                return f"its {name} is {limit}, {wanted} is needed"
    return ""


def used_by(name: str | None) -> str:
    """ ", in use by ..." with the programs that have the device open, "" where none is known."""
    holding = v4l2.holders(Path(name)) if name and name.startswith("/") else []
    return f", in use by {' and '.join(holding)}" if holding else ""


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    line = text.splitlines()[0].rstrip(".")
    return re.sub(r"^'\w+' backend: ", "", line)  # the caller names it
