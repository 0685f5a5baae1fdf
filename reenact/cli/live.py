"""`reenact live`: a camera drives a target, into a virtual camera, a window and a file."""

import os
import signal
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from reenact.cli import options as o
from reenact.config import LiveConfig

if TYPE_CHECKING:
    from reenact.live import Live


def live(
    target: o.Target,
    camera: Annotated[
        str,
        typer.Option(
            "--camera",
            "-c",
            metavar="INDEX|NAME|PATH|URL|demo",
            help="The driver: a webcam, a stream, a video file played in real time, or the built-in one.",
        ),
    ] = "0",
    vcam: Annotated[
        str, typer.Option(metavar="auto|none|DEVICE", help="The virtual camera that other programs see.")
    ] = "auto",
    preview: Annotated[
        bool | None, typer.Option("--preview/--no-preview", help="A window with the output. Where there is a display.")
    ] = None,
    record: Annotated[Path | None, typer.Option(metavar="FILE", help="Record the output, .mp4 or .mkv.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="End after so many seconds.")] = None,
    consent: o.Consent = None,
    note: o.Note = "",
    agreement: o.Agreement = None,
    mouth: o.MouthWay = o.MOUTH,
    expression_gain: o.ExpressionGain = o.RETARGET.expression_gain,
    head_gain: o.HeadGain = o.RETARGET.head_gain,
    gaze_gain: o.GazeGain = o.RETARGET.gaze_gain,
    rate: Annotated[float, typer.Option(min=1, max=240, help="Pictures a second at the output.")] = LiveConfig().rate,
    provider: o.RunsOn = o.PROVIDER,
    allow_cpu: o.AllowCpu = False,
    times: o.Times = False,
) -> None:
    """Your webcam moves the target's face, until you press q or Ctrl-C.

    \b
    [bold]reenact live -t ada[/]    the first webcam, into a virtual camera
    [bold]reenact live -t ada --camera demo --vcam none[/]    without a webcam
    [bold]reenact live -t ada --vcam /dev/video10 --record call.mkv[/]

    Look at the camera with a calm face for the first half second: that is taken as your neutral face.
    Keys in the window: q quit, c recalibrate, m mirror your own picture in the corner, d show it, space slate.
    When your face cannot be seen the target comes to rest; your own picture is never sent.
    """
    from reenact.assembly import open_engine
    from reenact.cli.console import out, stage_table, tell
    from reenact.cli.opening import opened_camera, opened_target, waiting, warm
    from reenact.cli.outputs import names, open_outputs
    from reenact.cli.screen import Screen, StatusLine
    from reenact.cli.signing import tell_left, tell_signed
    from reenact.config import GeneratorConfig, RetargetConfig
    from reenact.errors import InputError
    from reenact.live import Live
    from reenact.provenance.record import driver_camera, record_of
    from reenact.provenance.signing import signs
    from reenact.rendering import check_output
    from reenact.sinks import has_display

    tell_left()
    retarget = RetargetConfig(expression_gain, head_gain, gaze_gain)
    generator = GeneratorConfig(mouth=mouth.value, provider=provider.value, allow_cpu=allow_cpu)
    if record is not None:
        check_output(record)
    window = preview or (preview is None and has_display())
    if vcam == "none" and record is None and not window:
        raise InputError("nothing would be shown: choose a virtual camera, --preview or --record FILE")
    with ExitStack() as stack:
        source = opened_camera(camera)
        stack.callback(source.close)
        shown = stack.enter_context(opened_target(target, consent, note, agreement))
        screen = Screen(shown.size) if window else StatusLine()
        stack.callback(screen.close)
        if record is not None:
            facts = partial(driver_camera, camera)
            stack.enter_context(signs(record, lambda: record_of("live", shown, facts, engine, generator), tell_signed))
        sink = open_outputs(shown.size, vcam, record, rate, window)
        stack.callback(sink.close)
        warm()
        engine = stack.enter_context(open_engine(shown, retarget, generator, live=True))
        with waiting():
            engine.rehearse()
        loop = Live(source, engine, sink, LiveConfig(rate=rate), screen.tick)
        tell(f"{camera} drives {shown.name}, {shown.size[0]}x{shown.size[1]}, into {names(sink)}; end with Ctrl-C")
        signalled = _run(loop, seconds)
    if times:
        out.print(stage_table(loop.stats, "milliseconds by stage"))
    out.print(_summary(loop), soft_wrap=True)
    if signalled:
        raise typer.Exit(128 + signalled)


def _run(loop: "Live", seconds: float | None) -> int:
    """Runs until the time is up or a signal comes, whose number it returns; a second signal ends the process."""
    got: list[int] = []

    def on_signal(number: int, _: FrameType | None) -> None:
        if got:
            os._exit(128 + number)
        got.append(number)
        loop.stop()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        loop.run(seconds)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return got[0] if got else 0


def _summary(loop: "Live") -> str:
    from reenact.stats import LATENCY

    stats = loop.stats
    latency = stats.series(LATENCY)
    aged = (
        "no picture was live"
        if latency is None
        else f"camera to output {latency.p50_ms:.1f} ms (p95 {latency.p95_ms:.1f})"
    )
    rate = stats.counted("sent") / max(loop.seconds, 1e-9)
    faults = f", {stats.counted('faults')} faults ({loop.engine.gate.reason})" if stats.counted("faults") else ""
    return f"{stats.counted('sent')} pictures, {rate:.1f} a second, {aged}, {loop.drops} dropped{faults}"
