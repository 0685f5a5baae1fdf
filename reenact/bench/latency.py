"""The real live loop from a source to a sink that only converts, timed."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from reenact.assembly import open_engine
from reenact.bench.compare import lost_percent
from reenact.bench.machine import facts
from reenact.bench.watch import Arrivals, Converting, Process, resident_mb, slope_per_hour
from reenact.config import GeneratorConfig, LiveConfig
from reenact.crew import cores_shared
from reenact.errors import InputError
from reenact.live import Live
from reenact.sources.media import open_media
from reenact.sources.paced import Paced
from reenact.stages import Source, Tracker
from reenact.stats import LATENCY, Series
from reenact.types import Frame, Kind

if TYPE_CHECKING:
    from reenact.targets.library import OpenTarget

_ALONE = 90  # pictures tracked alone before the loop, and again after it
_MEMORY_SETTLES_S = 600.0  # seconds after which memory must not grow any more
_POINTS = 400  # of a curve, at most


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds: middle, tail and worst."""

    p50: float
    p95: float
    p99: float
    max: float

    @classmethod
    def of(cls, seconds: "np.ndarray[Any, Any]") -> "Spread | None":
        if len(seconds) == 0:
            return None
        return cls(*(float(v) for v in np.percentile(1000 * seconds, (50, 95, 99, 100))))


@dataclass(frozen=True, slots=True)
class Work:
    """What a new picture costs, beside what tracking it alone costs in the same process, before and after the loop.

    stages_ms, tracking_ms  the stages' medians added up, by the clock; and the median of tracking alone
    cpu_ms, tracking_cpu_ms  CPU time of the whole process for a new picture, decoding the source's and pacing
                            included; and of tracking alone
    ratio, cpu_ratio        whole over tracking
    """

    stages_ms: float
    tracking_ms: float
    ratio: float
    cpu_ms: float
    tracking_cpu_ms: float
    cpu_ratio: float


@dataclass(frozen=True, slots=True)
class Counted:
    """Threads or open handles of the process while the loop ran settled: at first, at last, and between."""

    first: int
    last: int
    least: int
    most: int

    @classmethod
    def of(cls, counts: "np.ndarray[Any, Any]") -> "Counted":
        return cls(int(counts[0]), int(counts[-1]), int(counts.min()), int(counts.max()))


@dataclass(frozen=True, slots=True)
class Memory:
    """MiB, and how fast it grew once settled: after ten minutes, or in a shorter run after its first third.

    settled_s       the seconds from which slope, threads and handles are taken
    slope_per_hour  None where there are less than two minutes of it
    """

    start: float
    end: float
    largest: float
    settled_s: float
    slope_per_hour: float | None
    threads: Counted
    handles: Counted


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run showed.

    stages     each stage's times and the series "capture to sink": from the camera's picture to the moment at
               which the sink took what was made of it
    age        of every picture when the sink took it, the last one sent again included
    interval   between one picture and the next at the sink; jitter_ms is its standard deviation
    dropped    pictures replaced by newer ones before they were used, and whose; dropped_percent: of all there were
    sent       pictures the sink took, by kind; again: those of them that were the last picture once more
    left_out   what the loop left out at the end because the machine is too slow; changes: how often that changed
    cpu        of one core, percent
    curves     for plots: times by the second, histograms, memory
    """

    target: str
    size: tuple[int, int]
    source_rate: float
    provider: str
    seconds: float
    frames_per_s: float
    captured: int
    dropped: dict[str, int]
    dropped_percent: float
    sent: dict[str, int]
    again: int
    faults: int
    left_out: str
    changes: int
    age: Spread | None
    interval: Spread | None
    jitter_ms: float
    cpu: float
    work: Work | None
    memory: Memory | None
    stages: list[Series]
    curves: dict[str, Any]

    def latency(self) -> Series | None:
        return next((row for row in self.stages if row.name == LATENCY), None)

    def as_json(self) -> dict[str, Any]:
        return {"bench": "latency", "machine": facts(), **asdict(self)}


class AtRate:
    """A file's pictures with the time stamps of another rate: the same performance, played faster or slower."""

    live = False

    def __init__(self, source: Source, rate: float) -> None:
        self._source, self.rate, self.size = source, rate, source.size

    def read(self) -> Frame | None:
        frame = self._source.read()
        return None if frame is None else Frame(frame.pixels, frame.seq, frame.seq / self.rate)

    def close(self) -> None:
        self._source.close()


