"""What a turn of each thread costs on this machine, tried before the first picture is shown.

The real stages work on the target's own picture, tracking and generating beside each other as they will in the live
loop (reenact.live): alone, each would find the cores free.
"""

import statistics
import threading
from dataclasses import replace

import cv2
import numpy as np

from reenact.config import AdaptConfig
from reenact.crew import Crew
from reenact.easing import rest_motion
from reenact.engine import Engine
from reenact.playing import EVERY_SECOND
from reenact.tracking.topology import INNER_LIPS
from reenact.types import Frame, Motion

_LOWER_LIP = INNER_LIPS[11:]
_FIRST = 1  # turns that are not counted: the tracker looks for the face, what was never used is loaded
_ENOUGH = 2  # turns that say something
_END_S = 5.0  # how long a tracker may take to return


class Trial:
    """Tries an engine out, unseen: its statistics, its gate and its retargeter know nothing of it.

    size      (width, height) of the camera's pictures
    period_s  seconds between two of them
    together  False: one thread after the other, in the calling one, as a virtual clock needs it
    """

    def __init__(
        self,
        engine: Engine,
        size: tuple[int, int],
        period_s: float,
        config: AdaptConfig | None = None,
        *,
        together: bool = True,
    ) -> None:
        self._engine, self._clock, self._period = engine, engine.clock, period_s
        self._config, self._together = config or AdaptConfig(), together
        pixels = engine.target.shot(0, None).pixels
        self._pixels = np.ascontiguousarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
        self._motion = talking()
        self._seq = 0
        self._tracked: list[float] = []
        self._made: list[float] = []

    def costs(self, left_out: frozenset[str]) -> dict[str, float]:
        """Seconds that a turn of "track" and of "compose" takes without what is left out; raises what a stage raises.

        The median of AdaptConfig.tries turns, or of as many as AdaptConfig.try_s allows.
        """
        self._engine.leave_out(left_out)
        self._tracked.clear()
        self._made.clear()
        if self._together:
            self._beside()
        else:
            while not self._enough(self._tracked) or not self._enough(self._made):
                self._track()
                self._compose()
        self._engine.tracker.reset()
        cost = {"track": _usual(self._tracked), "compose": _usual(self._made)}
        if EVERY_SECOND in left_out:
            cost["track"] /= 2
        return cost

    def _beside(self) -> None:
        ending = threading.Event()

        def turn() -> None:
            self._track()
            ending.wait(max(0.0, self._period - self._tracked[-1]))  # no more often than pictures will come

        crew = Crew({"track": turn}, ending, self._clock)
        crew.start()
        try:
            while not ending.is_set() and not (self._enough(self._made) and self._enough(self._tracked)):
                self._compose()
        finally:
            ending.set()
            crew.all_ended(self._clock.now() + _END_S)
        if crew.error is not None:
            raise crew.error

    def _enough(self, turns: list[float]) -> bool:
        counted = turns[_FIRST:]
        return len(counted) >= self._config.tries or (len(counted) >= _ENOUGH and sum(counted) >= self._config.try_s)

    def _track(self) -> None:
        began = self._clock.now()
        self._engine.tracker.track(Frame(self._pixels, self._seq, began))
        self._seq += 1
        self._tracked.append(self._clock.now() - began)

    def _compose(self) -> None:
        began = self._clock.now()
        self._engine.draft(self._motion)
        self._made.append(self._clock.now() - began)


def talking() -> Motion:
    """A motion for which everything has to be drawn: head turned, lips apart, eyes turned and half shut."""
    rest = rest_motion(0, 0.0)
    expression = rest.expression
    expression[_LOWER_LIP, 1] = 0.15
    turn = cv2.Rodrigues(np.array([0.05, 0.1, 0.0]))[0].astype(np.float32)
    gaze, lids = np.full((2, 2), 0.12, np.float32), np.full(2, 0.5, np.float32)
    return replace(rest, rotation=turn, expression=expression, gaze=gaze, lids=lids)


def _usual(turns: list[float]) -> float:
    return statistics.median(turns[_FIRST:])
