"""Tracks of a whole video, made steady: short gaps filled, jitter calmed, nothing delayed.

The video is known to its end, so the filter looks both ways: a landmark is averaged with the middle of
where it was k frames ago and where it will be k frames on, weighted by how near that is (a bilateral
filter, Tomasi and Manduchi, ICCV 1998, over time).  Steady motion, whose middle is where the landmark
is, is not held back; a blink, a word's lips or a cut, whose middle is elsewhere, keep their shape.
"""

from typing import Any

import numpy as np

from reenact.types import Floats

Bools = np.ndarray[Any, np.dtype[np.bool_]]
GAP_S = 0.25  # a face lost for no longer than this was only missed; longer it was turned away or covered
REACH = 4  # frames to each side
SIGMA_FRAMES = 2.0
NOISE_IOD = 0.008  # a displacement like the tracker's noise, over the distance of the outer eye corners
CUT_IOD = 1.0  # no head moves this far across a gap: a cut


def fill_gaps(points: Floats, found: Bools, rate: float) -> tuple[Floats, Bools]:
    """Points in every frame: short gaps by straight lines (and then found), others by the nearest frame.

    points (N, 478, 3) float32, anything where found (N,) bool is False; at least one must be True.
    """
    before, after = _neighbours(found)
    filled, usable = points[_nearest(found)], found.copy()
    for i in np.flatnonzero(~found):
        a, b = int(before[i]), int(after[i])
        missing = b - a - 1
        bridged = a < i < b and missing <= max(1, round(GAP_S * rate)) and _distance(points[a], points[b]) < CUT_IOD
        if bridged:
            t = np.float32((i - a) / (b - a))
            filled[i], usable[i] = points[a] + t * (points[b] - points[a]), True
    return filled, usable


def _neighbours(found: Bools) -> tuple[Any, Any]:
    """For each frame the last found one up to it and the first from it on; the only one there is at the ends."""
    there, every = np.flatnonzero(found), np.arange(len(found))
    if not len(there):
        raise ValueError("found is False everywhere: expected a face in one frame at least")
    before = there[np.maximum(np.searchsorted(there, every, "right") - 1, 0)]
    after = there[np.minimum(np.searchsorted(there, every, "left"), len(there) - 1)]
    return before, after


def _nearest(found: Bools) -> Any:
    before, after = _neighbours(found)
    every = np.arange(len(found))
    return np.where(np.abs(every - before) <= np.abs(after - every), before, after)


def _distance(a: Floats, b: Floats) -> float:
    return float(np.linalg.norm((a - b)[:, :2], axis=1).mean() / np.linalg.norm(a[33, :2] - a[263, :2]))


def steady(points: Floats, found: Bools) -> Floats:
    """The tracks with their jitter calmed, (N, 478, 3) float32; frames not found get the nearest found one's."""
    noise = NOISE_IOD * np.linalg.norm(points[found][:, 33, :2] - points[found][:, 263, :2], axis=1).mean()
    total, weight = points.copy(), np.ones(points.shape[:2], np.float32)
    for step in range(1, REACH + 1):
        if len(points) <= 2 * step:
            break
        here = slice(step, -step)
        middle = (points[: -2 * step] + points[2 * step :]) / 2
        apart = (middle - points[here])[..., :2]
        near = 2 * np.exp(-(apart**2).sum(-1) / (2 * noise * noise) - (step / SIGMA_FRAMES) ** 2 / 2)
        near *= (found[: -2 * step] & found[here] & found[2 * step :])[:, None]
        total[here] += near[..., None] * middle
        weight[here] += near
    calm: Floats = np.ascontiguousarray(total / weight[..., None], np.float32)[_nearest(found)]
    return calm
