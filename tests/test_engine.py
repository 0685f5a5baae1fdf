"""The live loop in its real threads, with fakes for stages."""

import threading
import time

import pytest
from fakes import (
    FakeBlender,
    FakeGenerator,
    FakeRetargeter,
    FakeSink,
    FakeSource,
    FakeTarget,
    FakeTracker,
    slate_pixels,
)
from rig import Rig

from reenact.clock import MonotonicClock
from reenact.config import LiveConfig
from reenact.engine import Engine
from reenact.errors import SinkError
from reenact.gate import State
from reenact.live import Live
from reenact.stages import Blender, Generator, Retargeter, Sink, Source, Target, Tracker
from reenact.stats import LATENCY
from reenact.types import Composite, Frame, Kind


class PacedSource(FakeSource):
    """Canary pictures at their rate, as a camera gives them."""

    def read(self) -> Frame | None:
        time.sleep(1 / self.rate)
        return super().read()


def engine(**parts: object) -> Engine:
    chosen = {
        "tracker": FakeTracker(),
        "retargeter": FakeRetargeter(),
        "target": FakeTarget(),
        "generator": FakeGenerator(),
        "blender": FakeBlender(),
        **parts,
    }
    return Engine(**chosen, slate=slate_pixels())  # type: ignore[arg-type]


def test_the_fakes_keep_the_contracts() -> None:
    assert isinstance(FakeSource(MonotonicClock()), Source)
    assert isinstance(FakeTracker(), Tracker)
    assert isinstance(FakeRetargeter(), Retargeter)
    assert isinstance(FakeTarget(), Target)
    assert isinstance(FakeGenerator(), Generator)
    assert isinstance(FakeBlender(), Blender)
    assert isinstance(FakeSink(), Sink)


def test_a_rehearsal_goes_through_every_stage_and_leaves_no_trace() -> None:
    generator, tracker = FakeGenerator(), FakeTracker()
    made = engine(generator=generator, tracker=tracker)
    made.rehearse(FakeSource(MonotonicClock()).read())
    assert len(generator.motions) == 1
    assert tracker.subject == 1  # forgotten again
    assert made.stats.table() == []
    assert made.gate.state is State.REST


def test_it_runs_for_the_time_asked_for_and_ends_with_the_slate() -> None:
    source, sink = PacedSource(MonotonicClock(), rate=60), FakeSink()
    live = Live(source, engine(), sink, LiveConfig(rate=60))
    live.run(seconds=1.0)
    assert 40 <= sink.kinds.count(Kind.LIVE) <= 75
    assert sink.kinds[-1] is Kind.SLATE
    assert source.closed
    latency = live.stats.series(LATENCY)
    assert latency is not None
    assert latency.p50_ms < 50


def test_stop_ends_it_in_well_under_two_seconds_and_no_thread_is_left() -> None:
    before = set(threading.enumerate())
    sink = FakeSink()
    live = Live(PacedSource(MonotonicClock()), engine(), sink)
    threading.Timer(0.3, live.stop).start()
    start = time.monotonic()
    live.run()
    assert time.monotonic() - start < 1.3
    assert sink.kinds[-1] is Kind.SLATE
    time.sleep(0.1)
    assert not {t for t in set(threading.enumerate()) - before if not isinstance(t, threading.Timer)}


def test_a_hanging_generator_does_not_keep_it_from_ending_with_the_slate() -> None:
    release = threading.Event()

    class Hanging(FakeGenerator):
        def generate(self, *args: object) -> None:  # type: ignore[override]
            release.wait(30)

    sink = FakeSink()
    live = Live(PacedSource(MonotonicClock()), engine(generator=Hanging()), sink, LiveConfig(stop_s=0.5))
    start = time.monotonic()
    live.run(seconds=0.4)
    assert time.monotonic() - start < 1.6
    assert sink.kinds[-1] is Kind.SLATE
    release.set()


def test_a_slow_generator_drops_pictures_and_the_delay_does_not_grow() -> None:
    class Slow(FakeGenerator):
        def generate(self, shot, motion, mouth):  # type: ignore[no-untyped-def]
            time.sleep(0.05)
            return super().generate(shot, motion, mouth)

    live = Live(PacedSource(MonotonicClock(), rate=100), engine(generator=Slow()), FakeSink(), LiveConfig(rate=30))
    live.run(seconds=1.5)
    latency = live.stats.series(LATENCY)
    assert latency is not None
    assert live.drops > 30
    assert latency.max_ms < 250  # a queue would have reached a second


def test_a_sink_that_fails_ends_the_run_with_its_error() -> None:
    live = Live(PacedSource(MonotonicClock()), engine(), FakeSink({5: "raises"}))
    with pytest.raises(SinkError, match="the disk is full"):
        live.run(seconds=5)


def test_the_last_picture_is_sent_again_when_the_engine_has_nothing_new() -> None:
    class Once(FakeTarget):
        def shot(self, n, motion):  # type: ignore[no-untyped-def]
            time.sleep(0.15)
            return super().shot(n, motion)

    sink = FakeSink()
    live = Live(PacedSource(MonotonicClock()), engine(target=Once()), sink, LiveConfig(rate=30))
    live.run(seconds=1.0)
    assert live.stats.counted("sent again") > 10
    assert len(sink.kinds) > 15


def test_ticks_come_in_the_calling_thread_and_may_stop_the_loop() -> None:
    threads: set[str] = set()

    def tick(live: Live) -> None:
        threads.add(threading.current_thread().name)
        live.stop()

    Live(PacedSource(MonotonicClock()), engine(), FakeSink(), on_tick=tick).run(seconds=20)
    assert threads == {threading.current_thread().name}


def test_only_composites_of_its_own_memory_leave_the_engine() -> None:
    target = FakeTarget()
    made = engine(target=target)
    source = FakeSource(MonotonicClock())
    kinds = []
    for _ in range(6):
        frame = source.read()
        assert frame is not None
        composite = made.step(frame)
        assert isinstance(composite, Composite)
        kinds.append(composite.kind)
        composite.pixels[:] = 0  # the taker's own: nothing of the engine changes
    assert kinds == [Kind.REST, Kind.REST, Kind.LIVE, Kind.LIVE, Kind.LIVE, Kind.LIVE]


class Told(FakeSink):
    """Writes a picture a while before `send` returns, or drops it and says so."""

    def __init__(self, clock) -> None:
        super().__init__(clock=clock)
        self.trouble, self.written_at = "", None

    def send(self, one) -> None:
        super().send(one)
        self.written_at = None if self.trouble else self._clock.now()
        self._clock.advance(0.020)


def test_latency_is_counted_when_the_picture_was_written_and_not_for_dropped_ones():
    rig = Rig()
    rig.live.sink = sink = Told(rig.clock)
    rig.turn(30)
    latency = rig.live.stats.series(LATENCY)
    assert latency.max_ms < 15  # none of the 20 ms that `send` took after that
    sink.trouble = "the camera is gone"
    rig.turn(30)
    assert rig.live.stats.series(LATENCY).count == latency.count
