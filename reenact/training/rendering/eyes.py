"""Lashes, and the shade that the upper lid throws on the eye."""

from dataclasses import dataclass

import cv2
import numpy as np

from reenact.training.rendering.skin import Array, Rng
from reenact.training.rendering.surface import Surface
from reenact.types import Floats, Pixels

_LIDS = (((36, 37, 38, 39), (36, 41, 40, 39)), ((45, 44, 43, 42), (45, 46, 47, 42)))  # from the outer corner
_SHADE_CM = 0.45  # how far below the upper lid its shade reaches


@dataclass(frozen=True, slots=True, eq=False)
class Lashes:
    """Lashes of one person: length in cm, how dark 0..1, how dark the lid's rim 0..1, each hair's whims (2, n, 4)."""

    length: float
    dark: float
    rim: float
    whims: Floats


def lashes(rng: Rng) -> Lashes:
    """Somebody's, from nearly none to made up."""
    length, dark, rim = rng.uniform(0.35, 0.85), rng.uniform(0.35, 0.95), rng.uniform(0.1, 0.7)
    return Lashes(float(length), float(dark), float(rim), rng.uniform(-1, 1, (2, 64, 4)).astype(np.float32))


def add_lashes(picture: Pixels, surface: Surface, worn: Lashes, shut: tuple[float, float]) -> None:
    """Draws lashes and the lid's shade into a picture (n, n, 3) BGR of that surface; shut: right, left eye, 0..1."""
    _shade(picture, surface)
    ink = np.zeros(picture.shape[:2], np.float32)
    for eye, (upper, lower) in enumerate(_LIDS):
        curve = _curve(surface.posed[surface.model.landmarks[list(upper)]])
        low = _curve(surface.posed[surface.model.landmarks[list(lower)]])
        _rim(ink, surface, curve, worn.rim)
        side = -1.0 if eye == 0 else 1.0  # the right eye is on the picture's left
        for k, whim in enumerate(worn.whims[eye]):
            t = 0.04 + 0.9 * (k + 0.5) / len(worn.whims[eye])
            below = k % 3 == 2  # every third is of the lower lid, shorter
            root = _at(low if below else curve, t)
            rise = -0.45 if below else 0.75 - 1.35 * shut[eye]
            out = side * (0.75 * (0.5 - t) + 0.15 * whim[0])
            length = (
                worn.length
                * (0.4 if below else 0.55 + 0.45 * np.sin(np.pi * min(1.0, 1.25 * (1 - t))))
                * (1 + 0.25 * whim[1])
            )
            way = np.array([out, rise + 0.15 * whim[2], 0.65])
            bend = np.array([0.3 * out, 0.0 if below else 0.35, -0.1])
            steps = np.linspace(0, 1, 4)[:, None]
            hair = root + length * (steps * way / np.linalg.norm(way) + steps**2 * bend)
            _stroke(ink, surface, hair, (0.35 if below else 0.8) * worn.dark, 1)
    rows, columns = (np.flatnonzero(ink.any(axis)) for axis in (1, 0))
    if len(rows):
        part = slice(max(rows[0] - 3, 0), rows[-1] + 4), slice(max(columns[0] - 3, 0), columns[-1] + 4)
        dark = np.clip(cv2.GaussianBlur(ink[part], (0, 0), 0.6), 0, 0.95)[..., None]
        picture[part] = (picture[part] * (1 - dark) + np.array([14, 12, 16]) * dark + 0.5).astype(np.uint8)


def _shade(picture: Pixels, surface: Surface) -> None:
    balls = surface.of("M_ScleraLeft", "M_ScleraRight", "M_IrisLeft", "M_IrisRight")
    if not balls.any():
        return
    lid = np.ones(picture.shape[:2], np.uint8)
    for upper, _ in _LIDS:
        line = surface.seen(_curve(surface.posed[surface.model.landmarks[list(upper)]]))[:, :2]
        cv2.polylines(lid, [np.round(line * 16).astype(np.int32)], False, 0, 1, cv2.LINE_8, 4)
    away = cv2.distanceTransform(lid, cv2.DIST_L2, 3)[balls] / (_SHADE_CM * surface.pixels_per_cm)
    light = 0.60 + 0.32 * np.clip(away, 0, 1)
    picture[balls] = (picture[balls] * light[:, None] + 0.5).astype(np.uint8)


def _rim(ink: Floats, surface: Surface, curve: Array, strength: float) -> None:
    _stroke(ink, surface, curve + [0, 0.02, 0.05], strength, max(1, round(0.09 * surface.pixels_per_cm)))


def _stroke(ink: Floats, surface: Surface, points: Array, strength: float, width: int) -> None:
    at = surface.seen(points)
    if surface.unhidden(at[:1], 0.35)[0]:
        one = np.round(at[:, :2] * 16).astype(np.int32)
        cv2.polylines(ink, [one], False, float(strength), width, cv2.LINE_AA, 4)


def _curve(corners: Array) -> Array:
    """A smooth line (25, 3) through four points: the cubic of equal steps."""
    t = np.linspace(0, 3, 25)[:, None]
    p = corners
    a, b, c, d = (
        -(t - 1) * (t - 2) * (t - 3) / 6,
        t * (t - 2) * (t - 3) / 2,
        -t * (t - 1) * (t - 3) / 2,
        t * (t - 1) * (t - 2) / 6,
    )
    line: Array = a * p[0] + b * p[1] + c * p[2] + d * p[3]
    return line


def _at(curve: Array, t: float) -> Array:
    place: Array = curve[round(t * (len(curve) - 1))]
    return place
