"""Webcams and network streams, through OpenCV."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from reenact.clock import Clock, MonotonicClock
from reenact.config import CameraConfig
from reenact.errors import DeviceError, NoPicture
from reenact.sources import v4l2
from reenact.sources.devices import Device, cameras, find, refusal
from reenact.types import Frame, Pixels

UNPLUGGED = "is unplugged"
_PAUSE_S = 0.005  # between two tries of a device that has nothing


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """number: what OpenCV calls it; name: as its driver says; path: /dev/videoN, empty elsewhere than on Linux."""

    number: int
    name: str
    path: str


def list_cameras() -> list[CameraInfo]:
    """The cameras of this machine.  On Linux nothing is switched on; elsewhere the first ten are tried."""
    if sys.platform.startswith("linux"):
        return [CameraInfo(node.number, node.name, str(node.path)) for node in cameras()]
    found = []
    for number in range(10):
        try:
            capture = _in_time(lambda n=number: _open(Device(n, f"camera {n}"), CameraConfig()), 5.0)  # type: ignore[misc]
        except DeviceError:
            break
        if capture is None:
            break
        capture.release()
        found.append(CameraInfo(number, f"camera {number}", ""))
    return found


class Camera:
    """A live Source.

    device  a number, a name or a part of one, a path (/dev/videoN, /dev/v4l/by-id/...), or the address of a
            stream (rtsp://, http://, https://, rtmp://, udp://, tcp://)
    wait    False: it is opened while `read` is called
    size, rate, format   what the driver really set, not what was asked for; format is the pixel format's code

    MJPG is asked for, since few cameras give 720p raw at 30 frames/s over USB.  A thread of its own reads on, so
    that `read` gives the newest picture and nothing old waits in the driver.  `dropped` counts pictures replaced
    by newer ones before they were read.  `Frame.t_capture` is clock.now() when the picture arrived.

    Raises DeviceError when the camera is missing, busy, forbidden or silent for longer than config.open_timeout_s
    (at the start) or config.read_timeout_s; a driver that hangs for ever keeps neither the caller nor the process.
    """

    live = True

    def __init__(
        self,
        device: int | str | Device = 0,
        config: CameraConfig | None = None,
        clock: Clock | None = None,
        *,
        wait: bool = True,
    ) -> None:
        self._config = config or CameraConfig()
        self._clock = clock or MonotonicClock()
        self.device = device if isinstance(device, Device) else find(device)
        self.dropped = 0
        self._heard_at = self._clock.now()  # when the last picture came, or when it began to open
        self._seq = 0
        self._changed = threading.Condition()
        self._newest: tuple[Pixels, float] | None = None
        self._closed = False
        self._failed = ""
        self._worker = threading.Thread(target=self._capture, name=f"camera {self.device.name}", daemon=True)
        self.size, self.rate, self.format = (0, 0), 0.0, ""
        self._worker.start()
        if wait:
            with self._changed:
                self._changed.wait_for(lambda: self._newest or self._failed, self._config.open_timeout_s)
            try:
                self._check()
            except DeviceError:
                self.close()
                raise

    def _check(self) -> None:
        """DeviceError where it could not be opened."""
        if not self.rate and not self._newest:
            limit = f"gave no picture within {self._config.open_timeout_s:g} s"
            raise DeviceError(refusal(self.device, self._failed or limit))

    @property
    def ended(self) -> bool:
        """Whether the driver has been left; after `let_go` it may take its time, or hang for ever."""
        return not self._worker.is_alive()

    def _capture(self) -> None:
        """The worker: opens, reads on, releases; nobody else touches the capture object."""
        try:
            with _quiet():
                capture = _open(self.device, self._config)
        except cv2.error as error:
            return self._fail(f"cannot be opened ({error})")
        if capture is None:
            return self._fail("cannot be opened")
        try:
            self._read_on(capture)
        except cv2.error as error:
            self._fail(f"failed ({error})")
        finally:
            capture.release()

    def _read_on(self, capture: Any) -> None:
        while not self._closed:
            ok, pixels = capture.read()
            now = self._clock.now()
            if not ok or pixels is None or not pixels.size:
                if self.device.path is not None and not self.device.path.exists():
                    self._fail(UNPLUGGED)
                    return
                time.sleep(_PAUSE_S)  # the reader's own time-out decides when this has lasted too long
                continue
            if pixels.shape[0] == 1:
                self._fail("gives pictures in a format that OpenCV cannot read")
                return
            if pixels.ndim == 2:
                pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR)
            with self._changed:
                if not self.rate:
                    self._read_back(capture)
                self.size = (pixels.shape[1], pixels.shape[0])
                self.dropped += self._newest is not None
                self._newest = (np.ascontiguousarray(pixels[:, :, :3]), now)
                self._heard_at = now
                self._changed.notify_all()

    def _read_back(self, capture: Any) -> None:
        rate = float(capture.get(cv2.CAP_PROP_FPS))
        self.rate = rate if 1.0 <= rate <= 1000.0 else self._config.rate  # many streams say 0 or 90000
        code = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
        self.format = code.to_bytes(4, "little").decode("ascii", "replace").strip("\0 ")

    def _fail(self, why: str) -> None:
        with self._changed:
            self._failed = why
            self._changed.notify_all()

    def read(self, wait_s: float | None = None) -> Frame:
        """The newest picture that was not read yet; waits for one at most config.read_timeout_s.

        With wait_s it waits no longer than that, and raises NoPicture while there is still hope.
        """
        limit_s = self._config.read_timeout_s if wait_s is None else wait_s
        with self._changed:
            self._changed.wait_for(lambda: self._newest or self._failed or self._closed, limit_s)
            if self._closed:
                raise DeviceError(f"{self.device.name} was closed: open it again")
            if self._newest is None:
                raise self._silence(wait_s is not None)
            (pixels, t_capture), self._newest = self._newest, None
            seq, self._seq = self._seq, self._seq + 1
        return Frame(pixels, seq, t_capture)

    def _silence(self, hoping: bool) -> DeviceError:
        """Why there is no picture."""
        opened, silent_s = bool(self.rate), self._clock.now() - self._heard_at
        limit_s = self._config.read_timeout_s if opened else self._config.open_timeout_s
        if hoping and not self._failed and silent_s < limit_s:
            return NoPicture(f"{self.device.called} {'gives no picture' if opened else 'is being opened'}")
        if not opened:
            return DeviceError(refusal(self.device, self._failed or f"gave no picture within {limit_s:g} s"))
        limit = f"gave no picture for {limit_s:g} s: check that it is still plugged in"
        return DeviceError(f"{self.device.called} {self._failed or limit}")

    def let_go(self) -> None:
        """Ends it without waiting for its driver, see `ended`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def close(self) -> None:
        self.let_go()
        if self._worker is not threading.current_thread():
            self._worker.join(timeout=1.0)  # one that hangs in its driver is left behind; it is a daemon

    def __enter__(self) -> "Camera":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps OpenCV's own warnings about a device that cannot be opened off the terminal: ours says more."""
    level = cv2.getLogLevel()
    cv2.setLogLevel(0)
    try:
        yield
    finally:
        cv2.setLogLevel(level)


def _backends() -> tuple[int, ...]:
    if sys.platform == "win32":
        return (cv2.CAP_DSHOW, cv2.CAP_MSMF)  # DirectShow opens in a tenth of the time
    return (cv2.CAP_AVFOUNDATION,) if sys.platform == "darwin" else (cv2.CAP_V4L2,)


def _open(device: Device, config: CameraConfig) -> Any | None:
    """An open cv2.VideoCapture set to what config asks for, or None."""
    if device.is_stream:
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(1e3 * config.open_timeout_s)]
        limits += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(1e3 * config.read_timeout_s)]
        capture = cv2.VideoCapture(device.address, cv2.CAP_FFMPEG, limits)
        return capture if capture.isOpened() else None
    for backend in _backends():
        capture = cv2.VideoCapture(device.address, backend)
        if capture.isOpened():
            # The format first: the sizes and rates on offer hang on it.  A driver's own choice may be one that
            # OpenCV hands on as a raw buffer (the kernel's vivid camera: BGR3), so one is always asked for.
            for code in ("MJPG", "YUYV"):
                if device.path is None or v4l2.offers(device.path, code):
                    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*code))
                    break
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, config.width)
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, config.height)
            capture.set(cv2.CAP_PROP_FPS, config.rate)
            return capture
        capture.release()
    return None


def _in_time(work: Callable[[], Any], seconds: float) -> Any:
    """The result of work, done in a thread; DeviceError when it takes longer."""
    result: list[Any] = []
    thread = threading.Thread(target=lambda: result.append(work()), daemon=True)
    thread.start()
    thread.join(seconds)
    if not result:
        raise DeviceError(f"a camera did not answer within {seconds:g} s")
    return result[0]
