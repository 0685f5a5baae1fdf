"""The light in an open mouth, as real clips have it.

Measured on the inner mouths of fourteen real people: 0.67 of the skin's luminance, 42 % of the pixels above 0.7 of it,
10 % below 0.35, the brightest 1.1 of it.  The renderer's have 23 to 44 % below 0.35, and teeth up to 2.8 times a dark
skin: a camera exposes for the face, and light enters a mouth from all sides.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from reenact.training.rendering.skin import Rng
from reenact.training.rendering.surface import Surface
from reenact.types import Pixels

_CHEEKS = (1, 2, 14, 15, 29, 30)  # of the 68: skin that no beard covers whole


@dataclass(frozen=True, slots=True)
class MouthLight:
    """In the skin's luminance: what the darkest gets, and the brightest that teeth reach; how red the dark is, 0..1."""

    least: float
    most: float
    red: float


def mouth_light(rng: Rng) -> MouthLight:
    """Somebody's."""
    return MouthLight(float(rng.uniform(0.26, 0.5)), float(rng.uniform(0.95, 1.55)), float(rng.uniform(0.2, 0.8)))


def light_mouth(picture: Pixels, surface: Surface, light: MouthLight) -> None:
    """Brings the inside of an open mouth in a picture (n, n, 3) BGR to that light; changed in place."""
    inside = surface.of("M_Teeth", "M_GumsTongue") | _cavity(surface)
    if not inside.any():
        return
    skin = _skin(picture, surface)
    pixels = picture[inside].astype(np.float32)
    ratio = pixels @ np.array([0.114, 0.587, 0.299], np.float32) / skin
    wanted = light.least + (light.most - light.least) * (1 - np.exp(-1.3 * ratio / light.most))
    dark = np.clip(1 - ratio / 0.5, 0, 1)[:, None]
    flesh = 1 + 0.35 * light.red * np.array([-1, -1, 1], np.float32)
    hue = pixels / np.maximum(ratio[:, None] * skin, 1.0)
    lit = wanted[:, None] * skin * ((1 - dark) * hue + dark * flesh)
    picture[inside] = np.clip(lit + 0.5, 0, 255).astype(np.uint8)


def _cavity(surface: Surface) -> npt.NDArray[np.bool_]:
    """What is seen between the lips and well behind them: the walls of the mouth, skin to the model."""
    ring = surface.posed[surface.model.landmarks[60:68]]
    between = np.zeros(surface.triangle.shape, np.uint8)
    cv2.fillPoly(between, [np.round(surface.seen(ring)[:, :2] * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
    inside: npt.NDArray[np.bool_] = (cv2.dilate(between, np.ones((3, 3), np.uint8)) > 0) & surface.of(
        "M_Face", "M_BackHead"
    )
    inside[inside] = surface.mix(surface.posed[:, 2], inside) < ring[:, 2].mean() - 0.6
    return inside


def _skin(picture: Pixels, surface: Surface) -> float:
    """The luminance of the lit face, the mean over cheeks and nose that the camera sees."""
    at = surface.seen(surface.posed[surface.model.landmarks[list(_CHEEKS)]])
    at = at[surface.unhidden(at, 0.5)]
    if not len(at):
        return 90.0
    grey = cv2.blur(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (9, 9))
    column, row = at[:, :2].astype(int).T
    return max(float(grey[row, column].mean()), 12.0)
