"""Who is rendered: somebody with a look of their own, and the pictures of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from types import ModuleType
from typing import Any

import numpy as np

from reenact.errors import InputError
from reenact.training.rendering.acts import act
from reenact.training.rendering.camera import Camera, background, camera, light
from reenact.training.rendering.eyes import Lashes, add_lashes, lashes
from reenact.training.rendering.glasses import Glasses, draw_glasses, glasses
from reenact.training.rendering.hair import add_beard, add_fringe
from reenact.training.rendering.mouth import MouthLight, light_mouth, mouth_light
from reenact.training.rendering.skin import Relief, add_relief, relief
from reenact.training.rendering.surface import FOCAL, look
from reenact.types import Pixels

SIZE = 576  # pixels rendered: the crop takes little more than half, which smooths the edges


@dataclass(frozen=True, slots=True)
class RenderConfig:
    """What rendered people may have; a part switched off leaves the others as they were."""

    pores: bool = True
    wrinkles: bool = True  # lines at rest
    folds: bool = True  # lines that come with an expression
    lashes: bool = True  # and the shade of the upper lid
    mouth: bool = True  # the light in it matched to real clips
    beards: bool = True
    fringes: bool = True
    glasses: bool = True
    light: bool = True  # from the side, coloured, dim; else the renderer's own
    background: bool = True  # muted; else the renderer's own
    noise: bool = True  # a camera's noise, blur and JPEG
    shots: int = 12  # of each person

    def without(self, names: str) -> "RenderConfig":
        """The same with the parts of a comma-separated list switched off; InputError for one that is none."""
        off = [n.strip() for n in names.split(",") if n.strip()]
        for name in off:
            if name not in PARTS:
                raise InputError(f"{name!r} cannot be left out: expected some of {', '.join(PARTS)}")
        return RenderConfig(**{f: getattr(self, f) and f not in off for f in PARTS}, shots=self.shots)

    def said(self) -> str:
        """In words, for the packs: what was left out, and how many shots there are."""
        off = [name for name in PARTS if not getattr(self, name)]
        return f"rendered, {self.shots} shots" + (f", without {', '.join(off)}" if off else "")


PARTS = tuple(f.name for f in fields(RenderConfig) if f.name != "shots")


@dataclass(slots=True, eq=False)
class Somebody:
    """One rendered person: who, in which light, before what, with what; `traits` says it for the model card."""

    person: Any
    light: Any
    behind: Pixels | None
    skin: Relief | None
    lashes: Lashes | None
    mouth: MouthLight | None
    glasses: Glasses | None
    camera: Camera | None
    traits: dict[str, str] = field(default_factory=dict)


def somebody(renderer: ModuleType, model: Any, seed: int, config: RenderConfig) -> Somebody:
    """Person number `seed`: the same for the same seed and the same parts."""
    person = renderer.Person(model, seed)
    of = {part: np.random.default_rng([seed, k]) for k, part in enumerate(PARTS)}
    traits = {"skin": _tone(person.skin), "age": "adult", "glasses": "no", "beard": "no"}
    if config.beards and of["beards"].random() < 0.3:
        traits["beard"] = add_beard(model, person, of["beards"])
    if config.fringes and of["fringes"].random() < 0.3:
        add_fringe(model, person, of["fringes"])
        traits["hair"] = "over the forehead"
    skin = None
    if config.pores or config.wrinkles or config.folds:
        skin, lined = relief(model, of["wrinkles"], config.pores, config.wrinkles, config.folds)
        traits["age"] = "lined" if lined > 0.5 else "adult"
    worn = glasses(of["glasses"]) if config.glasses and of["glasses"].random() < 0.2 else None
    if worn is not None:
        traits["glasses"] = "thick" if worn.thick > 0.15 else "thin"
    return Somebody(
        person,
        light(renderer, person, of["light"]) if config.light else renderer.light(seed),
        background(renderer, seed, of["background"]) if config.background else renderer.background(seed),
        skin,
        lashes(of["lashes"]) if config.lashes else None,
        mouth_light(of["mouth"]) if config.mouth else None,
        worn,
        camera(of["noise"]) if config.noise else None,
        traits,
    )


def shots(renderer: ModuleType, model: Any, who: Somebody, seed: int, count: int) -> Iterator[Pixels]:
    """Pictures (SIZE, SIZE, 3) BGR of one person: first a calm one that looks ahead, then `count` - 1 others.

    The camera's noise is not in them: `camera.taken` adds it to what is cut out of them.
    """
    rng = np.random.default_rng([seed, 23])
    for k in range(count):
        does = act(model, rng, k)
        turned = renderer.rotation(*does.pose_deg)
        picture, _ = renderer.render(
            model,
            who.person,
            does.expression,
            turned,
            does.shift_cm,
            SIZE,
            focal=FOCAL,
            light=who.light,
            background=who.behind,
            supersample=1,
        )
        surface = look(model, who.person, does.expression, turned, does.shift_cm, SIZE)
        if who.skin is not None:
            add_relief(picture, surface, who.skin, does.expression, who.light)
        if who.mouth is not None:
            light_mouth(picture, surface, who.mouth)
        if who.lashes is not None:
            left, right = (float(does.expression[i]) for i in model.index("eyeBlink"))
            add_lashes(picture, surface, who.lashes, (right, left))
        if who.glasses is not None:
            draw_glasses(picture, surface, who.person, who.glasses)
        yield picture


def _tone(skin: Any) -> str:
    """Light, medium or dark, by the luma of the skin's own colour (RGB)."""
    luma = float(np.asarray(skin) @ [0.299, 0.587, 0.114])
    return "light" if luma > 165 else "medium" if luma > 100 else "dark"
