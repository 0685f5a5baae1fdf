"""Where `reenact live` sends its pictures, besides the window."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from reenact.cli.console import tell
from reenact.errors import DeviceError
from reenact.sinks import Fanout, NullSink, Recorder, VirtualCamera
from reenact.stages import Sink
from reenact.types import Composite


def open_outputs(size: tuple[int, int], vcam: str, record: Path | None, rate: float, window: bool) -> Fanout | NullSink:
    """The virtual camera and the recording, as one sink.

    vcam    "auto": the first that there is, and where there is none but something else to show, a warning;
            "none"; or a device, whose absence is a DeviceError
    window  whether there is one: without it, a missing virtual camera is an error when nothing is recorded
    """
    sinks: dict[str, Sink] = {}
    try:
        if vcam != "none":
            try:
                sinks["virtual camera"] = Evened(size, rate, vcam)
            except DeviceError as error:
                if vcam != "auto" or (record is None and not window):
                    raise
                tell(f"{error}; going on without one")
        if record is not None:
            sinks[str(record)] = Recorder(record, size, rate=rate, fragmented=True)
    except BaseException:
        for sink in sinks.values():
            sink.close()
        raise
    return Fanout(sinks) if sinks else NullSink(size)


def names(sink: Fanout | NullSink) -> str:
    """What the pictures go into, in words."""
    return " and ".join(sink.names) if isinstance(sink, Fanout) else "the window"


class Evened:
    """A virtual camera for pictures of any size: of an odd one the last column or row is left out."""

    def __init__(self, size: tuple[int, int], rate: float, device: str) -> None:
        self._width, self._height = size[0] & ~1, size[1] & ~1
        self._odd = (self._width, self._height) != size
        self._camera = VirtualCamera((self._width, self._height), rate, device)

    @property
    def trouble(self) -> str:
        return self._camera.trouble

    def send(self, composite: Composite) -> None:
        if self._odd:
            pixels = np.ascontiguousarray(composite.pixels[: self._height, : self._width])
            composite = replace(composite, pixels=pixels)
        self._camera.send(composite)

    def close(self) -> None:
        self._camera.close()
