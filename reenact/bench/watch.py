"""Watching a live loop from its sink, and the process that runs it, without adding to what is measured.

All room is taken at the start: memory that grew with the measurement would be measured as well.
"""

import os
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from reenact.clock import Clock, MonotonicClock
from reenact.types import Composite, Kind, Pixels

_ROOM = 1_000_000  # pictures: more than four hours at 60 a second
_KINDS = tuple(Kind)
_MIB = 2**20
_APART_S = 60.0  # samples closer than this tell of noise more than of growth
_FITTED = 1200  # samples to fit a slope to: 700,000 pairs

Floats64 = npt.NDArray[np.float64]


class Converting:
    """A sink that does what a virtual camera's does before it writes (BGR to I420, but for pictures of odd size), and
    notes when each picture came and how old it was.

    room  pictures that are noted; those beyond are only counted
    """

    def __init__(self, clock: Clock | None = None, room: int = _ROOM) -> None:
        self.frames = 0
        self._clock = clock or MonotonicClock()
        self._planes: Pixels | None = None
        self._times, self._captured = np.full((2, room), np.nan)
        self._seqs = np.full(room, -1, np.int64)
        self._kinds = np.zeros(room, np.uint8)

    def send(self, composite: Composite) -> None:
        height, width = composite.pixels.shape[:2]
        if height % 2 == 0 and width % 2 == 0:
            self._planes = cv2.cvtColor(composite.pixels, cv2.COLOR_BGR2YUV_I420, dst=self._planes)  # type: ignore[assignment]
        n = self.frames
        self.frames = n + 1
        if n < len(self._times):
            self._times[n], self._captured[n] = self._clock.now(), composite.t_capture
            self._seqs[n], self._kinds[n] = composite.seq, _KINDS.index(composite.kind)

    def close(self) -> None:
        self._planes = None

    @property
    def noted(self) -> "Arrivals":
        n = min(self.frames, len(self._times))
        return Arrivals(self._times[:n], self._captured[:n], self._seqs[:n], self._kinds[:n])


class Arrivals:
    """What came to a sink, in order.

    times     (n,) seconds of the clock, when the sink had dealt with it
    captured  (n,) seconds of the same clock: the t_capture that came with it
    seqs      (n,) of its frame;  kinds (n,) index into the list of Kind
    """

    def __init__(
        self, times: Floats64, captured: Floats64, seqs: npt.NDArray[np.int64], kinds: npt.NDArray[np.uint8]
    ) -> None:
        self.times, self.captured, self.seqs, self.kinds = times, captured, seqs, kinds

    def of(self, *kinds: Kind) -> npt.NDArray[np.bool_]:
        wanted = [_KINDS.index(kind) for kind in kinds]
        return np.isin(self.kinds, wanted)

    @property
    def fresh(self) -> npt.NDArray[np.bool_]:
        """Those that are not the one before once more."""
        return np.append(True, (np.diff(self.seqs) != 0) | (np.diff(self.captured) != 0))[: len(self.seqs)]

    @property
    def ages(self) -> Floats64:
        """(n,) seconds between capture and sink."""
        return self.times - self.captured

    @property
    def intervals(self) -> Floats64:
        """(n - 1,) seconds between one and the next."""
        return np.diff(self.times)


class Process:
    """Memory, threads and handles of this process, sampled at once and then once a second by a thread of its own.

    used as a context manager; samples  (n, 4): seconds since the start, MiB resident, threads, open handles
    """

    def __init__(self, period_s: float = 1.0, room: int = 100_000) -> None:
        self._period = period_s
        self._samples = np.full((room, 4), np.nan)
        self._count = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._began = 0.0

    @property
    def samples(self) -> Floats64:
        return self._samples[: self._count]

    def __enter__(self) -> "Process":
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._note()
            if self._ending.wait(self._period):
                return

    def _note(self) -> None:
        resident = resident_mb()
        if resident is not None and self._count < len(self._samples):
            row = time.monotonic() - self._began, resident, threads(), handles()
            self._samples[self._count] = row
            self._count += 1


def resident_mb() -> float | None:
    """MiB of memory that this process holds now; None where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / _MIB


def threads() -> int:
    """Threads of this process, those of its libraries included; where the system does not tell Python's own alone."""
    try:
        return sum(1 for _ in Path("/proc/self/task").iterdir())
    except OSError:
        return threading.active_count()


def handles() -> int:
    """Open files, devices and sockets of this process; 0 where the system does not tell."""
    try:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())
    except OSError:
        return 0


def slope_per_hour(samples: Floats64, after_s: float) -> float | None:
    """MiB an hour by which memory grows from `after_s` on: the median of the slopes between all pairs of samples at
    least a minute apart (Theil 1950, Sen 1968), which a single jump or a dip does not move as it moves least squares.

    None for less than two minutes of them: it would be noise.
    """
    late = samples[samples[:, 0] >= after_s]
    if len(late) < 10 or late[-1, 0] - late[0, 0] < 2 * _APART_S:
        return None
    late = late[:: -(-len(late) // _FITTED)]
    first, second = np.triu_indices(len(late), 1)
    apart, grown = (late[second] - late[first])[:, :2].T
    far = apart >= _APART_S
    return float(3600 * np.median(grown[far] / apart[far]))
