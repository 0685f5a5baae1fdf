"""Recordings: time stamps, colours, sound, crashes, full disks and paths that cannot be written."""

import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from made import composite, packets, picture, tone, video

from reenact.config import RecorderConfig
from reenact.errors import InputError, SinkError, SourceError
from reenact.sinks import Recorder
from reenact.sinks.outfile import OutFile
from reenact.sources import VideoFile
from reenact.sources.synthetic import read_number
from reenact.types import Composite, Kind

SIZE = (64, 48)


def again(source_path: Path, path: Path, **options: object) -> str:
    """Records a video's pictures at their times; gives what was done about the sound."""
    with (
        VideoFile(source_path) as source,
        Recorder(path, source.size, time_base=source.time_base, rate=source.rate, **options) as recorder,
    ):
        for frame in iter(source.read, None):
            recorder.send(Composite(frame.pixels, frame.seq, frame.t_capture, Kind.LIVE))
        return recorder.sound


def times(path: Path) -> list[float]:
    with VideoFile(path) as source:
        return [frame.t_capture for frame in iter(source.read, None)]


@pytest.mark.parametrize("ending", ["mp4", "mov", "m4v"])
@pytest.mark.parametrize(
    ("stamps", "base"),
    [
        (list(range(40)), Fraction(1001, 30000)),
        ([512 * n for n in range(40)], Fraction(1, 15360)),
        ([0, 33, 67, 68, 200, 201, 950, 1000], Fraction(1, 1000)),
        ([90 + 3003 * n for n in range(9)], Fraction(1, 90000)),
        ([0, 1, 2, 7, 8], Fraction(1, 24)),
    ],
)
def test_time_stamps_come_back_exactly(tmp_path, ending, stamps, base):
    source = video(tmp_path / "a.mkv" if base == Fraction(1, 1000) else tmp_path / "a.mp4", stamps, base)
    again(source, tmp_path / f"b.{ending}")
    assert times(tmp_path / f"b.{ending}") == times(source)
    assert len(times(source)) == len(stamps)


def test_matroska_rounds_to_its_milliseconds(tmp_path):
    source = video(tmp_path / "a.mp4", 20, Fraction(1001, 30000))
    again(source, tmp_path / "b.mkv")
    assert np.abs(np.subtract(times(tmp_path / "b.mkv"), times(source))).max() <= 0.0010001


def test_times_that_do_not_rise_get_the_next_tick(tmp_path):
    with Recorder(tmp_path / "a.mp4", SIZE, time_base=Fraction(1, 100)) as recorder:
        for seq, t in enumerate([0.0, 0.5, 0.5, 0.4, 1.0]):
            recorder.send(composite(seq, t))
    assert times(tmp_path / "a.mp4") == [0.0, 0.5, 0.51, 0.52, 1.0]


@pytest.mark.parametrize(("size", "matrix"), [((320, 240), "bt601"), ((1280, 720), "bt709")])
def test_colours_come_back_and_are_tagged(tmp_path, size, matrix):
    path, pixels = tmp_path / "a.mp4", picture(*size)
    with Recorder(path, size) as recorder:
        recorder.send(Composite(pixels, 0, 0.0, Kind.LIVE))
    with VideoFile(path) as source:
        apart = source.read().pixels.astype(int) - pixels
    assert np.abs(apart).mean() < 1.5
    assert np.abs(apart.mean((0, 1))).max() < 0.5
    with av.open(str(path)) as file:
        frame = next(file.decode(video=0))
        assert frame.colorspace == {"bt709": 1, "bt601": 6}[matrix]
        assert (frame.color_range, frame.color_primaries, frame.color_trc) == (1, 1, 1)
        assert frame.format.name == "yuv420p"
        y = frame.to_ndarray()[: size[1]].astype(float)
    kr, kb = {"bt709": (0.2126, 0.0722), "bt601": (0.299, 0.114)}[matrix]  # ITU-R BT.709, BT.601
    b, g, r = np.moveaxis(pixels.astype(float), 2, 0)
    assert np.abs(y - (16 + 219 / 255 * (kr * r + (1 - kr - kb) * g + kb * b))).mean() < 1.0


def test_the_matrix_can_be_chosen(tmp_path):
    with Recorder(tmp_path / "a.mp4", SIZE, config=RecorderConfig(matrix="bt709")) as recorder:
        recorder.send(composite())
    with av.open(str(tmp_path / "a.mp4")) as file:
        assert next(file.decode(video=0)).colorspace == 1


@pytest.mark.parametrize("size", [(65, 48), (64, 47), (65, 47)])
def test_odd_sizes_are_padded_by_one(tmp_path, size):
    path, pixels = tmp_path / "a.mp4", cv2.GaussianBlur(picture(*size), (0, 0), 8)  # chroma is halved anyhow
    with Recorder(path, size) as recorder:
        recorder.send(Composite(pixels, 0, 0.0, Kind.LIVE))
    with VideoFile(path) as source:
        got = source.read().pixels
    assert got.shape[:2] == (size[1] + size[1] % 2, size[0] + size[0] % 2)
    assert np.abs(got[: size[1], : size[0]].astype(int) - pixels).mean() < 3


