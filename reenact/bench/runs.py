"""One driver, several ways to make the picture: read once, composed by every variant, as `reenact render` does it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from reenact.bench.cases import pictures
from reenact.bench.scenes import Scene
from reenact.bench.variants import Make
from reenact.config import GeneratorConfig, RetargetConfig, TrackingConfig
from reenact.engine import Engine
from reenact.stages import Tracker
from reenact.types import Composite, FaceTrack, Frame, Motion, Pixels, Shot

if TYPE_CHECKING:
    from reenact.targets.library import OpenTarget


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """One frame: the driver's and its face, the truth's picture, and every variant's, these of the target's size."""

    frame: Frame
    track: FaceTrack | None
    truth: Pixels
    outputs: Mapping[str, Pixels]


Made = tuple[Frame, FaceTrack | None, dict[str, Composite]]
Variants = Mapping[str, Make | None]


def moments(
    scene: Scene,
    variants: Variants,
    retarget: RetargetConfig,
    generator: GeneratorConfig,
    rendered: Callable[[int], None] = lambda done: None,
) -> Iterator[Moment]:
    """Every moment of a scene; `rendered` is told how far rendering is where it goes before all else.

    Raises what the stages raise.
    """
    made = _composed(scene, variants, retarget, generator)
    if scene.coded:
        yield from _through_files(scene, variants, made, rendered)
        return
    for frame, track, composites in made:
        outputs = {name: composites[name].pixels if name in composites else scene.still(frame) for name in variants}
        yield Moment(frame, track, scene.truth(frame), outputs)


def _composed(scene: Scene, variants: Variants, retarget: RetargetConfig, generator: GeneratorConfig) -> Iterator[Made]:
    from reenact.tracking import FaceMeshTracker
    from reenact.tracking.calm import CalmTracker

    with ExitStack() as stack:
        tracker = FaceMeshTracker(TrackingConfig(smooth=False, views=True))
        stack.callback(tracker.close)
        calm = CalmTracker(tracker)
        engines = _engines(scene.target, calm, variants, retarget, generator, stack)
        asked = [engine for engine in engines.values() if getattr(engine.generator, "mouth", "") == "driver"]
        reader = next(iter([*asked, *engines.values()]), None)
        if reader is not None and scene.rest is not None:
            reader.retargeter.calibrate(scene.rest)
        for frame in calm.frames(scene.source):
            if reader is None:
                yield frame, calm.track(frame), {}
                continue
            reading = reader.read(frame)
            n = scene.number(frame)
            yield (
                frame,
                reading.track,
                {name: engine.compose(reading, n, frame.t_capture) for name, engine in engines.items()},
            )


def _engines(
    opened: "OpenTarget",
    tracker: Tracker,
    variants: Variants,
    retarget: RetargetConfig,
    generator: GeneratorConfig,
    stack: ExitStack,
) -> dict[str, Engine]:
    from reenact.blending import PoissonCompositor
    from reenact.retarget import Retarget
    from reenact.sinks import slate

    target, card = Remembered(opened), slate(opened.size)
    engines = {}
    for name, make in variants.items():
        if make is None:
            continue
        made = make(opened, generator, retarget)
        stack.callback(made.close)
        engines[name] = Engine(
            tracker,
            Retarget(retarget),
            target,
            made,
            PoissonCompositor(),
            slate=card,
            mouth=getattr(made, "mouth", "") == "driver",
            strict=True,
            at_once=True,
        )
    return engines


def _through_files(
    scene: Scene, variants: Variants, made: Iterator[Made], rendered: Callable[[int], None]
) -> Iterator[Moment]:
    """All is rendered into files first, then read back beside the truth."""
    from reenact.sinks import Recorder

    with TemporaryDirectory(prefix="reenact-bench-") as place:
        files = {name: Path(place) / f"{i}.mp4" for i, (name, make) in enumerate(variants.items()) if make is not None}
        tracks = []
        with ExitStack() as stack:
            sinks = {
                name: stack.enter_context(Recorder(path, scene.target.size, rate=scene.source.rate))
                for name, path in files.items()
            }
            for _, track, composites in made:
                tracks.append(track)
                for name, composite in composites.items():
                    sinks[name].send(composite)
                rendered(len(tracks))
        streams = {name: pictures(path) for name, path in files.items()}
        driver = scene.again()
        for frame, track in zip(iter(driver.read, None), tracks, strict=True):
            assert frame is not None
            outputs = {name: next(streams[name]) if name in streams else scene.still(frame) for name in variants}
            yield Moment(frame, track, scene.truth(frame), outputs)


class Remembered:
    """A Target (reenact.stages) that makes each moment once, for all variants."""

    def __init__(self, target: "OpenTarget") -> None:
        self._target = target
        self.name, self.kind, self.size, self.rate = target.name, target.kind, target.size, target.rate
        self._last: tuple[int, Motion, Shot] | None = None

    def shot(self, n: int, motion: Motion | None) -> Shot:
        if motion is None:
            return self._target.shot(n, None)
        if self._last is None or self._last[0] != n or self._last[1] is not motion:
            self._last = n, motion, self._target.shot(n, motion)
        return self._last[2]

    def close(self) -> None:
        """The target stays its owner's."""