def measure(
    driver: Path,
    target: "OpenTarget",
    seconds: float,
    rate: float | None = None,
    generator: GeneratorConfig | None = None,
    *,
    adapt: bool = True,
) -> Measured:
    """Runs the live loop for so many seconds, the driver's file played round and round in real time.

    rate   of the source, frames/s; None: the file's own.  The sink is paced at the same rate.
    adapt  whether the loop may leave something out on a machine that is too slow, from the start where a trial shows it
    The first second (or a quarter of a shorter run) is not counted: models load, caches fill, the neutral is taken.
    """
    source = Paced(lambda: _at_rate(open_media(driver), rate), loop=True)
    config = LiveConfig(rate=source.rate, adapt=adapt)
    room = int(2 * seconds * source.rate) + 1000
    with open_engine(target, generator=generator, live=True) as engine:
        alone = [_tracked_alone(engine.tracker, driver)]
        Live(source, engine, Converting(room=1), config).run(min(1.0, seconds / 4))
        engine.stats.clear()
        source = Paced(lambda: _at_rate(open_media(driver), rate), loop=True)
        sink = Converting(room=room)
        live = Live(source, engine, sink, config)
        live.try_out()
        with Process() as process:
            before = time.process_time()
            live.run(seconds)
            used = time.process_time() - before
        stages = live.stats.table()
        alone.append(_tracked_alone(engine.tracker, driver))
    stats, ran, noted = live.stats, live.seconds, sink.noted
    fresh = stats.counted("sent") - stats.counted("sent again")
    captured, dropped = stats.counted("captured"), {"source": source.dropped, **live.dropped}
    return Measured(
        target=f"{target.name} ({target.kind})",
        size=target.size,
        source_rate=source.rate,
        provider=str(getattr(engine.generator, "provider", "")),
        seconds=ran,
        frames_per_s=fresh / ran,
        captured=captured,
        dropped=dropped,
        dropped_percent=lost_percent(captured, dropped),
        sent={kind.value: stats.counted(f"sent {kind.value}") for kind in Kind},
        again=stats.counted("sent again"),
        faults=stats.counted("faults"),
        left_out=live.slow,
        changes=stats.counted("settings changed"),
        age=Spread.of(noted.ages[~noted.of(Kind.SLATE)]),
        interval=Spread.of(noted.intervals),
        jitter_ms=1000 * float(noted.intervals.std()) if len(noted.intervals) else 0.0,
        cpu=100.0 * used / ran,
        work=work_of(stages, fresh, used, np.concatenate(alone)),
        memory=memory_of(process.samples[process.samples[:, 0] <= ran]),
        stages=stages,
        curves=curves(noted, process.samples),
    )


def _tracked_alone(tracker: Tracker, driver: Path) -> "np.ndarray[Any, Any]":
    """(n, 2) seconds: by the clock and of CPU, of tracking the driver's first pictures one after the other."""
    source = open_media(driver)
    spent: list[tuple[float, float]] = []
    try:
        with cores_shared():
            while len(spent) < _ALONE and (frame := source.read()) is not None:
                began, cpu = time.perf_counter(), time.process_time()
                tracker.track(frame)
                spent.append((time.perf_counter() - began, time.process_time() - cpu))
    finally:
        source.close()
        tracker.reset()
    return np.array(spent).reshape(-1, 2)


def work_of(stages: list[Series], pictures: int, cpu_s: float, alone: "np.ndarray[Any, Any]") -> Work | None:
    """Whole-loop work for each of so many new pictures, over tracking alone; None where nothing was made."""
    if pictures == 0 or len(alone) == 0:
        return None
    whole = sum(row.p50_ms * row.count for row in stages if row.name != LATENCY) / pictures
    tracking, tracking_cpu = (max(1000 * float(v), 1e-6) for v in np.median(alone, axis=0))
    cpu = 1000 * cpu_s / pictures
    return Work(whole, tracking, whole / tracking, cpu, tracking_cpu, cpu / tracking_cpu)


