"""Virtual cameras, for calls: the sink's side of the camera host (reenact.sinks.camerahost)."""

import contextlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reenact.clock import Clock, MonotonicClock
from reenact.config import VirtualCameraConfig
from reenact.errors import DeviceError, InputError, SinkError
from reenact.sinks import camerahost, hostlink
from reenact.sinks.cameradevice import is_meant
from reenact.sinks.card import slate
from reenact.sinks.hostlink import Link, LinkLost, Pictures
from reenact.sinks.hoststart import HostStart
from reenact.types import Composite

_CLOSING_S = 0.5  # for the slate to be written


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture that was written to the device.

    sent, written, known   when it was handed in, when the host had written it, when that was heard of; seconds of
                           the system's monotonic clock
    """

    seq: int
    t_capture: float
    sent: float
    written: float
    known: float


class VirtualCamera:
    """A Sink, self-mending, that other programs see as a webcam.

    device   "auto": the first that works; a backend: "v4l2loopback", "obs", "unitycapture"; or the device itself:
             /dev/videoN, N or its label on Linux, its name on Windows and macOS
    size     (width, height), even numbers
    rate     frames/s that consumers are told; pictures go out when they are sent, pacing is the caller's
    command  what to start as the host, for tests
    backend, name   what is in use
    host     the process that holds it
    shown    the last picture that was really written

    The device is held by a process of its own, which shows the slate whenever no picture has come for half a second
    and outlives this one: consumers never see a frozen face.  A host that is still there is used again.  `send`
    returns when the host has written the picture.  While the device is lost, or the host is, pictures are dropped
    and `trouble` says why; both are opened anew.

    Raises DeviceError, which gives each backend's reason and what mends it, when there is no device at the start,
    when it is forbidden, too small, or in use, by another reenact too; InputError for an odd size.
    """

    def __init__(
        self,
        size: tuple[int, int],
        rate: float = 30.0,
        device: str | int = "auto",
        clock: Clock | None = None,
        config: VirtualCameraConfig | None = None,
        command: Sequence[str] = (),
    ) -> None:
        if size[0] % 2 or size[1] % 2 or min(size) < 16:
            raise InputError(
                f"a virtual camera of {size[0]}x{size[1]} cannot be made: expected even numbers from 16 on"
            )
        self.size, self.rate = size, rate
        self.name = self.backend = ""
        self.trouble = ""
        self.shown: Shown | None = None
        self.dropped = 0
        self._wanted = str(device).strip()
        self._clock = clock or MonotonicClock()
        self._config = config or VirtualCameraConfig()
        self._command = command
        self._link: Link | None = None
        self._pictures: Pictures | None = None
        self._starting: HostStart | None = None
        self.host = 0
        self._taken = ""  # by whom the device meant is used
        self._closed = False
        self._number = 0  # of the picture handed in last
        self._awaited: tuple[int, float, float] | None = None  # its seq, t_capture and time, while there is no answer
        self._inside: Composite | None = None  # what lies in the shared memory
        self._retry_at, self._wait_s = 0.0, self._config.retry_s
        if not self._find():
            self._start()

    @property
    def written_at(self) -> float | None:
        """See reenact.stages.Acknowledging."""
        return None if self.trouble or self.shown is None else self.shown.written

    # At the start.

    def _find(self, patience_s: float = 2.0) -> bool:
        """Takes a host that is there already, of the device that is meant; DeviceError where it is taken."""
        for path in hostlink.hosts(hostlink.folder()):
            called = hostlink.call(path, patience_s)
            if called is None:
                continue
            link, token = called
            with contextlib.suppress(LinkLost):
                told = link.receive(patience_s) or {}
                if is_meant(self._wanted, str(told.get("device")), str(told.get("backend"))):
                    if not told.get("engine"):
                        self._open(link, told, token)
                        return True
                    self._taken = self._taken or _taken(told)
                    if self._wanted not in ("auto", told["backend"]):
                        link.close()
                        raise DeviceError(self._taken)
            link.close()
        return False

    def _start(self) -> None:
        self._starting = self._host_start(self._wanted)
        answer = self._starting.answer(self._config.start_s)
        if answer is None:
            self._starting.kill()
            raise DeviceError(f"the virtual camera did not open within {self._config.start_s:g} s: try again")
        if self._taken and "address" not in answer:  # the first was taken, and there is no second
            raise DeviceError(self._taken)
        self._follow(answer)

    def _host_start(self, device: str) -> HostStart:
        return HostStart(camerahost.settings(self.size, self.rate, device, self._config), self._command)

    def _follow(self, answer: dict[str, Any]) -> None:
        """Calls a host that has been started; DeviceError where it says why it cannot be used."""
        self._starting = None
        if "address" not in answer:
            raise DeviceError(str(answer.get("refused")))
        called = hostlink.call(Path(answer["address"]))
        told: dict[str, Any] | None = None
        if called is not None:
            with contextlib.suppress(LinkLost):
                told = called[0].receive(2.0)
        if called is None or told is None:
            raise DeviceError("the virtual camera's process has ended at once: try again")
        if told.get("engine"):
            raise DeviceError(_taken(told))
        try:
            self._open(called[0], told, called[1])
        except LinkLost as lost:
            raise DeviceError(f"the virtual camera's process has ended at once ({lost}): try again") from None

    def _open(self, link: Link, told: dict[str, Any], token: str) -> None:
        pictures = Pictures(hostlink.folder(), self.size)
        try:
            pictures.slate[:] = slate(self.size)
            link.send(
                do="open",
                token=token,
                pid=os.getpid(),
                size=self.size,
                rate=self.rate,
                pictures=pictures.path.name,
            )
            answer = link.receive(self._config.start_s)
            if answer is None or "opened" not in answer:
                raise DeviceError(str((answer or {}).get("refused", "the virtual camera's process does not answer")))
        except BaseException:
            pictures.close()
            link.close()
            raise
        pictures.forget_name()
        self._link, self._pictures, self.host = link, pictures, int(told["pid"])
        self.name, self.backend = str(told["device"]), str(told["backend"])
        self._awaited, self._inside, self.trouble = None, None, ""

    # While it runs.

    def send(self, composite: Composite) -> None:
        if not isinstance(composite, Composite):
            raise TypeError(f"a VirtualCamera takes a Composite, not {type(composite).__name__}")
        if self._closed:
            raise DeviceError("the virtual camera is closed: open it again")
        height, width = composite.pixels.shape[:2]
        if (width, height) != self.size:
            raise SinkError(f"a picture of {width}x{height} came, the virtual camera is {self.size[0]}x{self.size[1]}")
        if not self._show(composite):
            self.dropped += 1

    def _show(self, composite: Composite) -> bool:
        """Whether it was written."""
        if self._link is None and not self._mend():
            return False
        try:
            if self._awaited is not None and not self._answered(0.0):
                return self._wait_on()
            assert self._pictures is not None
            assert self._link is not None
            sent = time.monotonic()
            if composite is not self._inside:
                np.copyto(self._pictures.newest, composite.pixels)
                self._inside = composite
            self._number += 1
            self._awaited = (composite.seq, composite.t_capture, sent)
            self._link.send(do="show", number=self._number)
            if not self._answered(self._config.answer_s):
                return self._wait_on()
        except LinkLost as lost:
            self._lose(f"the virtual camera's process has ended ({lost})")
        return not self.trouble

    def _answered(self, timeout_s: float) -> bool:
        """Whether the host has said what became of the picture; sets `shown` and `trouble`."""
        assert self._link is not None
        assert self._awaited is not None
        answer = self._link.receive(timeout_s)
        if answer is None:
            return False
        if answer.get("shown") != self._number:
            raise LinkLost("it answers another question")
        seq, t_capture, sent = self._awaited
        self._awaited = None
        self.trouble = str(answer.get("trouble") or "")
        if answer.get("at") is not None:
            self.shown = Shown(seq, t_capture, sent, float(answer["at"]), time.monotonic())
        elif not self.trouble:
            self.trouble = "the virtual camera does not take pictures"
        return True

    def _wait_on(self) -> bool:
        """The host is busy with an earlier picture, so nothing may be written to the memory it reads."""
        assert self._awaited is not None
        self.trouble = f"the virtual camera {self.name} does not take pictures"
        if time.monotonic() - self._awaited[2] > self._config.stuck_s:
            if self._starting is None and self.host:
                _end(self.host)
            self._lose(self.trouble)
        return False

    def _lose(self, why: str) -> None:
        self._drop_link()
        self.trouble = why
        self._wait_s = self._config.retry_s
        self._retry_at = self._clock.now() + self._wait_s

    def _mend(self) -> bool:
        """One step towards a host, hardly waiting for it; whether one is there."""
        now = self._clock.now()
        try:
            if self._starting is None:
                if now >= self._retry_at and not self._find(0.1):
                    self._starting = self._host_start(self.name)
                    self._retry_at = now + self._config.start_s
            elif (answer := self._starting.answer(0.0)) is not None:
                self._follow(answer)
            elif now >= self._retry_at:
                self._starting.kill()
                raise DeviceError("the virtual camera's process does not start")
        except DeviceError as error:
            self._starting = None
            self.trouble = str(error)
            self._wait_s = min(2 * self._wait_s, self._config.retry_most_s)
            self._retry_at = now + self._wait_s
        return self._link is not None

    # At the end.

    def close(self) -> None:
        """Leaves the slate as the last picture; the host gives the device back a second later."""
        self._closed = True
        if self._link is not None:
            with contextlib.suppress(LinkLost):
                self._link.send(do="close")
                for _ in range(2):  # an earlier picture's answer may come first
                    if "closed" in (self._link.receive(_CLOSING_S) or {"closed": False}):
                        break
        self._drop_link()
        if self._starting is not None:
            self._starting.kill()
            self._starting = None

    def _drop_link(self) -> None:
        link, self._link = self._link, None
        pictures, self._pictures = self._pictures, None
        if link is not None:
            link.close()
        if pictures is not None:
            pictures.close()
        self._awaited = self._inside = None

    def __enter__(self) -> "VirtualCamera":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _taken(told: dict[str, Any]) -> str:
    return f"another reenact (process {told['engine']}) sends to {told['device']}: end it first"


def _end(pid: int) -> None:
    import signal

    with contextlib.suppress(OSError):
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
