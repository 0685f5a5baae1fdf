"""Where `reenact live` sends its pictures, besides the window."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from reenact.cli.console import tell
from reenact.errors import DeviceError
from reenact.sinks import Fanout, NullSink, Recorder, VirtualCamera
from reenact.sinks.recording import Recording
from reenact.sources.microphone import Ear
from reenact.stages import Sink
from reenact.types import Composite


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where the pictures go: `sink` for all of it, `places` what that is in words."""

    sink: Fanout
    recording: Recording
    places: str

    def close(self) -> None:
        self.sink.close()


def open_outputs(
    size: tuple[int, int],
    vcam: str,
    record: Path | None,
    rate: float,
    window: bool,
    *,
    ear: Ear | None = None,
    sound_offset_s: float = 0.0,
    around: Callable[[Path], AbstractContextManager[object]] = nullcontext,
) -> Outputs:
    """The virtual camera and the recording, as one sink; the recording is off where no file was named.

    vcam    "auto": the first that there is, and where there is none but something else to show, a warning;
            "none"; or a device, whose absence is a DeviceError
    window  whether there is one: without it, a missing virtual camera is an error when nothing is recorded
    ear     the microphone; around: see Recording
    """
    camera: Sink | None = None
    if vcam != "none":
        try:
            camera = Evened(size, rate, vcam)
        except DeviceError as error:
            if vcam != "auto" or (record is None and not window):
                raise
            tell(f"{error}; going on without one")

    def write(path: Path) -> Recorder:
        return Recorder(path, size, rate=rate, fragmented=True, ear=ear, sound_offset_s=sound_offset_s)

    recording = Recording(record, write, around=around, alone=camera is None and not window)
    try:
        if record is not None:
            recording.start()
    except BaseException:
        if camera is not None:
            camera.close()
        raise
    sinks: dict[str, Sink] = {} if camera is None else {"virtual camera": camera}
    places = [*sinks, *([str(record)] if record is not None else [])]
    sinks["the recording"] = recording
    if camera is None and record is None:
        sinks["window"] = NullSink(size)
    return Outputs(Fanout(sinks), recording, " and ".join(places) or "the window")


class Evened:
    """A virtual camera for pictures of any size: of an odd one the last column or row is left out."""

    def __init__(self, size: tuple[int, int], rate: float, device: str) -> None:
        self._width, self._height = size[0] & ~1, size[1] & ~1
        self._odd = (self._width, self._height) != size
        self._camera = VirtualCamera((self._width, self._height), rate, device)

    @property
    def trouble(self) -> str:
        return self._camera.trouble

    @property
    def written_at(self) -> float | None:
        return self._camera.written_at

    def send(self, composite: Composite) -> None:
        if self._odd:
            pixels = np.ascontiguousarray(composite.pixels[: self._height, : self._width])
            composite = replace(composite, pixels=pixels)
        self._camera.send(composite)

    def close(self) -> None:
        self._camera.close()
