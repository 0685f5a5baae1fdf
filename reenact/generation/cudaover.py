# mypy: disable-error-code="untyped-decorator,no-any-return,no-untyped-def"
"""Eyes and inner mouth over the warped face, and the patch's mask, as one CUDA kernel; a thread a pixel of the patch.

Where lids and lips are open is drawn on the CPU (a few thousand bytes of anti-aliased polygon, the same that
reenact.generation.eyes and .mouth draw); what shows there is sampled here.  The arithmetic is that of those modules and
of reenact.generation.over.

Importing this module needs numba-cuda (the extra `cuda`) but no GPU; under NUMBA_ENABLE_CUDASIM=1 it runs on the CPU.
"""

import math

import numpy as np
from numba import cuda, float32, int32

from reenact.generation.cudasample import clamped, device, enlarged, nearest, sample3
from reenact.generation.eyes import DENSITY, U_REACH, V_REACH

EYE_NUMBERS, EYE_PLACES = 12, 6  # of one eye: to_uv, place, was, radius, weight; drawn, first byte of alpha, box
MOUTH_NUMBERS, MOUTH_PLACES = 4, 3  # of one mouth: gain, share; first byte of its pixels, width, height
PICK_NUMBERS, PICK_PLACES = 1, 6  # of the mouth in all: weight; how many pictures, first byte of alpha, box
_BEYOND = np.float32(-0.02)  # barycentric, as in mouth._map_ring


@device
def eyeball(texture, first, tw, th, u, v, c):
    """Channel c of an eyeball's float texture at (u, v); eyes._sample."""
    x = min(max((u + float32(U_REACH)) * float32(DENSITY), float32(0)), float32(tw) - float32(1.001))
    y = min(max((v + float32(V_REACH)) * float32(DENSITY), float32(0)), float32(th) - float32(1.001))
    i, j = int32(y), int32(x)
    fy, fx = y - float32(i), x - float32(j)
    k = first + 3 * (i * tw + j) + c
    top = texture[k] * (float32(1) - fx) + texture[k + 3] * fx
    low = texture[k + 3 * tw] * (float32(1) - fx) + texture[k + 3 * tw + 3] * fx
    return top * (float32(1) - fy) + low * fy


@device
def draw_eye(numbers, balls, eye, tw, th, x, y, layer):
    """layer[:3] = the eyeball at pixel (x, y) of the eye's box; eyes._draw."""
    n = eye * EYE_NUMBERS
    u = numbers[n] * x + numbers[n + 1] * y + numbers[n + 2]
    v = numbers[n + 3] * x + numbers[n + 4] * y + numbers[n + 5]
    du, dv = u - numbers[n + 6], v - numbers[n + 7]
    distance = math.sqrt(du * du + dv * dv) / numbers[n + 10]
    k = min(float32(1), max(float32(0), (float32(1.22) - distance) / float32(0.14)))
    k = k * k * (float32(3) - float32(2) * k)
    white, iris = 2 * eye * 3 * tw * th, (2 * eye + 1) * 3 * tw * th
    for c in range(3):
        value = eyeball(balls, white, tw, th, u, v, c)
        if k > float32(0):
            seen = eyeball(balls, iris, tw, th, du + numbers[n + 8], dv + numbers[n + 9], c)
            value += k * (seen - value)
        layer[c] = int32(min(float32(255), max(float32(0), value + float32(0.5))))


@device
def mouth_place(lips, rings, ring, strips, px, py, at):
    """at[:2] = where in its picture pixel (px, py) of the mouth's box comes from; whether it does (mouth._map_ring)."""
    for t in range(strips.shape[0] - 1, -1, -1):  # there the last triangle wins
        a, b, c = strips[t, 0], strips[t, 1], strips[t, 2]
        ax, ay, bx, by, cx, cy = lips[a, 0], lips[a, 1], lips[b, 0], lips[b, 1], lips[c, 0], lips[c, 1]
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area <= float32(1e-6):
            continue
        if px < math.floor(min(ax, min(bx, cx))) or px > math.ceil(max(ax, max(bx, cx))):
            continue
        if py < math.floor(min(ay, min(by, cy))) or py > math.ceil(max(ay, max(by, cy))):
            continue
        u = ((bx - px) * (cy - py) - (cx - px) * (by - py)) / area
        v = ((cx - px) * (ay - py) - (ax - px) * (cy - py)) / area
        s = float32(1) - u - v
        if u < _BEYOND or v < _BEYOND or s < _BEYOND:
            continue
        at[0] = u * rings[ring, a, 0] + v * rings[ring, b, 0] + s * rings[ring, c, 0]
        at[1] = u * rings[ring, a, 1] + v * rings[ring, b, 1] + s * rings[ring, c, 1]
        return at[0] >= float32(0)
    return False


