"""The live loop in its real threads, with fakes for stages."""

import threading
import time
from dataclasses import replace

import numpy as np
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

from reenact.clock import MonotonicClock, VirtualClock
from reenact.config import LiveConfig
from reenact.engine import Engine
from reenact.errors import SinkError
from reenact.gate import State
from reenact.live import Live
from reenact.pacing import Pacer
from reenact.playing import Playing
from reenact.stages import Blender, Generator, Retargeter, Sink, Source, Target, Tracker
from reenact.stats import LATENCY
from reenact.types import Composite, FaceTrack, FaceView, Frame, Kind, Motion


class PacedSource(FakeSource):
    """Canary pictures at their rate, as a camera gives them."""

    def read(self) -> Frame | None:
        time.sleep(1 / self.rate)
        return super().read()


LONG_S = 60.0  # a run that has not done what is waited for by then has failed


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


class ViewingTracker(FakeTracker):
    """Its tracks carry the driver's picture, for the retargeter."""

    def track(self, frame: Frame) -> FaceTrack | None:
        found = super().track(frame)
        return None if found is None else replace(found, view=FaceView(frame.pixels[..., 0].copy(), np.eye(2, 3)))


class CuriousRetargeter(FakeRetargeter):
    """Notes whether it was shown the driver."""

    shown = 0

    def retarget(self, track: FaceTrack) -> Motion | None:
        self.shown += track.view is not None
        return super().retarget(track)


def test_the_drivers_picture_goes_to_the_retargeter_and_no_further() -> None:
    retargeter = CuriousRetargeter()
    made = engine(tracker=ViewingTracker(), retargeter=retargeter)
    reading = made.read(FakeSource(MonotonicClock()).read())
    assert retargeter.shown == 1
    assert reading.track is not None
    assert reading.track.view is None


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


def test_it_drives_in_its_threads_and_ends_with_the_slate_and_no_thread_left() -> None:
    before = set(threading.enumerate())
    source, sink = PacedSource(MonotonicClock(), rate=60), FakeSink()

    def tick(live: Live) -> None:
        if sink.kinds.count(Kind.LIVE) >= 20:
            live.stop()

    live = Live(source, engine(), sink, LiveConfig(rate=60), tick)
    live.run(LONG_S)
    assert live.seconds < LONG_S
    assert sink.kinds[:1] == [Kind.REST]
    assert sink.kinds.count(Kind.LIVE) >= 20
    assert sink.kinds[-1] is Kind.SLATE
    assert source.closed
    assert live.stats.series(LATENCY) is not None
    for thread in set(threading.enumerate()) - before:
        thread.join(LONG_S)
        assert not thread.is_alive()


def test_it_runs_for_the_time_asked_for() -> None:
    live = Live(PacedSource(MonotonicClock()), engine(), FakeSink())
    live.run(seconds=0.2)
    assert live.seconds >= 0.2


def test_it_can_be_stopped_from_another_thread() -> None:
    live = Live(PacedSource(MonotonicClock()), engine(), FakeSink())
    threading.Timer(0.05, live.stop).start()
    live.run(LONG_S)
    assert live.seconds < LONG_S


def test_a_hanging_generator_does_not_keep_it_from_ending_with_the_slate() -> None:
    entered, release = threading.Event(), threading.Event()

    class Hanging(FakeGenerator):
        def generate(self, *args: object) -> None:  # type: ignore[override]
            entered.set()
            release.wait(2 * LONG_S)

    def tick(live: Live) -> None:
        if entered.is_set():
            live.stop()

    sink = FakeSink()
    live = Live(PacedSource(MonotonicClock()), engine(generator=Hanging()), sink, LiveConfig(stop_s=0.2), tick)
    began = time.monotonic()
    live.run(LONG_S)
    assert time.monotonic() - began < LONG_S  # it did not wait for the generator
    assert sink.kinds[-1] is Kind.SLATE
    release.set()


def test_a_hanging_sink_does_not_keep_it_from_ending(caplog: pytest.LogCaptureFixture) -> None:
    entered, release = threading.Event(), threading.Event()

    class Hanging(FakeSink):
        def send(self, composite: Composite) -> None:
            entered.set()
            release.wait(2 * LONG_S)

    def tick(live: Live) -> None:
        if entered.is_set():
            live.stop()

    began = time.monotonic()
    Live(PacedSource(MonotonicClock()), engine(), Hanging(), LiveConfig(stop_s=0.2), tick).run(LONG_S)
    assert time.monotonic() - began < LONG_S
    assert "the slate could not be sent" in caplog.text
    release.set()


def test_a_slow_generator_drops_pictures_and_the_delay_does_not_grow() -> None:
    rig = Rig(config=LiveConfig(rate=30, adapt=False))

    class Slow(FakeGenerator):
        def generate(self, shot, motion, mouth):  # type: ignore[no-untyped-def]
            for _ in range(5):  # meanwhile camera and tracker go on, a hundred pictures a second
                rig.clock.advance(0.01)
                rig.live.capture_once()
                rig.live.track_once(0)
            return super().generate(shot, motion, mouth)

    rig.live.show(Playing(rig.target, Slow(), FakeBlender()))
    rig.turn(300)
    latency = rig.live.stats.series(LATENCY)
    assert latency is not None
    assert latency.count > 200
    assert rig.live.drops > 1000
    assert latency.max_ms < 100  # its own 50 ms and what the picture waited for it; a queue would have reached seconds


def test_a_sink_that_fails_ends_the_run_with_its_error() -> None:
    live = Live(PacedSource(MonotonicClock()), engine(), FakeSink({5: "raises"}))
    with pytest.raises(SinkError, match="the disk is full"):
        live.run(LONG_S)


def test_the_last_picture_is_sent_again_when_the_engine_has_nothing_new() -> None:
    rig = Rig()
    for _ in range(20):
        rig.turn(1)
        rig.turn(4, capture=False, compose=False)
    stats = rig.live.stats
    assert stats.counted("sent") == 80  # after a new one the first repetition waits half a period longer
    assert stats.counted("sent again") == 60
    assert rig.sink.seqs == sorted(rig.sink.seqs)


def test_pictures_are_spaced_and_new_ones_do_not_wait_for_a_grid() -> None:
    clock = VirtualClock()
    pacer = Pacer(0.1, clock.now())
    assert pacer.earliest <= 0 <= pacer.due  # the first at once
    pacer.sent(1.0, fresh=True)
    assert pacer.earliest == pytest.approx(1.075)
    assert pacer.due == pytest.approx(1.15)
    pacer.sent(1.15, fresh=False)
    assert pacer.due == pytest.approx(1.25)


def test_ticks_come_in_the_calling_thread_and_may_stop_the_loop() -> None:
    threads: set[str] = set()

    def tick(live: Live) -> None:
        threads.add(threading.current_thread().name)
        live.stop()

    Live(PacedSource(MonotonicClock()), engine(), FakeSink(), on_tick=tick).run(LONG_S)
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
