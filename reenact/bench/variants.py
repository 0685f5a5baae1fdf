"""What is compared: the target as it is, the bare warp, the generator without its network, and with it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reenact.config import GeneratorConfig, RetargetConfig
from reenact.errors import InputError
from reenact.generation.meshwarp import MeshWarp
from reenact.generation.plan import FacePlanner, region
from reenact.stages import Generator
from reenact.types import InnerMouth, Motion, Patch, Shot

if TYPE_CHECKING:
    from reenact.targets.library import OpenTarget

BASE = "base"
STILL = "still"  # needs no generator: the photo motionless, the video as it plays
Make = Callable[["OpenTarget", GeneratorConfig, RetargetConfig], Generator]


class WarpOnly:
    """A Generator (reenact.stages) that only moves the target's texture with the face mesh: no eyes, no mouth."""

    def __init__(self, target: "OpenTarget", config: GeneratorConfig, gains: RetargetConfig) -> None:
        self._planner = FacePlanner(target, config.mouth, gains)

    def generate(self, shot: Shot, motion: Motion, mouth: InnerMouth | None) -> Patch:
        plan = self._planner.plan(shot, motion, None)
        (x, y), (width, height) = plan.origin, plan.size
        under = shot.pixels[y : y + height, x : x + width]
        warped = MeshWarp(plan.size)(shot.texture, plan.source, plan.target, plan.origin, under)
        mask = region(plan.points, shot.points, plan.origin, plan.size)
        matrix = np.array([[1, 0, x], [0, 1, y]], np.float64)
        return Patch(warped, mask, matrix, motion.seq, motion.t_capture, matched=True)

    def close(self) -> None:
        """Nothing is held beyond memory."""


def _portrait(network: bool, models: Path | None = None) -> Make:
    """models: a folder with a manifest, in place of the shipped models and of the target's own."""

    def make(target: "OpenTarget", config: GeneratorConfig, gains: RetargetConfig) -> Generator:
        from reenact.generation import PortraitGenerator

        return PortraitGenerator(target, replace(config, network=network), gains, models or target.models)

    return make


VARIANTS: dict[str, Make] = {
    "warp": WarpOnly,
    BASE: _portrait(network=False),
    "network": _portrait(network=True),
}
NAMES = (STILL, *VARIANTS)


def built_on_base(names: Sequence[str]) -> list[str]:
    """Those of the variants that are the base and something over it."""
    return [name for name in names if name not in (STILL, "warp", BASE)]


def choose(names: Sequence[str] | None = None, candidates: Sequence[Path] = ()) -> dict[str, Make | None]:
    """The variants of those names (None: all) in the order of NAMES, and one for each folder of candidate models.

    None stands for the still one.  InputError for an unknown name or a folder without a manifest.
    """
    unknown = [name for name in names or () if name not in NAMES]
    if unknown:
        raise InputError(f"no variant is called {unknown[0]!r}: expected some of {', '.join(NAMES)}")
    chosen: dict[str, Make | None] = {name: VARIANTS.get(name) for name in NAMES if names is None or name in names}
    for folder in candidates:
        if not (folder / "manifest.toml").is_file():
            raise InputError(f"{folder} holds no manifest.toml: expected a folder of models, as the export writes it")
        name = folder.resolve().name
        if name in chosen:
            raise InputError(f"two variants would be called {name!r}: rename the folder {folder}")
        chosen[name] = _portrait(network=True, models=folder)
    return chosen
