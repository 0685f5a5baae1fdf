"""Sound beside live pictures: where it was heard, whatever the pictures' delay; gaps, drift, no device."""

import itertools
from pathlib import Path
from typing import ClassVar

import av
import numpy as np
import pytest
from fakes import SIZE

from reenact.clock import VirtualClock
from reenact.errors import DeviceError
from reenact.sinks import Recorder
from reenact.sources.microphone import RATE, Microphone, SoundBlock
from reenact.types import Composite, Kind

BLOCK = 960  # 20 ms


class FakeEar:
    """Hears a click at each of `clicks` (the clock's seconds), a quiet hum else; `faulty` times are not heard at all.

    drift  by how much its own clock runs fast
    """

    rate, channels, trouble = RATE, 1, ""

    def __init__(
        self,
        clock: VirtualClock,
        clicks: tuple[float, ...] = (),
        deaf: tuple[float, float] = (0, 0),
        drift: float = 0.0,
    ) -> None:
        self._clock, self._clicks, self._deaf, self._drift = clock, clicks, deaf, drift
        self._t = self._began = clock.now()
        self._samples = 0

    def take(self) -> list[SoundBlock]:
        blocks = []
        while self._t + BLOCK / RATE <= self._clock.now():
            times = self._t + np.arange(BLOCK) / RATE
            samples = 0.01 * np.sin(2 * np.pi * 440 * times)
            for click in self._clicks:
                samples[(times >= click) & (times < click + 0.003)] = 0.9
            if not self._deaf[0] <= self._t < self._deaf[1]:
                blocks.append(SoundBlock(samples[:, None].astype(np.float32), self._t))
            self._samples += BLOCK
            self._t = self._began + self._samples / RATE / (1 + self._drift)
        return blocks

    def close(self) -> None:
        """Holds nothing."""


