"""The GPU's path against the CPU's: the same pictures, to the grey level, and how long each step of it takes.

`benchmarks/gpu_check.py` runs it.  Both draw the built-in photo and video under the built-in driver's performance; the
CPU's network is the GPU's own float16 form, so that what differs is the arithmetic and not the model.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from reenact import assets
from reenact.bench.machine import facts
from reenact.config import GeneratorConfig
from reenact.generation.weights import find_model
from reenact.types import InnerMouth, Motion

if TYPE_CHECKING:
    from reenact.generation.gpu import CudaPortrait
    from reenact.targets.library import OpenTarget

ALIKE = {False: (0.05, 0.002), True: (0.25, 0.01)}  # without and with network: mean error, share beyond 2 levels
_PER_PICTURE = ("plan", "up", "target", "warp", "eyes and mouth", "network", "blend", "down")
_COMPARED = 24  # pictures that are compared, spread over the performance
_TIMED = 300


@dataclass(frozen=True, slots=True)
class Likeness:
    """How far the GPU's pictures are from the CPU's, grey levels; `alike` by the bounds in ALIKE."""

    target: str
    network: bool
    pictures: int
    mean: float
    share_beyond_1: float
    share_beyond_2: float
    largest: int
    changed: float  # share of the pixels that the driver changed at all: nothing compared would be nothing proved
    alike: bool


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds a picture; `whole_*` from motion to picture in memory, the steps' medians by the GPU's own clock.

    plan is the CPU's part, by the CPU's clock.  bytes up and down: what is copied for one picture.
    """

    target: str
    size: tuple[int, int]
    provider: str
    whole_p50: float
    whole_p95: float
    whole_p99: float
    cpu_p50: float  # the same picture on one core of the CPU, int8 network
    steps: dict[str, float]
    bytes_up: int
    bytes_down: int


def performance(count: int = 240) -> list[tuple[Motion, InnerMouth | None]]:
    """What the built-in driver does, frame by frame, and the inner mouths that go with it."""
    from reenact.retarget import Retarget
    from reenact.sources import VideoFile
    from reenact.tracking import FaceMeshTracker

    done: list[tuple[Motion, InnerMouth | None]] = []
    retarget = Retarget()
    with VideoFile(assets.DRIVER) as driver, FaceMeshTracker() as tracker:
        while len(done) < count and (frame := driver.read()) is not None:
            track = tracker.track(frame)
            if track is None:
                continue
            motion = retarget.retarget(track)
            if motion is not None:
                done.append((motion, tracker.inner_mouth(frame, track)))
    return done


def compare(
    target: "OpenTarget", painter: "CudaPortrait", model: str | None, acts: list[tuple[Motion, InnerMouth | None]]
) -> Likeness:
    """The painter's pictures of a target against the CPU's with that model (None: without network)."""
    from reenact.blending import PoissonCompositor
    from reenact.generation import PortraitGenerator

    config = GeneratorConfig(provider="cpu", network=model is not None)
    generator = PortraitGenerator(target, config if model is None else replace(config, model=model))
    blender = PoissonCompositor()
    means, beyond, largest, changed = [], [], 0, []
    for k in np.linspace(0, len(acts) - 1, min(_COMPARED, len(acts))).astype(int):
        motion, mouth = acts[k]
        shot = target.shot(int(k), motion)
        painted = painter.paint(int(k), motion, mouth)
        if painted is None or not shot.found:
            continue
        wanted = blender.blend(generator.generate(shot, motion, mouth), shot).pixels
        error = np.abs(painted[1].pixels.astype(np.int16) - wanted).max(2)
        rest = target.shot(int(k), None).pixels
        means.append(float(error.mean()))
        beyond.append([float((error > 1).mean()), float((error > 2).mean())])
        largest = max(largest, int(error.max()))
        changed.append(float((wanted != rest).any(2).mean()))
    one, two = np.mean(beyond, axis=0)
    mean = float(np.mean(means))
    most, share = ALIKE[model is not None]
    alike = mean <= most and two <= share and max(changed) > 0
    name = f"{target.name} ({target.kind})"
    return Likeness(
        name, model is not None, len(means), mean, float(one), float(two), largest, float(np.mean(changed)), bool(alike)
    )


