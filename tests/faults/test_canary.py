"""No driver's picture gets out: every fault at once, at random, on a virtual clock, and every output is looked at."""

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
import pytest
from fakes import SIZE, FakeBlender, FakeGenerator, FakeTarget, Plan, canary_pixels, shows_canary, slate_pixels
from rig import PERIOD, Rig

from reenact.gains import Gains
from reenact.playing import EVERY_SECOND, HALF_SIZE, Playing
from reenact.types import Composite, Kind, Motion, Patch, Shot


def chaos(faults: tuple[str, ...], rate: float, seed: int) -> Plan:
    """Faults at random but the same every time, single ones and bursts."""
    rng = np.random.default_rng(seed)
    plan: dict[int, str] = {}
    n = 0
    while n < 250_000:
        n += int(rng.geometric(rate))
        fault = str(rng.choice(list(faults)))
        length = int(rng.integers(1, 60)) if rng.random() < 0.2 else 1
        plan.update(dict.fromkeys(range(n, n + length), fault))
        n += length
    return plan


@lru_cache
def all_faults() -> dict[str, Plan]:
    return {
        "source": chaos(("resized", "unplugged", "busy", "black", "frozen", "dark"), 0.01, 6),
        "tracker": chaos(("no face", "raises", "another face", "greedy mouth"), 0.02, 1),
        "retargeter": chaos(("raises", "nan"), 0.005, 2),
        "target": chaos(("raises", "resized"), 0.002, 5),
        "generator": chaos(("raises", "memory", "nan", "constant", "late"), 0.004, 3),
        "blender": chaos(("raises", "grey", "late", "resized", "rest"), 0.004, 4),
        "sink": chaos(("slow",), 0.003, 7),
    }


class Inspector:
    """Looks at every picture that the sink gets."""

    def __init__(self) -> None:
        self.seen = dict.fromkeys(Kind, 0)

    @property
    def total(self) -> int:
        return sum(self.seen.values())

    def __call__(self, composite: Composite) -> None:
        assert composite.pixels.shape == (SIZE[1], SIZE[0], 3)
        assert not shows_canary(composite.pixels), f"the driver's picture is in output {self.total}"
        self.seen[composite.kind] += 1


def interfere(rig: Rig, rng: np.random.Generator) -> None:
    """What a user, a slow machine and the system do meanwhile."""
    what = rng.integers(0, 40)
    if what == 0:
        rig.live.recalibrate()
    elif what < 4:
        rig.live.toggle_slate()
        rig.turn(int(rng.integers(1, 5)))
        rig.live.toggle_slate()
    elif what < 6:
        size = (SIZE, (100, 40), (30, 48), (48, 36))[rng.integers(0, 4)]
        faults = all_faults() if what == 4 else {}
        kind = ("photo", "video")[rng.integers(0, 2)]
        generator = FakeGenerator(faults.get("generator"), ("network",))
        rig.live.show(Playing(FakeTarget(kind, size=size), generator, FakeBlender(), bool(rng.integers(0, 2))))
    elif what < 9:
        names = ("without network", EVERY_SECOND, HALF_SIZE)
        rig.engine.leave_out(frozenset(name for name in names if rng.random() < 0.5))
    elif what < 11:
        rig.engine.gains = Gains(*(float(g) for g in rng.uniform(0, 3, 3)))
    elif what == 11:
        rig.clock.advance(float(rng.choice([0.5, 3, 3600])))  # a clock that jumps, a suspend


def turns(rig: Rig, rng: np.random.Generator, pictures: int) -> None:
    """The threads at different speeds: each turn of the sink's goes with none, one or several of the others'."""
    for _ in range(pictures):
        for _ in range(int(rng.integers(0, 3))):
            rig.live.capture_once()
        for _ in range(int(rng.integers(0, 3))):
            rig.live.track_once(0)
        if rng.random() < 0.8:
            rig.live.compose_once(0)
        rig.live.send_once(0)
        rig.clock.advance(PERIOD * float(rng.uniform(0.5, 1.5)))


