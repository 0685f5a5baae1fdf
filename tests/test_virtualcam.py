"""The virtual camera's sink with its real host process, over a device that is a folder (fakehost.py)."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest
from fakedevice import COMMAND, SIZE, FolderCamera, alive, folder_camera, plain
from made import composite

from reenact.errors import DeviceError, InputError, SinkError
from reenact.sinks import VirtualCamera, hostlink
from reenact.sinks.hostlink import LinkLost
from reenact.stages import Acknowledging, SelfMending

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are looked at in /proc")
SLOW = 3600.0


@pytest.fixture
def camera(monkeypatch):
    with folder_camera(monkeypatch) as made:
        yield made


ENGINE = f"""
import sys; sys.path[:0] = {sys.path!r}
from fakedevice import COMMAND, PATIENT, SIZE, plain
from reenact.config import VirtualCameraConfig
from reenact.sinks import VirtualCamera
camera = VirtualCamera(SIZE, 25, config=VirtualCameraConfig(**{{**PATIENT, "linger_s": 600.0}}), command=COMMAND)
for n in range(5):
    camera.send(plain(100 + n))
print("sent", flush=True)
input()
"""


def engine() -> "subprocess.Popen[bytes]":
    """Another engine, which has sent 100 to 104 and now does nothing."""
    process = subprocess.Popen([sys.executable, "-c", ENGINE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"sent\n"
    return process


def ended(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()


def well(sink: VirtualCamera, value: int) -> Callable[[], bool]:
    """Sends a picture of that value; whether it was written."""

    def attempt() -> bool:
        sink.send(plain(value))
        return not sink.trouble

    return attempt


def values(camera: FolderCamera) -> list[int]:
    """Of the pictures, without the slates."""
    return [one.value for one in camera.written if not one.is_slate]


def test_pictures_are_written_in_order_each_before_send_returns(camera):
    with camera.opened(quiet_s=SLOW) as sink:
        assert isinstance(sink, SelfMending)
        assert (sink.name, sink.backend, sink.trouble) == (camera.folder.name, "fake", "")
        assert not list(camera.runtime.glob("pictures*"))  # both have it open: nothing stays behind a kill
        for n in range(20):
            sink.send(plain(100 + n, seq=n))
            assert camera.written[-1].value == 100 + n
            assert camera.written[-1].whole  # never half of one and half of another
            assert sink.shown is not None
            assert sink.shown.seq == n
            assert isinstance(sink, Acknowledging)
            assert sink.written_at == sink.shown.written
            assert sink.shown.sent <= camera.written[-1].at <= sink.shown.written <= sink.shown.known
        sink.send(plain(119, seq=19))
    assert [v for v in values(camera) if v != 32] == [*range(100, 120), 119]
    assert sink.dropped == 0


def test_closing_leaves_the_slate_and_soon_gives_the_device_back(camera):
    sink = camera.opened(leave_s=0.2)
    sink.send(plain(100))
    sink.close()
    assert camera.written[-1].is_slate
    sink.close()
    camera.until(lambda: not alive(camera.hosts()[0]))
    assert hostlink.hosts(camera.runtime) == []
    assert sorted(path.suffix for path in camera.runtime.iterdir()) == [".lock"]
    with pytest.raises(DeviceError, match="closed"):
        sink.send(plain(100))


def test_a_silent_engine_is_covered_by_the_slate(camera):
    with camera.opened(quiet_s=0.1) as sink:
        sink.send(plain(100))
        camera.until(lambda: camera.written[-1].is_slate)
        sink.send(plain(101))
        assert 101 in values(camera)


def test_a_killed_engine_is_covered_by_the_slate_at_once_and_another_can_come(camera):
    process = engine()
    assert values(camera)[-1] == 104
    ended(process)
    camera.until(lambda: camera.written[-1].is_slate)
    with camera.opened() as sink:
        sink.send(plain(200))
        assert values(camera)[-1] == 200
        assert len(camera.hosts()) == 1  # the same host: it has opened the device once
    assert [path.name for path in camera.runtime.iterdir() if path.name.startswith("pictures")] == []


def test_two_engines_at_once(camera):
    process = engine()
    words = rf"another reenact \(process {process.pid}\) sends to {camera.folder.name}: end it first"
    for device in (camera.folder.name, "auto"):
        with pytest.raises(DeviceError, match=words):
            camera.opened(device)
    ended(process)


def test_other_devices_have_hosts_of_their_own(camera):
    with camera.opened("one") as one, camera.opened("two") as two:
        one.send(plain(100))
        two.send(plain(101))
        assert len(set(camera.hosts())) == 2
        assert sorted(path.stem for path in hostlink.hosts(camera.runtime)) == ["one", "two"]


def test_a_killed_host_is_started_anew_while_pictures_are_dropped(camera):
    with camera.opened(retry_s=0.05, quiet_s=SLOW) as sink:
        for round_ in range(3):
            os.kill(camera.hosts()[-1], signal.SIGKILL)
            camera.until(lambda: not alive(camera.hosts()[-1]))
            sink.send(plain(1))
            assert "process has ended" in sink.trouble
            camera.until(well(sink, 150 + round_))
            assert values(camera)[-1] == 150 + round_
        assert 1 not in values(camera)
        assert len(set(camera.hosts())) == 4
        assert sink.dropped >= 3


def test_a_lost_device_drops_pictures_says_so_and_comes_back(camera):
    with camera.opened(retry_s=0.05, watch_s=SLOW, quiet_s=SLOW) as sink:
        sink.send(plain(100))
        (camera.folder / "gone").touch()
        sink.send(plain(101))
        assert sink.trouble == f"the virtual camera {camera.folder.name} is gone"
        assert sink.written_at is None
        assert sink.dropped == 1
        (camera.folder / "gone").unlink()
        camera.until(well(sink, 102))
        assert 101 not in values(camera)
        assert values(camera)[-1] == 102
        assert len(set(camera.hosts())) == 1


def test_a_device_that_takes_nothing_holds_nobody_up_and_no_picture_is_torn(camera):
    with camera.opened(answer_s=0.05, quiet_s=SLOW) as sink:
        sink.send(plain(100))
        (camera.folder / "stuck").touch()
        for value in (101, 102, 103):
            sink.send(plain(value))
            assert "does not take pictures" in sink.trouble
        (camera.folder / "stuck").unlink()
        camera.until(well(sink, 104))
        shown = values(camera)
        assert 101 in shown  # it was on its way
        assert not {102, 103} & set(shown)
        assert all(one.whole for one in camera.written if not one.is_slate)


def test_a_host_that_hangs_is_ended_and_started_anew(camera):
    with camera.opened(answer_s=0.02, stuck_s=0.3, retry_s=0.05) as sink:
        sink.send(plain(100))
        first = camera.hosts()[0]
        os.kill(first, signal.SIGSTOP)
        camera.until(lambda: well(sink, 101)() or len(camera.hosts()) == 2)
        assert not alive(first)
        camera.until(well(sink, 102))
        assert values(camera)[-1] == 102


def test_a_host_lets_go_after_a_while_for_an_engine_that_does_not_come_back(camera):
    sink = camera.opened(linger_s=0.2)
    sink.send(plain(100))
    sink._drop_link()  # what the system does for a process that was killed
    camera.until(lambda: not alive(camera.hosts()[0]))
    assert camera.written[-1].is_slate


def test_being_told_to_end_it_shows_the_slate(camera):
    sink = camera.opened(quiet_s=SLOW)
    sink.send(plain(100))
    os.kill(camera.hosts()[0], signal.SIGINT)  # a Ctrl-C is for the engine
    sink.send(plain(101))
    assert sink.trouble == ""
    os.kill(camera.hosts()[0], signal.SIGTERM)
    camera.until(lambda: not alive(camera.hosts()[0]))
    assert camera.written[-1].is_slate
    sink.close()


def test_who_talks_nonsense_to_the_host_does_no_harm(camera):
    with camera.opened(quiet_s=SLOW) as sink:
        path = hostlink.hosts(camera.runtime)[0]
        for message in (
            {"do": "show", "number": 1},
            {"do": "open"},
            {"do": "open", "token": "", "pid": 1, "size": [64, 48], "rate": 25, "pictures": "../../etc/passwd"},
            {"nothing": 1},
        ):
            called = hostlink.call(path)
            assert called is not None
            called[0].send(**message)
            told = called[0].receive(60.0)
            assert told is not None
            assert told["engine"] == os.getpid()
            called[0].close()
        sink.send(plain(100))
        assert (values(camera)[-1], sink.trouble) == (100, "")


def test_the_host_itself_serves_one_engine_at_a_time(camera):
    with camera.opened(quiet_s=SLOW) as sink:
        called = hostlink.call(hostlink.hosts(camera.runtime)[0])
        assert called is not None
        link, token = called
        link.receive(60.0)
        pictures = hostlink.Pictures(camera.runtime, SIZE)
        link.send(do="open", token=token, pid=1, size=SIZE, rate=25, pictures=pictures.path.name)
        refused = link.receive(60.0)
        assert refused is not None
        assert f"another reenact (process {os.getpid()}) sends to" in refused["refused"]
        link.send(do="show", number=1)
        with pytest.raises(LinkLost):
            link.receive(60.0)
        pictures.close()
        link.close()
        sink.send(plain(100))
        assert (values(camera)[-1], sink.trouble) == (100, "")


def test_no_device_is_the_hosts_own_words(camera):
    (camera.folder / "gone").touch()
    with pytest.raises(DeviceError, match=f"the virtual camera {camera.folder.name} is gone"):
        camera.opened()
    assert not list(camera.runtime.glob("pictures*"))


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ((sys.executable, "-c", "raise SystemExit(5)"), "process ended with status 5: run it by hand"),
        ((sys.executable, "-c", "print('hello')"), "process ended with status 0"),
    ],
)
def test_a_host_that_does_not_start(camera, command, words):
    with pytest.raises(DeviceError, match=words):
        VirtualCamera(SIZE, 25, command=command)


def test_the_right_things_are_refused(camera):
    with pytest.raises(InputError, match="even numbers"):
        VirtualCamera((65, 48), command=COMMAND)
    with camera.opened() as sink, pytest.raises(SinkError, match="a picture of 32x32 came, the virtual camera is"):
        sink.send(composite(size=(32, 32)))