# Sound


@pytest.mark.parametrize(("codec", "ending"), [("aac", "mp4"), ("aac", "mov"), ("aac", "mkv"), ("mp2", "mp4")])
def test_sound_is_copied_bit_for_bit(tmp_path, codec, ending):
    source = video(tmp_path / "a.mkv" if codec == "mp2" else tmp_path / "a.mp4", 50, sound=codec)
    out = tmp_path / f"b.{ending}"
    assert again(source, out, audio=source) == "copied"
    before, after = packets(source), packets(out)
    assert [data for _, data in before] == [data for _, data in after]
    # the sound keeps its place against the pictures
    shift = packets(out, "video")[0][0] - packets(source, "video")[0][0]
    assert all(abs(b[0] - a[0] - shift) < Fraction(2, 1000) for a, b in zip(before, after, strict=True))


def test_sound_is_cut_at_the_end_of_the_pictures(tmp_path):
    source = video(tmp_path / "a.mp4", 10, sound="aac")  # 0.4 s of pictures, 1 s of sound
    again(source, tmp_path / "b.mp4", audio=source)
    assert 0.36 < float(packets(tmp_path / "b.mp4")[-1][0]) < 0.4


def test_sound_that_begins_before_the_pictures_is_shifted(tmp_path):
    source = video(tmp_path / "a.mkv", [500 + 40 * n for n in range(20)], Fraction(1, 1000), sound="aac")
    again(source, tmp_path / "b.mp4", audio=source)
    before, after = packets(source), packets(tmp_path / "b.mp4")
    skipped = next(i for i, (_, data) in enumerate(before) if data == after[0][1])
    assert skipped > 10
    for (then, data), (now, copy) in zip(before[skipped:], after, strict=False):
        assert data == copy
        assert abs(float(then - now) - 0.5) < 0.002


def test_sound_that_the_container_cannot_carry_is_encoded_anew(tmp_path):
    source = tone(tmp_path / "a.wav", "pcm_mulaw")
    with Recorder(tmp_path / "b.mp4", SIZE, rate=25, audio=source) as recorder:
        for n in range(25):
            recorder.send(composite(n, n / 25))
        assert recorder.sound.startswith("encoded anew as AAC: mp4 cannot carry pcm_mulaw")
    with av.open(str(tmp_path / "b.mp4")) as file:
        assert file.streams.audio[0].codec_context.name == "aac"
        wave = np.concatenate([f.to_ndarray()[0] for f in file.decode(audio=0)])
    assert 0.9 < len(wave) / 48000 < 1.1
    spectrum = np.abs(np.fft.rfft(wave[8000:40000]))
    assert abs(np.argmax(spectrum) * 48000 / 32000 - 440) < 3


def test_a_file_without_sound_is_said_to_have_none(tmp_path):
    source = video(tmp_path / "a.mp4", 5)
    assert again(source, tmp_path / "b.mp4", audio=source) == "none: a.mp4 has no sound"
    with pytest.raises(SourceError, match="does not exist"):
        Recorder(tmp_path / "c.mp4", SIZE, audio=tmp_path / "nothing.wav")
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(SourceError, match="no sound that can be read"):
        Recorder(tmp_path / "c.mp4", SIZE, audio=tmp_path / "text.wav")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mp4", "b.mp4", "text.wav"]


# Whole or not at all


def test_the_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"what was there")
    recorder = Recorder(path, SIZE)
    recorder.send(composite())
    assert path.read_bytes() == b"what was there"
    recorder.close()
    recorder.close()
    assert times(path) == [0.0]
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
    with pytest.raises(SinkError, match="closed"):
        recorder.send(composite(1, 1.0))


def test_nothing_is_left_of_a_recording_that_failed_or_held_nothing(tmp_path):
    def fails() -> None:
        with Recorder(tmp_path / "a.mp4", SIZE) as recorder:
            recorder.send(composite())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    Recorder(tmp_path / "b.mp4", SIZE).close()
    Recorder(tmp_path / "c.mp4", SIZE, fragmented=True).close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.webm", "ending '.webm': a video needs one of .mp4"),
        ("a", "ending ''"),
        ("none/a.mp4", "there is no folder"),
        ("folder.mp4", "is a folder"),
    ],
)
def test_a_path_that_cannot_be_written_is_refused_at_the_start(tmp_path, name, words):
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(InputError, match=words) as caught:
        Recorder(tmp_path / name, SIZE)
    assert caught.value.exit_status == 2
    assert [p.name for p in tmp_path.iterdir()] == ["folder.mp4"]


