"""What is left out while the machine is too slow, and taken up again when it is not.

Each thread's load is the share of a period that its turns take.  Over `slow` the next thing that relieves that
thread is left out; when all would stay under `easy` for `patience_s` even with the last thing back, that is taken up
again.  What it saves is measured each time it is left out; since that may have been a bad moment it is tried once in a
while in spite of it.  The measure is the mean of the turns of the last `window_s` without the slowest tenth, so that
one stall changes nothing.  Before the first picture a trial may tell what turns cost: what does not fit is left out
from the start.

Nothing here reads a clock: the same times give the same decisions.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from reenact.config import AdaptConfig

log = logging.getLogger(__name__)

_ENOUGH = 3  # turns without which no load is known; a very slow thread makes few in a window
_GUESS = 1.5  # what is left out is taken to have saved a third until it was measured
_ONCE_IN_A_WHILE = 16.0  # times the patience


@dataclass(frozen=True, slots=True)
class Rung:
    """Something that can be left out: its name as the user reads it, and the thread that it relieves."""

    name: str
    relieves: str


class Ladder:
    """Decides from turn times what is left out.  Thread safe.

    period_s  seconds that each thread has for one picture
    rungs     what can be left out, what is least missed first; may be replaced while it runs
    """

    def __init__(self, period_s: float, rungs: Iterable[Rung] = (), config: AdaptConfig | None = None) -> None:
        self.config = config or AdaptConfig()
        self.period_s = period_s
        self._lock = threading.Lock()
        self._rungs: tuple[Rung, ...] = tuple(rungs)
        self._out: list[Rung] = []
        self._turns: dict[str, deque[tuple[float, float]]] = {}
        self._gain: dict[str, float] = {}
        self._before: tuple[Rung, float] | None = None  # left out last, and the load before: its gain is measured next
        self._easy_since: float | None = None
        self._looked_at = float("-inf")
        self._short = False  # whether a thread is too slow with all left out
        self._complained = False  # of that, since something was taken up last

    @property
    def left_out(self) -> frozenset[str]:
        """Names of what is left out now."""
        with self._lock:
            return frozenset(rung.name for rung in self._out)

    @property
    def note(self) -> str:
        """What is left out, and whether that is enough, in words; "" where all is as it should be."""
        with self._lock:
            parts = [rung.name for rung in self._out]
            if self._short:
                parts.append(f"still too slow for {1 / self.period_s:.0f} pictures a second")
        return "slow machine: " + ", ".join(parts) if parts else ""

    def offer(self, rungs: Iterable[Rung]) -> None:
        """Other things can be left out from now on; those that cannot any more count as taken up."""
        with self._lock:
            self._rungs = tuple(rungs)
            self._out = [rung for rung in self._out if rung in self._rungs]
            self._forget()

    def begin(self, costs: Callable[[frozenset[str]], Mapping[str, float]]) -> bool:
        """Leaves out what does not fit, one thing after the other, before there is any picture; True if anything was.

        costs  gives the seconds that a turn of each thread takes without what is named; see reenact.trial
        What fits is what would be taken up again later: a trial knows neither the source's work nor the sink's, and at
        95 percent of a period it found less than 90.
        """
        out = self.left_out
        while True:
            loads = {thread: seconds / self.period_s for thread, seconds in costs(self.left_out).items()}
            worst = max(loads, key=lambda thread: loads[thread])
            with self._lock:
                self._measure(loads)
                helps = any(rung.relieves == worst for rung in self._rungs if rung not in self._out)
                limit = self.config.easy if helps else self.config.slow
                if loads[worst] <= limit or not self._down(worst, loads[worst]):
                    return frozenset(rung.name for rung in self._out) != out

    def observe(self, thread: str, seconds: float, now: float) -> bool:
        """One turn of a thread that did its full work; True when something was left out or taken up."""
        with self._lock:
            turns = self._turns.setdefault(thread, deque())
            turns.append((now, seconds))
            while turns[0][0] < now - self.config.window_s:
                turns.popleft()
            if now - self._looked_at < self.config.window_s / 8:
                return False
            self._looked_at = now
            return self._decide(now)

    def load(self, thread: str) -> float | None:
        """The share of a period that the thread's turns take; None while too few are known."""
        turns = sorted(seconds for _, seconds in self._turns.get(thread, ()))
        if len(turns) < _ENOUGH:
            return None
        kept = turns[: len(turns) - len(turns) // 10]
        return sum(kept) / len(kept) / self.period_s

    def _decide(self, now: float) -> bool:
        loads = {thread: load for thread in self._turns if (load := self.load(thread)) is not None}
        if not loads or not self._settled(now):
            return False
        self._measure(loads)
        worst = max(loads, key=lambda thread: loads[thread])
        if loads[worst] > self.config.slow:
            self._easy_since = None
            return self._down(worst, loads[worst])
        self._short = False
        if not self._out or loads[worst] > self.config.easy:
            self._easy_since = None
            return False
        if self._easy_since is None:
            self._easy_since = now
        eased = now - self._easy_since
        back = self._could_come_back(loads)
        if back is not None and eased >= self.config.patience_s:
            return self._up(back)
        if eased >= _ONCE_IN_A_WHILE * self.config.patience_s:
            return self._up(self._out[-1])
        return False

    def _settled(self, now: float) -> bool:
        """Whether what is known is of the present settings: the window has filled since the last change."""
        first = min(turns[0][0] for turns in self._turns.values() if turns)
        return now - first >= 0.75 * self.config.window_s

    def _measure(self, loads: dict[str, float]) -> None:
        if self._before is not None:
            (rung, before), self._before = self._before, None
            now = loads.get(rung.relieves)
            if now is not None and now > 0:
                self._gain[rung.name] = max(1.0, before / now)

    def _down(self, thread: str, load: float) -> bool:
        left = [rung for rung in self._rungs if rung not in self._out]
        # on a machine with one core whatever is left out helps: the threads share it
        rung = next((rung for rung in left if rung.relieves == thread), left[0] if left else None)
        if rung is None:
            self._short = True
            if not self._complained:
                self._complained = True
                log.warning("%s: %s takes %.0f %% of its time", self._said("too slow"), thread, 100 * load)
            return False
        self._out.append(rung)
        self._before = (rung, load)
        log.warning("%s, %s takes %.0f %% of its time: %s", self._said("too slow"), thread, 100 * load, rung.name)
        self._forget()
        return True

    def _could_come_back(self, loads: dict[str, float]) -> Rung | None:
        """The last thing left out that all threads could bear again."""
        for rung in reversed(self._out):
            gain = self._gain.get(rung.name, _GUESS)
            expected = {thread: load * (gain if thread == rung.relieves else 1.0) for thread, load in loads.items()}
            if rung.relieves in loads and max(expected.values()) < self.config.easy:
                return rung
        return None

    def _up(self, rung: Rung) -> bool:
        self._out.remove(rung)
        self._complained = False
        log.warning("%s again: no longer %s", self._said("fast enough"), rung.name)
        self._forget()
        return True

    def _forget(self) -> None:
        self._turns.clear()
        self._easy_since, self._short = None, False

    def _said(self, how: str) -> str:
        return f"the machine is {how} for {1 / self.period_s:.0f} pictures a second"
