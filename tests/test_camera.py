"""Cameras: which one is meant, what the driver really set, and every way in which one cannot be used."""

import os
import subprocess
import sys
import threading
import time
from fractions import Fraction

import cv2
import numpy as np
import pytest
from fakecamera import FakeCapture, camera_tree
from made import video

from reenact.clock import VirtualClock
from reenact.config import CameraConfig
from reenact.errors import DeviceError
from reenact.sources import (
    Camera,
    CameraInfo,
    LoopedVideo,
    Paced,
    SyntheticSource,
    VideoFile,
    devices,
    list_cameras,
    v4l2,
)
from reenact.sources.synthetic import numbered, read_number

QUICK = CameraConfig(open_timeout_s=2.0, read_timeout_s=0.3)


@pytest.fixture
def dev(tmp_path, monkeypatch):
    return camera_tree(tmp_path, monkeypatch)


@pytest.fixture
def made(monkeypatch):
    """The captures opened; behaviour is set on the class given back."""
    opened: list[FakeCapture] = []

    class Capture(FakeCapture):
        def __init__(self, *args: object) -> None:
            opened.append(self)
            super().__init__(*args)

    Capture.made = opened
    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    return Capture


def test_the_list_holds_cameras_and_not_their_metadata_nodes(dev):
    assert list_cameras() == [
        CameraInfo(0, "Integrated Camera", str(dev / "video0")),
        CameraInfo(2, "USB Cam: HD", str(dev / "video2")),
    ]


@pytest.mark.parametrize("device", [2, "2", "usb cam", "USB Cam: HD", "path", "by-id", "by-id name"])
def test_a_camera_is_found_by_number_name_and_path(dev, device):
    links = dev / "v4l" / "by-id"
    links.mkdir(parents=True)
    (links / "usb-HD_1234").symlink_to(dev / "video2")
    device = {"path": str(dev / "video2"), "by-id": str(links / "usb-HD_1234"), "by-id name": "usb-HD_1234"}.get(
        device, device
    )
    assert devices.find(device).address == str(dev / "video2")


@pytest.mark.parametrize(
    ("device", "words"),
    [
        (7, r"there is no camera 7 .*: there is Integrated Camera \(.*video0\), USB Cam: HD"),
        ("Logitech", "there is no camera named 'Logitech': there is Integrated Camera"),
        ("/dev/nothing-here", "there is no /dev/nothing-here: there is Integrated"),
        (1, "gives no pictures"),
        (9, r"gives no pictures \(v4l2 loopback\)"),
    ],
)
def test_a_camera_that_is_not_there(dev, made, device, words):
    with pytest.raises(DeviceError, match=words) as caught:
        Camera(device, QUICK)
    assert caught.value.exit_status == 3
    assert made.made == []


def test_no_camera_at_all(tmp_path, monkeypatch):
    camera_tree(tmp_path, monkeypatch, {})
    with pytest.raises(DeviceError, match="no camera is connected to this machine"):
        Camera(0, QUICK)
    assert list_cameras() == []


def test_a_file_is_not_a_camera(dev, tmp_path):
    (tmp_path / "text").write_text("x")
    with pytest.raises(DeviceError, match="is not a camera"):
        Camera(str(tmp_path / "text"), QUICK)


