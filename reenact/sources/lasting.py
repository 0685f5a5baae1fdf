"""A camera that is found again after it was unplugged, and whose pictures are looked at."""

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from reenact.clock import Clock, MonotonicClock
from reenact.config import CameraConfig
from reenact.errors import DeviceError, NoPicture
from reenact.sources.devices import Device, find, find_again
from reenact.sources.liveliness import Liveliness
from reenact.types import Frame

log = logging.getLogger(__name__)


class Capturing(Protocol):
    """What is needed of a camera, see reenact.sources.camera."""

    size: tuple[int, int]
    rate: float
    format: str
    dropped: int

    @property
    def ended(self) -> bool: ...

    def read(self, wait_s: float | None = None) -> Frame: ...

    def let_go(self) -> None: ...

    def close(self) -> None: ...


class LastingCamera:
    """A live, self-mending Source: while the camera is gone `read` raises NoPicture and looks for it.

    device  as reenact.sources.Camera takes it; it must be there at the start, DeviceError says why it is not
    opens   opens a camera; `wait` False: without waiting for its first picture

    A lost camera is looked for after 0.25 s, then twice as long, up to 2 s (CameraConfig.retry_s, retry_most_s), under
    the name by which udev or its driver knows it, at whatever number it comes back.  One that is silent for
    read_timeout_s is opened anew; one whose driver hangs is not opened a second time before the first has returned, so
    that threads do not pile up.  Black and frozen pictures are not handed on: they show no driver.
    """

    live = True

    def __init__(
        self,
        device: int | str = 0,
        config: CameraConfig | None = None,
        clock: Clock | None = None,
        opens: "Callable[[Device, CameraConfig, Clock, bool], Capturing] | None" = None,
    ) -> None:
        self._config, self._clock = config or CameraConfig(), clock or MonotonicClock()
        self._opens = opens or _camera
        self.device = find(device)
        self._camera: Capturing | None = self._opens(self.device, self._config, self._clock, True)
        self._left: Capturing | None = None  # let go, its driver has not returned yet
        self._dropped = 0  # by cameras before this one
        self.trouble = ""
        self._seq = 0
        self._closed = threading.Event()
        self._retry_at, self._wait_s = 0.0, self._config.retry_s
        self._seen_at = self._clock.now()  # the newest picture
        self._look = Liveliness(self._config.frozen_s, self._config.dark_level)
        self.size, self.rate, self.format = self._camera.size, self._camera.rate, self._camera.format

    @property
    def dropped(self) -> int:
        return self._dropped + (self._camera.dropped if self._camera is not None else 0)

    def read(self) -> Frame:
        """The newest picture; waits for one at most config.wait_s, then raises NoPicture."""
        if self._closed.is_set():
            raise DeviceError(f"{self.device.name} was closed: open it again")
        try:
            frame = (self._camera or self._found()).read(self._config.wait_s)
        except NoPicture as error:
            if self._clock.now() - self._seen_at < self._config.silent_s and not self.trouble:
                raise  # a slow camera: no reason to tell anybody
            raise self._told(str(error)) from None
        except DeviceError as error:
            if self._closed.is_set():
                raise
            self._lose()
            raise self._told(str(error)) from None
        assert self._camera is not None
        self._wait_s, self._seen_at = self._config.retry_s, self._clock.now()
        self.size, self.rate, self.format = self._camera.size, self._camera.rate, self._camera.format
        fault = self._look.fault(frame.pixels, frame.t_capture)
        if fault:
            raise self._told(f"{self.device.called} {fault}")
        if self.trouble:
            log.info("%s is back", self.device.name)
        self.trouble = ""
        seq, self._seq = self._seq, self._seq + 1
        return Frame(frame.pixels, seq, frame.t_capture)

    def _found(self) -> Capturing:
        """The camera, if it is time to look for it and it is there."""
        now = self._clock.now()
        if now < self._retry_at:
            self._clock.sleep(min(self._retry_at - now, self._config.wait_s))
            raise NoPicture(self.trouble)
        if self._left is not None and not self._left.ended:
            self._pause()
            raise NoPicture(f"{self.device.called} does not answer: unplug it and plug it in again")
        self._left = None
        self.device = find_again(self.device)
        self._camera = camera = self._opens(self.device, self._config, self._clock, False)
        if self._closed.is_set():  # meanwhile
            camera.let_go()
        return camera

    def _lose(self) -> None:
        if self._camera is not None:
            self._camera.let_go()
            self._dropped += self._camera.dropped
            self._left, self._camera = self._camera, None
        self._pause()

    def _pause(self) -> None:
        self._retry_at = self._clock.now() + self._wait_s
        self._wait_s = min(2 * self._wait_s, self._config.retry_most_s)

    def _told(self, trouble: str) -> NoPicture:
        if trouble != self.trouble:
            log.warning("%s", trouble)
        self.trouble = trouble
        return NoPicture(trouble)

    def close(self) -> None:
        self._closed.set()
        if self._camera is not None:
            self._camera.close()

    def __enter__(self) -> "LastingCamera":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _camera(device: Device, config: CameraConfig, clock: Clock, wait: bool) -> Capturing:
    from reenact.sources.camera import Camera

    return Camera(device, config, clock, wait=wait)
