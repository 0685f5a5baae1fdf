"""The virtual camera: which device is taken, what is sent, and what is said when there is none."""

import os
import subprocess
import sys

import numpy as np
import pytest
from fakevcam import virtual_camera
from made import composite

from reenact.clock import VirtualClock
from reenact.errors import DeviceError, InputError, SinkError
from reenact.sinks import VirtualCamera
from reenact.sinks.card import slate
from reenact.sources import v4l2

SIZE = (64, 48)


@pytest.fixture
def backend(tmp_path, monkeypatch):
    return virtual_camera(tmp_path, monkeypatch)


def opened(device: str | int = "auto", clock: VirtualClock | None = None) -> VirtualCamera:
    return VirtualCamera(SIZE, 25, device, clock or VirtualClock())


@pytest.mark.parametrize("device", ["auto", "v4l2loopback", 10, "10", "Reenact", "path"])
def test_the_loopback_device_is_found(tmp_path, backend, device):
    path = str(tmp_path / "dev" / "video10")
    with opened(path if device == "path" else device) as camera:
        assert (camera.backend, camera.name) == ("v4l2loopback", path)
        assert backend.opened[0].rate == 25


def test_pictures_arrive_as_bgr_in_order_and_the_slate_is_the_last(backend):
    clock = VirtualClock()
    camera = opened(clock=clock)
    pictures = [composite(n, n / 25) for n in range(3)]
    for one in pictures:
        camera.send(one)
    sent = backend.opened[0].sent
    assert all(np.array_equal(a, b.pixels) for a, b in zip(sent, pictures, strict=True))
    assert backend.opened[0].fourcc == int.from_bytes(b"24BG", "little")
    camera.close()
    camera.close()
    assert np.array_equal(sent[-1], slate(SIZE))
    assert backend.opened[0].closed == 1
    assert clock.now() >= 1 / 25  # long enough for a consumer to read it
    with pytest.raises(DeviceError, match="closed"):
        camera.send(composite())


def test_the_device_is_given_back_when_the_program_fails(backend):
    def fails() -> None:
        with opened() as camera:
            camera.send(composite())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert np.array_equal(backend.opened[0].sent[-1], slate(SIZE))
    assert backend.opened[0].closed == 1


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("/dev/video-none", "/dev/video-none: it does not exist"),
        (0, "it is a uvcvideo device, not a loopback"),
        ("other", "no device has the label 'other'"),
        ("file", "it is not a video device"),
    ],
)
def test_a_device_that_cannot_be_used(tmp_path, backend, device, words):
    (tmp_path / "file").touch()
    with pytest.raises(DeviceError, match=words) as caught:
        opened(str(tmp_path / "file") if device == "file" else device)
    assert "sudo modprobe v4l2loopback video_nr=10 card_label=reenact exclusive_caps=1" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 3


def test_nothing_is_loaded(tmp_path, backend, monkeypatch):
    monkeypatch.setattr(v4l2, "SYS", tmp_path / "nothing")
    with pytest.raises(DeviceError, match=r"no such device is loaded.*modprobe"):
        opened()


def test_no_permission_names_the_group(backend, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr(v4l2, "group_of", lambda _: "video")
    with pytest.raises(DeviceError, match=r"sudo usermod -aG video \$USER"):
        opened()


def test_a_writer_that_is_there_already(tmp_path, backend, monkeypatch):
    fds = tmp_path / "proc" / "77" / "fd"
    fds.mkdir(parents=True)
    (fds / "3").symlink_to(tmp_path / "dev" / "video10")
    (tmp_path / "proc" / "77" / "comm").write_text("obs\n")
    monkeypatch.setattr(v4l2, "capability", lambda _: v4l2.Capability("v4l2 loopback", True, False))
    with pytest.raises(DeviceError, match=r"another program writes to it, in use by obs \(process 77\)"):
        opened()


def test_a_device_whose_writer_died_is_woken(backend, monkeypatch):
    woken = []
    states = {
        False: v4l2.Capability("v4l2 loopback", False, False),
        True: v4l2.Capability("v4l2 loopback", False, True),
    }
    monkeypatch.setattr(v4l2, "capability", lambda _: states[bool(woken)])
    monkeypatch.setattr(v4l2, "rearm", woken.append)
    opened("10").close()
    assert len(woken) == 2  # before, and after our own writing


def test_a_device_kept_at_another_size(backend, monkeypatch):
    monkeypatch.setattr(v4l2, "format_size", lambda _: (640, 480))
    with pytest.raises(DeviceError, match="is set to 640x480, not 64x48"):
        opened()
    assert backend.opened[0].closed == 1


def test_a_backend_that_refuses(backend):
    backend.refuses = "Device /dev/video10 is already in use"
    with pytest.raises(DeviceError, match="already in use"):
        opened()


def test_a_lost_device_is_noticed_though_writes_report_nothing(tmp_path, backend):
    clock = VirtualClock()
    camera = opened(clock=clock)
    camera.send(composite())
    (tmp_path / "dev" / "video10").unlink()
    clock.advance(1.1)
    with pytest.raises(DeviceError, match="is gone"):
        camera.send(composite(1))
    assert backend.opened[0].closed == 1
    camera.close()


def test_a_failing_write_is_a_lost_device(backend):
    camera = opened()
    backend.opened[0].fails = True
    with pytest.raises(DeviceError, match=r"is lost \(the pipe is broken\)"):
        camera.send(composite())
    camera.close()


def test_other_sizes_are_refused(backend):
    with pytest.raises(InputError, match="even numbers"):
        VirtualCamera((65, 48))
    with opened() as camera, pytest.raises(SinkError, match="a picture of 32x32 came, the virtual camera is 64x48"):
        camera.send(composite(size=(32, 32)))


@pytest.mark.parametrize(
    ("platform", "mend"), [("win32", "install OBS Studio.*or UnityCapture"), ("darwin", "install OBS Studio 30")]
)
def test_other_platforms(tmp_path, monkeypatch, platform, mend):
    backend = virtual_camera(tmp_path, monkeypatch, platform)
    with opened() as camera:
        assert (camera.backend, camera.name) == ("obs", "OBS Virtual Camera")
        camera.send(composite())
    assert len(backend.opened[0].sent) == 3
    backend.refuses = "not installed"
    with pytest.raises(DeviceError, match=mend) as caught:
        opened()
    assert "obs: not installed" in str(caught.value)
    assert ("unitycapture: not installed" in str(caught.value)) == (platform == "win32")


def test_pyvirtualcam_is_not_imported_until_a_camera_is_opened():
    script = f"import sys; sys.path[:0] = {sys.path!r}; import reenact.sinks; sys.exit('pyvirtualcam' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], timeout=60).returncode == 0
