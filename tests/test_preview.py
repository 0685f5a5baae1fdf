"""The preview: the head-up display by its picture, the window by a stand-in, no display without a crash."""

import os
import socket
import subprocess
import sys

import cv2
import numpy as np
import pytest
from made import composite, picture

from reenact.config import PreviewConfig
from reenact.errors import DeviceError, SinkError
from reenact.sinks import HudStats, Preview, draw_hud, has_display
from reenact.sinks.card import slate
from reenact.sinks.hud import draw_inset
from reenact.types import Frame, Kind

SIZE = (640, 360)
COLOURS = {Kind.LIVE: 1, Kind.REST: 0, Kind.SLATE: 2}  # the channel that leads: green, blue, red


def grey() -> np.ndarray:
    return np.full((360, 640, 3), 128, np.uint8)


@pytest.mark.parametrize("kind", Kind)
def test_the_hud_says_which_kind_it_is(kind):
    before = grey()
    drawn = draw_hud(before, HudStats(kind, 29.97, 41.4, 3, "Integrated Camera"))
    assert (before == 128).all()
    assert drawn.shape == before.shape
    changed = np.argwhere((drawn != before).any(2))
    assert changed.max(0)[0] < 180  # the upper left
    assert changed.max(0)[1] < 400
    colourful = drawn[(drawn.max(2).astype(int) - drawn.min(2)) > 90]
    assert len(colourful) > 50
    mean = colourful.mean(0)
    if kind is Kind.HOLD:  # amber: red and green over blue
        assert mean[2] > mean[1] > mean[0] + 30
    else:
        assert mean.argmax() == COLOURS[kind]


def test_the_hud_shows_its_figures():
    base = draw_hud(grey(), HudStats(Kind.LIVE, 30.0, 40.0, 0, "a"))
    for other in (
        HudStats(Kind.LIVE, 31.0, 40.0, 0, "a"),
        HudStats(Kind.LIVE, 30.0, 45.0, 0, "a"),
        HudStats(Kind.LIVE, 30.0, 40.0, 1, "a"),
        HudStats(Kind.LIVE, 30.0, 40.0, 0, "b"),
        HudStats(Kind.LIVE, 30.0, 40.0, 0, "a", "q: quit"),
        HudStats(Kind.LIVE, 30.0, 40.0, 0, "a", p95_ms=50.0),
        HudStats(Kind.LIVE, 30.0, 40.0, 0, "a", recording=True),
    ):
        assert (draw_hud(grey(), other) != base).any()
    assert np.array_equal(draw_hud(grey(), HudStats(Kind.LIVE, 30.0, 40.0, 0, "a")), base)


def test_each_line_of_a_note_has_a_line_of_its_own():
    one = draw_hud(grey(), HudStats(Kind.LIVE, note="camera unplugged"))
    two = draw_hud(grey(), HudStats(Kind.LIVE, note="camera unplugged\nslow machine: half size"))
    rows = [np.argwhere((drawn != 128).any(2)).max(0)[0] for drawn in (one, two)]
    assert rows[1] - rows[0] > 8


@pytest.mark.parametrize("size", [(16, 16), (64, 48), (3840, 2160), (200, 1000)])
def test_the_hud_fits_any_size(size):
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    assert draw_hud(pixels, HudStats(Kind.LIVE, 30, 40, 0, "a long name of a camera " * 5, "ü")).shape == pixels.shape
    assert slate(size).shape == pixels.shape


