"""Recording beside a call: its own thread, switched on and off, stopped by a full disk, playable after a kill."""

import contextlib
import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fakes import SIZE, FakeSink
from made import composite
from rig import Rig, runs

from reenact.errors import InputError, SinkError
from reenact.sinks import Fanout, Recorder
from reenact.sinks.background import Background
from reenact.sinks.recording import Recording
from reenact.sources import VideoFile
from reenact.sources.synthetic import read_number
from reenact.stats import LATENCY
from reenact.types import Composite


class Gated(FakeSink):
    """Takes a picture only when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let, self.taking = threading.Event(), threading.Event()

    def send(self, one: Composite) -> None:
        self.taking.set()
        assert self.let.wait(30)
        super().send(one)


class Failing(FakeSink):
    def __init__(self, at: int, error: Exception) -> None:
        super().__init__()
        self._at, self._error = at, error
        self.tried = threading.Event()

    def send(self, one: Composite) -> None:
        if len(self.seqs) == self._at:
            self.tried.set()
            raise self._error
        super().send(one)


# A thread of its own


def test_who_sends_does_not_wait_and_the_oldest_waiting_is_left_out() -> None:
    inner = Gated()
    sink = Background(inner, waiting=3)
    sink.send(composite(0))
    assert inner.taking.wait(30)  # the first is being taken
    for seq in range(1, 10):
        sink.send(composite(seq, seq / 30))  # returns though nothing is taken
    assert sink.left_out == 6
    inner.let.set()
    sink.close()
    assert inner.seqs == [0, 7, 8, 9]
    assert inner.closed == 1


def test_nothing_is_lost_while_it_keeps_up_and_close_waits_for_the_rest() -> None:
    inner = FakeSink()
    with Background(inner, waiting=100) as sink:
        for seq in range(60):
            sink.send(composite(seq, seq / 30))
    assert inner.seqs == list(range(60))
    assert sink.left_out == 0


def test_a_picture_sent_again_is_handed_on_once() -> None:
    inner = FakeSink()
    with Background(inner) as sink:
        for seq in (0, 0, 0, 1, 1, 2):
            sink.send(composite(seq, seq / 30))
    assert inner.seqs == [0, 1, 2]


@pytest.mark.parametrize(
    ("error", "words"), [(SinkError("the disk is full"), "the disk is full"), (ValueError("odd"), "failed: odd")]
)
def test_what_goes_wrong_is_told_by_the_next_picture_and_by_close(error: Exception, words: str) -> None:
    inner = Failing(1, error)
    sink = Background(inner)
    sink.send(composite(0))
    sink.send(composite(1, 1.0))
    assert inner.tried.wait(30)
    sink._thread.join(30)
    with pytest.raises(SinkError, match=words):
        sink.send(composite(2, 2.0))
    with pytest.raises(SinkError, match=words):
        sink.close()
    sink.close()
    assert inner.closed == 1


def test_a_sink_that_hangs_does_not_keep_who_closes() -> None:
    inner = Gated()
    sink = Background(inner, close_s=0.05)
    sink.send(composite())
    with pytest.raises(SinkError, match=r"could not be ended within 0\.05 s"):
        sink.close()
    inner.let.set()
    with pytest.raises(ValueError, match="expected 1 or more"):
        Background(inner, waiting=0)


# Switched on and off


def test_each_recording_is_a_file_of_its_own(tmp_path: Path) -> None:
    opened: list[tuple[Path, FakeSink]] = []

    def open_file(path: Path) -> FakeSink:
        path.touch()
        opened.append((path, FakeSink()))
        return opened[-1][1]

    (tmp_path / "call-2.mkv").touch()  # somebody else's
    with Recording(tmp_path / "call.mkv", open_file) as recording:
        recording.send(composite(0))
        assert not recording.on
        recording.toggle()
        recording.send(composite(1))
        recording.toggle()
        recording.send(composite(2))
        recording.toggle()
        recording.send(composite(3))
        assert recording.on
        assert recording.path == tmp_path / "call-3.mkv"
    assert [(path.name, sink.seqs, sink.closed) for path, sink in opened] == [
        ("call.mkv", [1], 1),
        ("call-3.mkv", [3], 1),
    ]
    assert recording.files == 2


def test_without_a_name_nothing_that_is_there_is_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("reenact.mkv").write_text("there")
    with Recording(None, lambda path: Recorder(path, SIZE, fragmented=True)) as recording:
        recording.start()
        recording.send(composite())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["reenact-2.mkv", "reenact.mkv"]
    assert Path("reenact.mkv").read_text() == "there"


def test_what_is_around_each_file_is_entered_before_and_left_after_it(tmp_path: Path) -> None:
    told: list[str] = []

    @contextlib.contextmanager
    def around(path: Path) -> Iterator[None]:
        told.append(f"enter {path.name} {path.exists()}")
        yield
        told.append(f"leave {path.name} {path.stat().st_size > 500}")

    open_file = lambda path: Recorder(path, SIZE, fragmented=True)  # noqa: E731
    with Recording(tmp_path / "a.mkv", open_file, around=around) as recording:
        recording.start()
        recording.send(composite())
    assert told == ["enter a.mkv False", "leave a.mkv True"]


def test_one_that_cannot_begin_says_why_and_stays_off(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "none" / "a.mkv", lambda path: Recorder(path, SIZE, fragmented=True))
    with pytest.raises(InputError, match="there is no folder"):
        recording.start()
    recording.toggle()
    assert not recording.on
    assert "there is no folder" in recording.stopped
    recording.close()


# A full disk


def full_after(path: Path, size: tuple[int, int], written: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From so many bytes on the disk has no room for what goes to that file."""
    real, so_far = os.write, [0]

    def write(fd: int, data: bytes) -> int:
        if os.path.samestat(os.fstat(fd), path.stat()):
            so_far[0] += len(data)
            if so_far[0] > written:
                raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, data)

    monkeypatch.setattr(os, "write", write)


