"""The preview's keys and head-up display, with a window that is not there; the status line."""

import io

import numpy as np
import pytest
from fakes import canary_pixels
from rich.console import Console

from reenact.cli import console, screen
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


class FakeLoop:
    def __init__(self) -> None:
        self.stats, self.drops, self.seconds = Stats(), 3, 2.0
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


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> tuple[screen.Screen, FakePreview]:
    monkeypatch.setattr(screen, "Preview", FakePreview)
    made = screen.Screen((64, 48))
    return made, made._preview  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("key", "asked"), [("q", ["stop"]), ("esc", ["stop"]), ("c", ["recalibrate"]), (" ", ["slate"]), ("x", [])]
)
def test_keys(shown: tuple[screen.Screen, FakePreview], key: str, asked: list[str]) -> None:
    window, preview = shown
    loop = FakeLoop()
    preview.keys = [key]
    window.tick(loop)  # type: ignore[arg-type]
    assert loop.asked == asked
    assert all(word in screen.KEYS for word in ("quit", "recalibrate", "mirror", "driver", "slate"))


def test_the_driver_is_shown_when_asked_for_and_mirrored_by_a_key(shown: tuple[screen.Screen, FakePreview]) -> None:
    window, preview = shown
    loop = FakeLoop()
    window.tick(loop)  # type: ignore[arg-type]
    assert preview.driver is None
    preview.keys = ["d", "m", ""]
    for _ in range(3):
        window.tick(loop)  # type: ignore[arg-type]
    assert preview.driver is loop.view
    assert preview.mirror is False


def test_the_hud_tells_how_it_is(shown: tuple[screen.Screen, FakePreview]) -> None:
    window, preview = shown
    window.tick(FakeLoop())  # type: ignore[arg-type]
    stats = preview.stats
    assert stats is not None
    assert (stats.kind, stats.drops) == (Kind.LIVE, 3)
    assert stats.latency_ms == pytest.approx(20)
    assert stats.rate == pytest.approx(30)


def test_closing_the_window_ends_the_loop(shown: tuple[screen.Screen, FakePreview]) -> None:
    window, preview = shown
    loop = FakeLoop()
    preview.closed = True
    window.tick(loop)  # type: ignore[arg-type]
    assert loop.asked == ["stop"]


def test_the_status_line_is_for_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for terminal in (True, False):
        text = io.StringIO()
        monkeypatch.setattr(console, "err", Console(file=text, force_terminal=terminal, width=100))
        line = screen.StatusLine()
        line.tick(FakeLoop())  # type: ignore[arg-type]
        line.close()
        assert ("LIVE  30.0/s  20 ms (p95 20)  3 dropped" in text.getvalue()) is terminal
