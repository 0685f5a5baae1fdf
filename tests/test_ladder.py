"""What is left out on a slow machine: decisions from stage times alone, so the same times give the same settings."""

import threading
from collections.abc import Callable

import pytest
from fakes import FakeBlender, FakeGenerator, FakeTarget, FakeTracker
from rig import Rig

from reenact.clock import MonotonicClock
from reenact.config import AdaptConfig, LiveConfig
from reenact.errors import ModelError
from reenact.ladder import Ladder, Rung
from reenact.playing import EVERY_SECOND, HALF_SIZE, Playing
from reenact.types import FaceTrack, Frame, InnerMouth, Motion, Patch, Shot

PERIOD = 1 / 30
NETWORK, SECOND, SIZE = Rung("without network", "compose"), Rung(EVERY_SECOND, "track"), Rung(HALF_SIZE, "compose")
RUNGS = (NETWORK, SECOND, SIZE)
Cost = Callable[[str, frozenset[str], float], float]


def driven(ladder: Ladder, cost: Cost, seconds: float, start: float = 0.0) -> list[tuple[float, frozenset[str]]]:
    """Turns both threads thirty times a second; when what was left out changed, and to what."""
    changes = []
    for n in range(round(seconds / PERIOD)):
        now = start + n * PERIOD
        for thread in ("track", "compose"):
            if ladder.observe(thread, cost(thread, ladder.left_out, now) * PERIOD, now):
                changes.append((round(now - start, 1), ladder.left_out))
    return changes


def machine(network: float = 0.5, size: float = 0.3, track: float = 0.3, base: float = 0.4) -> Cost:
    """Loads of a thread as sums of what it does."""

    def cost(thread: str, out: frozenset[str], now: float) -> float:
        if thread == "track":
            return track * (0.5 if SECOND.name in out else 1.0)
        return base + network * (NETWORK.name not in out) + size * (SIZE.name not in out)

    return cost


def test_a_fast_machine_keeps_everything() -> None:
    ladder = Ladder(PERIOD, RUNGS)
    assert driven(ladder, machine(0.2, 0.1), 60) == []
    assert ladder.note == ""


def test_what_is_missed_least_is_left_out_first_and_no_more_than_needed(caplog: pytest.LogCaptureFixture) -> None:
    ladder = Ladder(PERIOD, RUNGS)
    changes = driven(ladder, machine(network=0.5, size=0.3), 60)
    assert [out for _, out in changes] == [{NETWORK.name}]
    assert 1.4 <= changes[0][0] <= 2.1  # a window's time
    assert ladder.note == "slow machine: without network"
    assert "too slow for 30 pictures a second, compose takes 120 % of its time: without network" in caplog.text


def test_the_thread_that_is_too_slow_is_the_one_that_is_relieved() -> None:
    ladder = Ladder(PERIOD, RUNGS)
    changes = driven(ladder, machine(network=0.1, size=0.1, track=1.4), 60)
    assert [out for _, out in changes] == [{SECOND.name}]


