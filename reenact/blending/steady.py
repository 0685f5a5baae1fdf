"""Against flicker and bleeding: what is done to the boundary's values before they are solved from.

Memory: grain and a trembling mask make the values of a still scene jump; an exponential average over frames, pixel
by pixel in the patch's own coordinates, calms the whole correction.  Clamp: where the boundary lies on hair, on the
background or across a shadow's edge its values are outliers that would bleed into the face; they are held to a band
about the median, and the seam this leaves is faded over a few pixels.
"""

import numpy as np

from reenact.blending.domain import MARGIN, Array, PixelMap
from reenact.blending.gridops import ONE, ZERO
from reenact.blending.jit import part

CUT = np.float32(24)  # grey levels of mean change along the boundary from which a new shot is assumed
NEAR = 2  # pixels that a boundary may have moved between frames and still find its past
BINS = 1024
FULL_BITE = np.float32(32)  # grey levels of clamping from which the seam is faded completely


@part
def remember(values: Array, n: int, pixels: PixelMap, kept: float, past: Array, stamps: Array, stride: int,
             now: int) -> bool:  # fmt: skip
    """values = kept * past + (1 - kept) * values, and that is the past of the next frame; False after a cut.

    past (flat map, 3), stamps (flat map): value and number of the frame that wrote it, row stride `stride`.
    """
    share = ONE - np.float32(kept)
    change, known = ZERO, 0
    for turn in range(2):
        cut = known > 0 and change > CUT * np.float32(3 * known)
        for k in range(n):
            y, x = pixels.bound[k, 0] + 1, pixels.bound[k, 1] + 1
            b0, b1, b2, count = ZERO, ZERO, ZERO, 0
            for reach in (0, NEAR):
                if count > 0:
                    break
                for v in range(max(0, y - reach), y + reach + 1):
                    for u in range(max(0, x - reach), x + reach + 1):
                        p = (v + 1) * stride + u
                        if stamps[p] == now - 1:
                            b0, b1, b2, count = b0 + past[p, 0], b1 + past[p, 1], b2 + past[p, 2], count + 1
            if count > 0:
                s = ONE / np.float32(count)
                d0, d1, d2 = values[k, 0] - s * b0, values[k, 1] - s * b1, values[k, 2] - s * b2
                if turn == 0:
                    change += abs(d0) + abs(d1) + abs(d2)
                    known += 1
                elif not cut:
                    values[k, 0] = s * b0 + share * d0
                    values[k, 1] = s * b1 + share * d1
                    values[k, 2] = s * b2 + share * d2
    for k in range(n):
        p = (pixels.bound[k, 0] + 2) * stride + pixels.bound[k, 1] + 1
        stamps[p] = now
        past[p, 0], past[p, 1], past[p, 2] = values[k, 0], values[k, 1], values[k, 2]
    return not (known > 0 and change > CUT * np.float32(3 * known))


@part
def histogram_median(v: Array, n: int, c: int, centre: np.float32, folded: bool, bins: Array) -> np.float32:
    """Median of v[:n, c], or of |v - centre|, to half a grey level."""
    bins[:] = 0
    for k in range(n):
        x = v[k, c] - centre
        x = abs(x) if folded else x + np.float32(512)
        bins[int(min(max(x + np.float32(0.5), ZERO), np.float32(BINS - 1)))] += 1
    half, total = (n + 1) // 2, 0
    for i in range(BINS):
        total += bins[i]
        if total >= half:
            return np.float32(i if folded else i - 512)
    return ZERO


@part
def clamp_values(values: Array, n: int, width: float, centres: Array, bite: Array, bins: Array) -> None:
    """Centres values on each channel's median and clamps them to `width` robust standard deviations about it.

    The robust deviation is 1.4826 times the median distance from the median, at least one grey level.  bite[k]: how
    much was cut off at boundary pixel k, the largest of the channels.
    """
    for k in range(n):
        bite[k] = 0
    for c in range(3):
        m = histogram_median(values, n, c, ZERO, False, bins)
        limit = np.float32(width) * max(np.float32(1.4826) * histogram_median(values, n, c, m, True, bins), ONE)
        centres[c] = m
        for k in range(n):
            v = values[k, c] - m
            held = min(max(v, -limit), limit)
            bite[k] = max(bite[k], abs(v - held))
            values[k, c] = held


@part
def collect_fade(bite: Array, n: int, reach: int, pixels: PixelMap, s: int, h: int, w: int, fade: Array, touched: Array,
                 saved: Array, frame: Array, width: int, oy: int, ox: int) -> int:  # fmt: skip
    """fade (flat map): how much of the target comes back near the boundary pixels that were clamped; keeps the
    target's pixels in `saved` before they are overwritten.  Returns the number of pixels touched."""
    count = 0
    scale = ONE / np.float32(reach + 1)
    for k in range(n):
        if bite[k] < ONE:
            continue
        strength = min(bite[k] / FULL_BITE, ONE)
        y, x = pixels.bound[k, 0] + 1, pixels.bound[k, 1] + 1
        for v in range(max(1, y - reach), min(h, y + reach) + 1):
            for u in range(max(1, x - reach), min(w, x + reach) + 1):
                p = (v + 1) * s + u
                if pixels.pixels[p] != 1:
                    continue
                near = ONE - scale * np.sqrt(np.float32((v - y) * (v - y) + (u - x) * (u - x)))
                if near <= ZERO:
                    continue
                a = strength * near * near * (np.float32(3) - np.float32(2) * near)
                if fade[p] == ZERO:
                    q = 3 * ((oy + v - 1) * width + ox + u - 1)
                    touched[count, 0], touched[count, 1] = p, q
                    saved[count, 0], saved[count, 1], saved[count, 2] = frame[q], frame[q + 1], frame[q + 2]
                    count += 1
                fade[p] = max(fade[p], a)
    return count


@part
def apply_fade(out: Array, count: int, fade: Array, touched: Array, saved: Array) -> None:
    for k in range(count):
        p, q = touched[k, 0], touched[k, 1]
        for c in range(3):
            v = np.float32(out[q + c])
            out[q + c] = np.uint8(v + fade[p] * (np.float32(saved[k, c]) - v) + np.float32(0.5))
        fade[p] = 0


def map_size(h: int, w: int) -> int:
    """Elements of a flat pixel map for masks of at most (h, w)."""
    return (h + 6) * (w + MARGIN) + 64
