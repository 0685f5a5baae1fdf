"""Runs a glass-to-glass measurement: player and reader in processes of their own, as the world and the call are.

The engine between them is the one that `reenact live` runs, with reenact.bench.coded at its ends.  With the reader on
the device that is played to there is no engine: what the devices take alone.
"""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from reenact.bench.coded import CodeReading, CodeStamping
from reenact.bench.glass import Glass, result
from reenact.config import CameraConfig, GeneratorConfig, LiveConfig
from reenact.errors import DeviceError
from reenact.stages import Source

if TYPE_CHECKING:
    from reenact.targets.library import OpenTarget

SCREEN = "screen"
BLINK_S = 4.0  # the strip blinks for so long at first, on a screen


@dataclass(frozen=True, slots=True)
class Setting:
    """What is played where, and read where.

    play      a v4l2loopback device that the camera reads from, or "screen"
    read      the virtual camera, which the engine writes to and the reader reads
    video     whose face the engine sees
    camera    the engine's camera: `play` itself unless that is a screen
    patience_s  for everything to start
    """

    play: str
    read: str
    video: Path
    seconds: float = 20.0
    camera: str | None = None
    size: tuple[int, int] = (1280, 720)
    rate: float = 30.0
    patience_s: float = 60.0


def measure(setting: Setting, target: "OpenTarget | None", generator: GeneratorConfig | None = None) -> Glass:
    """Plays, runs the engine (none where both ends are one device), reads.

    Raises DeviceError where a device is missing, or no number ever came through.
    """
    s = setting
    with TemporaryDirectory(prefix="reenact-glass-") as folder:
        notes = Path(folder) / "played", Path(folder) / "seen"
        if s.play == s.read or target is None:
            coding = None
            with _player(s, notes[0]) as player, _reader(s, notes[1]):
                _wait_for_sights(notes[1], player, s)
        else:
            coding = _through_engine(s, target, generator, notes)
        played, seen = (_read_notes(path) for path in notes)
    made = result(s.play, s.read, s.size, s.rate, played, seen, coding)
    if made is None:
        raise DeviceError(
            f"of the {len(played)} pictures played to {s.play} none was recognised at {s.read} ({len(seen)} pictures "
            "came): does the camera see the strip along the lower edge, and a face above it?"
        )
    return made


def _through_engine(
    s: Setting, target: "OpenTarget", generator: GeneratorConfig | None, notes: tuple[Path, Path]
) -> tuple[float, float]:
    """Runs until enough was seen; median milliseconds that reading and writing the code took."""
    from reenact.assembly import open_engine
    from reenact.live import Live
    from reenact.sinks import VirtualCamera

    with ExitStack() as stack:
        engine = stack.enter_context(open_engine(target, generator=generator, live=True))
        engine.rehearse()
        player = stack.enter_context(_player(s, notes[0]))
        if s.play != SCREEN:  # the camera has no pictures before
            _wait_for_notes(notes[0], player, s.patience_s)
        source = CodeReading(_camera(s.camera or s.play, s.rate), on_screen=s.play == SCREEN)
        stack.callback(source.close)
        camera = stack.enter_context(VirtualCamera(target.size, s.rate, s.read))
        sink = CodeStamping(camera, source)
        stack.enter_context(_reader(s, notes[1]))
        live = Live(source, engine, sink, LiveConfig(rate=s.rate))
        live.try_out()
        worker = threading.Thread(target=live.run, name="live", daemon=True)
        worker.start()
        try:
            _wait_for_sights(notes[1], player, s, worker.is_alive)
        finally:
            live.stop()
            worker.join(5.0)
    medians = [1000 * float(np.median(values)) if values else 0.0 for values in (source.seconds, sink.seconds)]
    return medians[0], medians[1]


def _camera(device: str, rate: float) -> Source:
    from reenact.sources import Camera

    return Camera(int(device) if device.isdigit() else device, CameraConfig(rate=rate))


def _player(s: Setting, notes: Path) -> AbstractContextManager["subprocess.Popen[bytes]"]:
    blink = BLINK_S if s.play == SCREEN else 0.0
    whole = s.seconds + s.patience_s + blink
    shown = f"{s.size[0]}x{s.size[1]}"
    return _process("glassplay", s.play, str(s.video), shown, f"{s.rate}", f"{whole}", f"{blink}", str(notes))


def _reader(s: Setting, notes: Path) -> AbstractContextManager["subprocess.Popen[bytes]"]:
    return _process("glassread", s.read, f"{s.seconds + s.patience_s}", str(notes))


@contextmanager
def _process(module: str, *arguments: str) -> "Iterator[subprocess.Popen[bytes]]":
    """A module of this package as a process of its own, ended at the end."""
    command = [sys.executable, "-m", f"reenact.bench.{module}", *arguments]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stderr is not None:
            process.stderr.close()


def _wait_for_notes(path: Path, player: "subprocess.Popen[bytes]", seconds: float) -> None:
    """Until the player has shown its first numbered picture."""
    end = time.monotonic() + seconds
    while not (path.exists() and path.stat().st_size > 0):
        if player.poll() is not None or time.monotonic() > end:
            raise DeviceError(f"the coded pictures could not be played: {_last_words(player)}")
        time.sleep(0.1)


def _wait_for_sights(
    path: Path, player: "subprocess.Popen[bytes]", s: Setting, runs: Callable[[], bool] = lambda: True
) -> None:
    """Until so many seconds after the reader saw the first number, or the loop, if there is one, no longer runs."""
    end = time.monotonic() + s.patience_s
    first: float | None = None
    while True:
        now = time.monotonic()
        if first is None and any(value >= 0 for value, _ in _read_notes(path)):
            first, end = now, now + s.seconds
        if now > end or player.poll() is not None or not runs():
            break
        time.sleep(0.2)
    if first is None and player.poll() is not None:
        raise DeviceError(f"the coded pictures could not be played: {_last_words(player)}")


def _last_words(process: "subprocess.Popen[bytes]") -> str:
    if process.poll() is None or process.stderr is None:
        return "nothing was shown in time"
    lines = process.stderr.read().decode("utf-8", "replace").strip().splitlines()
    if not lines:
        return f"it ended with status {process.returncode}"
    return re.sub(r"^[\w.]+: ", "", lines[-1])  # without the exception's name


def _read_notes(path: Path) -> list[tuple[int, float]]:
    """The whole lines of a times file; [] while there is none."""
    try:
        text = path.read_text()
    except OSError:
        return []
    return list(_pairs(text[: text.rfind("\n") + 1].splitlines()))


def _pairs(lines: Iterable[str]) -> Iterator[tuple[int, float]]:
    for line in lines:
        number, _, at = line.partition(" ")
        yield int(number), float(at)
