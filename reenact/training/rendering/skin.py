"""Pores, wrinkles, and folds that come and go with the expression: a relief of the skin, lit by the person's light.

The renderer's skin is smooth; its light is known, so a relief is added to its picture by the change of the shade that
its slopes make (bump mapping: Blinn 1978; slopes taken in the picture: Mikkelsen 2010).
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from reenact.training.rendering.surface import Surface
from reenact.types import Floats, Pixels

Rng = np.random.Generator
Array = npt.NDArray[Any]

FOLDS = ("forehead", "frown", "mouth", "eyes")
_STIRRED = (  # which fold an expression deepens, and by how much of its whole
    ("forehead", "browOuterUp", 0.7), ("forehead", "browInnerUp", 0.6), ("frown", "browDown", 1.0),
    ("frown", "browInnerUp", 0.2), ("frown", "eyeSquint", 0.2), ("mouth", "mouthSmile", 1.0),
    ("mouth", "noseSneer", 0.7), ("mouth", "mouthUpperUp", 0.4), ("mouth", "mouthStretch", 0.4),
    ("eyes", "mouthSmile", 0.5), ("eyes", "eyeSquint", 0.7), ("eyes", "eyeBlink", 0.25), ("eyes", "noseSneer", 0.3),
)  # fmt: skip
_DEEP = 0.10  # cm, a whole fold
_BLACK = 0.30  # of the light that a whole fold keeps from its ground
_TEXTURE = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Relief:
    """A person's skin: pores (s, s), cm; folds (4, s, s) 0..1, their depth at rest and when stirred (4,) 0..1."""

    pores: Floats
    folds: Floats
    rest: Floats
    stirred: Floats


def places(model: Any, size: int = _TEXTURE) -> Array:
    """The 68 landmarks in pixels of a texture of that size."""
    uv = model.vertex_uv[model.landmarks]
    found: Array = np.stack([uv[:, 0], 1 - uv[:, 1]], axis=1) * size
    return found


def relief(model: Any, rng: Rng, pores: bool, wrinkles: bool, folds: bool) -> tuple[Relief, float]:
    """Somebody's relief, and how old the skin looks, 0 to 1: wrinkles are there at rest, folds come with expression."""
    lined, coarse = float(rng.beta(1.2, 2.0)), float(rng.uniform(0.4, 1.0))
    strength = rng.uniform(0.5, 1.0, 4).astype(np.float32)
    supple = float(rng.uniform(0.6, 1.2))
    lines = np.stack([_fold(model, name, rng) for name in FOLDS])
    grain = _pores(rng) * np.float32(coarse if pores else 0.0)
    return Relief(
        grain,
        lines,
        strength * np.float32(lined * 0.8 if wrinkles else 0.0),
        strength * np.float32(supple * (0.65 + 0.35 * lined) if folds else 0.0),
    ), lined if wrinkles else 0.0


def stirring(model: Any, expression: Floats) -> Floats:
    """How much of each fold an expression calls up, (4,) 0..1."""
    out = np.zeros(len(FOLDS), np.float32)
    for fold, name, share in _STIRRED:
        out[FOLDS.index(fold)] += share * float(np.mean(expression[model.index(name)]))
    return np.clip(out, 0, 1)


def add_relief(picture: Pixels, surface: Surface, skin: Relief, expression: Floats, light: Any) -> None:
    """Lights a person's relief in a picture (n, n, 3) BGR of that surface; changed in place."""
    depths = skin.rest + skin.stirred * stirring(surface.model, expression)
    ground = np.tensordot(depths, skin.folds, 1).astype(np.float32)
    face = surface.of("M_Face")
    x, y = surface.texture_map(face, skin.pores.shape[0])
    height = cv2.remap(skin.pores - _DEEP * ground, x, y, cv2.INTER_LINEAR)
    shaded = cv2.remap(ground, x, y, cv2.INTER_LINEAR)
    inside = cv2.erode(face.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    slope_x = cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=1 / 8)[inside] * surface.pixels_per_cm
    slope_y = -cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=1 / 8)[inside] * surface.pixels_per_cm
    towards = np.asarray(light.direction) / np.linalg.norm(light.direction)
    normals = surface.model.normals(surface.posed) @ surface.turned.T
    wrapped = np.clip((normals @ towards + 0.35) / 1.35, 0, 1)  # as the renderer shades
    shade = surface.mix(light.ambient * (0.75 + 0.25 * normals[:, 1]) + light.key * wrapped, inside)
    change = -light.key * (slope_x * towards[0] + slope_y * towards[1]) / 1.35
    change -= 0.12 * light.ambient * slope_y  # what light there is comes from above
    gain = np.clip(1 + change / np.maximum(shade, 0.15), 0.6, 1.35) * (1 - _BLACK * np.clip(shaded[inside], 0, 1))
    picture[inside] = np.clip(picture[inside] * gain[:, None] + 0.5, 0, 255).astype(np.uint8)


