"""`reenact live`: a camera drives a target, into a virtual camera, a window and a file."""

from pathlib import Path
from typing import Annotated

import typer

from reenact.cli import options as o
from reenact.config import LiveConfig

LIVE = LiveConfig()
Camera = Annotated[
    str,
    typer.Option(
        "--camera",
        "-c",
        metavar="INDEX|NAME|PATH|URL|demo",
        help="The driver: a webcam, a stream, a video file played in real time, or the built-in one.",
    ),
]
Vcam = Annotated[str, typer.Option(metavar="auto|none|DEVICE", help="The virtual camera that other programs see.")]
Preview = Annotated[
    bool | None, typer.Option("--preview/--no-preview", help="A window with the output. Where there is a display.")
]
Record = Annotated[Path | None, typer.Option(metavar="FILE", help="Record the output, .mp4 or .mkv.")]
Sound = Annotated[
    str, typer.Option(metavar="none|default|NAME", help="The microphone whose sound is recorded with the pictures.")
]
SoundOffset = Annotated[
    float,
    typer.Option(min=-1000, max=1000, metavar="MS", help="Sound later by so much: what the camera itself delays."),
]
Seconds = Annotated[float | None, typer.Option(min=0.1, help="End after so many seconds.")]
Rate = Annotated[float, typer.Option(min=1, max=240, help="Pictures a second at the output.")]
Adapt = Annotated[
    bool,
    typer.Option(
        "--adapt/--no-adapt",
        help="On a machine that is too slow leave out the network, track every second picture, work at half the size; "
        "it is shown when that happens.",
    ),
]


def live(
    target: o.Target,
    camera: Camera = "0",
    vcam: Vcam = "auto",
    preview: Preview = None,
    record: Record = None,
    sound: Sound = "none",
    sound_offset: SoundOffset = 0.0,
    seconds: Seconds = None,
    consent: o.Consent = None,
    note: o.Note = "",
    agreement: o.Agreement = None,
    mouth: o.MouthWay = o.MOUTH,
    expression_gain: o.ExpressionGain = o.RETARGET.expression_gain,
    head_gain: o.HeadGain = o.RETARGET.head_gain,
    gaze_gain: o.GazeGain = o.RETARGET.gaze_gain,
    label: o.LabelWay = o.LABEL,
    label_language: o.LabelLanguage = o.FINISH.language,
    rate: Rate = LIVE.rate,
    adapt: Adapt = LIVE.adapt,
    provider: o.RunsOn = o.PROVIDER,
    allow_cpu: o.AllowCpu = False,
    times: o.Times = False,
) -> None:
    """Your webcam moves the target's face, until you press q or Ctrl-C.

    \b
    [bold]reenact live -t ada[/]    the first webcam, into a virtual camera
    [bold]reenact live -t ada --camera demo --vcam none[/]    without a webcam
    [bold]reenact live -t ada --vcam /dev/video10 --record call.mkv --sound default[/]

    Look at the camera with a calm face for the first half second: that is taken as your neutral face.
    Keys, in the window and on the terminal: q quit, c recalibrate, space slate at once, n and p next and previous
    target, + and - expression, ] and [ head motion, r record, h shows them; in the window also m mirror your own
    picture in the corner, d show it. When your face cannot be seen the target comes to rest; your own picture is never
    sent.
    """
    from reenact.cli.call import Call, run
    from reenact.config import FinishConfig, GeneratorConfig, RetargetConfig

    call = Call(
        target=target,
        permission=(consent, note, agreement),
        camera=camera,
        vcam=vcam,
        preview=preview,
        record=record,
        sound=sound,
        sound_offset_s=sound_offset / 1000,
        seconds=seconds,
        times=times,
        retarget=RetargetConfig(expression_gain, head_gain, gaze_gain),
        generator=GeneratorConfig(mouth=mouth.value, provider=provider.value, allow_cpu=allow_cpu),
        finish=FinishConfig(label=label.value, language=label_language),
        live=LiveConfig(rate=rate, adapt=adapt),
    )
    status = run(call)
    if status:
        raise typer.Exit(status)