def test_all_of_it_where_all_is_needed_and_it_says_so_where_that_is_not_enough(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ladder = Ladder(PERIOD, RUNGS)
    changes = driven(ladder, machine(base=1.1), 60)
    assert [out for _, out in changes] == [
        {NETWORK.name},
        {NETWORK.name, SIZE.name},
        {NETWORK.name, SIZE.name, SECOND.name},  # the threads may share one core
    ]
    assert ladder.note == (
        "slow machine: without network, half size, tracking every second picture, "
        "still too slow for 30 pictures a second"
    )
    assert caplog.text.count("too slow") == 4  # each change, and once that it is not enough


def test_it_comes_back_when_the_machine_is_free_again_the_last_first_and_not_before_ten_seconds() -> None:
    ladder = Ladder(PERIOD, RUNGS)
    slow, fast = machine(base=0.8), machine(network=0.15, size=0.1, base=0.2)
    assert [out for _, out in driven(ladder, slow, 20)] == [{NETWORK.name}, {NETWORK.name, SIZE.name}]
    changes = driven(ladder, fast, 60, start=20)
    assert [out for _, out in changes] == [{NETWORK.name}, set()]
    assert changes[0][0] >= 10
    assert changes[1][0] - changes[0][0] >= 10
    assert ladder.note == ""


def test_what_was_measured_to_save_much_needs_as_much_room_to_come_back() -> None:
    ladder = Ladder(PERIOD, RUNGS)
    driven(ladder, machine(network=0.9, size=0.1, base=0.4), 10)  # 1.4, without the network 0.5
    assert ladder.left_out == {NETWORK.name}
    assert driven(ladder, machine(network=0.9, size=0.1, base=0.2), 120, start=10) == []  # 0.3: 0.84 with it
    changes = driven(ladder, machine(network=0.3, size=0.0, base=0.2), 60, start=130)  # 0.2: 0.56
    assert [out for _, out in changes] == [set()]


def test_a_machine_on_the_edge_does_not_flap() -> None:
    ladder = Ladder(PERIOD, RUNGS)

    def edge(thread: str, out: frozenset[str], now: float) -> float:
        """With the network a little too slow, without it nearly idle."""
        return 0.95 if thread == "compose" and NETWORK.name not in out else 0.3

    changes = driven(ladder, edge, 1200)
    without = sum(2.0 for _, out in changes if not out)
    assert {frozenset(out) for _, out in changes} == {frozenset({NETWORK.name}), frozenset()}
    assert len(changes) <= 2 * 1200 / 160 + 1
    assert without < 20  # seconds in twenty minutes in which pictures came too late


def test_what_was_measured_at_a_bad_moment_is_tried_all_the_same() -> None:
    ladder = Ladder(PERIOD, RUNGS)
    changes = driven(ladder, lambda t, out, now: 3.0 if t == "compose" and now < 2 else 0.4, 200)
    assert [out for _, out in changes] == [{NETWORK.name}, set()]
    assert changes[1][0] == pytest.approx(162, abs=3)


def test_that_it_is_not_enough_is_logged_once_though_it_comes_and_goes(caplog: pytest.LogCaptureFixture) -> None:
    ladder = Ladder(PERIOD, RUNGS)
    driven(ladder, lambda t, out, now: 1.2 if t == "compose" and now % 20 < 12 else 0.8, 200)
    assert ladder.left_out == {rung.name for rung in RUNGS}
    assert caplog.text.count("too slow") == 4


def test_one_stall_changes_nothing() -> None:
    ladder = Ladder(PERIOD, RUNGS)
    usual = machine(0.2, 0.1)
    changes = driven(ladder, lambda t, out, now: 60.0 if 5 < now < 5.05 else usual(t, out, now), 30)
    assert changes == []


def test_two_turns_in_a_window_decide_nothing() -> None:
    ladder = Ladder(PERIOD, RUNGS)
    assert not any(ladder.observe("compose", 10.0, n * 1.5) for n in range(60))


def test_a_thread_that_takes_half_a_second_is_slow_enough() -> None:
    ladder = Ladder(PERIOD, RUNGS)
    assert any(ladder.observe("compose", 0.5, n * 0.5) for n in range(12))


def test_a_target_that_offers_less_has_nothing_left_out_that_it_does_not_have() -> None:
    ladder = Ladder(PERIOD, RUNGS)
    driven(ladder, machine(base=0.8), 20)
    assert ladder.left_out == {NETWORK.name, SIZE.name}
    ladder.offer((SECOND, SIZE))
    assert ladder.left_out == {SIZE.name}


# Before the start


def trial(cost: Cost) -> Callable[[frozenset[str]], dict[str, float]]:
    """What a trial would find of a machine."""
    return lambda out: {thread: cost(thread, out, 0.0) * PERIOD for thread in ("track", "compose")}


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        (machine(0.2, 0.05), set()),
        (machine(network=0.35, size=0.1), {NETWORK.name}),  # 0.85: too near to what would be too slow
        (machine(network=0.5, size=0.3), {NETWORK.name}),
        (machine(base=0.8), {NETWORK.name, SIZE.name}),
        (machine(network=0.1, size=0.1, track=1.4), {SECOND.name}),
        (machine(base=1.1, track=1.4), {NETWORK.name, SECOND.name, SIZE.name}),
    ],
)
def test_it_starts_with_what_a_trial_shows_to_fit(cost: Cost, expected: set[str]) -> None:
    ladder = Ladder(PERIOD, RUNGS)
    assert ladder.begin(trial(cost)) == bool(expected)
    assert ladder.left_out == expected
    assert all(name in ladder.note for name in expected)
    assert (ladder.note == "") == (not expected)


