"""Every fault, on a virtual clock, with the sequence of states it must lead to."""

import logging
from collections.abc import Callable

import numpy as np
import pytest
from fakes import (
    SIZE,
    TROUBLES,
    FakeBlender,
    FakeGenerator,
    FakeSink,
    FakeTarget,
    FakeTracker,
    Plan,
    face_points,
    shows_canary,
    slate_pixels,
)
from rig import PERIOD, Rig, at, between, runs

from reenact.config import LiveConfig
from reenact.errors import ReenactError
from reenact.playing import Playing
from reenact.sinks import Fanout
from reenact.tracking.subject import Subject
from reenact.types import FaceTrack, Frame, Kind

THERE_AND_BACK = ["rest", "live", "hold", "rest", "live"]
SHORTLY = ["rest", "live", "hold", "live"]
CARD = ["rest", "live", "slate", "live"]


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ({}, ["rest", "live"]),
        # the camera
        ({"source": between(20, 26, "unplugged")}, ["rest", "live"]),  # shorter than a picture takes to become stale
        ({"source": between(20, 35, "unplugged")}, SHORTLY),
        ({"source": between(20, 90, "unplugged")}, THERE_AND_BACK),
        ({"source": between(0, 90, "busy")}, ["rest", "live"]),
        ({"source": between(20, 90, "black")}, THERE_AND_BACK),
        ({"source": between(20, 90, "dark")}, THERE_AND_BACK),  # black, and not noticed by the camera
        ({"source": between(20, 90, "frozen")}, THERE_AND_BACK),
        ({"source": at(20, fault="resized")}, ["rest", "live"]),
        ({"source": between(20, 60, "resized")}, ["rest", "live"]),
        # the face
        ({"tracker": at(20, fault="no face")}, SHORTLY),
        ({"tracker": between(20, 50, "no face")}, SHORTLY),  # for a second
        ({"tracker": between(20, 90, "no face")}, THERE_AND_BACK),  # leaves and returns
        ({"tracker": between(20, 24, "no face")}, SHORTLY),  # a hand before it
        ({"tracker": at(20, fault="another face"), "calibration": 5}, SHORTLY),
        ({"tracker": at(60, fault="another face"), "calibration": 50}, THERE_AND_BACK),
        ({"tracker": at(20, fault="greedy mouth")}, ["rest", "live"]),
        ({"tracker": at(20, fault="raises")}, SHORTLY),
        ({"retargeter": at(20, fault="raises")}, SHORTLY),
        ({"retargeter": at(20, fault="nan")}, SHORTLY),
        # the engine
        ({"generator": at(20, fault="raises")}, CARD),
        ({"generator": at(20, fault="memory")}, CARD),
        ({"generator": at(20, fault="nan")}, CARD),
        ({"generator": at(20, fault="constant")}, CARD),
        ({"generator": at(20, fault="late")}, CARD),
        ({"generator": between(20, 200, "raises")}, ["rest", "live", "slate"]),
        ({"blender": at(20, fault="raises")}, CARD),
        ({"blender": at(20, fault="grey")}, CARD),
        ({"blender": at(20, fault="late")}, CARD),
        ({"blender": at(20, fault="resized")}, CARD),
        ({"target": at(20, fault="raises")}, CARD),
        ({"target": at(20, fault="resized")}, CARD),
        ({"target": at(0, fault="raises")}, ["slate", "live"]),
        # the output
        ({"sink": between(20, 40, "slow")}, ["rest", "live"]),
    ],
)
def test_each_fault_has_its_sequence_of_kinds(faults: dict[str, Plan], expected: list[str]) -> None:
    rig = Rig(**faults)  # type: ignore[arg-type]
    assert runs(rig.turn(130)) == expected
    assert not any(shows_canary(p.pixels) for p in rig.sink.pictures)


def test_how_long_each_state_lasts_when_the_face_is_gone() -> None:
    kinds = Rig(tracker=between(20, 400, "no face")).turn(130)
    assert kinds[:2] == [Kind.REST] * 2  # three good frames
    assert kinds[2:20] == [Kind.LIVE] * 18
    hold = kinds.count(Kind.HOLD) * PERIOD  # held for 0.5 s, then eased to rest in 1 s
    assert hold == pytest.approx(1.5, abs=2 * PERIOD)
    assert set(kinds[20 + round(hold / PERIOD) :]) == {Kind.REST}


# The camera


