"""An engine of the real stages: what the command line runs, and the shortest way from Python.

Nothing heavy is imported before an engine is opened.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from reenact.clock import Clock
from reenact.config import FinishConfig, GateConfig, GeneratorConfig, RetargetConfig, TrackingConfig
from reenact.errors import ModelError

if TYPE_CHECKING:
    from reenact.engine import Engine
    from reenact.generation import PortraitGenerator
    from reenact.generation.gpu import CudaPortrait
    from reenact.generation.mending import MendingGenerator
    from reenact.playing import Playing
    from reenact.stats import Stats
    from reenact.targets.library import OpenTarget

log = logging.getLogger(__name__)

_SMALLEST = 240  # rows or columns: a target is not played at half its size when that has fewer


@contextmanager
def open_playing(
    target: "OpenTarget",
    generator: GeneratorConfig | None = None,
    *,
    live: bool = False,
    finish: FinishConfig | None = None,
) -> "Iterator[Playing]":
    """The stages that play one target, closed at the end; the target stays its owner's.

    live    True: the target at half its size is made ready too, for a machine that is too slow
    finish  says whether its pictures get the visible label
    Raises ModelError where the generator's model cannot run as asked.
    """
    from reenact.blending import PoissonCompositor
    from reenact.playing import Playing
    from reenact.provenance.label import label_due
    from reenact.targets.smaller import SmallerTarget

    label = label_due((finish or FinishConfig()).label, target.bundle.consent.kind)
    config = generator or GeneratorConfig()
    first = _generator(target, config)
    made: PortraitGenerator | CudaPortrait | MendingGenerator = first
    if live and first.provider != "cpu":
        made = _mending(first, target, config)
        del first  # or its memory stays with it when its device has failed
    try:
        mouth = made.mouth == "driver"
        smaller = None
        if live and made.provider == "cpu" and min(target.size) >= 2 * _SMALLEST:
            smaller = Playing(SmallerTarget(target), made, PoissonCompositor(), mouth)
        yield Playing(target, made, PoissonCompositor(), mouth, smaller, label)
    finally:
        made.close()


def _generator(target: "OpenTarget", config: GeneratorConfig) -> "PortraitGenerator | CudaPortrait":
    """The whole picture on an NVIDIA GPU where the provider is one and numba can use it, else the CPU's generator,
    whose network alone may run elsewhere."""
    from reenact.generation import PortraitGenerator

    reason = ""
    if config.provider in ("auto", "cuda", "tensorrt"):
        try:
            from reenact.generation import gpu
        except ImportError as error:  # no numba-cuda, the extra `cuda`
            reason = str(error)
        else:
            reason = "numba simulates a GPU" if gpu.SIMULATED else gpu.absence()
            if not reason:
                try:
                    return gpu.CudaPortrait(target, config, models=target.models)
                except ModelError as error:
                    if config.provider != "auto" and not config.allow_cpu:
                        raise
                    reason = str(error)
    made = PortraitGenerator(target, config, models=target.models)
    if reason and made.provider in ("cuda", "tensorrt"):
        log.warning("the network runs on %s, all else on the CPU: %s", made.provider, reason)
    return made


def _mending(
    first: "PortraitGenerator | CudaPortrait", target: "OpenTarget", config: GeneratorConfig
) -> "MendingGenerator":
    """The generator, made anew when its device fails: where it was, then with a worker, then as was first asked."""
    from reenact.generation import PortraitGenerator
    from reenact.generation.mending import MendingGenerator, Placed
    from reenact.generation.modelworker import WorkerSession

    there = replace(config, provider=first.provider, allow_cpu=False)
    made = [first]
    ways: list[Callable[[], Placed]] = [
        lambda: made.pop() if made else _generator(target, there),
        lambda: PortraitGenerator(target, there, models=target.models, opens=WorkerSession),
    ]
    if config.provider == "auto" or config.allow_cpu:
        ways.append(lambda: PortraitGenerator(target, replace(config, provider="cpu"), models=target.models))
    return MendingGenerator(ways, config)


@contextmanager
def open_engine(
    target: "OpenTarget",
    retarget: RetargetConfig | None = None,
    generator: GeneratorConfig | None = None,
    *,
    tracking: TrackingConfig | None = None,
    gate: GateConfig | None = None,
    finish: FinishConfig | None = None,
    live: bool = False,
    stats: "Stats | None" = None,
    clock: Clock | None = None,
) -> "Iterator[Engine]":
    """An Engine of MediaPipe tracking, the portrait generator and Poisson blending, closed at the end.

    target  opened by reenact.open_target; it stays its owner's
    finish  the watermark and the visible label on every picture
    live    True: faults are logged and the slate stands in, a driver's face eases in.  False, for files: faults
            are raised, and a face in the first frame drives that frame
    Raises ModelError where the generator's model cannot run as asked.
    """
    from reenact.engine import Engine
    from reenact.finish import Finish
    from reenact.gains import Gains
    from reenact.provenance.marker import known_signer
    from reenact.retarget import Retarget
    from reenact.sinks import slate
    from reenact.tracking import FaceMeshTracker

    retarget = retarget or RetargetConfig()
    with ExitStack() as open_now:
        playing = open_now.enter_context(open_playing(target, generator, live=live, finish=finish))
        tracker = FaceMeshTracker(tracking or TrackingConfig())
        open_now.callback(tracker.close)
        yield Engine(
            tracker,
            Retarget(retarget),
            playing.target,
            playing.generator,
            playing.blender,
            slate=slate(target.size),
            mouth=playing.mouth,
            gate=gate,
            strict=not live,
            at_once=not live,
            stats=stats,
            clock=clock,
            gains=Gains(retarget.expression_gain, retarget.head_gain, retarget.gaze_gain),
            smaller=playing.smaller,
            label=playing.label,
            finish=Finish(target.size, finish, signer=known_signer()),
        )