def test_a_full_disk_stops_the_recording_and_not_the_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.mkv"
    recording = Recording(path, lambda file: Recorder(file, SIZE, fragmented=True))
    rig = Rig()
    rig.live.sink = Fanout({"recording": recording, "camera": rig.sink})
    recording.start()
    full_after(path, SIZE, 2000, monkeypatch)
    while recording.on:
        rig.turn(1)
        if recording._sink is not None:
            recording._sink._thread.join(0.01)  # a picture at a time
    kinds = rig.turn(60)
    assert runs(kinds) == ["live"]
    assert len(kinds) == 60
    assert "the recording has stopped" in recording.stopped
    assert "no space left on device), what was written before is kept" in recording.stopped
    latency = rig.live.stats.series(LATENCY)
    assert latency is not None
    assert latency.count > 60  # the camera's pictures are counted on
    monkeypatch.undo()
    recording.close()
    assert 0 < path.stat().st_size <= 2000
    recording.toggle()  # there is room again
    rig.turn(10)
    assert recording.stopped == ""
    recording.close()
    with VideoFile(tmp_path / "a-2.mkv") as source:
        assert source.read() is not None


def test_alone_it_ends_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.mkv"
    recording = Recording(path, lambda file: Recorder(file, SIZE, fragmented=True), alone=True)
    recording.start()
    full_after(path, SIZE, 100, monkeypatch)

    def record_on() -> None:
        for seq in range(10**6):
            recording.send(composite(seq, seq / 30))
            if recording._sink is not None:
                recording._sink._thread.join(0.01)

    with pytest.raises(SinkError, match="no space left on device"):
        record_on()
    recording.close()


# A killed process

KILLED = """
import sys, time
sys.path[:0] = {path!r}
from pathlib import Path
from reenact.sinks import Recorder
from reenact.sinks.recording import Recording
from reenact.sources.synthetic import numbered
from reenact.types import Composite, Kind
recording = Recording(Path({out!r}), lambda path: Recorder(path, (320, 240), fragmented=True, rate=30))
recording.start()
for n in range(10**6):
    recording.send(Composite(numbered((320, 240), n), n, 1e5 + n / 30, Kind.LIVE))
    print(n, recording.left_out + recording._sink.left_out, flush=True)
    time.sleep(0.01)
"""


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_after_a_kill_all_but_the_last_two_seconds_plays(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    script = KILLED.format(path=sys.path, out=str(path))
    sent = left_out = 0
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:  # to the last line that it could write
            if line.endswith("\n"):
                sent, left_out = (int(word) for word in line.split())
            if sent == 150:
                process.send_signal(signal.SIGKILL)
    with VideoFile(path) as source:
        frames = [(read_number(frame.pixels), frame.t_capture) for frame in iter(source.read, None)]
    numbers = [number for number, _ in frames]
    assert numbers[-1] >= sent - 60  # two seconds
    assert numbers == sorted(set(numbers))
    assert len(numbers) >= numbers[-1] + 1 - left_out
    assert np.abs([t - number / 30 for number, t in frames]).max() < 0.0011
