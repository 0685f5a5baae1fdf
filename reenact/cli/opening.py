"""Opening what a command needs, with the waiting shown."""

import mimetypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reenact.assets import DRIVER
from reenact.cli.console import err, preparing

if TYPE_CHECKING:
    from reenact.cli.options import ConsentKind
    from reenact.stages import Source
    from reenact.targets.library import OpenTarget


@contextmanager
def opened_target(
    name_or_file: str, consent: "ConsentKind | None", note: str, agreement: Path | None = None
) -> "Iterator[OpenTarget]":
    """The target of `--target`, prepared on the spot where it is a file."""
    from reenact.targets.library import open_target

    with preparing(f"opening {name_or_file}") as report:
        target = open_target(name_or_file, None if consent is None else consent.value, note, report, agreement)
    try:
        yield target
    finally:
        target.close()


def opened_camera(camera: str) -> "Source":
    """The driver of `--camera`: a device, a stream, or a video file (`demo`: the built-in one) in real time."""
    from reenact.cli.options import existing
    from reenact.sources import LastingCamera, LoopedVideo

    if camera == "demo":
        return LoopedVideo(DRIVER)
    if Path(camera).is_file():
        return LoopedVideo(camera)
    if "://" not in camera and (mimetypes.guess_type(camera)[0] or "").startswith(("video/", "image/")):
        existing(Path(camera), "a video, or the number, name or address of a camera")
    return LastingCamera(camera)


@contextmanager
def waiting(what: str = "compiling the kernels; this is slow the first time only") -> Iterator[None]:
    """A spinner while something slow without a measure of its own runs."""
    with err.status(what):
        yield


def warm() -> None:
    """Compiles the blending kernels, which takes most of a minute once on a machine and a second after that."""
    from reenact.blending import warmup

    with waiting():
        warmup()
