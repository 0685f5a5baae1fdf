"""The camera host: a small process that holds the virtual camera and outlives the engine that feeds it.

    engine  --pictures in shared memory, a message each-->  host  --pyvirtualcam-->  device  -->  other programs

When no new picture has come for half a second, or the engine has ended, in whatever way, the host shows the slate it
was given at the start: a consumer never sees a frozen face.  It keeps the device for a while, so that an engine may
come back to it, then ends.  A lost device is opened anew.  One host serves one device and, at a time, one engine.

Started by reenact.sinks.virtualcam as `python -m reenact.sinks.camerahost SETTINGS`; says in one line of JSON on its
standard output where it can be called, or why not.
"""

import contextlib
import json
import os
import selectors
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from reenact.clock import Clock, MonotonicClock
from reenact.config import VirtualCameraConfig
from reenact.errors import DeviceError, ReenactError
from reenact.sinks.hostlink import Link, LinkLost, Listener, Pictures, file_name, folder
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


class Service:
    """A host, its listener, and the one engine that is served."""

    def __init__(self, host: Host, listener: Listener, place: Path) -> None:
        self._host, self._listener, self._place = host, listener, place
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)
        self._engine: Link | None = None
        self._engine_pid = 0
        self._pictures: Pictures | None = None

    def run(self, stopped: Callable[[], bool]) -> None:
        """Until no engine has come for a while, or `stopped`."""
        while not self._host.over and not stopped():
            for key, _ in self._selector.select(min(self._host.due(), 1.0)):
                if key.fileobj is self._listener:
                    self._greet()
                else:
                    self._hear(key.fileobj)  # type: ignore[arg-type]
            self._host.tick()

    def close(self) -> None:
        self._listener.close()
        self._let_go(orderly=True)
        self._selector.close()
        self._host.close()

    def _greet(self) -> None:
        caller = self._listener.accept()
        if caller is None:
            return
        try:
            caller.send(device=self._host.name, backend=self._host.backend, engine=self._engine_pid, pid=os.getpid())
        except LinkLost:
            caller.close()
            return
        self._selector.register(caller, selectors.EVENT_READ)

    def _hear(self, link: Link) -> None:
        try:
            message = link.receive(0.0)
            while message is not None:
                self._answer(link, message)
                message = link.receive(0.0)
        except (LinkLost, KeyError, TypeError, ValueError):
            self._drop(link)

    def _answer(self, link: Link, message: dict[str, Any]) -> None:
        what = message["do"]
        if what == "open":
            self._take_on(link, message)
        elif link is not self._engine or self._pictures is None:
            raise LinkLost("it has not opened anything")
        elif what == "show":
            at = self._host.show(self._pictures.newest)
            link.send(shown=message["number"], at=at, trouble=self._host.trouble)
        elif what == "close":
            self._let_go(orderly=True, keep=link)
            link.send(closed=True)
            self._drop(link)

    def _take_on(self, link: Link, message: dict[str, Any]) -> None:
        if self._engine is not None:
            link.send(refused=f"another reenact (process {self._engine_pid}) sends to {self._host.name}: end it first")
            return
        if message["token"] != self._listener.token:
            raise LinkLost("it does not know the token")
        size = (int(message["size"][0]), int(message["size"][1]))
        pictures = Pictures(self._place, size, str(message["pictures"]))
        try:
            self._host.attach(size, float(message["rate"]), pictures.slate)
        except ReenactError as error:
            pictures.close()
            link.send(refused=str(error))
            return
        self._engine, self._engine_pid, self._pictures = link, int(message["pid"]), pictures
        link.send(opened=self._host.name)

    def _drop(self, link: Link) -> None:
        if link is self._engine:
            self._let_go(orderly=False)
        with contextlib.suppress(KeyError):
            self._selector.unregister(link)
        link.close()

    def _let_go(self, orderly: bool, keep: Link | None = None) -> None:
        if self._engine is None:
            return
        self._host.detach(orderly)
        engine, self._engine, self._engine_pid = self._engine, None, 0
        if self._pictures is not None:
            self._pictures.close()
            self._pictures = None
        if engine is not keep:
            engine.close()


def serve(settings: dict[str, Any], say: Callable[[dict[str, Any]], None], opens: Opens | None = None) -> None:
    """Opens the device, says where it can be called (or why not), and serves until it is over.

    settings  device, size, rate, and what differs from VirtualCameraConfig's defaults
    """
    clock = MonotonicClock()
    config = VirtualCameraConfig(**settings["config"])
    size = (int(settings["size"][0]), int(settings["size"][1]))
    stopped: list[int] = []
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the engine, whose slate is still to be shown
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    try:
        place = folder()
        host = Host(opens or _device, size, float(settings["rate"]), str(settings["device"]), config, clock)
        listener = Listener(place, file_name(host.name))
    except ReenactError as error:
        say({"refused": str(error)})
        return
    service = Service(host, listener, place)
    try:
        say({"address": str(listener.path)})
        service.run(lambda: bool(stopped))
    finally:
        service.close()


def _device(size: Size, rate: float, device: str) -> Output:
    from reenact.sinks.cameradevice import CameraDevice

    return CameraDevice(size, rate, device)


def settings(size: Size, rate: float, device: str, config: VirtualCameraConfig) -> str:
    """What `main` takes: one argument."""
    return json.dumps({"size": size, "rate": rate, "device": device, "config": asdict(config)})


def main(opens: Opens | None = None) -> None:
    """The process: settings are its one argument."""

    def say(answer: dict[str, Any]) -> None:
        print(json.dumps(answer), flush=True)
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)  # whoever waits for the engine's output must not wait for ours
        os.close(nothing)

    with contextlib.suppress(OSError):  # what task lists, and who asks who holds a device, call it on Linux
        Path("/proc/self/comm").write_text("reenact-camera")
    serve(json.loads(sys.argv[1]), say, opens)


if __name__ == "__main__":
    main()