def test_a_camera_unplugged_and_plugged_in_a_hundred_times() -> None:
    plan = {n: "unplugged" for n in range(6000) if n % 60 >= 30}  # a second of each
    rig = Rig(source=plan)
    kinds = runs(rig.turn(30))
    for _ in range(100):
        assert rig.live.trouble == ""
        kinds += runs(rig.turn(30))[1:]  # a picture of the run before is still true for the first of these
        assert rig.live.trouble == TROUBLES["unplugged"]
        kinds += runs(rig.turn(30))[1:]
    assert kinds == ["rest", "live", *["hold", "live"] * 100]
    assert rig.live.stats.counted("no picture") == 3000
    assert rig.engine.stats.counted("faults") == 0


def test_an_unplugged_camera_lets_the_target_play_on_at_rest() -> None:
    rig = Rig(kind="video", source=between(20, 400, "unplugged"))
    rig.turn(20)
    before = rig.target.moments[-1]
    assert runs(rig.turn(80)) == ["live", "hold", "rest"]
    assert rig.target.moments[-1] - before == pytest.approx(80 * PERIOD * 25, abs=2)
    assert not rig.live.ending


def test_a_camera_that_falls_silent_leads_to_rest_while_the_target_plays_on() -> None:
    rig = Rig(kind="video")
    rig.turn(20)
    before = rig.target.moments[-1]
    assert runs(rig.turn(80, capture=False)) == ["live", "hold", "rest"]
    assert rig.target.moments[-1] - before == pytest.approx(80 * PERIOD * 25, abs=2)


def test_a_camera_lost_for_good_comes_to_rest_and_then_ends_with_its_error() -> None:
    rig = Rig(source=at(20, fault="lost"))
    kinds = rig.turn(21)
    assert kinds[-1] is Kind.LIVE
    assert rig.live.trouble == "the camera is gone"
    assert runs(rig.turn(80, capture=False)) == ["live", "hold", "rest"]
    assert rig.live.ending
    assert "the camera is gone" in str(rig.live._error)


# The face


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


class Crowd(FakeTracker):
    """Follows one of several faces by the real rules (reenact.tracking.subject); who is there, by seq, is planned.

    who   "" for nobody, else "a", "b" or "ab"; b is the larger face and stands two faces to the right
    """

    def __init__(self, who: Callable[[int], str]) -> None:
        super().__init__()
        self._who, self._subject = who, Subject()

    def track(self, frame: Frame) -> FaceTrack | None:
        place = {"a": face_points(), "b": face_points() * np.float32(1.4) + np.float32([200, 0, 0])}
        faces = [place[name] for name in self._who(frame.seq)]
        choice = self._subject.choose(faces, frame.t_capture)
        if choice is None:
            return None
        self._subject.seen(faces[choice], frame.t_capture)
        self.subject = self._subject.number
        return FaceTrack(faces[choice], 0.9, self.subject, frame.seq, frame.t_capture)


@pytest.mark.parametrize(
    ("who", "expected", "subject"),
    [
        (lambda n: "ab" if n >= 20 else "a", ["rest", "live"], 0),  # a second face, a larger one
        (
            lambda n: "a" if n < 10 else "b" if 20 <= n < 40 else "ab",
            SHORTLY,
            0,
        ),  # a hand before the first, the second there
        (
            lambda n: "a" if n < 10 else "b" if n >= 20 else "ab",
            SHORTLY,
            1,
        ),  # the first has left the second in its place
        (lambda n: "" if 20 <= n < 90 else "a", THERE_AND_BACK, 0),
        (lambda n: "" if 20 <= n < 120 else "a", THERE_AND_BACK, 1),  # after so long it is somebody new
    ],
)
def test_who_is_followed_among_several(who: Callable[[int], str], expected: list[str], subject: int) -> None:
    rig = Rig(calibration=5)
    rig.engine.tracker = tracker = Crowd(who)
    assert runs(rig.turn(160)) == expected
    assert tracker.subject == subject


# The engine


def test_a_generator_that_hangs_gives_way_to_the_slate_after_a_second_and_comes_back() -> None:
    rig = Rig(config=LiveConfig(rate=30, stuck_s=1.0))
    rig.turn(20)
    kinds = rig.turn(60, compose=False)
    assert runs(kinds) == ["live", "slate"]
    assert kinds.count(Kind.LIVE) * PERIOD == pytest.approx(1.0, abs=2 * PERIOD)
    assert runs(rig.turn(10)) == ["live"]


