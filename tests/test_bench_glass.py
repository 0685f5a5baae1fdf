"""Glass to glass: the code through what cameras and calls do to it, what is made of the notes, and the whole chain with
devices of memory on a virtual clock."""

from collections import deque
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from fakes import FakeBlender, FakeGenerator, FakeRetargeter, FakeTarget, FakeTracker, slate_pixels

from reenact import assets
from reenact.bench import code, glass, glass_page, glassplay, glassread, glassrun
from reenact.bench.coded import CodeReading, CodeStamping
from reenact.cli import main
from reenact.clock import VirtualClock
from reenact.config import LiveConfig
from reenact.engine import Engine
from reenact.errors import DeviceError, InputError
from reenact.live import Live
from reenact.sources import read_picture
from reenact.types import Composite, Frame, Kind

NUMBERS = (0, 1, 2, 77, 2047, 2048, 4094, 4095)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return cv2.resize(read_picture(assets.PHOTO), (640, 360), interpolation=cv2.INTER_AREA)


def coded(picture: np.ndarray, number: int | None) -> np.ndarray:
    picture = picture.copy()
    code.draw(picture, number)
    return picture


def jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


@lru_cache
def grain(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 1, shape).astype(np.float32)


def noisy(picture: np.ndarray, levels: float) -> np.ndarray:
    return np.clip(picture + levels * grain(picture.shape), 0, 255).astype(np.uint8)


def shaded(picture: np.ndarray) -> np.ndarray:
    return np.clip(picture * np.linspace(0.3, 1.1, picture.shape[1])[None, :, None], 0, 255).astype(np.uint8)


# The code


@pytest.mark.parametrize(
    "worn",
    [
        lambda p: p,
        lambda p: jpeg(p, 30),
        lambda p: jpeg(cv2.resize(p, (320, 180), interpolation=cv2.INTER_AREA), 50),
        lambda p: cv2.resize(p, (1280, 720), interpolation=cv2.INTER_CUBIC),
        lambda p: cv2.resize(p, (176, 144), interpolation=cv2.INTER_LINEAR),
        lambda p: noisy(p, 25),
        lambda p: (p * 0.25 + 5).astype(np.uint8),
        shaded,
        lambda p: cv2.GaussianBlur(p, (0, 0), 3),
    ],
    ids=["plain", "jpeg 30", "half, jpeg 50", "twice", "176x144", "noise", "dark", "shade", "blur"],
)
def test_numbers_survive(worn, photo: np.ndarray) -> None:
    assert [code.read(np.ascontiguousarray(worn(coded(photo, n)))) for n in NUMBERS] == list(NUMBERS)


def test_every_number_has_a_code_of_its_own_one_bit_and_its_check_from_the_next() -> None:
    words = {code.bits_of(n).tobytes() for n in range(code.COUNT)}
    assert len(words) == code.COUNT
    for n in range(code.COUNT):
        assert (code.bits_of(n)[:12] != code.bits_of((n + 1) % code.COUNT)[:12]).sum() == 1
    assert (code.bits_of(5) == code.bits_of(5 + code.COUNT)).all()


def test_a_picture_caught_between_two_numbers_reads_as_one_of_them_or_not_at_all(photo: np.ndarray) -> None:
    read = set()
    for n in range(0, 400, 7):
        for share in (0.2, 0.4, 0.5, 0.6, 0.8):
            mixed = cv2.addWeighted(coded(photo, n), 1 - share, coded(photo, n + 1), share, 0)
            got = code.read(mixed)
            assert got in (None, n, n + 1)
            read.add(None if got is None else got - n)
    assert read == {None, 0, 1}


