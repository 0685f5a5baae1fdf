"""Light, wall and camera of a person's pictures: the same in all of them, but for the noise."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import cv2
import numpy as np

from reenact.training.rendering.skin import Rng
from reenact.types import Pixels


@dataclass(frozen=True, slots=True)
class Camera:
    """How a camera spoils its pictures: noise in grey levels, blur in pixels, JPEG quality."""

    noise: float
    blur: float
    quality: int


def light(renderer: ModuleType, person: Any, rng: Rng) -> Any:
    """From soft and frontal to hard, from the side, coloured or dim; as strong as a camera that exposes for the face.

    Cheeks of real clips have a luma of 128 to 167, of a dark man 114; the renderer's own light gives 45 to 180.
    """
    kind = rng.choice(["window", "room", "side", "dim", "coloured"], p=[0.3, 0.25, 0.2, 0.15, 0.1])
    sideways = rng.choice([-1, 1]) * (rng.uniform(0.8, 1.8) if kind == "side" else abs(rng.normal(0, 0.5)))
    direction = np.array([sideways, rng.uniform(-0.1, 0.9), rng.uniform(0.35, 1.0)])
    key, ambient = {
        "window": (rng.uniform(0.5, 0.8), rng.uniform(0.3, 0.5)),
        "room": (rng.uniform(0.25, 0.5), rng.uniform(0.5, 0.7)),
        "side": (rng.uniform(0.6, 0.95), rng.uniform(0.18, 0.4)),
        "dim": (rng.uniform(0.2, 0.4), rng.uniform(0.15, 0.3)),
        "coloured": (rng.uniform(0.4, 0.7), rng.uniform(0.3, 0.5)),
    }[str(kind)]
    luma = float(np.asarray(person.skin) @ [0.299, 0.587, 0.114])
    wanted = rng.normal(145, 14) - 0.3 * max(0.0, 150 - luma) - (35 if kind == "dim" else 0)
    exposure = wanted / (luma * (ambient + 0.6 * key))
    key, ambient = key * exposure, ambient * exposure
    return renderer.Light(direction, key, ambient, 1 + rng.normal(0, 0.16 if kind == "coloured" else 0.05, 3))


def background(renderer: ModuleType, seed: int, rng: Rng) -> Pixels:
    """The renderer's clutter with its colours muted, behind or before a wall of one tone."""
    made = renderer.background(seed)
    grey = cv2.cvtColor(cv2.cvtColor(made, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    wall = np.clip(rng.uniform(30, 215) + rng.normal(0, 12, 3), 0, 255)
    colour, plain = rng.uniform(0.1, 0.6), rng.uniform(0.0, 0.9)
    muted = made * colour + grey * (1 - colour)
    seen: Pixels = np.clip(muted * (1 - plain) + wall * plain, 0, 255).astype(np.uint8)
    return seen


def camera(rng: Rng) -> Camera:
    """Somebody's: from good to a cheap webcam."""
    return Camera(float(rng.uniform(0.3, 1.5)), float(rng.uniform(0.4, 1.1)), int(rng.integers(72, 96)))


def taken(picture: Pixels, by: Camera, rng: Rng) -> Pixels:
    """The picture (h, w, 3) as a camera gives it."""
    if by.blur > 0.25:
        picture = cv2.GaussianBlur(picture, (0, 0), by.blur)
    noise = rng.normal(0, by.noise, picture.shape).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), 0.5) * np.float32(1.3)  # neighbours share it: sensors are smaller than that
    noisy = np.clip(picture + noise + 0.5, 0, 255).astype(np.uint8)
    coded = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, by.quality])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