def recorded(path: Path, ear: FakeEar, clock: VirtualClock, flashes: tuple[float, ...], seconds: float, **more) -> None:  # type: ignore[no-untyped-def]
    """Pictures captured thirty times a second, each sent after a delay that changes from 40 to 160 ms."""
    with Recorder(path, SIZE, fragmented=True, ear=ear, **more) as recorder:
        waiting: list[Composite] = []
        for n in range(round(seconds * 30)):
            t = clock.now()
            lit = any(flash <= t < flash + 0.1 for flash in flashes)
            waiting.append(Composite(np.full((48, 64, 3), 230 if lit else 40, np.uint8), n, t, Kind.LIVE))
            clock.advance(1 / 30)
            for _ in range(len(waiting) - (1 + n // 10 % 4)):
                recorder.send(waiting.pop(0))
        for one in waiting:
            recorder.send(one)


def heard(path: Path) -> tuple[np.ndarray, float]:
    """The sound (n,) from the file's time 0 on, and the first sample's time."""
    with av.open(str(path)) as file:
        parts, begin = [], None
        for frame in file.decode(audio=0):
            begin = float(frame.pts * frame.time_base) if begin is None else begin
            parts.append(frame.to_ndarray()[0])
    assert begin is not None
    return np.concatenate(parts), begin


def onsets(wave: np.ndarray, begin: float) -> list[float]:
    """When clicks begin, seconds of the file."""
    loud = np.flatnonzero(np.abs(wave) > 0.3)
    first = loud[np.insert(np.diff(loud) > RATE // 10, 0, True)]
    return [begin + i / RATE for i in first]


def lit(path: Path) -> list[float]:
    """When the picture becomes bright."""
    with av.open(str(path)) as file:
        frames = [(float(f.pts * f.time_base), f.to_ndarray()[:48].mean()) for f in file.decode(video=0)]
    return [b[0] for a, b in itertools.pairwise(frames) if a[1] < 120 <= b[1]]


@pytest.mark.parametrize("ending", ["mp4", "mkv", "mov"])
def test_a_clap_is_seen_and_heard_at_the_same_time(tmp_path: Path, ending: str) -> None:
    clock = VirtualClock(1000.0)
    claps = (1000.5, 1001.5, 1002.6)
    path = tmp_path / f"a.{ending}"
    recorded(path, FakeEar(clock, claps), clock, claps, 4.0)
    wave, begin = heard(path)
    sounds, flashes = onsets(wave, begin), lit(path)
    assert np.allclose(sounds, np.subtract(claps, 1000.0), atol=0.004)
    assert len(flashes) == 3
    assert all(0 <= flash - sound < 1 / 30 + 0.004 for flash, sound in zip(flashes, sounds, strict=True))
    assert 3.8 < len(wave) / RATE + begin < 4.1


def test_it_can_be_placed_later_by_what_the_camera_itself_delays(tmp_path: Path) -> None:
    clock = VirtualClock(10.0)
    recorded(tmp_path / "a.mkv", FakeEar(clock, (11.0,)), clock, (), 2.0, sound_offset_s=0.12)
    assert onsets(*heard(tmp_path / "a.mkv")) == pytest.approx([1.12], abs=0.004)


def test_what_was_heard_before_the_first_picture_is_left_out(tmp_path: Path) -> None:
    clock = VirtualClock(10.0)
    ear = FakeEar(clock, (10.2, 11.5))
    clock.advance(1.0)  # the microphone is open, the camera is not
    recorded(tmp_path / "a.mkv", ear, clock, (), 2.0)
    assert onsets(*heard(tmp_path / "a.mkv")) == pytest.approx([0.5], abs=0.004)


def test_a_microphone_that_falls_silent_leaves_silence_and_comes_back_in_its_place(tmp_path: Path) -> None:
    clock = VirtualClock(10.0)
    recorded(tmp_path / "a.mkv", FakeEar(clock, (10.5, 13.5), deaf=(11.0, 13.0)), clock, (), 4.0)
    wave, begin = heard(tmp_path / "a.mkv")
    assert onsets(wave, begin) == pytest.approx([0.5, 3.5], abs=0.004)
    assert np.abs(wave[round(1.1 * RATE) : round(2.9 * RATE)]).max() < 0.005
    assert np.abs(wave[round(3.1 * RATE) : round(3.4 * RATE)]).max() > 0.005


@pytest.mark.parametrize("drift", [0.01, -0.01])
def test_a_microphone_whose_clock_is_wrong_stays_with_the_pictures(tmp_path: Path, drift: float) -> None:
    """One percent is twenty times what a sound card does."""
    clock = VirtualClock(10.0)
    recorded(tmp_path / "a.mkv", FakeEar(clock, (12.0, 18.0, 24.0), drift=drift), clock, (), 15.0)
    assert onsets(*heard(tmp_path / "a.mkv")) == pytest.approx([2, 8, 14], abs=0.045)


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_what_is_on_the_disk_at_any_moment_plays_sound_and_all(tmp_path: Path, ending: str) -> None:
    clock = VirtualClock(10.0)
    ear = FakeEar(clock)
    with Recorder(tmp_path / f"a.{ending}", SIZE, fragmented=True, ear=ear) as recorder:
        for n in range(150):
            recorder.send(Composite(np.full((48, 64, 3), n, np.uint8), n, clock.now(), Kind.LIVE))
            clock.advance(1 / 30)
        (tmp_path / f"b.{ending}").write_bytes((tmp_path / f"a.{ending}").read_bytes())  # as after a kill
    wave, _ = heard(tmp_path / f"b.{ending}")
    with av.open(str(tmp_path / f"b.{ending}")) as file:
        pictures = sum(1 for _ in file.decode(video=0))
    assert pictures >= 150 - 60
    assert len(wave) / RATE >= 5 - 2


def test_a_file_without_a_microphone_has_no_sound(tmp_path: Path) -> None:
    with Recorder(tmp_path / "a.mkv", SIZE, fragmented=True) as recorder:
        recorder.send(Composite(np.zeros((48, 64, 3), np.uint8), 0, 0.0, Kind.LIVE))
        assert recorder.sound == "none"
    with av.open(str(tmp_path / "a.mkv")) as file:
        assert not file.streams.audio


# The microphone


class Stream:
    """sounddevice.InputStream."""

    made: "ClassVar[list[Stream]]" = []  # noqa: RUF012

    def __init__(self, **options: object) -> None:
        self.options, self.running = options, False
        Stream.made.append(self)

    def start(self) -> None:
        self.running = True

    def close(self) -> None:
        self.running = False


class Times:
    def __init__(self, heard: float, now: float) -> None:
        self.inputBufferAdcTime, self.currentTime = heard, now


@pytest.fixture
def portaudio(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    import types

    module = types.ModuleType("sounddevice")
    module.InputStream, module.PortAudioError = Stream, OSError  # type: ignore[attr-defined]
    monkeypatch.setitem(__import__("sys").modules, "sounddevice", module)
    return module


def test_blocks_carry_the_time_at_which_their_first_sample_was_heard(portaudio) -> None:  # type: ignore[no-untyped-def]
    clock = VirtualClock(50.0)
    with Microphone("default", clock) as microphone:
        stream = Stream.made[-1]
        assert (stream.options["device"], stream.options["samplerate"], stream.running) == (None, RATE, True)
        callback = stream.options["callback"]
        callback(np.full((960, 1), 0.5, np.float32), 960, Times(7.0, 7.035), None)  # type: ignore[operator]
        callback(np.zeros((960, 1), np.float32), 960, Times(0.0, 0.0), None)  # type: ignore[operator]  # no times given
        first, second = microphone.take()
        assert first.t_heard == pytest.approx(50 - 0.035)
        assert first.samples.mean() == pytest.approx(0.5)
        assert second.t_heard == pytest.approx(50 - 0.02)
        assert microphone.take() == []
    assert not stream.running
    microphone.close()


def test_sound_that_nobody_takes_does_not_pile_up(portaudio) -> None:  # type: ignore[no-untyped-def]
    with Microphone("USB", VirtualClock()) as microphone:
        assert Stream.made[-1].options["device"] == "USB"
        for n in range(1000):
            microphone.hear(np.zeros((960, 1), np.float32), n * 0.02)
        kept = microphone.take()
    assert sum(len(block.samples) for block in kept) <= 10 * RATE
    assert kept[-1].t_heard == pytest.approx(999 * 0.02)


def test_where_there_is_none_each_ways_reason_is_told(portaudio, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    def none(**_: object) -> None:
        raise portaudio.PortAudioError("No such device: nonsense.\nmore")

    monkeypatch.setattr(portaudio, "InputStream", none)
    with pytest.raises(DeviceError, match=r"'nonsense' cannot be opened \(PortAudio: No such device: nonsense; ") as e:
        Microphone("nonsense")
    assert "leave the sound out" in str(e.value)
    assert e.value.exit_status == 3