def test_no_permission_names_the_group(dev, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr(v4l2, "group_of", lambda _: "video")
    with pytest.raises(DeviceError, match=r"belongs to the group 'video': sudo usermod -aG video \$USER"):
        Camera(0, QUICK)


def test_a_busy_camera_names_who_holds_it(dev, made, tmp_path):
    made.opens = False
    fds = tmp_path / "proc" / "4242" / "fd"
    fds.mkdir(parents=True)
    (fds / "5").symlink_to(dev / "video0")
    (tmp_path / "proc" / "4242" / "comm").write_text("zoom\n")
    with pytest.raises(DeviceError, match=r"cannot be opened, zoom \(process 4242\) is using it: close that program"):
        Camera(0, QUICK)


def test_what_the_driver_set_is_read_back(dev, made):
    with Camera(2, CameraConfig(width=1280, height=720, rate=60)) as camera:
        frame = camera.read()
        assert camera.size == (640, 480) == frame.pixels.shape[1::-1]
        assert camera.rate == 15.0
        assert camera.format == "MJPG"
    capture = made.made[0]
    assert capture.order[0] == cv2.CAP_PROP_FOURCC  # before the size, which hangs on it
    assert capture.asked[cv2.CAP_PROP_FRAME_WIDTH] == 1280
    assert capture.asked[cv2.CAP_PROP_FPS] == 60
    assert capture.released


def test_a_format_that_is_not_on_offer_is_not_asked_for(dev, made):
    with Camera(0, QUICK) as camera:
        assert camera.format == "YUYV"
    assert cv2.CAP_PROP_FOURCC not in made.made[0].asked


def test_the_newest_picture_wins(dev, made):
    with Camera(0, QUICK) as camera:
        first = camera.read()
        time.sleep(0.1)
        late = camera.read()
        assert late.seq == 1
        assert read_number(late.pixels) > read_number(first.pixels) + 3
        assert camera.dropped > 3


def test_a_driver_that_hangs_at_opening(dev, made):
    made.hangs = threading.Event()
    began = time.monotonic()
    with pytest.raises(DeviceError, match=r"gave no picture within 0\.2 s"):
        Camera(0, CameraConfig(open_timeout_s=0.2))
    assert time.monotonic() - began < 4
    made.hangs.set()  # and when it comes to, what it opened is given back
    for _ in range(100):
        if made.made[0].released:
            break
        time.sleep(0.02)
    assert made.made[0].released


def test_a_driver_that_hangs_does_not_keep_the_process(tmp_path):
    script = f"""
import sys, time, threading
sys.path[:0] = {sys.path!r}
import cv2, pathlib
from reenact.config import CameraConfig
from reenact.errors import DeviceError
from reenact.sources import Camera, devices
devices._check = lambda path, name: None
cv2.VideoCapture = lambda *_: threading.Event().wait()
try:
    Camera(0, CameraConfig(open_timeout_s=0.2))
except DeviceError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert "gave no picture within 0.2 s" in done.stdout
    assert done.returncode == 0


def test_a_camera_that_falls_silent(dev, made):
    made.silent_after = 3
    silent = r"gave no picture for 0\.3 s: check that it is still plugged in"
    with Camera(0, QUICK) as camera, pytest.raises(DeviceError, match=silent):
        list(iter(camera.read, None))


def test_a_raw_buffer_is_not_taken_for_a_picture(dev, made, monkeypatch):
    monkeypatch.setattr(made, "read", lambda self: (True, np.zeros((1, 640 * 480, 3), np.uint8)))
    with pytest.raises(DeviceError, match="a format that OpenCV cannot read"):
        Camera(0, QUICK)


def test_grey_pictures_become_bgr(dev, made, monkeypatch):
    monkeypatch.setattr(made, "read", lambda self: (True, np.full((48, 64), 99, np.uint8)))
    with Camera(0, QUICK) as camera:
        frame = camera.read()
    assert frame.pixels.shape == (48, 64, 3)
    assert (frame.pixels == 99).all()


def test_a_stream_is_opened_by_its_address_and_its_password_not_told(monkeypatch, made):
    made.opens = False
    with pytest.raises(DeviceError) as caught:
        Camera("rtsp://me:secret@10.0.0.5:554/live", QUICK)
    text = str(caught.value)
    assert "rtsp://10.0.0.5:554/live cannot be opened: check the address" in text
    assert "secret" not in text
    address, backend, limits = made.made[0].args
    assert address == "rtsp://me:secret@10.0.0.5:554/live"
    assert backend == cv2.CAP_FFMPEG
    assert limits == [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 2000, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 300]


@pytest.mark.parametrize(("platform", "backend"), [("darwin", cv2.CAP_AVFOUNDATION), ("win32", cv2.CAP_DSHOW)])
def test_other_platforms(monkeypatch, made, platform, backend):
    monkeypatch.setattr("sys.platform", platform)
    with Camera(1, QUICK) as camera:
        camera.read()
    assert made.made[0].args == (1, backend)
    with pytest.raises(DeviceError, match="give its number"):
        Camera("FaceTime", QUICK)
    made.opens = False
    with pytest.raises(DeviceError, match="camera 1 cannot be opened: check that it is plugged in, allow"):
        Camera(1, QUICK)


def test_a_real_device_query_of_something_else_gives_nothing(tmp_path):
    if not sys.platform.startswith("linux"):
        pytest.skip("Linux only")
    assert v4l2.capability(tmp_path) is None
    (tmp_path / "file").touch()
    assert v4l2.capability(tmp_path / "file") is None
    assert v4l2.format_size(tmp_path / "file") is None
    assert not v4l2.offers(tmp_path / "file", "MJPG")
    v4l2.rearm(tmp_path / "file")
    with (tmp_path / "file").open() as held:
        assert held.readable()
        assert v4l2.holders(tmp_path / "file") == []  # ourselves do not count


@pytest.mark.parametrize(
    ("call", "direction", "number", "size", "begins"),
    [
        (lambda p: v4l2.capability(p), 2, 0, 104, bytes(8)),
        (lambda p: v4l2.offers(p, "MJPG"), 3, 2, 64, b"\0\0\0\0\1\0\0\0"),
        (lambda p: v4l2.format_size(p), 3, 4, 208, b"\2\0\0\0"),
        (lambda p: v4l2.rearm(p), 1, 18, 4, b"\2\0\0\0"),
    ],
)
def test_the_kernel_is_asked_as_videodev2_says(tmp_path, monkeypatch, call, direction, number, size, begins):
    """The request numbers by the kernel's own rule: direction, size of the structure, 'V', number."""
    fcntl = pytest.importorskip("fcntl")
    asked = []

    def ioctl(_: int, request: int, argument: bytes) -> bytes:
        asked.append((request, argument))
        raise OSError(25, "Inappropriate ioctl")

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    (tmp_path / "device").touch()
    call(tmp_path / "device")
    request, argument = asked[0]
    assert request == direction << 30 | size << 16 | ord("V") << 8 | number
    assert len(argument) == size
    assert argument.startswith(begins)


def test_the_kernels_answers_are_read(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    (tmp_path / "device").touch()
    answers = [
        b"v4l2 loopback".ljust(16, b"\0") + bytes(68) + (0x80000003).to_bytes(4, "little") + (2).to_bytes(4, "little"),
        bytes(44) + b"YUYV" + bytes(16),
        bytes(44) + b"MJPG" + bytes(16),
        bytes(8) + (640).to_bytes(4, "little") + (480).to_bytes(4, "little") + bytes(192),
    ]
    monkeypatch.setattr(fcntl, "ioctl", lambda *_: answers.pop(0))
    assert v4l2.capability(tmp_path / "device") == v4l2.Capability("v4l2 loopback", False, True)
    assert v4l2.offers(tmp_path / "device", "MJPG")
    assert v4l2.format_size(tmp_path / "device") == (640, 480)


def test_holders_of_a_real_file(tmp_path):
    if not sys.platform.startswith("linux"):
        pytest.skip("Linux only")
    path = tmp_path / "held"
    path.touch()
    script = f"f = open({str(path)!r}); print('up', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        assert [f"(process {other.pid})" in holder for holder in v4l2.holders(path)] == [True]
        other.communicate(b"\n")


# A file as a camera


def test_a_paced_file_comes_in_real_time(tmp_path):
    clock = VirtualClock(1000.0)
    path = video(tmp_path / "a.mp4", [0, 1, 2, 10, 11], Fraction(1, 25))
    with Paced(lambda: VideoFile(path), clock) as source:
        assert source.live
        times = [frame.t_capture for frame in iter(source.read, None)]
    assert np.allclose(np.subtract(times, 1000.0) * 25, [0, 1, 2, 10, 11])
    assert source.dropped == 0


def test_a_slow_reader_gets_the_newest_and_the_rest_is_counted():
    clock = VirtualClock(5.0)
    source = Paced(lambda: SyntheticSource((64, 48), 10.0, frames=100), clock)
    seen = []
    for _ in range(5):
        frame = source.read()
        seen.append((frame.seq, read_number(frame.pixels), round(frame.t_capture - 5.0, 6)))
        clock.advance(0.25)
    assert seen[0] == (0, 0, 0.0)
    assert [n for n, _, _ in seen] == [0, 1, 2, 3, 4]
    assert all(picture == int(t * 10 + 1e-6) for _, picture, t in seen)
    assert source.dropped == seen[-1][1] - 4


def test_a_reader_that_never_keeps_up_still_gets_pictures():
    clock = VirtualClock()

    class Slow(SyntheticSource):
        def read(self):
            clock.advance(1.0)  # decoding takes ten times as long as the picture lasts
            return super().read()

    source = Paced(lambda: Slow((64, 48), 10.0), clock)
    assert [source.read().seq for _ in range(3)] == [0, 1, 2]


def test_a_looped_video_goes_round(tmp_path):
    clock = VirtualClock(9.0)
    source = LoopedVideo(video(tmp_path / "a.mp4", 4), clock=clock)
    frames = [source.read() for _ in range(10)]
    assert [read_number(frame.pixels) for frame in frames] == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]
    assert np.allclose([frame.t_capture - 9.0 for frame in frames], np.arange(10) / 25)
    source.close()


def test_numbers_can_be_read_from_pictures():
    for size in ((64, 48), (333, 77), (1280, 720)):
        assert [read_number(numbered(size, n)) for n in (0, 1, 777, 65535)] == [0, 1, 777, 65535]
    with pytest.raises(ValueError, match="positive rate"):
        SyntheticSource(rate=0)
