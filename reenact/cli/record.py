"""`reenact target record`: a target made in front of the camera."""

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reenact.cli import options as o
from reenact.config import CoverageConfig

if TYPE_CHECKING:
    from reenact.stages import Source
    from reenact.targets.record import Recorded


def record(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call the target from now on.")],
    camera: Annotated[
        str,
        typer.Option(
            "--camera",
            "-c",
            metavar="INDEX|NAME|PATH|URL|demo",
            help="A webcam, a stream, a video file, the built-in one.",
        ),
    ] = "0",
    consent: Annotated[
        o.ConsentKind | None,
        typer.Option("--consent", metavar="KIND", help=f"Who agreed to be shown; asked for if missing. {o.MEANINGS}."),
    ] = None,
    note: o.Note = "",
    agreement: o.Agreement = None,
    seconds: Annotated[float, typer.Option(min=1, help="Record no longer than this.")] = CoverageConfig().most_s,
    preview: Annotated[
        bool | None, typer.Option("--preview/--no-preview", help="A window with the prompts. Where there is a display.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a target of that name.")] = False,
) -> None:
    """Records a person with a webcam, asking for one thing after the other, and prepares a video target from it.

    \b
    [bold]reenact target record me --consent self[/]
    [bold]reenact target record ada --consent agreement --note "Ada, here in the room, 3 May"[/]
    [bold]reenact target record demo --camera demo --consent synthetic[/]    without a webcam

    A face at rest, vowels, a smile, blinks, looks, turns of the head: what has been seen fills the bar, and where
    nothing comes of a prompt the next one follows.  q or Ctrl-C ends it; what was recorded is kept if it is enough.
    It gives the target's mouths at once, and is what [bold]reenact target train NAME[/] learns from.
    """
    from reenact.cli.asking import ask_consent
    from reenact.cli.console import tell
    from reenact.targets.consent import consent_today
    from reenact.targets.library import check_new, targets_folder

    check_new(name, force)
    kind, note = ask_consent("the recording", note) if consent is None else (consent.value, note)
    consent_today(kind, note, agreement)  # before anybody has sat through it
    folder = targets_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".recording-", dir=folder, ignore_cleanup_errors=True) as place:
        path = Path(place) / f"{name}.mp4"
        made = _recorded(camera, path, seconds, preview)
        if made.warning:
            tell(f"{made.warning}; what was recorded before is used")
        _added(path, name, kind, note, force, agreement)
    _say(name, made)


def _added(path: Path, name: str, kind: str, note: str, force: bool, agreement: Path | None) -> None:
    """Prepares the target; where that fails the recording is kept in the present folder."""
    from reenact.cli.console import preparing, tell
    from reenact.errors import ReenactError
    from reenact.targets.library import add_target

    try:
        with preparing(f"preparing {name}") as report:
            add_target(path, name, kind, note, report, force, agreement)
    except ReenactError:
        kept = Path.cwd() / f"{name}-recording.mp4"
        shutil.move(path, kept)
        tell(f"the recording is kept as {kept}")
        raise


def _say(name: str, made: "Recorded") -> None:
    from reenact.cli.console import out
    from reenact.targets.library import load_target

    with load_target(name) as target:
        mouths = 0 if target.bank is None else len(target.bank.mouths)
    out.print(
        f"{name}: {made.frames} frames in {made.seconds:.0f} s, {mouths} open mouths in its bank; "
        f"ready: reenact live -t {name}, or first reenact target train {name}",
        soft_wrap=True,
        markup=False,
    )
    if made.missing:
        out.print(f"not seen, or too shortly: {', '.join(made.missing)}", soft_wrap=True)


def _recorded(camera: str, path: Path, seconds: float, preview: bool | None) -> "Recorded":
    from reenact.cli.guide import guides
    from reenact.cli.interruption import interruptible
    from reenact.targets.record import Stand
    from reenact.targets.record import record as run
    from reenact.tracking import FaceMeshTracker
    from reenact.types import FaceTrack, Frame

    with ExitStack() as stack:
        source = _opened(camera)
        stack.callback(source.close)
        tracker = FaceMeshTracker()
        stack.callback(tracker.close)
        shown = guides(source.size, preview)
        for each in shown:
            stack.callback(each.close)
        stopped = stack.enter_context(interruptible())

        def show(frame: Frame | None, track: FaceTrack | None, stand: Stand) -> bool:
            for each in shown:
                each.show(frame, track, stand)
            return not stopped() and not any(getattr(each, "closed", False) for each in shown)

        return run(source, tracker, path, show, CoverageConfig(most_s=seconds))


def _opened(camera: str) -> "Source":
    """A device as `reenact live` opens it; a file once, from its beginning to its end, every frame of it."""
    from reenact.assets import DRIVER
    from reenact.cli.opening import opened_camera
    from reenact.sources import VideoFile

    if camera == "demo":
        return VideoFile(DRIVER)
    return VideoFile(camera) if Path(camera).is_file() else opened_camera(camera)