def _pores(rng: Rng) -> Floats:
    """Height in cm: pits, and an unevenness of a few millimetres."""
    size = _TEXTURE
    pits = (rng.random((size, size), dtype=np.float32) < 0.02).astype(np.float32)
    fine = cv2.GaussianBlur(pits, (0, 0), 1.2)
    rough = cv2.GaussianBlur(rng.standard_normal((size, size), dtype=np.float32), (0, 0), 2.0)
    uneven = cv2.resize(rng.standard_normal((size // 16, size // 16), dtype=np.float32), (size, size))
    height: Floats = -0.025 * fine / fine.max() + 0.0025 * rough / rough.std() + 0.006 * uneven
    return height.astype(np.float32)


def _fold(model: Any, name: str, rng: Rng) -> Floats:
    """Where a fold is, (s, s) 0..1."""
    size = _TEXTURE
    lm = places(model, size)
    unit = float(np.linalg.norm(lm[45] - lm[36]))
    out = np.zeros((size, size), np.float32)

    def stroke(points: Array, width: float, strength: float) -> None:
        one = np.zeros_like(out)
        wavy = points + rng.normal(0, 0.004 * unit, points.shape)
        cv2.polylines(
            one, [np.round(wavy * 16).astype(np.int32)], False, 1.0, max(1, round(width * unit)), cv2.LINE_AA, 4
        )
        soft = cv2.GaussianBlur(one, (0, 0), 0.5 * width * unit + 1)
        np.maximum(out, np.float32(strength / max(float(soft.max()), 1e-6)) * soft, out=out)

    middle, across = (lm[21] + lm[22]) / 2, (lm[22] - lm[21]) / 2
    if name == "forehead":
        for k in range(int(rng.integers(2, 5))):
            rise = unit * (0.16 + 0.10 * k + rng.normal(0, 0.01))
            x = np.linspace(lm[18][0], lm[25][0], 13) + unit * rng.normal(0, 0.03)
            bow = 0.04 * unit * np.sin(np.linspace(0, np.pi, 13)) + 0.008 * unit * np.sin(x / unit * 17 + k)
            stroke(np.stack([x, middle[1] - rise - bow], 1), 0.010, rng.uniform(0.4, 1.0))
    elif name == "frown":
        for side in (-0.55, 0.55):
            foot = middle + side * across + [0, 0.04 * unit]
            lean = side * 0.05 * unit
            stroke(
                np.stack([foot, foot + [lean * 0.4, -0.08 * unit], foot + [lean, -0.17 * unit]]),
                0.012,
                rng.uniform(0.5, 1.0),
            )
        if rng.random() < 0.5:  # across the root of the nose
            stroke(np.stack([lm[27] - [0.07 * unit, 0], lm[27] + [0.07 * unit, 0]]), 0.010, rng.uniform(0.2, 0.6))
    elif name == "mouth":
        for nose, corner, side in ((31, 48, -1), (35, 54, 1)):
            start, end = lm[nose] + [side * 0.04 * unit, -0.03 * unit], lm[corner] + [side * 0.07 * unit, 0.02 * unit]
            t = np.linspace(0, 1, 9)[:, None]
            bow = np.sin(np.pi * t) * [side * 0.05 * unit, 0.0]
            stroke(start * (1 - t) + end * t + bow, 0.022, rng.uniform(0.6, 1.0))
    else:
        for outer, inner in ((36, 39), (45, 42)):
            way = (lm[outer] - lm[inner]) / np.linalg.norm(lm[outer] - lm[inner])
            start = lm[outer] + 0.10 * unit * way
            for turn in (-0.45, -0.1, 0.3):
                stroke(
                    np.stack([start, start + 0.13 * unit * (way + [0, turn])]) + [0, 0.03 * unit * turn],
                    0.006,
                    rng.uniform(0.2, 0.8),
                )
            under = (lm[40 if outer == 36 else 47] + lm[41 if outer == 36 else 46]) / 2 + [0, 0.09 * unit]
            t = np.linspace(-1, 1, 9)[:, None]
            stroke(under + t * 0.12 * unit * [1, 0] + (1 - t**2) * [0, 0.03 * unit], 0.010, rng.uniform(0.2, 0.7))
    return out
