"""What rendered faces wear and what time left on them: wrinkles, pores, beards, glasses."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from reenact.types import Floats, Pixels

Rng = np.random.Generator
Array = npt.NDArray[Any]

_CENTRE = np.array([0.0, -1.5, 2.0])  # cm: about which the renderer turns the head
_CAMERA_CM, _FOCAL = 90.0, 3.3  # the renderer's own camera


@dataclass(frozen=True, slots=True)
class Glasses:
    """Rims as ellipses before the eyes: half width and height in cm, thickness in cm, colour BGR, tint 0..1."""

    width: float
    height: float
    thick: float
    square: float
    colour: tuple[float, float, float]
    tint: float


def _places(model: Any, size: int) -> Array:
    """The 68 landmarks in pixels of a texture of that size."""
    uv = model.vertex_uv[model.landmarks]
    places: Array = np.stack([uv[:, 0], 1 - uv[:, 1]], axis=1) * size
    return places


def wrinkles(model: Any, person: Any, rng: Rng) -> float:
    """Darkens the person's texture along the brow, between the brows, beside nose and eyes, and dots it with pores.

    Returns how deep the lines are, 0 to 1.
    """
    texture = person.texture
    size = texture.shape[0]
    lm = _places(model, size)
    depth = float(rng.beta(1.2, 2.0))
    lines = np.zeros((size, size), np.float32)
    unit = np.linalg.norm(lm[45] - lm[36])

    def stroke(points: Array, width: float, strength: float) -> None:
        one = np.zeros_like(lines)
        wavy = points + rng.normal(0, 0.006 * unit, points.shape)
        cv2.polylines(one, [np.round(wavy * 16).astype(np.int32)], False, 1.0, max(1, round(width)), cv2.LINE_AA, 4)
        np.maximum(lines, strength * cv2.GaussianBlur(one, (0, 0), 1 + width / 2), out=lines)

    middle, across = (lm[21] + lm[22]) / 2, (lm[22] - lm[21]) / 2
    for k in range(3):  # the brow
        y = middle[1] - unit * (0.22 + 0.11 * k)
        x = np.linspace(lm[18][0], lm[25][0], 9)
        stroke(np.stack([x, y - 0.03 * unit * np.sin(np.linspace(0, np.pi, 9))], 1), 2, rng.uniform(0.3, 1.0))
    for side in (-0.5, 0.5):  # between the brows
        a = middle + side * across
        stroke(np.stack([a, a - [0, 0.12 * unit]]), 2, rng.uniform(0.2, 1.0))
    for nose, corner in ((31, 48), (35, 54)):  # from the nose to the mouth
        a, b = lm[nose], lm[corner]
        bow = (a + b) / 2 + (b - a)[::-1] * [0.18, -0.18] * (1 if nose == 35 else -1)
        stroke(np.stack([a, bow, b + (b - a) * 0.1]), 3, rng.uniform(0.4, 1.0))
    for outer, inner in ((36, 39), (45, 42)):  # beside the eyes, and under them
        way = (lm[outer] - lm[inner]) / np.linalg.norm(lm[outer] - lm[inner])
        for turn in (-0.35, 0.0, 0.35):
            start = lm[outer] + 0.1 * unit * way
            stroke(np.stack([start, start + 0.13 * unit * (way + [0, turn])]), 1, rng.uniform(0.2, 0.9))
    pores = rng.random((size, size), dtype=np.float32) < 0.012
    grain = cv2.GaussianBlur(pores.astype(np.float32), (0, 0), 1.1) * rng.uniform(0.2, 0.7)
    shade = 1 - 0.35 * depth * lines - grain
    person.texture = (texture * np.clip(shade, 0.3, 1)[..., None]).astype(np.float32)
    return depth


def beard(model: Any, person: Any, rng: Rng) -> str:
    """Paints a moustache, a goatee or a full beard into the person's texture; says which."""
    size = person.texture.shape[0]
    lm = _places(model, size)
    unit = np.linalg.norm(lm[45] - lm[36])
    mask = np.zeros((size, size), np.float32)
    kind = str(rng.choice(["moustache", "goatee", "full"], p=[0.25, 0.3, 0.45]))
    lip = np.vstack([lm[48:55], lm[[35, 34, 33, 32, 31]] + [0, 0.05 * unit]])
    areas = [lip]
    if kind != "moustache":
        areas.append(np.vstack([lm[[48, 59, 58, 57, 56, 55, 54]], lm[[10, 9, 8, 7, 6]]]))
    if kind == "full":
        areas.append(np.vstack([lm[3:14], lm[54:60], lm[48:49]]))
    for area in areas:
        cv2.fillPoly(mask, [np.round(area).astype(np.int32)], 1.0)
    cv2.fillPoly(mask, [np.round(lm[48:60]).astype(np.int32)], 0.0)  # the lips stay free
    soft: Array = cv2.GaussianBlur(mask, (0, 0), 0.02 * float(unit))
    hairs: Array = cv2.GaussianBlur(np.asarray(rng.random((size, size)), np.float32), (1, 5), 1.0)
    dense = np.clip((hairs - 0.5) * 5 + rng.uniform(0.5, 1.1), 0, 1) * soft * rng.uniform(0.6, 0.95)
    colour = person.hair * rng.uniform(0.8, 1.3)
    person.texture = (person.texture * (1 - dense[..., None]) + colour * dense[..., None]).astype(np.float32)
    return kind


