"""Keys, head-up display and status line, with a window and a terminal that are not there."""

import io
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from fakes import canary_pixels
from rich.console import Console

from reenact.cli import console, keyboard, screen
from reenact.cli.controls import KEYS, WINDOW_KEYS, Controls, keys_text
from reenact.gains import Gains
from reenact.playing import Playing
from reenact.sinks import HudStats
from reenact.stats import LATENCY, Stats
from reenact.types import Composite, Frame, Kind


class FakePreview:
    def __init__(self, size: tuple[int, int]) -> None:
        self.size, self.mirror, self.closed = size, True, False
        self.stats: HudStats | None = None
        self.driver: Frame | None = None
        self.keys: list[str] = []
        self.sent = 0

    def send(self, composite: Composite) -> None:
        self.sent += 1

    def poll_key(self) -> str:
        return self.keys.pop(0) if self.keys else ""

    def close(self) -> None:
        self.closed = True


class FakeEngine:
    gains = Gains()


class FakeLoop:
    def __init__(self) -> None:
        self.stats, self.drops, self.seconds = Stats(), 3, 2.0
        self.trouble = self.slow = ""
        self.engine = FakeEngine()
        self.view = Frame(canary_pixels(), 0, 0.0)
        self.last: Composite | None = Composite(np.zeros((48, 64, 3), np.uint8), 0, 0.0, Kind.LIVE)
        self.asked: list[str] = []
        self.stats.add(LATENCY, 0.02)
        self.stats.count("sent", 60)

    def stop(self) -> None:
        self.asked.append("stop")

    def recalibrate(self) -> None:
        self.asked.append("recalibrate")

    def toggle_slate(self) -> None:
        self.asked.append("slate")

    def show(self, playing: Playing) -> threading.Event:
        raise AssertionError


class FakeRecording:
    def __init__(self) -> None:
        self.on, self.path, self.stopped = False, Path("reenact.mkv"), ""

    def toggle(self) -> None:
        self.on = not self.on and not self.stopped


class FakeSwitcher:
    def __init__(self) -> None:
        self.steps: list[int] = []
        self.notice = ""

    def step(self, by: int, show: object) -> None:
        self.steps.append(by)
        self.notice = "opening bob"


@pytest.fixture
def loop() -> FakeLoop:
    return FakeLoop()


def pressed(key: str, loop: FakeLoop, controls: Controls | None = None) -> str:
    """What is told after the key."""
    controls = controls or Controls()
    controls.press(key, loop)  # type: ignore[arg-type]
    return controls.notice(loop)  # type: ignore[arg-type]


# Keys


@pytest.mark.parametrize(
    ("key", "asked"),
    [("q", ["stop"]), ("esc", ["stop"]), ("c", ["recalibrate"]), (" ", ["slate"]), ("x", []), ("", [])],
)
def test_keys_that_ask_the_loop(loop: FakeLoop, key: str, asked: list[str]) -> None:
    pressed(key, loop)
    assert loop.asked == asked


@pytest.mark.parametrize(
    ("keys", "expected", "told"),
    [
        ("+", Gains(expression=1.1), "expression 1.1"),
        ("=+", Gains(expression=1.2), "expression 1.2"),
        ("---", Gains(expression=0.7), "expression 0.7"),
        ("]", Gains(head=1.1), "head motion 1.1"),
        ("[[", Gains(head=0.8), "head motion 0.8"),
        ("-" * 40, Gains(expression=0.0), "expression 0.0"),
        ("+" * 40, Gains(expression=3.0), "expression 3.0"),
    ],
)
def test_gains(loop: FakeLoop, keys: str, expected: Gains, told: str) -> None:
    controls = Controls()
    for key in keys:
        notice = pressed(key, loop, controls)
    assert loop.engine.gains == expected
    assert notice == told


def test_recording_is_switched_and_what_came_of_it_told(loop: FakeLoop) -> None:
    recording = FakeRecording()
    controls = Controls(recording)  # type: ignore[arg-type]
    assert pressed("r", loop, controls) == "recording to reenact.mkv"
    assert controls.recording
    assert pressed("r", loop, controls) == "recorded reenact.mkv"
    recording.stopped = "there is no room"
    assert pressed("r", loop, controls) == "there is no room"
    loop.seconds += 60
    facts = screen.facts(loop, screen.Rate(), controls, "")  # type: ignore[arg-type]
    assert facts.note == "there is no room"  # for as long as nothing is recorded
    assert pressed("r", loop, Controls()) == ""  # nothing to record into


def test_targets_are_stepped_through_and_what_becomes_of_it_is_told(loop: FakeLoop) -> None:
    switcher = FakeSwitcher()
    controls = Controls(targets=switcher)  # type: ignore[arg-type]
    assert pressed("n", loop, controls) == "opening bob"
    pressed("p", loop, controls)
    assert switcher.steps == [1, -1]
    switcher.notice = "target bob"  # from another thread, later
    assert controls.notice(loop) == "target bob"  # type: ignore[arg-type]


def test_a_notice_goes_after_a_few_seconds(loop: FakeLoop) -> None:
    controls = Controls()
    assert pressed("+", loop, controls) != ""
    loop.seconds += 5
    assert controls.notice(loop) == ""  # type: ignore[arg-type]


