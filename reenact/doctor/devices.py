"""Cameras, the virtual camera and the display: each is really opened."""

import re
import time

from reenact.config import CameraConfig
from reenact.doctor.finding import Finding, State
from reenact.errors import DeviceError

_SECONDS = 1.0  # of pictures taken from a camera
_OWN = re.compile(r"another reenact \(process \d+\) sends to")


def cameras() -> list[Finding]:
    """Each camera: what its pictures are like."""
    from reenact.sources import list_cameras

    found = [finding for camera in list_cameras() if (finding := _camera(camera.number, camera.name, camera.path))]
    if not found:
        step = "connect a webcam, or try without one: reenact live --camera demo"
        return [Finding("camera", State.MISSING, "none is connected", step)]
    return found


def _camera(number: int, name: str, path: str) -> Finding | None:
    """None for a loopback that nobody writes to: it is no camera."""
    from reenact.sources import Camera

    part = f"camera {number}"
    try:
        with Camera(number) as camera:
            seen, fault = _watched(camera)
            size = "{}x{}".format(*camera.size)
            described = f"{name}: {size} {camera.format}, {seen}"
    except DeviceError as error:
        if _is_unwritten(path):
            return None
        sentence, _, step = str(error).rpartition(": ")
        return Finding(part, State.MISSING, sentence or step, step if sentence else "")
    if fault:
        words, _, step = fault.partition(": ")
        return Finding(part, State.MISSING, f"{described}, but it {words}", step)
    return Finding(part, State.OK, described)


def _watched(camera: "object") -> tuple[str, str]:
    """The rate at which pictures come, in words, and what is wrong with them."""
    from reenact.sources.camera import Camera
    from reenact.sources.liveliness import Liveliness

    assert isinstance(camera, Camera)
    config = CameraConfig()
    look, fault, times = Liveliness(_SECONDS / 2, config.dark_level), "", []
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        frame = camera.read()
        times.append(frame.t_capture)
        fault = look.fault(frame.pixels, frame.t_capture)
    rate = (len(times) - 1 + camera.dropped) / max(times[-1] - times[0], 1e-3) if len(times) > 1 else 0.0
    return f"{rate:.0f} pictures a second", fault


def _is_unwritten(path: str) -> bool:
    from pathlib import Path

    from reenact.sources import v4l2

    able = v4l2.capability(Path(path)) if path else None
    return able is not None and able.output


def virtual_camera() -> list[Finding]:
    from reenact.sinks import VirtualCamera

    try:
        with VirtualCamera((640, 480)) as camera:
            return [Finding("virtual camera", State.OK, f"{camera.name} ({camera.backend})")]
    except DeviceError as error:
        if _OWN.match(str(error)):
            return [Finding("virtual camera", State.OK, str(error).partition(": ")[0])]
        raise


def display() -> list[Finding]:
    from reenact.sinks import has_display

    if has_display():
        return [Finding("display", State.OK, "a window can be opened")]
    return [Finding("display", State.MISSING, "no window can be opened", "fine on a server: use --no-preview")]
