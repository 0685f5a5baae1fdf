"""A live loop of stand-ins whose threads are turned by hand, on a virtual clock."""

from collections.abc import Callable

from fakes import (
    SIZE,
    FakeBlender,
    FakeGenerator,
    FakeRetargeter,
    FakeSink,
    FakeSource,
    FakeTarget,
    FakeTracker,
    Plan,
    slate_pixels,
)

from reenact.clock import VirtualClock
from reenact.config import LiveConfig
from reenact.engine import Engine
from reenact.live import Live
from reenact.playing import Playing
from reenact.types import Composite, Kind

RATE = 30
PERIOD = 1 / RATE


class Rig:
    """faults: plans by stage (source, tracker, retargeter, target, generator, blender, sink); see tests/fakes.py."""

    def __init__(
        self,
        calibration: int = 0,
        kind: str = "photo",
        look: Callable[[Composite], None] | None = None,
        strict: bool = False,
        config: LiveConfig | None = None,
        extras: tuple[str, ...] = (),
        **faults: Plan,
    ) -> None:
        self.clock = VirtualClock(100.0)
        self.source = FakeSource(self.clock, faults=faults.get("source"))
        self.tracker = FakeTracker(faults.get("tracker"))
        self.generator = FakeGenerator(faults.get("generator"), extras)
        self.retargeter = FakeRetargeter(calibration, faults.get("retargeter"))
        self.target = FakeTarget(kind, faults.get("target"))
        blender = FakeBlender(faults.get("blender"))
        half = FakeTarget(kind, faults.get("target"), (SIZE[0] // 2, SIZE[1] // 2))
        self.engine = Engine(
            self.tracker,
            self.retargeter,
            self.target,
            self.generator,
            blender,
            slate=slate_pixels(),
            mouth=True,
            clock=self.clock,
            strict=strict,
            smaller=Playing(half, self.generator, blender, True),
        )
        self.sink = FakeSink(faults.get("sink"), look=look, clock=self.clock)
        self.live = Live(self.source, self.engine, self.sink, config or LiveConfig(rate=RATE))

    def turn(self, pictures: int, capture: bool = True, compose: bool = True) -> list[Kind]:
        """One turn of every thread for each picture; the kinds that the sink got."""
        before = len(self.sink.kinds)
        for _ in range(pictures):
            if capture:
                self.live.capture_once()
            self.live.track_once(0)
            if compose:
                self.live.compose_once(0)
            self.live.send_once(0)
            self.clock.advance(PERIOD)
        return self.sink.kinds[before:]


def runs(kinds: list[Kind]) -> list[str]:
    """The kinds without their repetitions."""
    return [k.value for i, k in enumerate(kinds) if i == 0 or kinds[i - 1] is not k]


def at(*calls: int, fault: str) -> Plan:
    return dict.fromkeys(calls, fault)


def between(first: int, last: int, fault: str) -> Plan:
    return dict.fromkeys(range(first, last), fault)
