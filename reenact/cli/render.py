"""`reenact render`: a file drives a target into a file."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reenact.cli import options as o

if TYPE_CHECKING:
    from reenact.rendering import Rendered
    from reenact.targets.library import OpenTarget


class Audio(StrEnum):
    """Whose sound the output gets."""

    driver = "driver"
    target = "target"
    none = "none"


Driver = Annotated[Path, typer.Argument(metavar="DRIVER", help="Video or picture whose face drives.")]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="OUT.mp4", help="Video to write, or .png.")]
Neutral = Annotated[
    str,
    typer.Option(
        metavar="auto|first|FILE",
        help="The driver at rest: found in the first three seconds, the first frame, or a picture.",
    ),
]


def render(
    driver: Driver,
    target: o.Target,
    output: Output,
    consent: o.Consent = None,
    note: o.Note = "",
    agreement: o.Agreement = None,
    neutral: Neutral = o.RETARGET.neutral,
    mouth: o.MouthWay = o.MOUTH,
    audio: Annotated[Audio, typer.Option(help="Whose sound is copied.")] = Audio.driver,
    expression_gain: o.ExpressionGain = o.RETARGET.expression_gain,
    head_gain: o.HeadGain = o.RETARGET.head_gain,
    gaze_gain: o.GazeGain = o.RETARGET.gaze_gain,
    label: o.LabelWay = o.LABEL,
    label_language: o.LabelLanguage = o.FINISH.language,
    provider: o.RunsOn = o.PROVIDER,
    allow_cpu: o.AllowCpu = False,
    times: o.Times = False,
) -> None:
    """A video DRIVER moves the target's face; one output frame for each of the driver's, at its time.

    \b
    [bold]reenact render me.mp4 -t ada -o out.mp4[/]
    [bold]reenact render me.mp4 -t mona-lisa.jpg --consent public-domain -o out.mp4[/]
    [bold]reenact render me.mp4 -t ada --neutral me-at-rest.jpg --mouth driver -o out.mp4[/]

    With a video target the output's frame i is made of the target's frame i, then back and forth. Where the
    driver shows no face the target comes to rest; the driver's own picture is never shown.
    """
    from reenact.cli.console import out, progress, stage_table
    from reenact.cli.opening import opened_target, warm
    from reenact.cli.signing import tell_left
    from reenact.config import FinishConfig, GeneratorConfig, RetargetConfig
    from reenact.rendering import render as run

    tell_left()
    at_rest = None if neutral in ("auto", "first") else o.existing(Path(neutral), "auto, first, or a picture")
    retarget = RetargetConfig(expression_gain, head_gain, gaze_gain, neutral="auto" if at_rest else neutral)
    generator = GeneratorConfig(mouth=mouth.value, provider=provider.value, allow_cpu=allow_cpu)
    finish = FinishConfig(label=label.value, language=label_language)
    _check(driver, Path(target), at_rest, output)
    with opened_target(target, consent, note, agreement) as shown:
        sound = driver if audio is Audio.driver else _sound_of(shown) if audio is Audio.target else None
        warm()
        with progress(f"rendering {output.name}") as report:
            done = run(
                driver,
                shown,
                output,
                retarget,
                generator,
                neutral=at_rest,
                audio=sound,
                finish=finish,
                progress=report,
            )
    _say(done, output, shown.size)
    if times:
        out.print(stage_table(done.stats, "milliseconds by stage"))


def _check(driver: Path, target: Path, at_rest: Path | None, output: Path) -> None:
    """Raises what is wrong with the files before anything is prepared."""
    from reenact.rendering import check_output
    from reenact.sources import open_media, read_picture

    open_media(o.existing(driver, "a video or a picture")).close()
    if at_rest is not None:
        read_picture(at_rest)
    check_output(output, *(path for path in (driver, target, at_rest) if path is not None and path.is_file()))


def _say(done: "Rendered", output: Path, size: tuple[int, int]) -> None:
    from reenact.cli.console import out, tell
    from reenact.cli.signing import tell_signed

    if done.warning:
        tell(done.warning)
    tell_signed(done.signed)
    lost = f", {done.faceless} without a face" if done.faceless else ""
    out.print(f"{output}: {done.frames} frames{lost}, {size[0]}x{size[1]}, sound: {done.sound}", soft_wrap=True)


def _sound_of(target: "OpenTarget") -> Path:
    """The file whose sound goes with a video target."""
    from reenact.errors import InputError

    if target.kind != "video":
        raise InputError(f"--audio target needs a video, {target.name} is a photo: choose driver or none")
    return target.bundle.video
