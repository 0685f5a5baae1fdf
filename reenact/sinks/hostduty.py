"""What a camera host shows when, and how a lost device comes back; its process is reenact.sinks.camerahost."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from reenact.clock import Clock
from reenact.config import VirtualCameraConfig
from reenact.errors import DeviceError
from reenact.types import Pixels

Size = tuple[int, int]


class Output(Protocol):
    """What a host needs of a device, see reenact.sinks.cameradevice."""

    name: str
    backend: str
    label: str

    def write(self, pixels: Pixels) -> None: ...

    def check(self) -> None: ...

    def close(self) -> None: ...


Opens = Callable[[Size, float, str], Output]


class Host:
    """What is shown when.  Its owner calls `tick` whenever `due` says so, and after whatever else it calls.

    open_output  opens a device by size (width, height), rate and name; DeviceError where it cannot
    The first device must open; one that is lost later is tried again, `trouble` says meanwhile what is wrong.
    """

    def __init__(
        self, open_output: Opens, size: Size, rate: float, device: str, config: VirtualCameraConfig, clock: Clock
    ) -> None:
        self._open, self._config, self._clock = open_output, config, clock
        self.size, self.rate = size, rate
        self._output: Output | None = open_output(size, rate, device)
        self.name, self.backend, self._label = self._output.name, self._output.backend, self._output.label
        self.trouble = ""
        self._slate: Pixels = np.full((size[1], size[0], 3), 32, np.uint8)
        now = clock.now()
        self._served = False  # whether an engine is there
        self._ends_at = now + config.linger_s
        self._fresh_at = now - config.quiet_s  # when the newest picture came
        self._slate_at = now - 1.0 / rate
        self._watched_at = now
        self._retry_at, self._wait_s = now, config.retry_s

    # What an engine asks for.

    def attach(self, size: Size, rate: float, slate: Pixels) -> None:
        """An engine has come; its slate is shown until it sends pictures.  DeviceError if its size cannot be had."""
        if (size, rate) != (self.size, self.rate) or self._output is None:
            before = self.size, self.rate
            self._close_output()
            try:
                self._output = self._reopened(size, rate)
            except DeviceError as error:
                self._lose(error)
                raise
            finally:
                self.size, self.rate = (size, rate) if self._output is not None else before
        self._slate = slate.copy()
        self._served = True
        self._fresh_at = self._clock.now() - self._config.quiet_s
        self._slate_at = self._fresh_at

    def show(self, pixels: Pixels) -> float | None:
        """Writes a picture; the time when that was done, None if it was dropped for want of a device."""
        self._fresh_at = self._clock.now()
        return self._write(pixels)

    def detach(self, orderly: bool) -> None:
        """The engine has gone: the slate at once, and the end after a while."""
        self._served = False
        now = self._clock.now()
        self._ends_at = now + (self._config.leave_s if orderly else self._config.linger_s)
        self._show_slate(now)

    # What time asks for.

    @property
    def over(self) -> bool:
        return not self._served and self._clock.now() >= self._ends_at

    def due(self) -> float:
        """Seconds until `tick` has something to do."""
        now = self._clock.now()
        quiet_at = self._fresh_at + self._config.quiet_s if self._served else now
        times = [max(quiet_at, self._slate_at + 1.0 / self.rate), self._watched_at + self._config.watch_s]
        if self._output is None:
            times = [self._retry_at]
        if not self._served:
            times.append(self._ends_at)
        return max(0.0, min(times) - now)

    def tick(self) -> None:
        now = self._clock.now()
        if self._output is None:
            if now >= self._retry_at:
                self._retry()
        elif now - self._watched_at >= self._config.watch_s:
            self._watched_at = now
            try:
                self._output.check()
            except DeviceError as error:
                self._lose(error)
        quiet = not self._served or now - self._fresh_at >= self._config.quiet_s
        if quiet and now - self._slate_at >= 1.0 / self.rate:
            self._show_slate(now)

    def close(self) -> None:
        self._close_output()

    def _show_slate(self, now: float) -> None:
        self._slate_at = now
        self._write(self._slate)

    def _write(self, pixels: Pixels) -> float | None:
        if self._output is None:
            return None
        try:
            self._output.write(pixels)
        except DeviceError as error:
            self._lose(error)
            return None
        return self._clock.now()

    def _lose(self, error: DeviceError) -> None:
        self._close_output()
        self.trouble = str(error)
        self._wait_s = self._config.retry_s
        self._retry_at = self._clock.now() + self._wait_s

    def _retry(self) -> None:
        try:
            self._output = self._reopened(self.size, self.rate)
        except DeviceError as error:
            self.trouble = str(error)
            self._wait_s = min(2 * self._wait_s, self._config.retry_most_s)
            self._retry_at = self._clock.now() + self._wait_s
            return
        self.trouble = ""
        self._watched_at = self._clock.now()

    def _reopened(self, size: Size, rate: float) -> Output:
        """The same device, by its name or, where that now belongs to nobody or another, by its label."""
        try:
            output = self._open(size, rate, self.name)
        except DeviceError:
            if not self._label:
                raise
            output = self._open(size, rate, self._label)
        self.trouble = ""
        return output

    def _close_output(self) -> None:
        if self._output is not None:
            self._output.close()
            self._output = None
