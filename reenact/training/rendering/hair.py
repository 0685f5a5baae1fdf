"""Beards and fringes, painted into a person's texture hair by hair."""

from typing import Any

import cv2
import numpy as np

from reenact.training.rendering.skin import Array, Rng, places
from reenact.types import Floats

_BEARDS = ("stubble", "moustache", "goatee", "full")


def add_beard(model: Any, person: Any, rng: Rng) -> str:
    """Paints a beard into the person's texture; says which."""
    size = person.texture.shape[0]
    lm = places(model, size)
    unit = float(np.linalg.norm(lm[45] - lm[36]))
    kind = str(rng.choice(_BEARDS, p=[0.25, 0.2, 0.25, 0.3]))
    lip = np.vstack([lm[48:55], lm[[35, 34, 33, 32, 31]] + [0, 0.04 * unit]])
    chin = np.vstack([lm[[48, 59, 58, 57, 56, 55, 54]], lm[[10, 9, 8, 7, 6]] + [0, 0.05 * unit]])
    cheeks = np.vstack([lm[2:15] + [0, 0.03 * unit], lm[[54, 55, 56, 57, 58, 59, 48]]])
    areas = {"moustache": [lip], "goatee": [lip, chin]}.get(kind, [lip, chin, cheeks])
    mask = np.zeros((size, size), np.float32)
    for area in areas:
        cv2.fillPoly(mask, [np.round(area).astype(np.int32)], 1.0)
    mask = cv2.GaussianBlur(mask, (0, 0), 0.03 * unit)
    lips = np.zeros((size, size), np.float32)
    cv2.fillPoly(lips, [np.round(lm[48:60]).astype(np.int32)], 1.0)
    mask *= 1 - cv2.GaussianBlur(lips, (0, 0), 0.008 * unit)
    short = kind == "stubble"
    count, length = (9000, 0.012) if short else (int(rng.integers(3500, 7500)), float(rng.uniform(0.03, 0.07)))
    hairs = _hairs(mask, rng, count, length * unit, lm[33])
    under = mask * (0.25 if short else float(rng.uniform(0.3, 0.6)))  # the skin is dark between the hairs
    dense = np.clip(under + hairs * (0.45 if short else 0.65), 0, 0.95)[..., None]
    darker = 0.8 * _luma(person.skin) / max(_luma(person.hair), 1.0)  # a beard is no paler than its skin
    colour = np.asarray(person.hair) * min(rng.uniform(0.7, 1.1), darker)
    tone = np.clip(colour * (0.6 + 0.9 * _sheen(rng, size)[..., None]), 6, 235)
    person.texture = (person.texture * (1 - dense) + tone * dense).astype(np.float32)
    return kind


def add_fringe(model: Any, person: Any, rng: Rng) -> None:
    """Lowers the person's hairline, and paints locks that fall from it over the forehead."""
    person.hairline, person.bald = float(rng.uniform(6.8, 7.6)), False
    size = person.texture.shape[0]
    lm = places(model, size)
    unit = float(np.linalg.norm(lm[45] - lm[36]))
    top, brow = lm[27][1] - 0.95 * unit, (lm[19][1] + lm[24][1]) / 2
    reach = rng.uniform(0.55, 1.05)  # 1: to the brows
    parting = lm[27][0] + unit * rng.uniform(-0.5, 0.5)
    layer = np.zeros((size, size), np.float32)
    for _ in range(int(rng.integers(14, 40))):
        x = lm[27][0] + unit * rng.uniform(-0.85, 0.85)
        lean = 0.25 * (x - parting) + unit * rng.normal(0, 0.04)
        end = top + (brow - top) * reach * rng.uniform(0.75, 1.15)
        for _ in range(int(rng.integers(8, 22))):
            root = x + unit * rng.normal(0, 0.03)
            t = np.linspace(0, 1, 8)
            down = top + (end + unit * rng.normal(0, 0.03) - top) * t
            line = np.stack([root + lean * t**1.6 * rng.uniform(0.8, 1.2), down], 1)
            fixed = np.round(line * 16).astype(np.int32)
            cv2.polylines(layer, [fixed], False, float(rng.uniform(0.6, 1.0)), 1, cv2.LINE_AA, 4)
    cover = np.clip(cv2.GaussianBlur(layer, (0, 0), 0.9) * 1.5, 0, 0.95)[..., None]
    tone = np.asarray(person.hair) * (0.65 + 0.8 * _sheen(rng, size)[..., None])
    person.texture = (person.texture * (1 - cover) + tone * cover).astype(np.float32)


def _luma(colour: Any) -> float:
    return float(np.asarray(colour) @ [0.299, 0.587, 0.114])


def _sheen(rng: Rng, size: int) -> Floats:
    """Light and dark along hairs that hang down, (size, size) 0..1."""
    noise = cv2.GaussianBlur(rng.standard_normal((size, size), dtype=np.float32), (0, 0), sigmaX=1.2, sigmaY=5.0)
    sheen: Floats = np.clip(0.5 + 0.28 * noise / noise.std(), 0, 1).astype(np.float32)
    return sheen


def _hairs(mask: Floats, rng: Rng, count: int, length: float, centre: Array) -> Floats:
    """Hairs strewn over a mask (s, s), growing down and away from a centre; how much of each pixel they cover."""
    out = np.zeros_like(mask)
    rows, columns = np.nonzero(mask > 0.1)
    roots = rng.integers(0, len(rows), count) if len(rows) else np.zeros(0, int)
    for i in roots:
        place = np.array([columns[i], rows[i]], float)
        if rng.random() > mask[rows[i], columns[i]]:
            continue
        way = (place - centre) * [0.6, 0.15] + [0, 60]
        way = way / np.linalg.norm(way) + rng.normal(0, 0.25, 2)
        tip = place + way * length * rng.uniform(0.5, 1.2)
        ends = np.round(np.stack([place, tip]) * 16).astype(np.int32)
        cv2.polylines(out, [ends], False, float(rng.uniform(0.5, 1.0)), 1, cv2.LINE_AA, 4)
    return out
