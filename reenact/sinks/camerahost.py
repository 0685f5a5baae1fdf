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
from typing import Any

from reenact.clock import MonotonicClock
from reenact.config import VirtualCameraConfig
from reenact.errors import ReenactError
from reenact.sinks.hostduty import Host, Opens, Output, Size
from reenact.sinks.hostlink import Link, LinkLost, Listener, Pictures, file_name, folder


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