def memory_of(samples: "np.ndarray[Any, Any]") -> Memory | None:
    """What the samples of a `Process` show; None without any."""
    if len(samples) == 0:
        return None
    settled = min(_MEMORY_SETTLES_S, samples[-1, 0] / 3)
    late = samples[samples[:, 0] >= settled]
    return Memory(
        start=float(samples[0, 1]),
        end=float(samples[-1, 1]),
        largest=max(float(samples[:, 1].max()), resident_mb() or 0.0),
        settled_s=float(settled),
        slope_per_hour=slope_per_hour(samples, settled),
        threads=Counted.of(late[:, 2]),
        handles=Counted.of(late[:, 3]),
    )


def curves(noted: Arrivals, memory: "np.ndarray[Any, Any]") -> dict[str, Any]:
    """What the report plots, small enough for JSON: by time the median and the worst capture to sink, histograms of
    both, memory."""
    live = noted.of(Kind.LIVE) & noted.fresh
    times, ages = noted.times[live] - (noted.times[0] if len(noted.times) else 0.0), 1000 * noted.ages[live]
    made: dict[str, Any] = {}
    if len(ages):
        parts = np.array_split(np.arange(len(ages)), min(_POINTS, max(1, len(ages) // 5)))
        made["latency"] = {
            "t": [round(float(times[p].mean()), 3) for p in parts],
            "p50": [round(float(np.median(ages[p])), 3) for p in parts],
            "max": [round(float(ages[p].max()), 3) for p in parts],
        }
        made["latency_histogram"] = histogram_of(ages)
    if len(noted.intervals):
        made["interval_histogram"] = histogram_of(1000 * noted.intervals)
    if len(memory):
        kept = memory[:: -(-len(memory) // _POINTS)]
        made["memory"] = {"t": [round(float(v), 1) for v in kept[:, 0]], "mb": [round(float(v), 2) for v in kept[:, 1]]}
    return made


def histogram_of(values: "Sequence[float] | np.ndarray[Any, Any]") -> dict[str, Any]:
    """Milliseconds as counts between edges, up to the 99.5th percentile; the last bin holds what is beyond."""
    values_ms = np.asarray(values)
    low, high = float(values_ms.min()), float(np.percentile(values_ms, 99.5))
    edges = np.linspace(low, max(high, low + 1.0), 41)
    counts = np.histogram(np.minimum(values_ms, edges[-1]), edges)[0]
    return {"edges": [round(float(e), 3) for e in edges], "counts": [int(c) for c in counts]}


def _at_rate(source: Source, rate: float | None) -> Source:
    return source if rate is None else AtRate(source, rate)


@contextmanager
def on_canvas(picture: Path, size: tuple[int, int]) -> Iterator[Path]:
    """A picture file of `size` with the picture as large as fits, its edges blurred outwards; gone at the end."""
    from reenact.sources import read_picture

    if min(size) < 64 or size[0] % 2 or size[1] % 2:
        raise InputError(f"a size of {size[0]}x{size[1]} cannot be measured: expected even numbers from 64 on")
    pixels = read_picture(picture)
    height, width = pixels.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    small = cv2.resize(pixels, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    canvas = cv2.GaussianBlur(cv2.resize(pixels, size), (0, 0), size[1] / 20)
    x, y = (size[0] - small.shape[1]) // 2, (size[1] - small.shape[0]) // 2
    canvas[y : y + small.shape[0], x : x + small.shape[1]] = small
    with TemporaryDirectory(prefix="reenact-bench-") as folder:
        path = Path(folder) / f"{picture.stem}-{size[0]}x{size[1]}.png"
        path.write_bytes(np.asarray(cv2.imencode(".png", canvas)[1]).tobytes())
        yield path


def save(result: dict[str, Any], path: Path) -> None:
    """Writes what `Measured.as_json` gave."""
    path.write_text(json.dumps(result, indent=1) + "\n")
