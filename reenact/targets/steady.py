"""Tracks of a whole video, made steady: short gaps filled, jitter calmed, nothing delayed.

The video is known to its end, so the filter looks both ways: a bilateral filter over time (Tomasi and
Manduchi, ICCV 1998, on a landmark's path instead of an image) averages a landmark with its neighbours
in time that are at nearly the same place.  Tracking noise is averaged out; a blink, a word's lips or a
cut, whose displacement is larger than the noise, keep their shape.
"""

from typing import Any

import numpy as np

from reenact.types import Floats

Bools = np.ndarray[Any, np.dtype[np.bool_]]
GAP_S = 0.25  # a face lost for no longer than this was only missed; longer it was turned away or covered
REACH = 4  # frames to each side
SIGMA_FRAMES = 2.0
NOISE_IOD = 0.012  # a displacement like the tracker's noise, over the distance of the outer eye corners
CUT_IOD = 1.0  # no head moves this far across a gap: a cut


def fill_gaps(points: Floats, found: Bools, rate: float) -> tuple[Floats, Bools]:
    """Points in every frame: short gaps by straight lines (and then found), others by the nearest frame.

    points (N, 478, 3) float32, anything where found (N,) bool is False; at least one must be True.
    """
    there = np.flatnonzero(found)
    if not len(there):
        raise ValueError("found is False everywhere: expected a face in one frame at least")
    filled, usable = points.copy(), found.copy()
    every = np.arange(len(points))
    before = there[np.maximum(np.searchsorted(there, every, "right") - 1, 0)]
    after = there[np.minimum(np.searchsorted(there, every, "left"), len(there) - 1)]
    nearest = np.where(np.abs(every - before) <= np.abs(after - every), before, after)
    for i in np.flatnonzero(~found):
        a, b = int(before[i]), int(after[i])
        missing = b - a - 1
        bridged = a < i < b and missing <= max(1, round(GAP_S * rate)) and _distance(points[a], points[b]) < CUT_IOD
        if bridged:
            t = np.float32((i - a) / (b - a))
            filled[i], usable[i] = points[a] + t * (points[b] - points[a]), True
        else:
            filled[i] = points[nearest[i]]
    return filled, usable


def _distance(a: Floats, b: Floats) -> float:
    return float(np.linalg.norm((a - b)[:, :2], axis=1).mean() / np.linalg.norm(a[33, :2] - a[263, :2]))


def steady(points: Floats, found: Bools) -> Floats:
    """The tracks with their jitter calmed, (N, 478, 3) float32; frames not found stay as they are."""
    noise = NOISE_IOD * np.linalg.norm(points[found][:, 33, :2] - points[found][:, 263, :2], axis=1).mean()
    total, weight = points.copy(), np.ones(points.shape[:2], np.float32)
    for step in range(1, min(REACH, len(points) - 1) + 1):
        moved = points[step:] - points[:-step]
        near = np.exp(-(moved[..., 0] ** 2 + moved[..., 1] ** 2) / (2 * noise * noise) - (step / SIGMA_FRAMES) ** 2 / 2)
        near *= (found[step:] & found[:-step])[:, None]
        for here, there in ((slice(None, -step), slice(step, None)), (slice(step, None), slice(None, -step))):
            total[here] += near[..., None] * points[there]
            weight[here] += near
    return np.ascontiguousarray(total / weight[..., None], np.float32)