def measure(
    target: "OpenTarget", painter: "CudaPortrait", acts: list[tuple[Motion, InnerMouth | None]], timed: int = _TIMED
) -> Timing:
    """Times of one painter, pictures one after the other."""
    whole = []
    for k in range(timed):
        motion, mouth = acts[k % len(acts)]
        began = time.perf_counter()
        painter.paint(k, motion, mouth)
        whole.append(1000 * (time.perf_counter() - began))
    p50, p95, p99 = (float(v) for v in np.percentile(whole, (50, 95, 99)))
    width, height = target.size
    return Timing(
        f"{target.name} ({target.kind})",
        target.size,
        painter.provider,
        p50,
        p95,
        p99,
        _on_cpu(target, acts, min(timed, 60)),
        _steps(painter, acts, min(timed, 120)),
        painter.bytes_up,
        3 * width * height,
    )


def _on_cpu(target: "OpenTarget", acts: list[tuple[Motion, InnerMouth | None]], timed: int) -> float:
    from reenact.blending import PoissonCompositor
    from reenact.generation import PortraitGenerator

    generator, blender = PortraitGenerator(target, GeneratorConfig(provider="cpu")), PoissonCompositor()
    spent = []
    for k in range(timed):
        motion, mouth = acts[k % len(acts)]
        began = time.perf_counter()
        shot = target.shot(k, motion)
        blender.blend(generator.generate(shot, motion, mouth), shot)
        spent.append(1000 * (time.perf_counter() - began))
    return float(np.median(spent))


def _steps(painter: "CudaPortrait", acts: list[tuple[Motion, InnerMouth | None]], timed: int) -> dict[str, float]:
    """Median milliseconds of each step: the plan's by the CPU's clock, the others' by events on the stream."""
    from numba import cuda

    events: list[tuple[str, Any, float]] = []

    def mark(name: str) -> None:
        event = cuda.event()
        event.record(painter.stream)
        events.append((name, event, time.perf_counter()))

    spent: dict[str, list[float]] = {name: [] for name in _PER_PICTURE}
    painter.on_step = mark
    try:
        for k in range(timed):
            events.clear()
            began = time.perf_counter()
            if painter.paint(k, *acts[k % len(acts)]) is None:
                continue
            before = None
            for name, event, at in events:
                elapsed = 1000 * (at - began) if before is None else float(before.elapsed_time(event))
                spent[name].append(elapsed)
                before = event
    finally:
        painter.on_step = None
    return {name: float(np.median(values)) for name, values in spent.items() if values}


@contextmanager
def targets(size: tuple[int, int] | None = None) -> "Iterator[list[OpenTarget]]":
    """The built-in photo, laid on a canvas of `size`, and the built-in video as it is."""
    from reenact.bench.latency import on_canvas
    from reenact.targets.library import open_target

    with ExitStack() as stack:
        photo = assets.PHOTO if size is None else stack.enter_context(on_canvas(assets.PHOTO, size))
        shown: list[OpenTarget] = []
        for path in (photo, assets.VIDEO):
            target = open_target(str(path), "synthetic")
            stack.callback(target.close)
            shown.append(target)
        yield shown


def run(size: tuple[int, int], timed: int = _TIMED, network: bool = True) -> dict[str, Any]:
    """Everything, as it is saved: likeness, times by provider, and why a provider is missing."""
    from reenact.errors import ModelError
    from reenact.generation.gpu import CudaPortrait

    acts = performance()
    likeness: list[Likeness] = []
    times: list[Timing] = []
    missing: dict[str, str] = {}
    form = find_model(GeneratorConfig().model).on_gpu or GeneratorConfig().model
    with targets(size) as shown:
        for target in shown:
            plain = CudaPortrait(target, GeneratorConfig(network=False, provider="cuda"))
            likeness.append(compare(target, plain, None, acts))
            for provider in ("cuda", "tensorrt") if network else ():
                try:
                    painter = CudaPortrait(target, GeneratorConfig(provider=provider))
                except ModelError as error:
                    missing[provider] = str(error)
                    continue
                likeness.append(compare(target, painter, form, acts))
                times.append(measure(target, painter, acts, timed))
            times.append(measure(target, plain, acts, timed))
    return {
        "bench": "gpu",
        "machine": facts(),
        "likeness": [asdict(row) for row in likeness],
        "times": [asdict(row) for row in times],
        "not_run": missing,
    }
