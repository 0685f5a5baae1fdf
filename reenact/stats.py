"""Times and counts of a running engine: medians and 95th percentiles by stage, drops, faults.

Thread safe.  Each series keeps its newest values only (`WINDOW`), so that hours of running cost no memory.
"""

import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from reenact.clock import Clock, MonotonicClock

WINDOW = 4096  # values kept of a series: more than two minutes at 30 frames/s
LATENCY = "capture to sink"  # the series every live picture ends in


@dataclass(frozen=True, slots=True)
class Series:
    """One stage's times: how many there were in all, and of the newest `WINDOW` the percentiles in milliseconds."""

    name: str
    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


class Stats:
    """Collects durations by name and counts by name."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or MonotonicClock()
        self._lock = threading.Lock()
        self._values: dict[str, deque[float]] = {}
        self._counts: Counter[str] = Counter()
        self._totals: Counter[str] = Counter()

    def add(self, name: str, seconds: float) -> None:
        """Adds one duration to a series."""
        with self._lock:
            self._values.setdefault(name, deque(maxlen=WINDOW)).append(seconds)
            self._totals[name] += 1

    def count(self, name: str, by: int = 1) -> None:
        """Counts an event: a drop, a fault, a picture sent."""
        with self._lock:
            self._counts[name] += by

    def counted(self, name: str) -> int:
        with self._lock:
            return self._counts[name]

    @property
    def counts(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counts)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times what happens inside; a stage that raises is not counted among the times."""
        start = self._clock.now()
        yield
        self.add(name, self._clock.now() - start)

    def clear(self) -> None:
        """Forgets everything: the start of a measurement."""
        with self._lock:
            for kept in (self._values, self._counts, self._totals):
                kept.clear()

    def series(self, name: str) -> Series | None:
        """One series' percentiles; None when it has no values."""
        with self._lock:
            values = list(self._values.get(name, ()))
            total = self._totals[name]
        if not values:
            return None
        p50, p95, p99, top = np.percentile(np.asarray(values) * 1000.0, (50, 95, 99, 100))
        return Series(name, total, float(p50), float(p95), float(p99), float(top))

    def table(self) -> list[Series]:
        """Every series, in the order in which they first appeared."""
        with self._lock:
            names = list(self._values)
        return [row for name in names if (row := self.series(name)) is not None]