def glasses(rng: Rng) -> Glasses:
    """A pair of glasses."""
    dark = rng.random() < 0.7
    colour = rng.uniform(5, 60, 3) if dark else rng.uniform(60, 190, 3)
    thick = rng.uniform(0.08, 0.3)
    tint = rng.uniform(0.0, 0.18)
    return Glasses(
        rng.uniform(2.3, 2.9),
        rng.uniform(1.6, 2.3),
        thick,
        rng.uniform(2.0, 4.5),
        (float(colour[0]), float(colour[1]), float(colour[2])),
        tint,
    )


def draw_glasses(picture: Pixels, model: Any, person: Any, worn: Glasses, turned: Floats, shift: Floats) -> None:
    """Draws them before the eyes of a head turned and shifted so; picture (n, n, 3) BGR, changed in place."""
    rest = model.shape(person.shape, np.zeros(len(model.names), np.float32))
    eyes = [rest[model.landmarks[k : k + 6]].mean(0) for k in (36, 42)]
    front = max(float(rest[model.landmarks[27]][2]), *(float(e[2]) for e in eyes)) + 0.6
    t = np.linspace(0, 2 * np.pi, 49)
    bend = 2 / worn.square  # a superellipse: 2 is round, 4 nearly a rectangle
    rim = np.stack([np.sign(np.cos(t)) * np.abs(np.cos(t)) ** bend, np.sign(np.sin(t)) * np.abs(np.sin(t)) ** bend], 1)
    lines, panes = [], []
    for eye in eyes:
        ring = np.concatenate([eye[:2] + rim * [worn.width, worn.height], np.full((49, 1), front)], axis=1)
        ring[:, 2] -= 0.03 * (ring[:, 0] - 0) ** 2 * 0.6  # frames follow the face a little
        panes.append(ring)
        lines.append(ring)
        side = 1.0 if eye[0] > 0 else -1.0
        hinge = eye + [side * worn.width, 0.4, 0]
        hinge[2] = front - 0.018 * hinge[0] ** 2
        if side * turned[0, 2] > -0.25:  # the arm on the far side is behind the head
            lines.append(np.stack([hinge, [side * 7.6, hinge[1], -1.0]]))
    inner = [e + [-np.sign(e[0]) * worn.width * 0.95, 0.5, 0] for e in eyes]
    lines.append(np.stack([[p[0], p[1], front] for p in inner]))
    size = picture.shape[0]
    width = max(1, round(worn.thick * _FOCAL * size / _CAMERA_CM))
    if worn.tint > 0:
        over = picture.copy()
        for ring in panes:
            cv2.fillPoly(over, [_seen(ring, turned, shift, size)], worn.colour, cv2.LINE_AA, 4)
        cv2.addWeighted(over, worn.tint, picture, 1 - worn.tint, 0, picture)
    for line in lines:
        cv2.polylines(picture, [_seen(line, turned, shift, size)], False, worn.colour, width, cv2.LINE_AA, 4)


def _seen(points: Array, turned: Floats, shift: Floats, size: int) -> Array:
    """Where the renderer's camera sees points (n, 3), as fixed-point pixels for OpenCV."""
    world = (points - _CENTRE) @ np.asarray(turned).T + shift
    depth = _CAMERA_CM - world[:, 2]
    screen = np.stack(
        [size / 2 + _FOCAL * size * world[:, 0] / depth, size / 2 - _FOCAL * size * world[:, 1] / depth], 1
    )
    fixed: Array = np.round(screen * 16).astype(np.int32)
    return fixed