def test_what_is_no_code_is_not_read(photo: np.ndarray) -> None:
    assert code.read(photo) is None
    assert code.read(coded(photo, None)) is None
    assert code.read(np.zeros((90, 160, 3), np.uint8)) is None
    rng = np.random.default_rng(2)
    found = sum(code.read(rng.integers(0, 256, (90, 160, 3), dtype=np.uint8)) is not None for _ in range(300))
    assert found == 0
    wrong = coded(photo, 77)
    top = int(code.strip((640, 360))[0, 1])
    middle = (top + 360) // 2
    upper, lower = wrong[top:middle, :40].copy(), wrong[middle:, :40].copy()
    wrong[top:middle, :40], wrong[middle:, :40] = lower, upper  # one bit the other way round
    assert code.read(wrong) is None


def test_a_bit_that_something_covers_is_not_guessed(photo: np.ndarray) -> None:
    top = int(code.strip((640, 360))[0, 1])
    for bit in range(16):
        covered = coded(photo, 77)
        covered[top:, 40 * bit : 40 * (bit + 1)] = 128
        assert code.read(covered) is None, bit


def on_screen(picture: np.ndarray, to: list[tuple[int, int]]) -> np.ndarray:
    """What a webcam sees of a screen that shows the picture: in perspective, blurred, dimmer, with noise, as JPEG."""
    height, width = picture.shape[:2]
    corners = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    matrix = cv2.getPerspectiveTransform(corners, np.float32(to))
    room = np.full((480, 640, 3), 90, np.uint8)
    seen = cv2.warpPerspective(picture, matrix, (640, 480), dst=room, borderMode=cv2.BORDER_TRANSPARENT)
    return jpeg(noisy(cv2.GaussianBlur(seen, (0, 0), 1.2) * 0.8 + 10, 4), 80)


SCREEN = [(60, 50), (590, 80), (570, 420), (80, 400)]


