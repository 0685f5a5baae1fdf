"""What every Source must do."""

import threading
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from fakecamera import FakeCapture, camera_tree
from fakes import FakeSource
from made import picture, video

from reenact.clock import MonotonicClock, VirtualClock
from reenact.config import CameraConfig
from reenact.errors import DeviceError
from reenact.sources import Camera, LastingCamera, LoopedVideo, Paced, PictureFile, SyntheticSource, VideoFile
from reenact.stages import Source
from reenact.types import Frame


def _video(tmp_path, _) -> Source:
    return VideoFile(video(tmp_path / "a.mp4", 8))


def _picture(tmp_path, _) -> Source:
    cv2.imwrite(str(tmp_path / "a.png"), picture())
    return PictureFile(tmp_path / "a.png", repeat=4)


def _paced(tmp_path, _) -> Source:
    path = video(tmp_path / "a.mp4", 8)
    return Paced(lambda: VideoFile(path), VirtualClock(50.0))


def _looped(tmp_path, _) -> Source:
    return LoopedVideo(video(tmp_path / "a.mp4", 4), clock=VirtualClock(50.0))


def _camera(tmp_path, monkeypatch) -> Source:
    camera_tree(tmp_path, monkeypatch)
    monkeypatch.setattr(cv2, "VideoCapture", lambda *args: FakeCapture(*args, period_s=0.005))
    return Camera(0, CameraConfig(open_timeout_s=5, read_timeout_s=2), MonotonicClock())


def _lasting(tmp_path, monkeypatch) -> Source:
    camera_tree(tmp_path, monkeypatch)
    monkeypatch.setattr(cv2, "VideoCapture", lambda *args: FakeCapture(*args, period_s=0.005))
    return LastingCamera(0, CameraConfig(open_timeout_s=5, read_timeout_s=60, wait_s=0.5), MonotonicClock())


SOURCES: dict[str, Callable[..., Source]] = {
    "video": _video,
    "picture": _picture,
    "paced": _paced,
    "looped": _looped,
    "camera": _camera,
    "lasting camera": _lasting,
    "synthetic file": lambda *_: SyntheticSource((64, 48), 25, frames=5),
    "synthetic live": lambda *_: SyntheticSource((64, 48), 25, clock=VirtualClock(50.0)),
    "fake": lambda *_: FakeSource(VirtualClock(), frames=5, live=False),
    "fake live": lambda *_: FakeSource(VirtualClock(50.0)),
}


@pytest.fixture(params=SOURCES)
def source(request, tmp_path, monkeypatch):
    opened = SOURCES[request.param](tmp_path, monkeypatch)
    yield opened
    opened.close()


def test_it_is_a_source(source):
    assert isinstance(source, Source)
    width, height = source.size
    assert width > 0
    assert height > 0
    assert source.rate > 0
    assert isinstance(source.live, bool)


def test_frames_are_numbered_from_0_and_of_the_size_it_says(source):
    frames = []
    while len(frames) < 6 and (frame := source.read()) is not None:
        frames.append(frame)
    assert len(frames) >= 4
    for n, frame in enumerate(frames):
        assert isinstance(frame, Frame)
        assert frame.seq == n
        assert frame.pixels.shape == (source.size[1], source.size[0], 3)
        assert frame.pixels.dtype == np.uint8
        assert frame.pixels.flags.c_contiguous


def test_times_never_go_back(source):
    times = []
    while len(times) < 6 and (frame := source.read()) is not None:
        times.append(frame.t_capture)
    assert times == sorted(times)
    if not source.live:
        assert times[0] == 0.0
        assert np.diff(times) == pytest.approx(1 / source.rate)


def test_a_file_ends_with_none_and_stays_at_its_end(source):
    if source.live:
        pytest.skip("a device has no end")
    for _ in range(20):
        if source.read() is None:
            break
    else:
        pytest.fail("no end after 20 frames")
    assert source.read() is None


def test_a_frame_belongs_to_who_reads_it(source):
    first = source.read()
    before = first.pixels.copy()
    second = source.read()
    second.pixels[:] = 7
    assert np.array_equal(first.pixels, before)


def test_close_may_be_called_twice_and_nothing_comes_after(source):
    source.read()
    source.close()
    source.close()
    try:
        after = source.read()
    except DeviceError:
        after = None
    assert after is None


def test_close_from_another_thread_ends_a_read_that_waits(source):
    done = threading.Event()

    def read_on() -> None:
        try:
            for _ in range(10_000):
                if source.read() is None:
                    break
        except DeviceError:
            pass
        done.set()

    thread = threading.Thread(target=read_on, daemon=True)
    thread.start()
    source.close()
    assert done.wait(5.0)