def test_a_slow_camera_is_no_reason_for_the_slate() -> None:
    rig = Rig(config=LiveConfig(rate=30, stuck_s=0.1))
    kinds = []
    for _ in range(20):
        kinds += rig.turn(1)
        kinds += rig.turn(5, capture=False)  # five pictures a second
    assert runs(kinds) == ["rest", "live"]


def test_another_target_is_shown_with_the_next_picture_whatever_its_size() -> None:
    rig = Rig()
    rig.turn(20)
    wide = FakeTarget("video", size=(100, 40), name="wide")
    generator = FakeGenerator()
    shown = rig.live.show(Playing(wide, generator, FakeBlender()))
    assert not shown.is_set()
    assert set(rig.turn(10)) == {Kind.LIVE}
    assert shown.is_set()
    assert len(generator.motions) == 10
    assert rig.sink.pictures[-1].pixels.shape == (SIZE[1], SIZE[0], 3)
    assert rig.engine.target is wide


def test_strict_engines_raise_what_a_live_one_shows_as_a_slate() -> None:
    rig = Rig(strict=True, generator=at(0, fault="raises"), tracker=at(9, fault="raises"))
    frames = [frame for _ in range(4) if (frame := rig.source.read()) is not None]
    assert [rig.engine.step(frame).kind for frame in frames[:2]] == [Kind.REST, Kind.REST]
    with pytest.raises(ReenactError, match="frame 2 could not be generated: the model broke"):
        rig.engine.step(frames[2])


# The output


def test_the_panic_key_shows_the_slate_in_the_very_next_picture() -> None:
    rig = Rig()
    rig.turn(20)
    rig.live.toggle_slate()
    assert set(rig.turn(10)) == {Kind.SLATE}
    assert np.array_equal(rig.sink.pictures[-1].pixels, slate_pixels())
    assert rig.live.last is not None
    assert rig.live.last.kind is Kind.SLATE  # so the preview shows what the others see
    rig.live.toggle_slate()
    assert set(rig.turn(10)) == {Kind.LIVE}


def test_an_only_sink_that_refuses_ends_the_turn_with_its_own_words() -> None:
    rig = Rig(sink=at(10, fault="raises"))
    with pytest.raises(ReenactError, match="the disk is full"):
        rig.turn(20)


def test_one_of_two_sinks_that_refuses_is_left_out_and_the_other_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    other = FakeSink(at(20, fault="raises"))
    rig = Rig()
    rig.live.sink = Fanout({"file": other, "camera": rig.sink})
    with caplog.at_level(logging.WARNING):
        kinds = rig.turn(60)
    assert runs(kinds) == ["rest", "live"]
    assert len(kinds) == 60
    assert (len(other.kinds), other.closed) == (20, 1)
    assert "file gets no more pictures: the disk is full" in caplog.text


def test_a_slow_sink_costs_pictures_and_not_delay() -> None:
    ages = []
    rig = Rig(sink=between(0, 500, "slow"), look=lambda c: ages.append(rig.clock.now() - c.t_capture))
    began = rig.clock.now()
    while rig.clock.now() - began < 20:  # the camera goes on while the sink is busy
        for _ in range(10):
            rig.live.capture_once()
            rig.live.track_once(0)
            rig.live.compose_once(0)
        rig.live.send_once(0)
    assert max(ages[1:]) < 0.4  # a third of a second of its own
    assert rig.live.drops > 400


# Time


def test_a_clock_that_jumps_ahead_holds_nothing_for_longer_than_it_may() -> None:
    rig = Rig()
    rig.turn(20)
    rig.clock.advance(3600)
    assert runs(rig.turn(80, capture=False)) == ["hold", "rest"]


def test_after_a_suspend_the_picture_from_before_is_not_shown_again() -> None:
    rig = Rig()
    rig.turn(20)
    rig.clock.advance(3600)
    rig.live.send_once(0)  # the sink's thread wakes before the camera's
    assert rig.sink.kinds[-1] is Kind.SLATE
    assert runs(rig.turn(40)) == ["live"]


# Ending


def test_stopping_sends_the_slate_last_and_closes_the_camera() -> None:
    rig = Rig()
    rig.turn(20)
    rig.live.stop()
    rig.live.run()  # its threads see the end at once
    assert rig.sink.kinds[-1] is Kind.SLATE
    assert rig.source.closed
