"""A call: everything that `reenact live` opens, run and closed again."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from reenact.config import FinishConfig, GeneratorConfig, LiveConfig, RetargetConfig

if TYPE_CHECKING:
    from reenact.cli.controls import Controls
    from reenact.cli.ending import Ending
    from reenact.cli.options import ConsentKind
    from reenact.cli.outputs import Outputs
    from reenact.cli.screen import Screen, StatusLine
    from reenact.engine import Engine
    from reenact.live import Live
    from reenact.playing import Playing
    from reenact.provenance.record import Ledger
    from reenact.sources.microphone import Microphone
    from reenact.switching import Switcher
    from reenact.targets.library import OpenTarget


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked for; the fields are the options of `reenact live`."""

    target: str
    permission: "tuple[ConsentKind | None, str, Path | None]"  # consent, note, agreement
    camera: str
    vcam: str
    preview: bool | None
    record: Path | None
    sound: str
    sound_offset_s: float
    seconds: float | None
    times: bool
    retarget: RetargetConfig
    generator: GeneratorConfig
    finish: FinishConfig
    live: LiveConfig


def run(call: Call) -> int:
    """Runs it to its end; the exit status, 128 and its number where a signal ended it."""
    from reenact.cli.ending import Ending

    with Ending() as ending:
        try:
            loop = _run(call, ending)
        except KeyboardInterrupt:
            if not ending.got:
                raise
            return 128 + ending.got
        _tell_figures(call, loop)
    return 128 + ending.got if ending.got else 0


def _run(call: Call, ending: "Ending") -> "Live":
    from reenact.cli.console import tell
    from reenact.cli.controls import Controls
    from reenact.cli.opening import opened_camera, opened_target
    from reenact.cli.signing import tell_left
    from reenact.live import Live
    from reenact.provenance.record import Ledger, driver_camera

    tell_left()
    window = _window(call)
    with ExitStack() as stack:
        source = opened_camera(call.camera)
        stack.callback(source.close)
        shown = stack.enter_context(opened_target(call.target, *call.permission))
        ledger = Ledger("live", partial(driver_camera, call.camera), call.generator)
        outputs = stack.enter_context(_opened_outputs(call, shown, window, ledger))
        engine = stack.enter_context(_opened_engine(call, shown))
        ledger.add(engine.playing)
        ledger.finished_by(engine.finish)
        engine.on_play = ledger.add
        targets = stack.enter_context(_others(call, shown))
        controls = Controls(outputs.recording, targets)
        screen = _opened_screen(call, shown.size, window, controls)
        stack.callback(screen.close)
        loop = Live(source, engine, outputs.sink, call.live, screen.tick)
        loop.try_out()
        ending.stops(loop.stop, None if window else screen.close)
        width, height = shown.size
        tell(f"{call.camera} drives {shown.name}, {width}x{height}, into {outputs.places}; end with Ctrl-C")
        loop.run(call.seconds)
    return loop


def _window(call: Call) -> bool:
    """Whether there will be a window.  DeviceError where one was asked for and cannot be; InputError where nothing
    would be shown, or what is recorded cannot be written."""
    from reenact.errors import DeviceError, InputError
    from reenact.rendering import check_output
    from reenact.sinks import has_display

    if call.record is not None:
        check_output(call.record)
    window = call.preview is not False and has_display()
    if call.preview and not window:
        raise DeviceError("there is no display to open a window on: leave --preview out, or set DISPLAY")
    if call.vcam == "none" and call.record is None and not window:
        raise InputError("nothing would be shown: choose a virtual camera, --preview or --record FILE")
    return window


@contextmanager
def _opened_outputs(call: Call, shown: "OpenTarget", window: bool, ledger: "Ledger") -> "Iterator[Outputs]":
    from reenact.cli.outputs import open_outputs
    from reenact.cli.signing import tell_signed
    from reenact.provenance.signing import signs

    with _microphone(call.sound) as ear:
        outputs = open_outputs(
            shown.size,
            call.vcam,
            call.record,
            call.live.rate,
            window,
            ear=ear,
            sound_offset_s=call.sound_offset_s,
            around=lambda path: signs(path, ledger.from_now(), tell_signed),
        )
        try:
            yield outputs
        finally:
            outputs.close()


@contextmanager
def _microphone(name: str) -> "Iterator[Microphone | None]":
    if name == "none":
        yield None
        return
    from reenact.sources.microphone import Microphone

    with Microphone(name) as microphone:
        yield microphone


@contextmanager
def _opened_engine(call: Call, shown: "OpenTarget") -> "Iterator[Engine]":
    from reenact.assembly import open_engine
    from reenact.cli.opening import waiting, warm

    warm()
    with open_engine(shown, call.retarget, call.generator, finish=call.finish, live=True) as engine:
        with waiting():
            engine.rehearse()
        yield engine


@contextmanager
def _others(call: Call, shown: "OpenTarget") -> "Iterator[Switcher]":
    """The targets of the library, to be stepped through from the one that was asked for."""
    from reenact.assembly import open_playing
    from reenact.engine import rehearse
    from reenact.switching import Switcher
    from reenact.targets.library import list_targets, load_target

    @contextmanager
    def opens(name: str) -> "Iterator[Playing]":
        with (
            load_target(name) as target,
            open_playing(target, call.generator, live=True, finish=call.finish) as playing,
        ):
            rehearse(playing)
            yield playing

    names = [bundle.name for bundle in list_targets()]
    with Switcher(names, shown.name if call.target in names else call.target, opens) as switcher:
        yield switcher


def _opened_screen(call: Call, size: tuple[int, int], window: bool, controls: "Controls") -> "Screen | StatusLine":
    from reenact.cli.keyboard import Keyboard
    from reenact.cli.screen import Screen, StatusLine

    return Screen(size, controls, call.camera) if window else StatusLine(controls, Keyboard(), call.camera)


def _tell_figures(call: Call, loop: "Live") -> None:
    """How it was: on stdout, at the end."""
    from reenact.cli.console import out, stage_table

    if call.times:
        out.print(stage_table(loop.stats, "milliseconds by stage"))
    for sentence in summary(loop):
        out.print(sentence, soft_wrap=True)


def summary(loop: "Live") -> list[str]:
    """How it was, in sentences."""
    from reenact.stats import LATENCY

    stats = loop.stats
    latency = stats.series(LATENCY)
    aged = "no picture was live"
    if latency is not None:
        aged = f"camera to output {latency.p50_ms:.1f} ms (p95 {latency.p95_ms:.1f})"
    rate = stats.counted("sent") / max(loop.seconds, 1e-9)
    faults = f", {stats.counted('faults')} faults ({loop.engine.gate.reason})" if stats.counted("faults") else ""
    told = [f"{stats.counted('sent')} pictures, {rate:.1f} a second, {aged}, {loop.drops} dropped{faults}"]
    if latency is not None:
        told.append(
            f"a microphone beside the virtual camera is in step when it is delayed by {latency.p50_ms:.0f} ms "
            "(OBS: Advanced Audio Properties, Sync Offset) and by what the camera itself delays"
        )
    return told
