"""Every fault of a stage, with the kinds it must lead to; and the canary: nothing of the driver gets out."""

import numpy as np
import pytest
from fakes import (
    CANARY,
    FakeBlender,
    FakeGenerator,
    FakeRetargeter,
    FakeSink,
    FakeSource,
    FakeTarget,
    FakeTracker,
    Plan,
    shows_canary,
    slate_pixels,
)

from reenact.clock import VirtualClock
from reenact.config import LiveConfig
from reenact.engine import Engine
from reenact.errors import ReenactError
from reenact.gate import State
from reenact.live import Live
from reenact.types import Composite, Kind

PERIOD = 1 / 30


class Rig:
    """A live loop of fakes whose threads are turned by hand, on a virtual clock."""

    def __init__(
        self, calibration: int = 0, kind: str = "photo", look=None, strict: bool = False, **faults: Plan
    ) -> None:  # type: ignore[no-untyped-def]
        self.clock = VirtualClock(100.0)
        self.source = FakeSource(self.clock, faults=faults.get("source"))
        self.generator = FakeGenerator(faults.get("generator"))
        self.retargeter = FakeRetargeter(calibration, faults.get("retargeter"))
        self.target = FakeTarget(kind, faults.get("target"))
        self.engine = Engine(
            FakeTracker(faults.get("tracker")),
            self.retargeter,
            self.target,
            self.generator,
            FakeBlender(faults.get("blender")),
            slate=slate_pixels(),
            mouth=True,
            clock=self.clock,
            strict=strict,
        )
        self.sink = FakeSink(faults.get("sink"), look=look)
        self.live = Live(self.source, self.engine, self.sink, LiveConfig(rate=30))

    def turn(self, pictures: int, capture: bool = True) -> list[Kind]:
        """One turn of every thread for each picture; the kinds that the sink got."""
        before = len(self.sink.kinds)
        for _ in range(pictures):
            if capture:
                self.live.capture_once()
            self.live.track_once(0)
            self.live.compose_once(0)
            self.live.send_once(0)
            self.clock.advance(PERIOD)
        return self.sink.kinds[before:]


def runs(kinds: list[Kind]) -> list[str]:
    """The kinds without their repetitions."""
    return [k.value for i, k in enumerate(kinds) if i == 0 or kinds[i - 1] is not k]


def at(*frames: int, fault: str) -> Plan:
    return dict.fromkeys(frames, fault)


def between(first: int, last: int, fault: str) -> Plan:
    return dict.fromkeys(range(first, last), fault)


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ({}, ["rest", "live"]),
        ({"tracker": at(20, fault="no face")}, ["rest", "live", "hold", "live"]),
        ({"tracker": between(20, 50, "no face")}, ["rest", "live", "hold", "live"]),
        ({"tracker": between(20, 90, "no face")}, ["rest", "live", "hold", "rest", "live"]),
        ({"tracker": at(20, fault="raises")}, ["rest", "live", "hold", "live"]),
        ({"tracker": at(20, fault="second face"), "calibration": 5}, ["rest", "live", "hold", "live"]),
        ({"tracker": at(20, fault="greedy mouth")}, ["rest", "live"]),
        ({"retargeter": at(20, fault="raises")}, ["rest", "live", "hold", "live"]),
        ({"retargeter": at(20, fault="nan")}, ["rest", "live", "hold", "live"]),
        ({"source": at(20, fault="resized")}, ["rest", "live"]),
        ({"generator": at(20, fault="raises")}, ["rest", "live", "slate", "live"]),
        ({"generator": at(20, fault="memory")}, ["rest", "live", "slate", "live"]),
        ({"generator": at(20, fault="nan")}, ["rest", "live", "slate", "live"]),
        ({"generator": at(20, fault="constant")}, ["rest", "live", "slate", "live"]),
        ({"generator": at(20, fault="late")}, ["rest", "live", "slate", "live"]),
        ({"generator": between(20, 200, "raises")}, ["rest", "live", "slate"]),
        ({"blender": at(20, fault="raises")}, ["rest", "live", "slate", "live"]),
        ({"blender": at(20, fault="grey")}, ["rest", "live", "slate", "live"]),
        ({"blender": at(20, fault="late")}, ["rest", "live", "slate", "live"]),
        ({"blender": at(20, fault="resized")}, ["rest", "live", "slate", "live"]),
        ({"target": at(20, fault="raises")}, ["rest", "live", "slate", "live"]),
        ({"target": at(20, fault="resized")}, ["rest", "live", "slate", "live"]),
        ({"target": at(0, fault="raises")}, ["slate", "live"]),
    ],
)
def test_each_fault_has_its_sequence_of_kinds(faults: dict[str, Plan], expected: list[str]) -> None:
    rig = Rig(**faults)  # type: ignore[arg-type]
    assert runs(rig.turn(130)) == expected
    assert not any(shows_canary(p.pixels) for p in rig.sink.pictures)


def test_a_greedy_inner_mouth_never_reaches_the_generator() -> None:
    rig = Rig(tracker=at(20, 21, 22, fault="greedy mouth"))
    rig.turn(40)
    assert rig.generator.mouths == [None] * len(rig.generator.mouths)
    assert rig.engine.stats.counted("faults") == 3


def test_calibration_shows_rest_until_the_neutral_is_known() -> None:
    rig = Rig(calibration=15)
    kinds = rig.turn(30)
    assert kinds.index(Kind.LIVE) == 15 + 2


