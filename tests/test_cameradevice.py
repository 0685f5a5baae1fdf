"""Virtual camera devices: which is taken, what is written, and what is said when there is none."""

import os
import subprocess
import sys

import numpy as np
import pytest
from fakevcam import virtual_camera
from made import picture

from reenact.errors import DeviceError
from reenact.sinks.cameradevice import CameraDevice, is_meant
from reenact.sources import v4l2

SIZE = (64, 48)


@pytest.fixture
def backend(tmp_path, monkeypatch):
    return virtual_camera(tmp_path, monkeypatch)


def opened(device: str = "auto") -> CameraDevice:
    return CameraDevice(SIZE, 25, device)


@pytest.mark.parametrize("device", ["auto", "v4l2loopback", "10", "Reenact", "path"])
def test_the_loopback_device_is_found(tmp_path, backend, device):
    path = str(tmp_path / "dev" / "video10")
    with opened(path if device == "path" else device) as camera:
        assert (camera.backend, camera.name, camera.label) == ("v4l2loopback", path, "reenact")
        assert backend.opened[0].rate == 25
        assert is_meant(path if device == "path" else device, camera.name, camera.backend)


def test_a_link_to_the_device_means_it_and_another_number_does_not(tmp_path, backend):
    (tmp_path / "link").symlink_to(tmp_path / "dev" / "video10")
    with opened() as camera:
        assert is_meant(str(tmp_path / "link"), camera.name, camera.backend)
        for other in ("11", "/dev/video0", "webcam", "obs"):
            assert not is_meant(other, camera.name, camera.backend)


def test_pictures_arrive_as_bgr_in_order(backend):
    pictures = [picture(*SIZE, seed) for seed in range(3)]
    with opened() as camera:
        for one in pictures:
            camera.write(one)
    sent = backend.opened[0].sent
    assert all(np.array_equal(a, b) for a, b in zip(sent, pictures, strict=True))
    assert backend.opened[0].fourcc == int.from_bytes(b"24BG", "little")
    camera.close()
    assert backend.opened[0].closed == 1


def test_nobody_else_opens_it_and_it_can_be_opened_again(backend):
    with opened(), pytest.raises(DeviceError, match="video10: another reenact sends to it"):
        opened()
    opened().close()
    assert len(backend.opened) == 2


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("/dev/video-none", "/dev/video-none: it does not exist"),
        ("0", "it is a uvcvideo device, not a loopback"),
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
    for _ in range(2):  # the lock was given back as well
        with pytest.raises(DeviceError, match="is set to 640x480, not 64x48"):
            opened()
        assert backend.opened[-1].closed == 1


def test_a_backend_that_refuses(backend):
    backend.refuses = "Device /dev/video10 is already in use"
    for _ in range(2):
        with pytest.raises(DeviceError, match="already in use"):
            opened()


def test_pyvirtualcam_left_out_of_the_installation(backend, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(DeviceError, match=r"pyvirtualcam is not installed: pip install pyvirtualcam"):
        opened()


def test_a_lost_device_is_noticed_though_writes_report_nothing(tmp_path, backend):
    with opened() as camera:
        camera.write(picture(*SIZE))
        camera.check()
        (tmp_path / "dev" / "video10").unlink()
        with pytest.raises(DeviceError, match="is gone"):
            camera.check()


def test_a_failing_write_is_a_lost_device(backend):
    with opened() as camera:
        backend.opened[0].fails = True
        with pytest.raises(DeviceError, match=r"is lost \(the pipe is broken\)"):
            camera.write(picture(*SIZE))


@pytest.mark.parametrize(
    ("platform", "mend"), [("win32", "install OBS Studio.*or UnityCapture"), ("darwin", "install OBS Studio 30")]
)
def test_other_platforms(tmp_path, monkeypatch, platform, mend):
    backend = virtual_camera(tmp_path, monkeypatch, platform)
    monkeypatch.setattr("reenact.sinks.cameradevice.Lock", Unlocked)  # the system's own cannot be had here
    with opened() as camera:
        assert (camera.backend, camera.name) == ("obs", "OBS Virtual Camera")
        camera.write(picture(*SIZE))
        camera.check()
        assert is_meant("obs", camera.name, camera.backend)
        assert not is_meant("10", camera.name, camera.backend)
    assert len(backend.opened[0].sent) == 1
    backend.refuses = "not installed"
    with pytest.raises(DeviceError, match=mend) as caught:
        opened()
    assert "obs: not installed" in str(caught.value)
    assert ("unitycapture: not installed" in str(caught.value)) == (platform == "win32")


class Unlocked:
    def __init__(self, path) -> None:
        self.path = path

    def take(self) -> bool:
        return True

    def close(self) -> None:
        pass


def test_the_host_imports_little_and_pyvirtualcam_only_to_open_a_device():
    script = (
        f"import sys; sys.path[:0] = {sys.path!r}; import reenact.sinks.camerahost, reenact.sinks.cameradevice\n"
        "print({'cv2', 'mediapipe', 'onnxruntime', 'numba', 'av', 'pyvirtualcam'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout == "set()\n", done.stderr