def test_every_key_is_named_in_the_help_and_does_something() -> None:
    named = keys_text((*KEYS, *WINDOW_KEYS))
    for word in ("quit", "recalibrate", "mirror", "target", "expression", "head", "slate", "record", "keys", "driver"):
        assert word in named


# The window


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> tuple[screen.Screen, FakePreview, Controls]:
    monkeypatch.setattr(screen, "Preview", FakePreview)
    controls = Controls()
    made = screen.Screen((64, 48), controls, "USB Cam")
    return made, made._preview, controls  # type: ignore[return-value]


def test_the_driver_is_shown_when_asked_for_and_mirrored_by_a_key(shown, loop: FakeLoop) -> None:  # type: ignore[no-untyped-def]
    window, preview, _ = shown
    window.tick(loop)
    assert preview.driver is None
    preview.keys = ["d", "m", ""]
    for _ in range(3):
        window.tick(loop)
    assert preview.driver is loop.view
    assert preview.mirror is False


def test_the_hud_tells_how_it_is(shown, loop: FakeLoop) -> None:  # type: ignore[no-untyped-def]
    window, preview, _ = shown
    window.tick(loop)
    stats = preview.stats
    assert (stats.kind, stats.drops, stats.device, stats.recording) == (Kind.LIVE, 3, "USB Cam", False)
    assert (stats.latency_ms, stats.p95_ms, stats.rate) == pytest.approx((20, 20, 30))
    assert stats.note == "h keys"
    loop.trouble, loop.slow = "USB Cam is unplugged", "slow machine: without network"
    preview.keys = ["h"]
    window.tick(loop)
    window.tick(loop)
    assert preview.stats.note.split("\n")[:2] == [loop.trouble, loop.slow]
    assert "mirror" in preview.stats.note


def test_closing_the_window_ends_the_loop(shown, loop: FakeLoop) -> None:  # type: ignore[no-untyped-def]
    window, preview, _ = shown
    preview.closed = True
    window.tick(loop)
    assert loop.asked == ["stop"]


# The terminal


class FakeKeyboard:
    listens = True

    def __init__(self, *keys: str) -> None:
        self.keys, self.closed = list(keys), False

    def poll_key(self) -> str:
        return self.keys.pop(0) if self.keys else ""

    def close(self) -> None:
        self.closed = True


def test_the_status_line_is_for_terminals_only_and_keys_work_there(
    monkeypatch: pytest.MonkeyPatch, loop: FakeLoop
) -> None:
    loop.trouble = "USB Cam is unplugged [x]"
    for terminal in (True, False):
        text = io.StringIO()
        monkeypatch.setattr(console, "err", Console(file=text, force_terminal=terminal, width=200, color_system=None))
        keys = FakeKeyboard("h", "c")
        line = screen.StatusLine(Controls(), keys, "0")  # type: ignore[arg-type]
        line.tick(loop)  # type: ignore[arg-type]
        line.tick(loop)  # type: ignore[arg-type]
        line.close()
        shown = "LIVE  30.0/s  20 ms (p95 20)  3 dropped  0  USB Cam is unplugged [x]"
        assert (shown in text.getvalue()) is terminal
        assert ("n p next, previous target" in text.getvalue()) is terminal
        assert keys.closed
    assert loop.asked == ["recalibrate", "recalibrate"]


def test_what_is_recorded_and_left_out_stands_in_the_line() -> None:
    stats = HudStats(Kind.HOLD, 29.9, 31, 4, "0", "slow machine: half size", 40, True)
    assert screen.line(stats, keys=True) == (
        "[bold yellow]HOLD[/]  29.9/s  31 ms (p95 40)  4 dropped  [red]REC[/]  0  "
        "[yellow]slow machine: half size[/]  [dim]h keys[/]"
    )


def test_a_stdin_that_is_no_terminal_has_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("q"))
    with keyboard.Keyboard() as keys:
        assert not keys.listens
        assert keys.poll_key() == ""
    monkeypatch.setattr(sys, "stdin", None)
    assert keyboard.Keyboard().poll_key() == ""


def wait_for_key(keys: keyboard.Keyboard) -> str:
    """A pseudo terminal hands on what is written to it a little later."""
    for _ in range(5000):
        if key := keys.poll_key():
            return key
        time.sleep(0.002)
    raise AssertionError("no key came")


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals")
def test_keys_of_a_terminal_come_one_by_one_and_it_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    import pty
    import termios

    try:
        master, slave = pty.openpty()
    except OSError as error:  # a bare root without /dev/pts
        pytest.skip(f"no terminal to try: {error}")
    before = termios.tcgetattr(slave)
    with os.fdopen(slave, "rb", buffering=0) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        with keyboard.Keyboard() as keys:
            assert keys.listens
            assert keys.poll_key() == ""
            os.write(master, b"c ")
            assert [wait_for_key(keys) for _ in range(2)] == ["c", " "]
            os.write(master, b"\x1b[Ax")  # an arrow is not Escape: nobody wants to quit by it
            assert wait_for_key(keys) == "x"
            os.write(master, b"\x1b")
            assert wait_for_key(keys) == "esc"
            assert keys.poll_key() == ""
            assert not termios.tcgetattr(slave)[3] & termios.ECHO
        assert termios.tcgetattr(slave) == before
    os.close(master)