def test_recalibration_holds_and_returns() -> None:
    rig = Rig(calibration=5)
    rig.turn(20)
    rig.live.recalibrate()
    assert runs(rig.turn(30)) == ["hold", "live"]
    assert rig.retargeter.calibrations == 1


def test_a_camera_that_falls_silent_leads_to_rest_while_the_target_plays_on() -> None:
    rig = Rig(kind="video")
    rig.turn(20)
    before = rig.target.moments[-1]
    assert runs(rig.turn(80, capture=False)) == ["live", "hold", "rest"]
    assert rig.target.moments[-1] - before == pytest.approx(80 * PERIOD * 25, abs=2)


def test_a_lost_camera_comes_to_rest_and_then_ends_with_its_error() -> None:
    rig = Rig(source=at(20, fault="lost"))
    kinds = rig.turn(21)
    assert kinds[-1] is Kind.LIVE
    assert runs(rig.turn(80, capture=False)) == ["live", "hold", "rest"]
    assert rig.live._ending.is_set()
    assert "the camera is gone" in str(rig.live._error)


def test_the_panic_key_shows_the_slate_in_the_very_next_picture() -> None:
    rig = Rig()
    rig.turn(20)
    rig.live.toggle_slate()
    assert set(rig.turn(10)) == {Kind.SLATE}
    assert np.array_equal(rig.sink.pictures[-1].pixels, slate_pixels())
    rig.live.toggle_slate()
    assert set(rig.turn(10)) == {Kind.LIVE}


def test_a_sink_that_refuses_ends_the_turn_with_its_own_words() -> None:
    rig = Rig(sink=at(10, fault="raises"))
    with pytest.raises(ReenactError, match="the disk is full"):
        rig.turn(20)


def test_a_clock_that_jumps_ahead_holds_nothing_for_longer_than_it_may() -> None:
    rig = Rig()
    rig.turn(20)
    rig.clock.advance(3600)  # suspended for an hour
    assert runs(rig.turn(80, capture=False))[-1] == "rest"


def test_strict_engines_raise_what_a_live_one_shows_as_a_slate() -> None:
    rig = Rig(strict=True, generator=at(0, fault="raises"), tracker=at(9, fault="raises"))
    frames = [frame for _ in range(4) if (frame := rig.source.read()) is not None]
    assert [rig.engine.step(frame).kind for frame in frames[:2]] == [Kind.REST, Kind.REST]
    with pytest.raises(ReenactError, match="frame 2 could not be generated: the model broke"):
        rig.engine.step(frames[2])


def chaos(kinds: tuple[str, ...], rate: float, seed: int) -> Plan:
    """Faults at random but the same every time, single ones and bursts."""
    rng = np.random.default_rng(seed)
    plan: dict[int, str] = {}
    n = 0
    while n < 200_000:
        n += int(rng.geometric(rate))
        fault = str(rng.choice(list(kinds)))
        plan.update(dict.fromkeys(range(n, n + int(rng.integers(1, 60) if rng.random() < 0.2 else 1)), fault))
    return plan


ALL = {
    "tracker": chaos(("no face", "raises", "second face", "greedy mouth"), 0.02, 1),
    "retargeter": chaos(("raises", "nan"), 0.005, 2),
    "generator": chaos(("raises", "memory", "nan", "constant", "late"), 0.004, 3),
    "blender": chaos(("raises", "grey", "late", "resized", "rest"), 0.004, 4),
    "target": chaos(("raises", "resized"), 0.002, 5),
    "source": chaos(("resized",), 0.01, 6),
}


def canary_run(pictures: int) -> tuple[Rig, dict[Kind, int]]:
    """Runs with every fault injected; looks at every single picture that reaches the sink."""
    seen: dict[Kind, int] = dict.fromkeys(Kind, 0)

    def look(composite: Composite) -> None:
        assert not shows_canary(composite.pixels), f"the driver's picture is in output {sum(seen.values())}"
        seen[composite.kind] += 1

    rig = Rig(calibration=3, look=look, **ALL)
    rng = np.random.default_rng(9)
    sent = 0
    while sent < pictures:
        sent += len(rig.turn(int(rng.integers(1, 200))))
        sent += len(rig.turn(int(rng.integers(0, 30)), capture=False))  # the camera stalls
    return rig, seen


def test_no_canary_in_ten_thousand_outputs_with_every_fault_injected() -> None:
    rig, seen = canary_run(10_000)
    assert all(seen[kind] > 100 for kind in Kind), seen
    assert rig.engine.stats.counted("faults") > 100
    assert rig.engine.gate.state in State


@pytest.mark.release
@pytest.mark.timeout(1200)
def test_no_canary_in_a_hundred_thousand_outputs_with_every_fault_injected() -> None:
    _, seen = canary_run(100_000)
    assert all(seen[kind] > 1000 for kind in Kind), seen


def test_the_canary_would_be_seen_if_a_driver_picture_got_out() -> None:
    rig = Rig()
    frame = rig.source.read()
    assert frame is not None
    assert shows_canary(frame.pixels)
    assert tuple(frame.pixels[0, 0]) == CANARY
    with pytest.raises(AttributeError):
        rig.sink.send(frame)  # type: ignore[arg-type]  # a Frame has no kind: no sink can take it