def test_a_folder_that_may_not_be_written_is_refused(tmp_path, monkeypatch):
    if os.geteuid() == 0:  # root may write everywhere: ask the system to refuse

        def refuse(*_: object) -> int:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "open", refuse)
    else:
        tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="permission denied"):
        Recorder(tmp_path / "a.mp4", SIZE)


FULL = """
import resource, signal, sys
import numpy as np
sys.path[:0] = {path!r}
from reenact.errors import SinkError
from reenact.sinks import Recorder
from reenact.types import Composite, Kind
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, resource.RLIM_INFINITY))
rng = np.random.default_rng(0)
recorder = Recorder({out!r}, (320, 240), fragmented={fragmented})
try:
    for n in range(60):
        recorder.send(Composite(rng.integers(0, 256, (240, 320, 3), dtype=np.uint8), n, n / 30, Kind.LIVE))
    recorder.close()
except SinkError as error:
    recorder.close()
    print(error)
    sys.exit(7)
"""


@pytest.mark.parametrize("limit", [1, 100_000, 1_000_000])
@pytest.mark.parametrize("fragmented", [False, True])
def test_a_full_disk_is_one_clear_error(tmp_path, limit, fragmented):
    script = FULL.format(path=sys.path, limit=limit, out=str(tmp_path / "a.mp4"), fragmented=fragmented)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 7, done.stderr
    assert "could not be written to its end (file too large)" in done.stdout
    assert "Traceback" not in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == (["a.mp4"] if fragmented else [])
    if fragmented and limit == 1_000_000:
        assert len(times(tmp_path / "a.mp4")) > 3


def test_a_disk_that_fills_while_the_end_is_written(tmp_path, monkeypatch):
    recorder = Recorder(tmp_path / "a.mp4", SIZE)
    recorder.send(composite())

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(SinkError, match=r"no space left on device\), nothing of it is kept"):
        recorder.close()
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []
    recorder.close()


def test_an_error_that_a_library_swallows_is_found(tmp_path, monkeypatch):
    file = OutFile(tmp_path / "a.bin")
    file.write(b"x")
    with monkeypatch.context() as patch:

        def full(*_: object) -> int:
            raise OSError(28, "No space left on device")

        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            file.write(b"y")
    with pytest.raises(SinkError, match="no space left"):
        file.keep()
    assert list(tmp_path.iterdir()) == []


# Live


LIVE = """
import sys, time
import numpy as np
sys.path[:0] = {path!r}
from reenact.sinks import Recorder
from reenact.sources.synthetic import numbered
from reenact.types import Composite, Kind
recorder = Recorder({out!r}, (320, 240), fragmented=True, rate=30)
for n in range(10**6):
    recorder.send(Composite(numbered((320, 240), n), n, 1e5 + n / 30, Kind.LIVE))
    print(n, flush=True)
    time.sleep(0.005)
"""


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv"])
def test_a_live_recording_plays_after_the_process_is_killed(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    script = LIVE.format(path=sys.path, out=str(path))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if int(line) >= 120:
                break
        process.send_signal(signal.SIGKILL)
    with VideoFile(path) as source:
        frames = list(iter(source.read, None))
    assert len(frames) > 120 - 60  # all but two seconds
    assert [read_number(frame.pixels) for frame in frames] == list(range(len(frames)))
    assert np.abs(np.diff([frame.t_capture for frame in frames]) - 1 / 30).max() < 0.0011


def test_a_live_recording_starts_at_zero_and_a_picture_sent_again_lasts_on(tmp_path):
    path = tmp_path / "a.mp4"
    with Recorder(path, SIZE, fragmented=True) as recorder:
        for seq, t in [(0, 1000.0), (1, 1000.5), (1, 1000.5), (1, 1000.5), (2, 1001.0)]:
            recorder.send(composite(seq, t))
        assert recorder.frames == 3
    assert times(path) == [0.0, 0.5, 1.0]


def test_live_recording_keeps_up(tmp_path):
    with Recorder(tmp_path / "a.mp4", (640, 480), fragmented=True) as recorder:
        pictures = [composite(n, n / 30, (640, 480)) for n in range(20)]
        began = time.perf_counter()
        for one in pictures:
            recorder.send(one)
        assert (time.perf_counter() - began) / 20 < 0.25  # a stuck encoder, not a slow machine


def test_opencv_reads_small_recordings_in_their_true_colours(tmp_path):
    """OpenCV takes every video for BT.601; so do many small tools."""
    path, pixels = tmp_path / "a.mp4", picture(320, 240)
    with Recorder(path, (320, 240)) as recorder:
        recorder.send(Composite(pixels, 0, 0.0, Kind.LIVE))
    capture = cv2.VideoCapture(str(path))
    ok, got = capture.read()
    capture.release()
    assert ok
    assert np.abs(got.astype(int) - pixels).mean() < 3
