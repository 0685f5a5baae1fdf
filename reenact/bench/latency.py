"""The real live loop from a source to a sink that only converts, timed."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from reenact.assembly import open_engine
from reenact.bench.machine import facts
from reenact.config import GeneratorConfig, LiveConfig
from reenact.errors import InputError
from reenact.live import Live
from reenact.stages import Source
from reenact.stats import LATENCY, Series
from reenact.types import Composite, Frame, Kind, Pixels

if TYPE_CHECKING:
    from reenact.targets.library import OpenTarget


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run showed.

    stages     each stage's times and the series "capture to sink": from the camera's picture to the moment at
               which the sink took what was made of it
    sent       pictures the sink took, by kind; again: those of them that were the last picture once more
    cpu        of one core, percent; memory_mb the largest resident size
    """

    target: str
    size: tuple[int, int]
    source_rate: float
    seconds: float
    frames_per_s: float
    captured: int
    dropped: int
    sent: dict[str, int]
    again: int
    faults: int
    cpu: float
    memory_mb: float | None
    stages: list[Series]

    def latency(self) -> Series | None:
        return next((row for row in self.stages if row.name == LATENCY), None)

    def as_json(self) -> dict[str, Any]:
        return {"bench": "latency", "machine": facts(), **asdict(self)}


class Converting:
    """A sink that does what a virtual camera's does before it writes: BGR to I420, but for pictures of odd size."""

    def __init__(self) -> None:
        self.frames = 0
        self._planes: Pixels | None = None

    def send(self, composite: Composite) -> None:
        height, width = composite.pixels.shape[:2]
        if height % 2 == 0 and width % 2 == 0:
            self._planes = cv2.cvtColor(composite.pixels, cv2.COLOR_BGR2YUV_I420, dst=self._planes)  # type: ignore[assignment]
        self.frames += 1

    def close(self) -> None:
        self._planes = None


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
) -> Measured:
    """Runs the live loop for so many seconds, the driver's file played round and round in real time.

    rate  of the source, frames/s; None: the file's own.  The sink is paced at the same rate.
    The first second (or a quarter of a shorter run) is not counted: models load, caches fill, the neutral is taken.
    """
    from reenact.sources import open_media
    from reenact.sources.paced import Paced

    source = Paced(lambda: _at_rate(open_media(driver), rate), loop=True)
    sink = Converting()
    with open_engine(target, generator=generator, live=True) as engine:
        lead_in = Live(source, engine, sink, LiveConfig(rate=source.rate))
        lead_in.run(min(1.0, seconds / 4))
        engine.stats.clear()
        source = Paced(lambda: _at_rate(open_media(driver), rate), loop=True)
        live = Live(source, engine, sink, LiveConfig(rate=source.rate))
        before = time.process_time()
        live.run(seconds)
        used = time.process_time() - before
    stats, ran = live.stats, live.seconds
    return Measured(
        target=f"{target.name} ({target.kind})",
        size=target.size,
        source_rate=source.rate,
        seconds=ran,
        frames_per_s=(stats.counted("sent") - stats.counted("sent again")) / ran,
        captured=stats.counted("captured"),
        dropped=live.drops + source.dropped,
        sent={kind.value: stats.counted(f"sent {kind.value}") for kind in Kind},
        again=stats.counted("sent again"),
        faults=stats.counted("faults"),
        cpu=100.0 * used / ran,
        memory_mb=_largest_mb(),
        stages=stats.table(),
    )


def _largest_mb() -> float | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


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


def save(measured: Measured, path: Path) -> None:
    """Writes the result as JSON, with the facts of the machine."""
    path.write_text(json.dumps(measured.as_json(), indent=1) + "\n")