def test_after_a_trial_that_was_right_nothing_changes_and_what_it_measured_is_known() -> None:
    ladder, cost = Ladder(PERIOD, RUNGS), machine(network=0.9, size=0.1, base=0.4)
    ladder.begin(trial(cost))
    assert driven(ladder, cost, 120) == []
    assert driven(ladder, machine(network=0.9, size=0.1, base=0.2), 30, start=120) == []  # 0.3, and 0.84 with it


def test_a_trial_at_a_bad_moment_is_made_good_after_ten_seconds() -> None:
    ladder = Ladder(PERIOD, RUNGS)
    ladder.begin(trial(machine(network=0.8, size=0.1, base=0.5)))
    changes = driven(ladder, machine(network=0.1, size=0.1, base=0.1), 60)
    assert [out for _, out in changes] == [set()]
    assert changes[0][0] == pytest.approx(11.5, abs=1)


# In the live loop, whose clock the stand-ins move


class SlowGenerator(FakeGenerator):
    """Takes so many seconds of the rig's clock with the network and without, less on a smaller picture."""

    def __init__(self, rig: Rig, with_network: float, without: float) -> None:
        super().__init__(extras=("network",))
        self._rig, self._with, self._without = rig, with_network, without

    def generate(self, shot: Shot, motion: Motion, mouth: InnerMouth | None) -> Patch:
        seconds = self._without if "network" in self.left_out else self._with
        self._rig.clock.advance(seconds * shot.pixels.shape[1] / self._rig.target.size[0])
        return super().generate(shot, motion, mouth)


def slow_rig(with_network: float, without: float, adapt: bool = True) -> tuple[Rig, SlowGenerator]:
    rig = Rig(config=LiveConfig(rate=30, adapt=adapt))
    generator = SlowGenerator(rig, with_network, without)
    smaller = Playing(FakeTarget(size=(32, 24)), generator, FakeBlender())
    rig.live.show(Playing(rig.target, generator, FakeBlender(), False, smaller))
    return rig, generator


def test_the_live_loop_leaves_the_network_out_and_says_so() -> None:
    rig, generator = slow_rig(0.045, 0.01)
    rig.turn(300)
    assert generator.left_out == {"network"}
    assert rig.live.slow == "slow machine: without network"
    assert rig.live.stats.counted("settings changed") == 1
    generator._with, generator._without = 0.018, 0.004  # another program has ended
    rig.turn(600)
    assert generator.left_out == frozenset()
    assert rig.live.slow == ""