@device
def mouth_at(numbers, places, blob, lips, rings, strips, px, py, covered, layer):
    """layer[:3] = the mouth at pixel (px, py) of its box, where two share it their mean; its alpha."""
    at = cuda.local.array(2, float32)
    other = cuda.local.array(3, int32)
    for m in range(places[0]):
        if not mouth_place(lips, rings, m, strips, px, py, at):
            if m == 0:
                return int32(0)
            continue
        p, n = PICK_PLACES + m * MOUTH_PLACES, PICK_NUMBERS + m * MOUTH_NUMBERS
        mx, my = nearest(at[0] * float32(32)), nearest(at[1] * float32(32))
        sample3(blob, places[p], places[p + 1], places[p + 2], mx, my, other)
        for c in range(3):
            value = int32(min(max(float32(other[c]) * numbers[n + c], float32(0)), float32(255)))
            if m > 0:
                share = numbers[n + 3]
                value = int32(float32(layer[c]) * (float32(1) - share) + float32(value) * share + float32(0.5))
            layer[c] = value
    return int32(float32(covered) * numbers[0])


@device
def lay_over(picture, i, layer, alpha):
    """Pixel i of a flat BGR picture under layer[:3] of an alpha, as reenact.generation.over does it."""
    for c in range(3):
        old = int32(picture[3 * i + c])
        picture[3 * i + c] = np.uint8(old + ((layer[c] - old) * alpha + 127) // 255)


@cuda.jit
def over(
    blob, eye_numbers, eye_places, balls, tw, th, mouth_numbers, mouth_places, lips, rings, strips,
    region, rw, rh, w, h, base, mouth, pasted, mask,
):  # fmt: skip
    """Draws the eyes over base (h, w, 3) flat, and the mouth apart: it is laid over what the network makes of base.

    mouth (h, w, 3), pasted (h, w), mask (h, w) flat: the mouth and its alpha, and what may be taken of the patch
    blob            bytes: alphas, mouths' pixels and, from `region` on, the coarse region of rw x rh
    eye_*           two eyes, see EYE_NUMBERS;  balls: white and iris of each, (2, 2, th, tw, 3) float32 flat
    mouth_*, lips, rings, strips   see PICK_NUMBERS; (20, 2) in the box, (2, 20, 2) in the pictures; (18, 3)
    """
    x, y = cuda.grid(2)
    if x >= w or y >= h:
        return
    i = y * w + x
    layer = cuda.local.array(3, int32)
    alpha = int32(0)
    for eye in range(2):
        e = eye * EYE_PLACES
        a, b = x - eye_places[e + 2], y - eye_places[e + 3]
        if eye_places[e] == 0 or a < 0 or b < 0 or a >= eye_places[e + 4] or b >= eye_places[e + 5]:
            continue
        covered = int32(blob[eye_places[e + 1] + b * eye_places[e + 4] + a])
        if covered > 0:
            draw_eye(eye_numbers, balls, eye, tw, th, float32(a), float32(b), layer)
            alpha = int32(float32(covered) * eye_numbers[eye * EYE_NUMBERS + 11] + float32(0.5))
    if alpha > 0:
        lay_over(base, i, layer, alpha)
    lips_alpha = int32(0)
    a, b = x - mouth_places[2], y - mouth_places[3]
    if mouth_places[0] > 0 and 0 <= a < mouth_places[4] and 0 <= b < mouth_places[5]:
        covered = int32(blob[mouth_places[1] + b * mouth_places[4] + a])
        if covered > 0:
            lips_alpha = mouth_at(
                mouth_numbers, mouth_places, blob, lips, rings, strips, float32(a), float32(b), covered, layer
            )
            for c in range(3):
                mouth[3 * i + c] = np.uint8(layer[c])
    pasted[i] = np.uint8(lips_alpha)
    free = clamped(enlarged(blob, region, rw, rh, w, h, x, y), 255)
    mask[i] = np.uint8(max(free, max(alpha, lips_alpha)))


@cuda.jit
def lay_mouth(patch, mouth, pasted, w, h):
    """The mouth over the finished patch; all flat."""
    x, y = cuda.grid(2)
    if x >= w or y >= h or pasted[y * w + x] == 0:
        return
    i = y * w + x
    layer = cuda.local.array(3, int32)
    for c in range(3):
        layer[c] = int32(mouth[3 * i + c])
    lay_over(patch, i, layer, int32(pasted[i]))