def blinking(photo: np.ndarray, frames: int) -> list[np.ndarray]:
    levels = [np.full((2, 1), code.LIGHT if k // 3 % 2 else code.DARK, np.uint8) for k in range(frames)]
    pictures = [photo.copy() for _ in range(frames)]
    for picture, level in zip(pictures, levels, strict=True):
        code.fill(picture, level)
    return pictures


def test_a_webcam_finds_the_strip_on_a_screen_and_reads_it(photo: np.ndarray) -> None:
    corners = code.find([on_screen(p, SCREEN) for p in blinking(photo, 12)])
    assert corners is not None
    assert [code.read(on_screen(coded(photo, n), SCREEN), corners) for n in NUMBERS] == list(NUMBERS)
    assert code.find([on_screen(photo, SCREEN)] * 12) is None  # nothing blinks
    assert code.find([]) is None


# What is made of the notes


def test_matching_takes_first_sights_and_knows_numbers_that_come_back() -> None:
    played = [(n, n * 0.1) for n in range(20)]
    seen = [(n % 8, n * 0.1 + 0.05) for n in range(20)] + [(3, 2.5)]
    matched = glass.match(played, seen, count=8)
    assert [row[0] for row in matched] == list(range(20))
    assert [row[2] for row in matched] == pytest.approx([0.05] * 20)
    assert glass.match(played, [(3, 0.2)], count=8) == []  # before it was played


def test_the_measurement_counts_what_was_lost_and_what_came_twice() -> None:
    played = [(n, n * 0.1) for n in range(100)]
    seen = [(-1, 0.0)]
    for n in range(100):
        if n % 10 != 5:
            seen.append((n, n * 0.1 + (0.080 if n >= 50 else 0.040)))
        if n == 70:
            seen.append((n, n * 0.1 + 0.130))
    made = glass.result("a", "b", (640, 480), 10.0, played, seen, (0.2, 0.3))
    assert made is not None
    assert made.latency is not None
    assert made.latency.max == pytest.approx(80.0)
    assert made.latency.p50 == pytest.approx(80.0)
    assert (made.played, made.seen) == (90, 81)  # the first second is left out
    assert made.lost_percent == pytest.approx(10.0)
    assert made.repeated == 1
    said = " ".join(glass_page.sentences(made.as_json()))
    for words in ("p50 80.0 ms", "81 of 90", "10.0 % lost", "0.20 ms"):
        assert words in said
    page = glass_page.document(made.as_json())
    assert page.count("<svg") == 2
    assert "http" not in page
    assert glass.result("a", "b", (640, 480), 10.0, played, [(-1, 1.0)] * 5, None) is None


# The chain


class Loopback:
    """A device of memory: pictures come out `depth` behind those that went in, and again when nothing new did."""

    def __init__(self, depth: int) -> None:
        self._held: deque[np.ndarray] = deque(maxlen=depth + 1)

    def write(self, pixels: np.ndarray) -> None:
        self._held.append(pixels.copy())

    def read(self) -> np.ndarray | None:
        return self._held[0] if len(self._held) == self._held.maxlen else None


class LoopbackCamera:
    """A Source that reads the device; every picture is new to it."""

    size, rate, live = (160, 120), 30.0, True

    def __init__(self, device: Loopback, clock: VirtualClock) -> None:
        self._device, self._clock, self._seq = device, clock, -1

    def read(self) -> Frame | None:
        pixels = self._device.read()
        if pixels is None:
            pixels = np.zeros((120, 160, 3), np.uint8)
        self._seq += 1
        return Frame(np.ascontiguousarray(pixels), self._seq, self._clock.now())

    def close(self) -> None: ...


class LoopbackSink:
    def __init__(self, device: Loopback) -> None:
        self._device = device

    def send(self, composite: Composite) -> None:
        self._device.write(composite.pixels)

    def close(self) -> None: ...


def test_the_whole_chain_measures_the_buffers_that_are_there() -> None:
    """One turn of everything every 1/30 s: a device that holds two pictures, one that holds one, nothing else."""
    clock = VirtualClock()
    webcam, vcam = Loopback(2), Loopback(1)
    target = FakeTarget(size=(160, 120))
    stages = FakeTracker(), FakeRetargeter(), target, FakeGenerator(), FakeBlender()
    engine = Engine(*stages, slate=slate_pixels((160, 120)), clock=clock)
    source = CodeReading(LoopbackCamera(webcam, clock))
    live = Live(source, engine, CodeStamping(LoopbackSink(vcam), source), LiveConfig(rate=30, adapt=False))
    face = [np.full((120, 160, 3), 120, np.uint8)]
    seen: list[tuple[int, float]] = []
    played: list[tuple[int, float]] = []

    class Turning(VirtualClock):
        """Lets the rest of the world take its turn whenever the player waits for its next picture."""

        def sleep(self, seconds: float) -> None:
            if seconds <= 0:
                return
            clock.advance(max(0.0, self.now() + seconds - clock.now()))
            super().sleep(seconds)
            live.capture_once()
            live.track_once(0)
            live.compose_once(0)
            live.send_once(0)
            picture = vcam.read()
            number = None if picture is None else code.read(picture)
            seen.append((-1 if number is None else number, clock.now()))

    for number, at in glassplay.play(webcam.write, face, 30.0, 4.0, 0.0, Turning()):
        played.append((number, at))
    made = glass.result("in", "out", (160, 120), 30.0, played, seen, None)
    assert made is not None
    assert made.latency is not None
    # a picture is captured before the next is played, two later; shown in the same turn; read one turn after that
    assert made.latency.p50 == pytest.approx(1000 * 4 / 30, abs=0.5)
    assert made.latency.max == pytest.approx(1000 * 4 / 30, abs=0.5)
    assert made.lost_percent == 0
    assert source.seconds
    assert not engine.stats.counted("faults")


def test_only_live_pictures_carry_a_number_and_the_composite_sent_stays_as_it_was() -> None:
    device = Loopback(0)
    webcam = Loopback(0)
    webcam.write(coded(np.full((120, 160, 3), 99, np.uint8), 321))
    source = CodeReading(LoopbackCamera(webcam, VirtualClock()))
    frame = source.read()
    assert frame is not None
    sink = CodeStamping(LoopbackSink(device), source)
    pixels = np.full((120, 160, 3), 60, np.uint8)
    for kind, wanted in ((Kind.LIVE, 321), (Kind.HOLD, None), (Kind.REST, None), (Kind.SLATE, None)):
        composite = Composite(pixels.copy(), frame.seq, 0.0, kind)
        sink.send(composite)
        assert (composite.pixels == 60).all()
        shown = device.read()
        assert shown is not None
        assert code.read(shown) == wanted
        top = int(code.strip((160, 120))[0, 1])
        assert (shown[:top] == 60).all()  # a number, and no pixel of the camera's
        assert set(np.unique(shown[top:])) <= {code.DARK, code.LIGHT, (code.DARK + code.LIGHT) // 2}


def test_a_screen_is_looked_for_while_the_strip_blinks(photo: np.ndarray) -> None:
    pictures = [on_screen(p, SCREEN) for p in blinking(photo, 60)]
    pictures += [on_screen(coded(photo, n), SCREEN) for n in range(60, 80)]

    class Seen:
        size, rate, live = (640, 480), 30.0, True
        count = -1

        def read(self) -> Frame | None:
            self.count += 1
            return Frame(pictures[self.count], self.count, self.count / 30)

        def close(self) -> None: ...

    source = CodeReading(Seen(), on_screen=True)
    for _ in pictures:
        source.read()
    assert source.found
    assert source.code_of(79) == 79
    assert source.code_of(50) is None


def test_the_player_keeps_its_grid_and_leaves_out_what_is_overdue() -> None:
    clock = VirtualClock()
    shown: list[np.ndarray] = []

    def show(picture: np.ndarray) -> None:
        shown.append(picture)
        if len(shown) == 20:
            clock.advance(0.35)  # the screen hangs

    face = [np.full((60, 80, 3), v, np.uint8) for v in (90, 100, 110)]
    notes = list(glassplay.play(show, face, 10.0, 5.0, 1.0, clock))
    numbers = [n for n, _ in notes]
    assert numbers[0] == 10  # the first second blinks
    assert len(shown) == len(notes) + 10
    assert sorted(set(range(10, 50)) - set(numbers)) == [20, 21]  # overdue by more than a period
    assert all(at == pytest.approx(n / 10, abs=0.06) for n, at in notes if n not in (22,))
    assert [code.read(p) for p in shown[10:]] == numbers


def test_the_reader_notes_what_it_sees_for_as_long_as_it_is_told() -> None:
    clock = VirtualClock()
    pictures = [None, coded(np.full((60, 160, 3), 90, np.uint8), 5), np.full((60, 160, 3), 90, np.uint8)]

    def read() -> np.ndarray | None:
        clock.advance(0.1)
        return pictures.pop(0) if pictures else None

    notes = list(glassread.watch(read, 1.0, clock))
    assert [n for n, _ in notes] == [5, -1]


# Devices that are not there


def test_a_device_that_is_not_there_is_told_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "video11")
    command = ["bench", "glass", "--play", path, "--read", path, "--json", str(tmp_path / "glass.json")]
    assert main([*command, "--patience", "30"]) == 3
    said = capsys.readouterr().err.strip()
    assert "the coded pictures could not be played" in said
    assert "No such file or directory; is v4l2loopback loaded?" in said
    assert "Error" not in said
    assert not (tmp_path / "glass.json").exists()


def test_a_file_is_no_loopback_device(tmp_path: Path) -> None:
    from reenact.bench.v4l2out import LoopbackWriter

    path = tmp_path / "video11"
    path.touch()
    with pytest.raises(DeviceError, match="expected a loopback device"):
        LoopbackWriter(path, (64, 48))


def test_a_screen_needs_a_camera(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "glass", "--play", "screen", "--read", "/dev/video10"]) == InputError.exit_status
    assert "needs --camera" in capsys.readouterr().err


def test_nothing_recognised_is_an_error_that_says_where_to_look(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(glassrun, "_wait_for_sights", lambda *a: None)
    with pytest.raises(DeviceError, match=r"none was recognised at .*does the camera see the strip"):
        glassrun.measure(glassrun.Setting(str(tmp_path / "a"), str(tmp_path / "a"), assets.DRIVER, 1.0), None)
