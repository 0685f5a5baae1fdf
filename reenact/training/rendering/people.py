"""Rendered people for training: nobody's face, in any pose and light, with what real faces wear.

The head model and its renderer are not part of this package: `--renderer FOLDER` names a folder with synth.py, which
has HeadModel, Person, Light, background, rotation and render (ICT-FaceKit geometry, see NOTICE).  What real faces have
and that renderer lacks is added here, each part with a switch of its own: wrinkles and pores, beards, fringes, glasses,
hard and coloured light, and a camera's noise.
"""

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np

from reenact.errors import InputError
from reenact.training.wear import Glasses, beard, draw_glasses, glasses, wrinkles
from reenact.types import Pixels

NEEDED = ("HeadModel", "Person", "Light", "background", "rotation", "render")
SIZE = 640  # pixels rendered: the crop takes less than half, which smooths the edges
_FAR = 40.0  # degrees of yaw at most

Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class RenderConfig:
    """What rendered people may have; a part switched off leaves the others as they were."""

    wrinkles: bool = True
    beards: bool = True
    fringes: bool = True
    glasses: bool = True
    light: bool = True
    noise: bool = True
    shots: int = 12  # of each person

    def without(self, names: str) -> "RenderConfig":
        """The same with the parts of a comma-separated list switched off; InputError for one that is none."""
        parts = [f.name for f in fields(self) if f.name != "shots"]
        off = [n.strip() for n in names.split(",") if n.strip()]
        for name in off:
            if name not in parts:
                raise InputError(f"{name!r} cannot be left out: expected some of {', '.join(parts)}")
        return RenderConfig(**{f: getattr(self, f) and f not in off for f in parts}, shots=self.shots)