@pytest.mark.parametrize(
    ("with_network", "without", "left_out", "said"),
    [
        (0.02, 0.01, set(), ""),
        (0.045, 0.01, {"without network"}, "slow machine: without network"),
        (0.1, 0.05, {"without network", HALF_SIZE}, "slow machine: without network, half size"),
    ],
)
def test_the_live_loop_tries_itself_out_before_its_first_picture(
    with_network: float, without: float, left_out: set[str], said: str
) -> None:
    rig, generator = slow_rig(with_network, without)
    rig.live.compose_once(0)  # that target is taken up
    rig.live.try_out(together=False)
    assert rig.live.ladder is not None
    assert rig.live.ladder.left_out == left_out
    assert rig.live.slow == said
    assert generator.left_out == {"network"} & {name.removeprefix("without ") for name in left_out}
    assert rig.live.stats.counted("settings changed") == len(left_out)
    assert [row.name for row in rig.live.stats.table() if row.name in ("track", "generate")] == []
    assert rig.retargeter.calibrations == 0
    assert rig.sink.kinds == []
    before = rig.clock.now()
    kinds = rig.turn(300)
    assert {kind.value for kind in kinds[5:]} == {"live"}
    assert rig.live.stats.counted("settings changed") == len(left_out)  # as it was found to fit it stays
    assert (rig.clock.now() - before) / 300 < 2 * PERIOD


def test_a_machine_too_slow_for_tracking_is_found_to_be_by_the_trial() -> None:
    class SlowTracker(FakeTracker):
        def track(self, frame: Frame) -> FaceTrack | None:
            rig.clock.advance(0.04)
            return super().track(frame)

    rig = Rig(config=LiveConfig(rate=30))
    rig.engine.tracker = SlowTracker()
    rig.live.try_out(together=False)
    assert rig.live.slow == f"slow machine: {EVERY_SECOND}"


def test_the_threads_of_a_trial_end_and_what_its_tracker_raises_is_told() -> None:
    class Broken(FakeTracker):
        def track(self, frame: Frame) -> FaceTrack | None:
            raise ModelError("the tracker's model is gone")

    rig = Rig(config=LiveConfig(rate=30))
    rig.engine.clock = rig.live._clock = MonotonicClock()
    before = set(threading.enumerate())
    rig.live.try_out()
    assert rig.tracker.tracked
    assert set(threading.enumerate()) <= before
    rig.engine.tracker = Broken()
    with pytest.raises(ModelError, match="the tracker's model is gone"):
        rig.live.try_out()
    assert set(threading.enumerate()) <= before


def test_half_the_size_is_worked_at_and_the_output_keeps_its_own() -> None:
    rig, generator = slow_rig(0.1, 0.05)
    kinds = rig.turn(300)
    assert {kind.value for kind in kinds[10:]} == {"live"}
    assert rig.live.ladder is not None
    assert rig.live.ladder.left_out >= {"without network", HALF_SIZE}
    assert {p.pixels.shape for p in rig.sink.pictures} == {(48, 64, 3)}
    assert rig.live.slow.startswith("slow machine: without network, half size")
    assert generator.left_out == {"network"}


def test_without_adapting_nothing_is_left_out() -> None:
    rig, generator = slow_rig(0.1, 0.05, adapt=False)
    rig.turn(300)
    assert generator.left_out == frozenset()
    assert (rig.live.ladder, rig.live.slow) == (None, "")


def test_every_second_picture_is_tracked_and_the_motion_is_carried_on_between() -> None:
    rig = Rig(config=LiveConfig(rate=30, adapt=False))
    rig.turn(20)
    rig.engine.leave_out(frozenset({EVERY_SECOND}))
    before = len(rig.tracker.tracked)
    kinds = rig.turn(40)
    assert len(rig.tracker.tracked) - before == 20
    assert len(kinds) == 40
    assert {kind.value for kind in kinds} == {"live"}
    assert [m.seq for m in rig.generator.motions[-4:]] == [56, 57, 58, 59]  # each picture's own number and time


def test_a_face_that_is_lost_is_looked_for_in_every_picture() -> None:
    rig = Rig(config=LiveConfig(rate=30, adapt=False), tracker=dict.fromkeys(range(20, 40), "no face"))
    rig.engine.leave_out(frozenset({EVERY_SECOND}))
    rig.turn(60)
    assert set(range(22, 40)) <= set(rig.tracker.tracked)


def test_limits_of_the_settings() -> None:
    from reenact.errors import InputError

    with pytest.raises(InputError, match=r"easy is 0\.95: expected 0\.05 to 0\.9"):
        AdaptConfig(easy=0.95)
