"""The camera host on a virtual clock: what is shown when, and how a lost device comes back."""

import numpy as np
import pytest

from reenact.clock import VirtualClock
from reenact.config import VirtualCameraConfig
from reenact.errors import DeviceError
from reenact.sinks.hostduty import Host

SIZE, RATE = (64, 48), 25.0
CONFIG = VirtualCameraConfig(quiet_s=0.5, linger_s=10.0, leave_s=1.0, retry_s=0.25, retry_most_s=2.0, watch_s=0.5)


def plain(value: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.full((size[1], size[0], 3), value, np.uint8)


SLATE = plain(7)


class World:
    """The devices there are, by name, and what was written and opened at what time."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.labels = {"/dev/video10": "reenact"}
        self.dead = False  # writes fail
        self.refused: tuple[int, int] | None = None  # a size that is not to be had
        self.written: list[tuple[float, int]] = []
        self.tried: list[tuple[float, str]] = []
        self.open = 0

    def __call__(self, size: tuple[int, int], rate: float, device: str) -> "Device":
        self.tried.append((round(self.clock.now(), 3), device))
        names = [name for name, label in self.labels.items() if device in (name, label, "auto")]
        if not names:
            raise DeviceError(f"there is no {device}")
        if size == self.refused:
            raise DeviceError("it is kept at another size")
        self.open += 1
        return Device(self, size, names[0])


class Device:
    backend = "fake"

    def __init__(self, world: World, size: tuple[int, int], name: str) -> None:
        self._world, self.size, self.name, self.label = world, size, name, world.labels[name]
        self._closed = False

    def check(self) -> None:
        if self.name not in self._world.labels:
            raise DeviceError(f"{self.name} is gone")

    def write(self, pixels: np.ndarray) -> None:
        assert not self._closed
        assert pixels.shape == (self.size[1], self.size[0], 3)
        if self._world.dead:
            raise DeviceError(f"{self.name} is lost")
        self._world.written.append((round(self._world.clock.now(), 3), int(pixels[0, 0, 0])))

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._world.open -= 1


class Rig:
    def __init__(self) -> None:
        self.clock = VirtualClock(100.0)
        self.world = World(self.clock)
        self.host = Host(self.world, SIZE, RATE, "auto", CONFIG, self.clock)

    def pass_time(self, seconds: float) -> list[int]:
        """Ticks when the host says that it is due; what was written meanwhile."""
        before, end = len(self.world.written), self.clock.now() + seconds
        while (due := self.host.due()) <= end - self.clock.now() + 1e-9 and not self.host.over:
            assert due > 0 or self.host.due() < 1e-6
            self.clock.advance(max(due, 1e-4))
            self.host.tick()
        self.clock.advance(max(0.0, end - self.clock.now()))
        return [value for _, value in self.world.written[before:]]

    def pictures(self, seconds: float, value: int = 200) -> list[int]:
        """An engine that sends 25 pictures a second."""
        before = len(self.world.written)
        for _ in range(round(seconds * 25)):
            self.host.show(plain(value))
            self.host.tick()
            self.clock.advance(0.04)
        return [value for _, value in self.world.written[before:]]


@pytest.fixture
def rig():
    return Rig()


def test_an_engine_that_has_sent_nothing_yet_shows_the_slate(rig):
    rig.host.attach(SIZE, RATE, SLATE)
    shown = rig.pass_time(1.0)
    assert set(shown) == {7}
    assert 24 <= len(shown) <= 26  # at the rate that consumers were told


def test_while_pictures_come_nothing_else_is_shown(rig):
    rig.host.attach(SIZE, RATE, SLATE)
    assert rig.pictures(20) == [200] * 500


def test_the_slate_comes_half_a_second_after_the_last_picture_and_goes_with_the_next(rig):
    rig.host.attach(SIZE, RATE, SLATE)
    rig.pictures(1)
    last = rig.world.written[-1][0]
    assert set(rig.pass_time(3.0)) == {7}
    first = next(at for at, value in rig.world.written if at > last and value == 7)
    assert 0.5 <= first - last <= 0.51
    assert rig.pictures(0.4) == [200] * 10


def test_an_engine_that_ends_leaves_the_slate_at_once(rig):
    for orderly, stays_s in ((True, 1.0), (False, 10.0)):
        rig.host.attach(SIZE, RATE, SLATE)
        rig.pictures(0.2)
        rig.host.detach(orderly)
        assert rig.world.written[-1] == (round(rig.clock.now(), 3), 7)
        assert set(rig.pass_time(stays_s - 0.01)) == {7}
        assert not rig.host.over
        rig.clock.advance(0.02)
        assert rig.host.over
    rig.host.close()
    assert rig.world.open == 0


def test_an_engine_may_come_back_while_the_host_lingers(rig):
    rig.host.attach(SIZE, RATE, SLATE)
    rig.pictures(1)
    rig.host.detach(orderly=False)
    rig.pass_time(5)
    rig.host.attach(SIZE, RATE, plain(9))
    assert rig.pictures(20, 100) == [100] * 500  # longer than it would have lingered
    assert not rig.host.over
    assert set(rig.pass_time(1.0)) == {9}  # the new engine's slate
    assert len(rig.world.tried) == 1  # never opened again: a consumer keeps its stream


def test_the_slate_is_the_hosts_own(rig):
    slate = plain(7)
    rig.host.attach(SIZE, RATE, slate)
    slate[:] = 99  # an engine that dies may leave anything in its memory
    assert set(rig.pass_time(1.0)) == {7}


def test_a_lost_device_is_tried_with_growing_pauses_and_comes_back(rig):
    rig.host.attach(SIZE, RATE, SLATE)
    rig.pictures(0.2)
    del rig.world.labels["/dev/video10"]
    rig.world.tried.clear()
    assert len(rig.pictures(12)) < 25  # until it is looked at
    assert "there is no" in rig.host.trouble
    assert rig.host.show(plain(1)) is None
    times = [at for at, device in rig.world.tried if device == "/dev/video10"]
    pauses = np.diff(times)
    assert pauses[:4] == pytest.approx([0.5, 1.0, 2.0, 2.0], abs=0.05)
    assert pauses.max() <= 2.05
    rig.world.labels["/dev/video10"] = "reenact"
    assert len(rig.pictures(4)) > 40
    assert rig.host.trouble == ""
    assert rig.host.show(plain(1)) == rig.clock.now()


def test_a_lost_device_is_known_by_its_label_at_another_path(rig):
    rig.host.attach(SIZE, RATE, SLATE)
    del rig.world.labels["/dev/video10"]
    rig.world.labels["/dev/video12"] = "reenact"
    rig.world.labels["/dev/video13"] = "another"
    rig.pass_time(0.4)
    rig.world.written.clear()
    assert set(rig.pictures(4)) == {200}
    assert rig.host.trouble == ""


def test_a_hundred_losses_leave_one_device_open(rig):
    rig.host.attach(SIZE, RATE, SLATE)
    for _ in range(100):
        rig.world.dead = True
        assert rig.host.show(plain(1)) is None
        assert rig.world.open == 0
        rig.world.dead = False
        rig.pass_time(0.6)
        assert rig.world.open == 1
        assert rig.host.trouble == ""


def test_an_engine_of_another_size_gets_the_device_anew(rig):
    rig.host.attach(SIZE, RATE, SLATE)
    rig.host.detach(orderly=True)
    rig.host.attach((32, 16), RATE, plain(8, (32, 16)))
    assert set(rig.pass_time(1.0)) == {8}
    assert rig.world.open == 1


def test_a_size_that_cannot_be_had_is_refused_and_the_old_one_goes_on(rig):
    rig.host.attach(SIZE, RATE, SLATE)
    rig.host.detach(orderly=False)
    rig.world.refused = (32, 16)
    with pytest.raises(DeviceError, match="another size"):
        rig.host.attach((32, 16), RATE, plain(8, (32, 16)))
    assert set(rig.pass_time(3.0)) == {7}
    assert rig.world.open == 1


def test_no_device_at_the_start():
    clock = VirtualClock()
    with pytest.raises(DeviceError, match="there is no /dev/video99"):
        Host(World(clock), SIZE, RATE, "/dev/video99", CONFIG, clock)


def test_a_gap_of_an_hour_is_a_silence_and_no_burst(rig):
    rig.host.attach(SIZE, RATE, SLATE)
    rig.pictures(1)
    rig.clock.advance(3600.0)  # the machine slept
    rig.world.written.clear()
    rig.host.tick()
    assert [value for _, value in rig.world.written] == [7]
    assert rig.pictures(1) == [200] * 25