def run(pictures: int) -> tuple[Rig, Inspector]:
    """Sends so many pictures and more, with every fault injected."""
    inspector = Inspector()
    rig = Rig(calibration=3, look=inspector, **all_faults())  # type: ignore[arg-type]
    rng = np.random.default_rng(9)
    while inspector.total < pictures:
        interfere(rig, rng)
        rig.turn(int(rng.integers(1, 60)))
        turns(rig, rng, int(rng.integers(1, 60)))
        rig.turn(int(rng.integers(0, 30)), capture=False)  # the camera stalls
        if rng.random() < 0.1:
            rig.turn(int(rng.integers(0, 60)), compose=False)  # the generator hangs
    return rig, inspector


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL")  # thousands of faults are logged


def test_no_canary_in_three_thousand_outputs_with_every_fault_injected() -> None:
    rig, inspector = run(3_000)
    assert all(inspector.seen[kind] > 60 for kind in Kind), inspector.seen
    assert rig.engine.stats.counted("faults") > 60
    assert rig.live.stats.counted("no picture") > 30
    assert rig.live.stats.counted("not tracked") > 30


@pytest.mark.release
@pytest.mark.timeout(1200)
def test_no_canary_in_a_hundred_thousand_outputs_with_every_fault_injected() -> None:
    _, inspector = run(100_000)
    assert inspector.total >= 100_000
    assert all(inspector.seen[kind] > 1000 for kind in Kind), inspector.seen


# That it would be seen


@pytest.mark.parametrize("size", [(80, 60), (64, 48), (8, 6), (640, 480)])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.3])
def test_a_trace_of_face_or_background_is_known_at_any_size_and_mixed_with_other_pictures(
    size: tuple[int, int], share: float
) -> None:
    driver = cv2.resize(canary_pixels(), size, interpolation=cv2.INTER_AREA).astype(np.float32)
    other = np.full_like(driver, 90.0)
    height, width = driver.shape[:2]
    face, background = (slice(height // 3, -height // 3), slice(width // 3, -width // 3)), (slice(1), slice(1))
    for part in (face, background):
        mixed = other.copy()
        mixed[part] += share * (driver[part] - other[part])
        assert shows_canary(mixed.astype(np.uint8))
    assert not shows_canary(other.astype(np.uint8))
    assert not shows_canary(slate_pixels())


class LeakyGenerator(FakeGenerator):
    """Paints a little of the camera's picture into the patch."""

    def __init__(self, rig: Rig) -> None:
        super().__init__()
        self._rig = rig

    def generate(self, shot: Shot, motion: Motion, mouth) -> Patch:  # type: ignore[no-untyped-def]
        patch = super().generate(shot, motion, mouth)
        assert self._rig.live.view is not None
        small = cv2.resize(self._rig.live.view.pixels, (16, 12), interpolation=cv2.INTER_AREA)
        patch.pixels[4:16, 4:20] = cv2.addWeighted(patch.pixels[4:16, 4:20], 0.6, small, 0.4, 0)
        return patch


class LeakyTarget(FakeTarget):
    """Shows the camera's picture when asked for the picture at rest."""

    def __init__(self, rig: Rig) -> None:
        super().__init__()
        self._rig = rig

    def shot(self, n: int, motion: Motion | None) -> Shot:
        shot = super().shot(n, motion)
        if motion is None and self._rig.live.view is not None:
            return replace(shot, pixels=cv2.resize(self._rig.live.view.pixels, self.size))
        return shot


def leak_when_live(rig: Rig) -> None:
    rig.engine.playing = replace(rig.engine.playing, generator=LeakyGenerator(rig))


def leak_at_rest(rig: Rig) -> None:
    rig.engine.playing = replace(rig.engine.playing, target=LeakyTarget(rig))


def leak_in_the_slate(rig: Rig) -> None:
    rig.engine.gate._slate = cv2.resize(canary_pixels(), SIZE)


@pytest.mark.parametrize("leak", [leak_when_live, leak_at_rest, leak_in_the_slate])
def test_a_leak_anywhere_is_caught(leak) -> None:  # type: ignore[no-untyped-def]
    inspector = Inspector()
    rig = Rig(look=inspector, generator={20: "raises"})
    leak(rig)
    with pytest.raises(AssertionError, match="the driver's picture is in output"):
        rig.turn(60)


def test_no_sink_can_take_a_frame() -> None:
    rig = Rig()
    frame = rig.source.read()
    assert frame is not None
    assert shows_canary(frame.pixels)
    with pytest.raises(AttributeError):
        rig.sink.send(frame)  # type: ignore[arg-type]  # a Frame has no kind
