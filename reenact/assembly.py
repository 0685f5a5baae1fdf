"""An engine of the real stages: what the command line runs, and the shortest way from Python.

Nothing heavy is imported before an engine is opened.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from reenact.clock import Clock
from reenact.config import GateConfig, GeneratorConfig, RetargetConfig, TrackingConfig

if TYPE_CHECKING:
    from reenact.engine import Engine
    from reenact.stats import Stats
    from reenact.targets.library import OpenTarget


@contextmanager
def open_engine(
    target: "OpenTarget",
    retarget: RetargetConfig | None = None,
    generator: GeneratorConfig | None = None,
    *,
    tracking: TrackingConfig | None = None,
    gate: GateConfig | None = None,
    live: bool = False,
    stats: "Stats | None" = None,
    clock: Clock | None = None,
) -> "Iterator[Engine]":
    """An Engine of MediaPipe tracking, the portrait generator and Poisson blending, closed at the end.

    target  opened by reenact.open_target; it stays its owner's
    live    True: faults are logged and the slate stands in, a driver's face eases in.  False, for files: faults
            are raised, and a face in the first frame drives that frame
    Raises ModelError where the generator's model cannot run as asked.
    """
    from reenact.blending import PoissonCompositor
    from reenact.engine import Engine
    from reenact.generation import PortraitGenerator
    from reenact.retarget import Retarget
    from reenact.sinks import slate
    from reenact.tracking import FaceMeshTracker

    retarget, generator = retarget or RetargetConfig(), generator or GeneratorConfig()
    with ExitStack() as open_now:
        made = PortraitGenerator(target, generator, retarget, target.models)
        open_now.callback(made.close)
        tracker = FaceMeshTracker(tracking or TrackingConfig())
        open_now.callback(tracker.close)
        yield Engine(
            tracker,
            Retarget(retarget),
            target,
            made,
            PoissonCompositor(),
            slate=slate(target.size),
            mouth=made.mouth == "driver",
            gate=gate,
            strict=not live,
            at_once=not live,
            stats=stats,
            clock=clock,
        )
