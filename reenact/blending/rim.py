"""A rim of full resolution along the boundary of a coarse solution.

A grid of every fourth pixel cannot follow boundary values that change from pixel to pixel; their extension dies away
within as many pixels as they are long, so a few Gauss-Seidel sweeps over the outermost pixels, from the boundary
inwards, put it back.
"""

import numpy as np

from reenact.blending.domain import BEYOND, INSIDE, Array, Grid, PixelMap
from reenact.blending.gridops import ONE, ZERO
from reenact.blending.jit import kernel, part

SWEEPS = 4


@kernel
def plan_rim(pixels: PixelMap, n_bound: int, s: int, width: int, depth: Array, order: Array, ends: Array) -> None:
    """order: positions in the pixel map, boundary first, then the mask layer by layer to `width` + 1; ends: where each
    of the three groups ends: boundary, pixels to be swept, pixels that only hold the coarse solution."""
    count = 0
    for k in range(n_bound):
        p = (pixels.bound[k, 0] + 2) * s + pixels.bound[k, 1] + 1
        order[count] = p
        count += 1
    ends[0] = count
    begin = 0
    for layer in range(width + 1):
        end = count
        if layer == width:
            ends[1] = end
        for k in range(begin, end):
            for q in (order[k] - s, order[k] + s, order[k] - 1, order[k] + 1):
                if pixels.pixels[q] == INSIDE and depth[q] == 0:
                    depth[q] = 1
                    order[count] = q
                    count += 1
        begin = end
    ends[2] = count
    for k in range(ends[0], count):
        depth[order[k]] = 0


@part
def sweep_rim(u: Array, grid: Grid, top: int, values: Array, pixels: PixelMap, s: int, order: Array, ends: Array,
              v: Array) -> None:  # fmt: skip
    """v (map, 3) float32 on the rim: the coarse solution between its nodes, then swept with the boundary as it is."""
    offset, stride, n = grid.levels[top, 0], grid.levels[top, 2], grid.levels[top, 3]
    ratio = 1 << top
    share = ONE / np.float32(ratio)
    for k in range(ends[0]):
        for c in range(3):
            v[order[k], c] = values[k, c]
    for k in range(ends[0], ends[2]):
        p = order[k]
        y, x = p // s - 1, p % s
        a, b = np.float32(y & (ratio - 1)) * share, np.float32(x & (ratio - 1)) * share
        i = offset + (y >> top) * stride + (x >> top)
        for c in range(3):
            above = u[i + c * n] + b * (u[i + c * n + 1] - u[i + c * n])
            j = i + c * n + stride
            v[p, c] = above + a * (u[j] + b * (u[j + 1] - u[j]) - above)
    for _ in range(SWEEPS):
        for k in range(ends[0], ends[1]):
            p = order[k]
            s0, s1, s2, count = ZERO, ZERO, ZERO, ZERO
            for q in (p - s, p + s, p - 1, p + 1):
                if pixels.pixels[q] != BEYOND:
                    s0, s1, s2, count = s0 + v[q, 0], s1 + v[q, 1], s2 + v[q, 2], count + ONE
            if count > ZERO:
                v[p, 0], v[p, 1], v[p, 2] = s0 / count, s1 / count, s2 / count


@part
def add_rim(v: Array, mean: Array, patch: Array, w: int, out: Array, width: int, oy: int, ox: int, s: int, order: Array,
            ends: Array) -> None:  # fmt: skip
    """out = patch + correction on the swept pixels, rounded and clipped."""
    for k in range(ends[0], ends[1]):
        p = order[k]
        y, x = p // s - 2, p % s - 1
        i, j = 3 * (y * w + x), 3 * ((oy + y) * width + ox + x)
        for c in range(3):
            value = np.float32(patch[i + c]) + v[p, c] + mean[c] + np.float32(0.5)
            out[j + c] = np.uint8(min(max(value, ZERO), np.float32(255)))
