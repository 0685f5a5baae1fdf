"""What works on this machine, part by part, and the one next step where something does not."""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from reenact.errors import ReenactError


class State(Enum):
    """OK; MISSING: something optional is not there; BROKEN: nothing runs without it."""

    OK = "ok"
    MISSING = "missing"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One part: how it is, what was seen, and the next step ("" where none is needed)."""

    part: str
    state: State
    seen: str
    step: str = ""


def examine() -> Iterator[Finding]:
    """Every part, one after the other; each is really used, not only looked for."""
    for part, check in CHECKS.items():
        try:
            yield check()
        except ReenactError as error:
            sentence, _, step = str(error).rpartition(": ")  # what is wrong: what to do
            sentence, step = (sentence, step) if sentence else (step, "")
            yield Finding(part, State.BROKEN if part in NEEDED else State.MISSING, sentence, step)
        except Exception as error:
            seen = f"{type(error).__name__}: {error}".splitlines()[0]
            yield Finding(part, State.BROKEN if part in NEEDED else State.MISSING, seen, STEPS.get(part, ""))


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    fits = (3, 11) <= sys.version_info[:2] < (3, 13)
    return Finding("python", State.OK if fits else State.BROKEN, version, "" if fits else "use Python 3.11 or 3.12")


def _opencv() -> Finding:
    import cv2

    return Finding("opencv", State.OK, str(cv2.__version__))


def _tracking() -> Finding:
    from reenact.assets import PHOTO
    from reenact.sources import read_picture
    from reenact.tracking import FaceMeshTracker
    from reenact.types import Frame

    frame = Frame(read_picture(PHOTO), 0, 0.0)
    with FaceMeshTracker() as tracker:
        if tracker.track(frame) is None:
            return Finding("tracking", State.BROKEN, "the built-in face was not found", STEPS["tracking"])
        start = time.perf_counter()
        for _ in range(5):
            tracker.track(frame)
        took = (time.perf_counter() - start) / 5
    return Finding("tracking", State.OK, f"finds the built-in face, {took * 1000:.1f} ms a picture of 1280x720")


def _blending() -> Finding:
    from reenact.blending import warmup

    start = time.perf_counter()
    warmup()
    took = time.perf_counter() - start
    cached = "compiled" if took > 5 else "compiled before"
    return Finding("blending", State.OK, f"{cached}, ready in {took:.1f} s")


def _video() -> Finding:
    import av

    av.codec.Codec("libx264", "w")
    return Finding("video files", State.OK, f"PyAV {av.__version__} with x264")


def _generator() -> Finding:
    from reenact.assets import PHOTO
    from reenact.easing import rest_motion
    from reenact.generation import PortraitGenerator
    from reenact.targets.library import open_target

    with open_target(PHOTO, "synthetic") as target:
        generator = PortraitGenerator(target)
        try:
            motion = rest_motion(0, 0.0)
            shot = target.shot(0, motion)
            generator.generate(shot, motion, None)
            start = time.perf_counter()
            for _ in range(5):
                generator.generate(shot, motion, None)
            took = (time.perf_counter() - start) / 5
            where = getattr(generator, "provider", "") or "here"
        finally:
            generator.close()
    return Finding("generator", State.OK, f"runs on {where}, {took * 1000:.1f} ms a picture of 1280x720")


def _camera() -> Finding:
    from reenact.sources import list_cameras

    found = list_cameras()
    if not found:
        step = "connect a webcam, or try with: reenact live --camera demo"
        return Finding("camera", State.MISSING, "none is connected", step)
    return Finding("camera", State.OK, ", ".join(f"{c.number} {c.name}" for c in found))


def _virtual_camera() -> Finding:
    from reenact.sinks import VirtualCamera

    with VirtualCamera((640, 480)) as camera:
        return Finding("virtual camera", State.OK, f"{camera.name} ({camera.backend})")


def _display() -> Finding:
    from reenact.sinks import has_display

    if has_display():
        return Finding("display", State.OK, "a window can be opened")
    return Finding("display", State.MISSING, "no window can be opened", "fine on a server: use --no-preview")


CHECKS: dict[str, Callable[[], Finding]] = {
    "python": _python,
    "opencv": _opencv,
    "video files": _video,
    "tracking": _tracking,
    "blending": _blending,
    "generator": _generator,
    "camera": _camera,
    "virtual camera": _virtual_camera,
    "display": _display,
}
NEEDED = ("python", "opencv", "video files", "tracking", "blending", "generator")
STEPS = {
    "opencv": "on Debian and Ubuntu: apt-get install libgl1 libglib2.0-0",
    "tracking": "install mediapipe 0.10.21 anew: pip install --force-reinstall mediapipe==0.10.21",
    "blending": "let numba write its cache: see NUMBA_CACHE_DIR",
    "video files": "install PyAV anew: pip install --force-reinstall av",
}