def load_renderer(folder: Path) -> ModuleType:
    """The module synth.py of that folder; InputError where it is not such a renderer."""
    path = folder / "synth.py"
    if not path.is_file():
        raise InputError(f"{folder} holds no renderer: expected a folder with synth.py")
    spec = importlib.util.spec_from_file_location("reenact_renderer", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    missing = [name for name in NEEDED if not hasattr(module, name)]
    if missing:
        raise InputError(f"{path} is no renderer for training: it lacks {', '.join(missing)}")
    return module


@dataclass(slots=True, eq=False)
class Somebody:
    """One rendered person: who, in which light, before what, wearing what; `traits` says it for the model card."""

    person: Any
    light: Any
    behind: Pixels
    glasses: Glasses | None
    camera: "Camera | None"
    traits: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Camera:
    """How a camera spoils its pictures: noise in grey levels, blur in pixels of the crop, JPEG quality."""

    noise: float
    blur: float
    quality: int


def somebody(renderer: ModuleType, model: Any, seed: int, config: RenderConfig) -> Somebody:
    """Person number `seed`: the same for the same seed and the same parts."""
    rng = np.random.default_rng([seed, 17])
    person = renderer.Person(model, seed)
    skin = [round(float(v)) for v in person.skin]
    traits = {"skin": _tone(skin), "glasses": "no", "beard": "no", "age": "adult"}
    draws = {
        name: np.random.default_rng([seed, k]) for k, name in enumerate(("wrinkles", "beards", "fringes", "glasses"))
    }
    if config.wrinkles:
        depth = wrinkles(model, person, draws["wrinkles"])
        traits["age"] = "lined" if depth > 0.5 else "adult"
    if config.beards and draws["beards"].random() < 0.25:
        traits["beard"] = beard(model, person, draws["beards"])
    if config.fringes and draws["fringes"].random() < 0.3:
        person.hairline, person.bald = draws["fringes"].uniform(4.6, 5.8), False
        traits["hair"] = "over the forehead"
    worn = None
    if config.glasses and draws["glasses"].random() < 0.2:
        worn = glasses(draws["glasses"])
        traits["glasses"] = "yes"
    lit = _light(renderer, rng) if config.light else renderer.light(seed)
    camera = Camera(rng.uniform(0.5, 4.0), rng.uniform(0.0, 0.6), int(rng.integers(70, 96))) if config.noise else None
    return Somebody(person, lit, renderer.background(seed), worn, camera, traits)


def shots(renderer: ModuleType, model: Any, who: Somebody, seed: int, count: int) -> Iterator[Pixels]:
    """Pictures (SIZE, SIZE, 3) BGR of one person: first a calm one that looks ahead, then `count` - 1 others."""
    rng = np.random.default_rng([seed, 23])
    for k in range(count):
        expression, pose, shift = _act(model, rng, k)
        turned = renderer.rotation(*pose)
        picture, _ = renderer.render(
            model, who.person, expression, turned, shift, SIZE, light=who.light, background=who.behind, supersample=1
        )
        if who.glasses is not None:
            draw_glasses(picture, model, who.person, who.glasses, turned, shift)
        yield picture if who.camera is None else _taken(picture, who.camera, rng)


def _light(renderer: ModuleType, rng: Rng) -> Any:
    """From soft and frontal to hard, low, coloured or dim."""
    direction = np.array([rng.normal(0, 0.8), rng.uniform(-0.15, 0.9), rng.uniform(0.25, 1.0)])
    key = rng.uniform(0.35, 0.95)
    return renderer.Light(direction, key, rng.uniform(0.25, 0.6), 1 + rng.normal(0, 0.09, 3))


_VISEMES = ("mouthFunnel", "mouthPucker", "mouthStretch", "mouthLowerDown", "mouthUpperUp", "mouthRollLower")
_BROWS = ("browInnerUp", "browOuterUp", "browDown")
_OTHERS = ("mouthFrown", "noseSneer", "cheekPuff", "mouthPress", "jawLeft", "jawRight", "eyeSquint", "eyeWide")


def _act(model: Any, rng: Rng, k: int) -> tuple[Any, Any, Any]:
    """Expression (53,), pose in degrees and shift in cm of shot k: of twelve, two gape, two blink, three look aside."""
    e = np.zeros(len(model.names), np.float32)

    def add(name: str, amount: float) -> None:
        e[model.index(name)] = np.clip(e[model.index(name)] + amount, 0, 1)

    if k == 0:
        return e, rng.normal(0, 2.5, 3), np.zeros(3)
    kind = k % 12
    if kind in (1, 7):
        add("jawOpen", rng.uniform(0.5, 1.0))
    elif kind != 6:
        add("jawOpen", float(np.clip(rng.normal(0.15, 0.2), 0, 0.7)))
    if kind in (2, 7, 9):
        add("mouthSmile", rng.uniform(0.4, 1.0))
    if kind in (3, 8):
        add("eyeBlink", rng.uniform(0.85, 1.0) if kind == 3 else rng.uniform(0.3, 0.7))
    for table, chance in ((_VISEMES, 0.45), (_BROWS, 0.5), (_OTHERS, 0.35)):
        if rng.random() < chance:
            add(str(rng.choice(table)), rng.uniform(0.3, 0.9))
    right, up = (rng.normal(0, 0.55), rng.normal(0, 0.35)) if kind in (4, 5, 10) else rng.normal(0, 0.2, 2)
    for names, amount in (
        (("eyeLookOut_L", "eyeLookIn_R"), right),
        (("eyeLookIn_L", "eyeLookOut_R"), -right),
        (("eyeLookUp_L", "eyeLookUp_R"), up),
        (("eyeLookDown_L", "eyeLookDown_R"), -up),
    ):
        for name in names:
            e[model.names.index(name)] = np.clip(amount, 0, 0.8)
    yaw = float(np.clip(rng.normal(0, 17), -_FAR, _FAR))
    pose = np.array([yaw, np.clip(rng.normal(0, 8), -20, 20), rng.normal(0, 6)])
    return e, pose, rng.normal(0, (0.5, 0.4, 1.5))


def _taken(picture: Pixels, camera: Camera, rng: Rng) -> Pixels:
    """The picture as a camera gives it; noise and blur are of the crop, which is about half the size."""
    if camera.blur > 0.05:
        picture = cv2.GaussianBlur(picture, (0, 0), 2 * camera.blur)
    grain = cv2.resize(rng.normal(0, camera.noise, (SIZE // 2, SIZE // 2, 3)).astype(np.float32), (SIZE, SIZE))
    noisy = np.clip(picture + grain, 0, 255).astype(np.uint8)
    coded = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, camera.quality])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def _tone(skin: list[int]) -> str:
    """Light, medium or dark, by the luma of the skin's own colour (RGB)."""
    luma = 0.299 * skin[0] + 0.587 * skin[1] + 0.114 * skin[2]
    return "light" if luma > 165 else "medium" if luma > 100 else "dark"
