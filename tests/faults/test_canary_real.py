"""The same with the real generator, compositor and finish, at a small size: inside the lips, only if asked for."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from fakes import CANARY, CANARY_FACE, FakeSink, Plan, canary_trace, planned
from people import face
from rig import PERIOD
from tracked import driver

from reenact.assembly import open_playing
from reenact.clock import VirtualClock
from reenact.config import GeneratorConfig, LiveConfig, RetargetConfig
from reenact.engine import Engine
from reenact.finish import Finish
from reenact.live import Live
from reenact.playing import EVERY_SECOND, HALF_SIZE, Playing
from reenact.retarget import Retarget, drive
from reenact.sinks import slate
from reenact.targets.library import OpenTarget, open_target
from reenact.targets.smaller import SmallerTarget
from reenact.tracking.innermouth import cut_inner_mouth
from reenact.tracking.topology import INNER_LIPS
from reenact.types import Composite, FaceTrack, Frame, InnerMouth, Kind, Motion, Patch, Shot

SIDE = 256
FAULTS: dict[str, Plan] = {
    "tracker": dict.fromkeys((45, *range(80, 130)), "no face"),
    "generator": {60: "raises"},
}


class PaintedDriver:
    """The built-in driver, every pixel of whom is the canary: background, face, and what is inside the lips."""

    size, rate, live = (640, 480), 30.0, True

    def __init__(self, clock: VirtualClock) -> None:
        self._clock, self._seq = clock, 0

    def read(self) -> Frame:
        track = driver()[1][self._seq % 60]
        pixels = np.full((480, 640, 3), CANARY, np.uint8)
        hull = cv2.convexHull(np.round(track.points[:, :2]).astype(np.int32))
        cv2.fillConvexPoly(pixels, hull, CANARY_FACE)
        frame = Frame(pixels, self._seq, self._clock.now())
        self._seq += 1
        return frame

    def close(self) -> None:
        """Holds nothing."""


class PlayedTracker:
    """What the real tracker found in the driver before it was painted; the inner mouth is really cut out."""

    def track(self, frame: Frame) -> FaceTrack | None:
        if planned(FAULTS["tracker"], frame.seq):
            return None
        return FaceTrack(driver()[1][frame.seq % 60].points, 0.9, 0, frame.seq, frame.t_capture)

    def inner_mouth(self, frame: Frame, track: FaceTrack) -> InnerMouth | None:
        return cut_inner_mouth(frame, track, np.full(3, 200, np.float32))

    def reset(self) -> None:
        """Follows nobody else."""

    def close(self) -> None:
        """Holds nothing."""


class Watched:
    """The real generator; tells where the lips are that it draws, and fails once."""

    def __init__(self, playing: Playing, neutral: np.ndarray) -> None:
        self._generator, self._neutral = playing.generator, neutral
        self.lips: dict[int, np.ndarray] = {}  # by seq: (20, 2), in parts of the picture's side
        self._calls = 0

    def generate(self, shot: Shot, motion: Motion, mouth: InnerMouth | None) -> Patch:
        self._calls += 1
        if planned(FAULTS["generator"], self._calls):
            raise RuntimeError("the model broke")
        points = drive(shot, self._neutral, motion, RetargetConfig()).points
        self.lips[motion.seq] = (points[INNER_LIPS, :2] + 0.5) / shot.pixels.shape[0]
        return self._generator.generate(shot, motion, mouth)

    def close(self) -> None:
        """The generator is its owner's."""


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenTarget]:
    path: Path = tmp_path_factory.mktemp("photo") / "a.png"
    cv2.imwrite(str(path), cv2.cvtColor(face(SIDE), cv2.COLOR_BGR2GRAY))  # no colour but the canary's
    with open_target(path, consent="synthetic") as target:
        yield target


def inside(lips: np.ndarray) -> np.ndarray:
    """(SIDE, SIDE) bool: the inner lips and two pixels about them, the width of a feathered and enlarged edge."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillPoly(mask, [np.round(lips * SIDE - 0.5).astype(np.int32)], 255)
    grown: np.ndarray = cv2.dilate(mask, np.ones((5, 5), np.uint8)) > 0
    return grown


def run(photo: OpenTarget, mouth: str, network: bool) -> tuple[dict[Kind, int], dict[Kind, int]]:
    """150 pictures; how many of each kind were seen, and the pixels with a trace, which must lie inside the lips."""
    clock = VirtualClock(50.0)
    seen, traces = dict.fromkeys(Kind, 0), dict.fromkeys(Kind, 0)

    def look(composite: Composite) -> None:
        trace = canary_trace(composite.pixels)
        seen[composite.kind] += 1
        traces[composite.kind] += int(trace.sum())
        if mouth == "driver" and composite.kind in (Kind.LIVE, Kind.HOLD):
            trace &= ~inside(watched.lips[composite.seq])
        assert not trace.any(), f"{trace.sum()} pixels of the driver in a {composite.kind.value} picture"

    config = GeneratorConfig(mouth=mouth, network=network, provider="cpu")
    with open_playing(photo, config) as playing:
        watched = Watched(playing, photo.neutral)
        smaller = Playing(SmallerTarget(photo), watched, playing.blender, playing.mouth)
        engine = Engine(
            PlayedTracker(),
            Retarget(RetargetConfig(neutral="first")),
            photo,
            watched,
            playing.blender,
            slate=slate((SIDE, SIDE)),
            mouth=playing.mouth,
            clock=clock,
            smaller=smaller,
            label=True,
            finish=Finish((SIDE, SIDE)),
        )
        live = Live(PaintedDriver(clock), engine, FakeSink(look=look), LiveConfig(rate=30, adapt=False))
        for n in range(150):
            if n in (20, 40, 70):
                engine.leave_out(frozenset({20: (EVERY_SECOND,), 40: (HALF_SIZE,), 70: ()}[n]))
            live.capture_once()
            live.track_once(0)
            live.compose_once(0)
            live.send_once(0)
            clock.advance(PERIOD)
    assert engine.stats.counted("faults") == 1
    return seen, traces


def test_no_canary_at_all_where_the_mouth_is_not_the_drivers(photo: OpenTarget) -> None:
    seen, traces = run(photo, "generated", network=True)
    assert all(seen[kind] > 2 for kind in Kind), seen
    assert sum(traces.values()) == 0


@pytest.mark.parametrize("network", [False, True])
def test_with_the_drivers_mouth_the_canary_is_inside_the_lips_and_nowhere_else(
    photo: OpenTarget, network: bool
) -> None:
    seen, traces = run(photo, "driver", network)
    assert all(seen[kind] > 2 for kind in Kind), seen
    assert traces[Kind.LIVE] > 100, traces  # it is seen there, or nothing would have been tested
    assert traces[Kind.REST] == traces[Kind.SLATE] == 0
