"""How an engine and a camera host find each other: messages, addresses, locks, and pictures in shared memory."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from reenact.errors import DeviceError
from reenact.sinks import hostlink
from reenact.sinks.hostlink import Link, LinkLost, Listener, Lock, Pictures, call, file_name, folder, hosts


@pytest.fixture
def pair():
    a, b = socket.socketpair()
    ends = Link(a), Link(b)
    yield ends
    for end in ends:
        end.close()


def test_messages_arrive_whole_and_in_order(pair):
    a, b = pair
    for n in range(100):
        a.send(do="show", number=n, words="ä\n")
    assert [b.receive(5.0) for _ in range(100)] == [{"do": "show", "number": n, "words": "ä\n"} for n in range(100)]
    assert b.receive(0.0) is None
    b.send(ok=True)
    assert a.receive(5.0) == {"ok": True}


@pytest.mark.parametrize("bytes_", [b"not json\n", b"[1]\n", b"x" * 10_000])
def test_nonsense_ends_the_link(bytes_):
    a, b = socket.socketpair()
    with a:
        a.sendall(bytes_)
        link = Link(b)
        with pytest.raises(LinkLost):
            link.receive(5.0)
        link.close()


def test_the_other_sides_end_is_noticed(pair):
    a, b = pair
    a.send(last=1)
    a.close()
    assert b.receive(5.0) == {"last": 1}
    with pytest.raises(LinkLost):
        b.receive(5.0)
    with pytest.raises(LinkLost):
        b.send(x=1)


@pytest.fixture(params=["sockets with a path", "a port of this machine"])
def place(request, tmp_path, monkeypatch):
    if request.param == "a port of this machine":  # as on Windows
        monkeypatch.delattr(socket, "AF_UNIX", raising=False)
    else:
        monkeypatch.setattr(hostlink, "_PATH_BYTES", 107)
        if len(os.fsencode(tmp_path)) > 90:
            pytest.skip("the temporary folder's name is too long for a socket")
    return tmp_path


def test_a_host_is_found_and_called(place):
    listener = Listener(place, "dev-video10")
    assert hosts(place) == [listener.path]
    called = call(listener.path)
    assert called is not None
    link, token = called
    assert token == listener.token
    other = listener.accept()
    assert other is not None
    other.send(device="/dev/video10")
    assert link.receive(5.0) == {"device": "/dev/video10"}
    assert listener.accept() is None  # and does not wait for one
    listener.close()
    assert hosts(place) == []
    link.close()
    other.close()


def test_a_long_path_is_no_obstacle(tmp_path):
    place = tmp_path / ("x" * 120)
    place.mkdir()
    listener = Listener(place, "cam")
    called = call(listener.path)
    assert called is not None
    assert len(called[1]) == 32
    called[0].close()
    listener.close()


def test_what_a_killed_host_left_is_no_host_and_is_replaced(place):
    first = Listener(place, "cam")
    first._socket.close()  # as the system does for a process that was killed
    assert hosts(place) == [first.path]
    assert call(first.path) is None
    second = Listener(place, "cam")
    called = call(second.path)
    assert called is not None
    called[0].close()
    second.close()


def test_a_lock_is_one_processes_and_ends_with_it(tmp_path):
    path = tmp_path / "cam.lock"
    script = f"""
import sys; sys.path[:0] = {sys.path!r}
from pathlib import Path
from reenact.sinks.hostlink import Lock
lock = Lock(Path({str(path)!r})); print(lock.take(), flush=True); input()
"""
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"True\n"
        mine = Lock(path)
        assert not mine.take()
        other.kill()
        other.wait()
    assert mine.take()
    assert not Lock(path).take()
    mine.close()
    mine.close()
    assert Lock(path).take()


@pytest.mark.parametrize(
    ("device", "name"),
    [("/dev/video10", "dev-video10"), ("OBS Virtual Camera", "obs-virtual-camera"), ("../../x", "x"), ("", "camera")],
)
def test_file_names_stay_in_their_folder(device, name):
    assert file_name(device) == name


def test_the_folder_is_the_users_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert folder() == tmp_path / "reenact"
    assert folder().stat().st_mode & 0o777 == 0o700
    folder().chmod(0o755)
    with pytest.raises(DeviceError, match="not a folder of this user's alone: remove it"):
        folder()
    (tmp_path / "reenact").rmdir()
    (tmp_path / "reenact").symlink_to(tmp_path)
    with pytest.raises(DeviceError, match="not a folder of this user's alone"):
        folder()
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert folder().name.startswith("reenact-")


def test_pictures_are_seen_by_both_and_leave_nothing_behind(tmp_path):
    size = (32, 16)
    mine = Pictures(tmp_path, size)
    mine.slate[:], mine.newest[:] = 3, 4
    theirs = Pictures(tmp_path, size, mine.path.name)
    mine.forget_name()
    assert list(tmp_path.iterdir()) == []
    assert theirs.slate.shape == (16, 32, 3)
    assert (theirs.slate == 3).all()
    mine.newest[5, 6, 2] = 99
    assert theirs.newest[5, 6, 2] == 99
    mine.close()
    assert theirs.newest[5, 6, 2] == 99  # whoever goes does not take them along
    theirs.close()
    theirs.close()


def test_pictures_that_are_not_what_they_should_be(tmp_path):
    mine = Pictures(tmp_path, (32, 16))
    with pytest.raises(LinkLost, match="another size"):
        Pictures(tmp_path, (32, 18), mine.path.name)
    (tmp_path / "inner").mkdir()
    for name in ("nothing", f"../{tmp_path.name}/{mine.path.name}x"):
        with pytest.raises(LinkLost, match="not there"):
            Pictures(tmp_path / "inner", (32, 16), name)
    (tmp_path / "link").symlink_to(mine.path)
    with pytest.raises(LinkLost, match="not there"):
        Pictures(tmp_path, (32, 16), "link")
    mine.close()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("pictures")]


def test_views_that_are_still_held_do_no_harm(tmp_path):
    mine = Pictures(tmp_path, (32, 16))
    held = mine.newest
    mine.close()
    held[:] = 5
    assert np.all(held == 5)
    assert not list(Path(tmp_path).iterdir())
