"""A camera that is unplugged, comes back, hangs, goes black or freezes: what is read and what is said meanwhile."""

import os
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from fakecamera import NAMES, FakeCapture, camera_tree, plug_in, unplug
from rig import Rig, runs

from reenact.clock import VirtualClock
from reenact.config import CameraConfig
from reenact.errors import DeviceError, NoPicture
from reenact.sources import LastingCamera, devices
from reenact.sources.devices import Device
from reenact.stages import SelfMending
from reenact.types import Frame

CONFIG = CameraConfig(wait_s=0.25, retry_s=0.25, retry_most_s=2.0, read_timeout_s=2.0, frozen_s=1.0)
PERIOD = 1 / 30


class Plug:
    """A camera's cable, and what its pictures look like; times at which it was tried to be opened."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.inside = True
        self.busy = self.silent = self.hangs = False
        self.look = "moving"
        self.size = (80, 60)
        self.opened: list[FakeCamera] = []
        self.tried: list[float] = []

    def __call__(self, device: Device, config: CameraConfig, clock: object, wait: bool) -> "FakeCamera":
        self.tried.append(self.clock.now())
        if self.busy:
            raise DeviceError("the camera cannot be opened, zoom (process 7) is using it: close that program")
        self.opened.append(FakeCamera(self))
        return self.opened[-1]


class FakeCamera:
    format = "MJPG"

    def __init__(self, plug: Plug) -> None:
        self._plug, self.size, self.rate, self.dropped, self.ended = plug, plug.size, 30.0, 0, False
        self._count, self._silent_s = 0, 0.0

    def read(self, wait_s: float | None = None) -> Frame:
        plug = self._plug
        if not plug.inside:
            raise DeviceError("the camera is unplugged")
        if plug.silent:
            plug.clock.advance(wait_s or 2.0)
            self._silent_s += wait_s or 2.0
            if self._silent_s >= 2.0:
                raise DeviceError("the camera gave no picture for 2 s: check that it is still plugged in")
            raise NoPicture("the camera gives no picture")
        self._count, self._silent_s = self._count + 1, 0.0
        self.dropped += 1
        pixels = np.full((plug.size[1], plug.size[0], 3), 60, np.uint8)
        if plug.look == "moving":
            pixels[::8, ::8] = 100 + self._count % 100
        if plug.look == "black":
            pixels[:] = self._count % 12
        return Frame(pixels, self._count, plug.clock.now())

    def let_go(self) -> None:
        self.ended = not self._plug.hangs

    def close(self) -> None:
        self.let_go()


@pytest.fixture
def clock():
    return VirtualClock(100.0)


@pytest.fixture
def plug(clock, monkeypatch):
    made = Plug(clock)
    here = Device("/dev/video0", "the camera", Path("/dev/video0"), "USB Cam")

    def find_again(device: Device) -> Device:
        if not made.inside:
            made.tried.append(clock.now())
            raise DeviceError(f"{device.card} is unplugged")
        return device

    monkeypatch.setattr("reenact.sources.lasting.find", lambda _: here)
    monkeypatch.setattr("reenact.sources.lasting.find_again", find_again)
    return made


@pytest.fixture
def camera(plug, clock):
    return LastingCamera(0, CONFIG, clock, plug)


def said(camera: LastingCamera) -> str:
    """What is said when there is no picture."""
    before = camera._clock.now()
    with pytest.raises(NoPicture) as caught:
        camera.read()
    assert camera._clock.now() - before <= 0.5
    assert camera.trouble in ("", str(caught.value))
    return camera.trouble


def read_for(camera: LastingCamera, clock: VirtualClock, seconds: float) -> list[str]:
    """What was said meanwhile, without repetitions; "" for pictures."""
    heard: list[str] = []
    end = clock.now() + seconds
    while clock.now() < end:
        try:
            camera.read()
            clock.advance(PERIOD)
        except NoPicture:
            clock.advance(0.001)
        if heard[-1:] != [camera.trouble]:
            heard.append(camera.trouble)
    return heard


def test_it_mends_itself_and_its_pictures_go_on_counting(camera, plug, clock):
    assert isinstance(camera, SelfMending)
    assert [camera.read().seq for _ in range(3)] == [0, 1, 2]
    plug.inside = False
    assert said(camera) == "the camera is unplugged"
    assert read_for(camera, clock, 5.0) == ["the camera is unplugged", "USB Cam is unplugged"]
    plug.inside = True
    assert read_for(camera, clock, 3.0) == ["USB Cam is unplugged", ""]
    assert camera.read().seq > 3
    assert len(plug.opened) == 2
    assert camera.dropped == sum(one.dropped for one in plug.opened)  # of all of them


def test_it_is_looked_for_with_growing_pauses(camera, plug, clock):
    plug.inside = False
    plug.tried.clear()
    began = clock.now()
    read_for(camera, clock, 12.0)
    times = np.array(plug.tried) - began
    assert times[0] == pytest.approx(0.25, abs=0.02)
    assert np.diff(times)[:5] == pytest.approx([0.5, 1.0, 2.0, 2.0, 2.0], abs=0.05)
    plug.inside = True
    read_for(camera, clock, 3.0)
    plug.inside = False  # and once it was back, quickly again
    plug.tried.clear()
    began = clock.now()
    read_for(camera, clock, 1.0)
    assert plug.tried[0] - began == pytest.approx(0.25, abs=0.02)


def test_a_busy_camera_is_waited_for_and_who_has_it_is_said(camera, plug, clock):
    plug.inside = False
    said(camera)
    plug.inside, plug.busy = True, True
    assert "zoom (process 7) is using it" in read_for(camera, clock, 3.0)[-1]
    plug.busy = False
    assert read_for(camera, clock, 3.0)[-1] == ""


def test_a_silent_camera_is_opened_anew_after_two_seconds(camera, plug, clock):
    camera.read()
    plug.silent = True
    heard = read_for(camera, clock, 0.7)
    assert heard == [""]  # it may only be slow
    assert read_for(camera, clock, 0.6) == ["the camera gives no picture"]
    assert read_for(camera, clock, 0.6)[-1].startswith("the camera gave no picture for 2 s")
    plug.silent = False
    assert read_for(camera, clock, 1.0)[-1] == ""
    assert len(plug.opened) == 2


def test_a_camera_of_two_pictures_a_second_is_no_trouble(camera, plug, clock):
    for n in range(20):
        plug.silent = n % 2 == 0
        assert read_for(camera, clock, 0.25) == [""]
    assert len(plug.opened) == 1


def test_a_camera_whose_driver_hangs_is_not_opened_a_second_time_until_it_returns(camera, plug, clock):
    plug.hangs, plug.silent = True, True
    heard = read_for(camera, clock, 20.0)
    assert heard[-1] == "USB Cam does not answer: unplug it and plug it in again"
    assert len(plug.opened) == 1
    plug.hangs, plug.silent, plug.opened[0].ended = False, False, True
    assert read_for(camera, clock, 3.0)[-1] == ""
    assert len(plug.opened) == 2


@pytest.mark.parametrize(
    ("look", "words", "after"),
    [("black", "USB Cam gives black pictures", 0.0), ("frozen", "USB Cam gives the same picture again and again", 1.0)],
)
def test_black_and_frozen_pictures_are_no_pictures(camera, plug, clock, look, words, after):
    read_for(camera, clock, 0.5)
    plug.look, began = look, clock.now()
    while not camera.trouble:
        read_for(camera, clock, PERIOD / 2)
    assert clock.now() - began == pytest.approx(after, abs=0.1)
    assert words in said(camera)
    assert len(plug.opened) == 1  # it is not opened anew for that
    plug.look = "moving"
    assert camera.read().pixels[0, 0, 0] >= 100
    assert camera.trouble == ""


def test_it_may_come_back_at_another_size(camera, plug, clock):
    assert camera.read().pixels.shape == (60, 80, 3)
    plug.inside = False
    said(camera)
    plug.inside, plug.size = True, (160, 90)
    read_for(camera, clock, 1.0)
    assert camera.size == (160, 90)
    assert camera.read().pixels.shape == (90, 160, 3)


def test_what_is_closed_is_not_looked_for(camera, plug):
    camera.close()
    camera.close()
    with pytest.raises(DeviceError, match="was closed") as caught:
        camera.read()
    assert not isinstance(caught.value, NoPicture)
    assert plug.opened[0].ended


def test_a_camera_that_is_not_there_at_the_start_is_an_error(plug, clock):
    plug.busy = True
    with pytest.raises(DeviceError, match="zoom") as caught:
        LastingCamera(0, CONFIG, clock, plug)
    assert not isinstance(caught.value, NoPicture)


# The whole loop.


@pytest.mark.parametrize("fault", ["unplugged", "black", "frozen", "busy", "silent"])
def test_the_target_comes_to_rest_and_lives_again(plug, fault):
    rig = Rig()
    plug.clock = rig.clock
    rig.live.source = camera = LastingCamera(0, CONFIG, rig.clock, plug)
    kinds = rig.turn(60)
    plug.inside = fault not in ("unplugged", "busy")
    plug.busy, plug.silent = fault == "busy", fault == "silent"
    plug.look = fault
    kinds += rig.turn(30)
    if fault == "busy":
        plug.inside = True  # plugged in again, and somebody else was quicker
    kinds += rig.turn(90)
    assert rig.live.trouble == camera.trouble != ""
    plug.inside, plug.busy, plug.silent, plug.look = True, False, False, "moving"
    kinds += rig.turn(120)
    assert runs(kinds) == ["rest", "live", "hold", "rest", "live"]
    assert rig.live.trouble == ""


@pytest.mark.parametrize("times", [20, pytest.param(100, marks=pytest.mark.release)])
def test_unplugged_and_plugged_in_again_and_again(plug, times):
    rig = Rig()
    plug.clock = rig.clock
    rig.live.source = LastingCamera(0, CONFIG, rig.clock, plug)
    kinds = rig.turn(30)
    for _ in range(times):
        plug.inside = False
        kinds += rig.turn(50)
        plug.inside = True
        kinds += rig.turn(50)
    assert runs(kinds) == ["rest", "live", *["hold", "rest", "live"] * times]
    assert sum(not one.ended for one in plug.opened) == 1
    assert len(plug.opened) == times + 1


# With the real camera, its thread, and a tree of devices.

QUICK = CameraConfig(wait_s=0.5, retry_s=0.01, retry_most_s=0.01, read_timeout_s=60, open_timeout_s=60)


@pytest.fixture
def dev(tmp_path, monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", FakeCapture)
    return camera_tree(tmp_path, monkeypatch)


def until_read(camera: LastingCamera) -> Frame:
    while True:
        try:
            return camera.read()
        except NoPicture:
            continue


def until_lost(camera: LastingCamera) -> str:
    while True:
        try:
            camera.read()
        except NoPicture as error:
            return str(error)


def test_threads_and_handles_stay_the_same_over_a_hundred_replugs(dev):
    with LastingCamera(2, QUICK) as camera:
        until_read(camera)
        counts = set()
        for n in range(100):
            unplug(dev, 2 if n == 0 else 4 + (n - 1) % 2)
            assert "unplugged" in until_lost(camera)
            plug_in(dev, 4 + n % 2, NAMES[2])  # at another number each time
            assert until_read(camera).seq > 0
            assert camera.device.address == str(dev / f"video{4 + n % 2}")
            handles = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0
            counts.add((threading.active_count(), handles))
        assert len(counts) == 1, counts


def test_another_camera_at_the_old_number_is_not_taken_for_it(dev):
    with LastingCamera(2, QUICK) as camera:
        until_read(camera)
        unplug(dev, 2)
        until_lost(camera)
        plug_in(dev, 2, "Somebody's phone")
        assert {until_lost(camera) for _ in range(20)} == {"USB Cam: HD is unplugged"}
        plug_in(dev, 6, NAMES[2])
        until_read(camera)
        assert camera.device.path == dev / "video6"


def test_two_alike_are_told_apart_by_udevs_names(dev):
    links = dev / "v4l" / "by-id"
    links.mkdir(parents=True)
    (links / "usb-HD_1").symlink_to(dev / "video2")
    device = devices.find(2)
    assert (device.card, device.link) == (NAMES[2], links / "usb-HD_1")
    unplug(dev, 2)
    (links / "usb-HD_1").unlink()
    plug_in(dev, 3, NAMES[2])  # one of the same make
    (links / "usb-HD_2").symlink_to(dev / "video3")
    with pytest.raises(DeviceError, match="USB Cam: HD is unplugged"):
        devices.find_again(device)
    plug_in(dev, 5, NAMES[2])
    (links / "usb-HD_1").symlink_to(dev / "video5")
    assert devices.find_again(device).path == dev / "video5"


def test_permission_lost_on_the_way_is_said(dev, monkeypatch):
    device = devices.find(2)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(DeviceError, match="may not be used, it belongs to the group"):
        devices.find_again(device)


def test_streams_and_numbered_cameras_are_tried_where_they_were(monkeypatch):
    stream = devices.find("rtsp://10.0.0.5/live")
    assert devices.find_again(stream) is stream
    monkeypatch.setattr("sys.platform", "darwin")
    assert devices.find_again(devices.find(1)) == Device(1, "camera 1")