def test_the_driver_is_shown_small_and_mirrored():
    driver = np.zeros((100, 200, 3), np.uint8)
    driver[:, :100] = 255  # bright on the left
    drawn = draw_inset(grey(), driver, mirror=True)
    straight = draw_inset(grey(), driver, mirror=False)
    rows, columns = np.nonzero((drawn != 128).any(2))
    assert rows.min() > 180
    assert columns.min() > 400
    inset = drawn[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert inset.shape[1] == 128
    assert inset[:, :60].max() == 0
    assert inset[:, 70:].min() == 255
    assert np.array_equal(straight[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1], inset[:, ::-1])


def test_the_slate_is_dark_and_has_a_name_on_it():
    card = slate(SIZE)
    assert card.shape == (360, 640, 3)
    assert np.median(card) < 50
    bright = np.argwhere(card.min(2) > 180)
    assert len(bright) > 200
    middle = (bright.min(0) + bright.max(0)) / 2
    assert np.abs(middle - (180, 320)).max() < 25


class Window:
    """OpenCV's windows, noted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shown: list[np.ndarray] = []
        self.key, self.visible, self.open = -1, 1.0, False
        monkeypatch.setattr("reenact.sinks.preview.has_display", lambda: True)
        monkeypatch.setattr(cv2, "namedWindow", lambda *_: setattr(self, "open", True))
        monkeypatch.setattr(cv2, "resizeWindow", lambda *_: None)
        monkeypatch.setattr(cv2, "imshow", lambda _, pixels: self.shown.append(pixels))
        monkeypatch.setattr(cv2, "waitKey", lambda _: self.key)
        monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: self.visible)
        monkeypatch.setattr(cv2, "destroyWindow", lambda _: setattr(self, "open", False))


@pytest.fixture
def window(monkeypatch):
    return Window(monkeypatch)


def test_pictures_are_shown_and_not_drawn_on(window):
    one = composite(1, size=SIZE)
    before = one.pixels.copy()
    with Preview(SIZE) as preview:
        preview.send(one)
        assert np.array_equal(window.shown[-1], before)
        preview.stats = HudStats(Kind.LIVE, 30, 40, 0)
        preview.driver = Frame(picture(), 0, 0.0)
        preview.send(one)
        expected = draw_hud(draw_inset(before, picture(), PreviewConfig().mirror), preview.stats)
        assert np.array_equal(window.shown[-1], expected)
        assert np.array_equal(one.pixels, before)
        with pytest.raises(SinkError, match="a picture of 64x48 came"):
            preview.send(composite())
    assert not window.open


@pytest.mark.parametrize(("code", "key"), [(-1, ""), (255, ""), (ord("q"), "q"), (27, "esc"), (13, "enter"), (32, " ")])
def test_keys(window, code, key):
    window.key = code
    with Preview(SIZE) as preview:
        preview.send(composite(size=SIZE))
        assert preview.poll_key() == key


def test_a_window_closed_by_its_user(window):
    with Preview(SIZE) as preview:
        preview.send(composite(size=SIZE))
        window.visible = 0.0
        assert preview.poll_key() == ""
        assert preview.closed
        preview.send(composite(size=SIZE))
        assert len(window.shown) == 1


NO_DISPLAY = """
import sys
sys.path[:0] = {path!r}
from reenact.errors import DeviceError
from reenact.sinks import Preview, has_display
assert not has_display()
try:
    Preview((640, 360))
except DeviceError as error:
    print(error)
    sys.exit(error.exit_status)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux has no display of its own")
@pytest.mark.parametrize("display", [None, "", "nonsense", ":4711", "localhost:4711.0", "127.0.0.1:99999"])
def test_no_display_is_a_sentence_and_not_a_crash(display):
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    if display is not None:
        environment["DISPLAY"] = display
    done = subprocess.run(
        [sys.executable, "-c", NO_DISPLAY.format(path=sys.path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 3, done.stderr
    assert "there is no display to open a window on" in done.stdout


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux has no display of its own")
def test_a_server_that_listens_and_then_refuses_is_no_display(monkeypatch):
    """Qt would end the process; the child that tries is what it ends."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        for number in range(300, 400):
            try:
                server.bind(("127.0.0.1", 6000 + number))
                break
            except OSError:
                continue
        server.listen()
        monkeypatch.setenv("DISPLAY", f"127.0.0.1:{number}")
        assert has_display(probe=False)
        monkeypatch.setattr("reenact.sinks.display._PROBE", "import os; os.abort()")
        assert not has_display()
        monkeypatch.setattr("reenact.sinks.display._PROBE", "pass")
        assert has_display()


def test_no_window_is_opened_where_there_is_no_display(monkeypatch):
    monkeypatch.setattr("reenact.sinks.preview.has_display", lambda: False)
    with pytest.raises(DeviceError, match="leave the preview out"):
        Preview(SIZE)
