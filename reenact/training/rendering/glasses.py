"""Glasses: frames in space before the eyes, hidden where the head hides them."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from reenact.training.rendering.skin import Array, Rng
from reenact.training.rendering.surface import Surface
from reenact.types import Floats, Pixels


@dataclass(frozen=True, slots=True)
class Glasses:
    """Rims as superellipses: half width and height, thickness in cm; 2 round to 4.5 square; colour BGR.

    tint   0..1, how dark the panes are
    glare  0..1, how much light they reflect; slant of the reflection -1..1
    """

    width: float
    height: float
    thick: float
    square: float
    colour: tuple[float, float, float]
    tint: float
    glare: float
    slant: float


def glasses(rng: Rng) -> Glasses:
    """A pair: thin wire or thick horn."""
    dark = rng.random() < 0.7
    colour = rng.uniform(5, 60, 3) if dark else rng.uniform(60, 190, 3)
    thick = rng.uniform(0.07, 0.13) if rng.random() < 0.5 else rng.uniform(0.2, 0.42)
    return Glasses(
        rng.uniform(2.2, 2.75),
        rng.uniform(1.5, 2.2),
        float(thick),
        rng.uniform(2.0, 4.5),
        (float(colour[0]), float(colour[1]), float(colour[2])),
        float(rng.uniform(0.0, 0.15)),
        float(rng.uniform(0.0, 0.25)),
        float(rng.uniform(-1, 1)),
    )


def draw_glasses(picture: Pixels, surface: Surface, person: Any, worn: Glasses) -> None:
    """Draws them into a picture (n, n, 3) BGR of that surface; changed in place."""
    model = surface.model
    rest = model.shape(person.shape, np.zeros(len(model.names), np.float32))
    eyes = [rest[model.landmarks[k : k + 6]].mean(0) for k in (36, 42)]
    front = max(float(rest[model.landmarks[27]][2]), *(float(e[2]) for e in eyes)) + 0.5
    rims = [_rim(eye, worn, front) for eye in eyes]
    lines = list(rims)
    for eye in eyes:
        side = 1.0 if eye[0] > 0 else -1.0
        hinge = np.array([eye[0] + side * worn.width, eye[1] + 0.4, front - 0.018 * (eye[0] + side * worn.width) ** 2])
        lines.append(_between(hinge, np.array([side * 8.1, eye[1] + 0.4, -1.0]), 40))
    inner = [np.array([e[0] - np.sign(e[0]) * worn.width * 0.95, e[1] + 0.5, front]) for e in eyes]
    bridge = _between(inner[0], inner[1], 16)
    bridge[:, 1] += 0.25 * np.sin(np.linspace(0, np.pi, len(bridge)))
    lines.append(bridge)
    width = max(1, round(worn.thick * surface.pixels_per_cm))
    frame, pane = np.zeros((2, surface.size, surface.size), np.float32)
    for rim in rims:
        cv2.fillPoly(pane, [np.round(surface.seen(rim)[:, :2] * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    for line in lines:
        _draw_unhidden(frame, surface, line, width)
    rows, columns = (np.flatnonzero((frame + pane).any(axis)) for axis in (1, 0))
    if len(rows):
        part = slice(max(rows[0] - 8, 0), rows[-1] + 9), slice(max(columns[0] - 8, 0), columns[-1] + 9)
        through = _through(picture[part], pane[part], surface, worn)
        picture[part] = _framed(through, frame[part], width, surface.pixels_per_cm, worn)


def _framed(picture: Floats, frame: Floats, width: int, pixels_per_cm: float, worn: Glasses) -> Pixels:
    """The frame, lighter in its middle, and its shadow below it."""
    solid = frame[..., None]
    shadow = np.roll(cv2.GaussianBlur(frame, (0, 0), 0.12 * pixels_per_cm), width + 2, axis=0)[..., None]
    colour = np.asarray(worn.colour) * (1 + 0.35 * cv2.GaussianBlur(frame, (0, 0), width / 2 + 0.5)[..., None])
    shaded = picture * (1 - 0.22 * np.clip(shadow - solid, 0, 1))
    drawn: Pixels = np.clip(shaded * (1 - solid) + colour * solid + 0.5, 0, 255).astype(np.uint8)
    return drawn


def _through(picture: Pixels, pane: Floats, surface: Surface, worn: Glasses) -> Floats:
    """What is seen through the panes: tinted, and with bands of reflected light that wander as the head turns."""
    rows, columns = np.indices(pane.shape, np.float32) / np.float32(surface.pixels_per_cm)
    band = np.sin((columns + worn.slant * rows) * 1.1 + 3 * float(surface.turned[0, 2])) ** 8
    tint, glare = (worn.tint * pane)[..., None], (0.6 * worn.glare * pane * band)[..., None]
    seen = picture * (1 - tint) + np.asarray(worn.colour) * tint
    glazed: Floats = (seen + (255 - seen) * glare).astype(np.float32)
    return glazed


def _rim(eye: Array, worn: Glasses, front: float) -> Array:
    t = np.linspace(0, 2 * np.pi, 97)
    bend = 2 / worn.square
    x = np.sign(np.cos(t)) * np.abs(np.cos(t)) ** bend * worn.width
    y = np.sign(np.sin(t)) * np.abs(np.sin(t)) ** bend * worn.height
    ring: Array = np.stack([eye[0] + x, eye[1] - 0.15 + y, np.full_like(x, front)], axis=1)
    ring[:, 2] -= 0.018 * ring[:, 0] ** 2  # frames follow the face a little
    return ring


def _between(a: Array, b: Array, count: int) -> Array:
    t = np.linspace(0, 1, count)[:, None]
    line: Array = a * (1 - t) + b * t
    return line


def _draw_unhidden(frame: Array, surface: Surface, line: Array, width: int) -> None:
    at = surface.seen(line)
    clear = surface.unhidden(at, 0.1) & np.roll(surface.unhidden(at, 0.1), 1)
    for k in np.flatnonzero(clear[1:]):
        ends = np.round(at[k : k + 2, :2] * 16).astype(np.int32)
        cv2.polylines(frame, [ends], False, 1.0, width, cv2.LINE_AA, 4)
