"""The boundary's values: out of the pictures, into the right-hand side, and onto the nodes just outside the mask."""

import numpy as np

from reenact.blending.domain import Array, Crossings, Grid, PixelMap
from reenact.blending.gridops import ONE, ZERO
from reenact.blending.jit import part


@part
def boundary_values(patch: Array, h: int, w: int, frame: Array, width: int, oy: int, ox: int, pixels: PixelMap,
                    n: int, values: Array) -> None:  # fmt: skip
    """values[k] = target - patch at boundary pixel k, per channel; beyond its edge the patch is repeated."""
    for k in range(n):
        y, x = pixels.bound[k, 0], pixels.bound[k, 1]
        p = 3 * (min(max(y, 0), h - 1) * w + min(max(x, 0), w - 1))
        q = 3 * ((oy + y) * width + ox + x)
        for c in range(3):
            values[k, c] = np.float32(frame[q + c]) - np.float32(patch[p + c])


@part
def centre(values: Array, n: int, mean: Array) -> None:
    """Takes each channel's mean out of the values: what is solved is only what differs along the boundary."""
    m0, m1, m2 = ZERO, ZERO, ZERO
    for k in range(n):
        m0, m1, m2 = m0 + values[k, 0], m1 + values[k, 1], m2 + values[k, 2]
    share = ONE / np.float32(max(n, 1))
    mean[0], mean[1], mean[2] = m0 * share, m1 * share, m2 * share
    for k in range(n):
        for c in range(3):
            values[k, c] -= mean[c]


@part
def sample(values: Array, cross: Crossings, count: int, sampled: Array) -> None:
    """sampled[e] = the boundary's value at crossing e, averaged over its samples, per channel."""
    for e in range(count):
        v0, v1, v2 = ZERO, ZERO, ZERO
        for k in range(cross.first[e], cross.first[e + 1]):
            w, i = cross.weight[k], cross.source[k]
            v0, v1, v2 = v0 + w * values[i, 0], v1 + w * values[i, 1], v2 + w * values[i, 2]
        sampled[e, 0], sampled[e, 1], sampled[e, 2] = v0, v1, v2


@part
def boundary_to_f(sampled: Array, f: Array, grid: Grid, cross: Crossings, l: int) -> None:
    """f of level l: at every crossing, the boundary's value there over its distance."""
    a, n = grid.levels[l, 0], grid.levels[l, 3]
    f[a : a + 3 * n] = 0
    for e in range(cross.spans[l, 0], cross.spans[l, 1]):
        p, d = a + cross.node[e], cross.inverse[e]
        for c in range(3):
            f[p + c * n] += d * sampled[e, c]


@part
def fill_ghosts(sampled: Array, u: Array, grid: Grid, cross: Crossings, l: int) -> None:
    """Gives the nodes just outside the mask the value that lets interpolation meet the boundary where it stands.

    From an unknown u at distance d of the boundary's value v the line through both reaches v + (v - u) (1 - d) / d;
    its steepness is limited to 1 for the sake of near crossings.  Towards the frame's edge the unknown is repeated.
    """
    a, n = grid.levels[l, 0], grid.levels[l, 3]
    for e in range(cross.spans[l, 0], cross.spans[l, 4]):
        inverse, p, g = cross.inverse[e], a + cross.node[e], a + cross.ghost[e]
        reach = min(max(inverse - ONE, ZERO), ONE)
        for c in range(3):
            v, inner = sampled[e, c], u[p + c * n]
            u[g + c * n] += inner if inverse == ZERO else v + (v - inner) * reach
    for k in range(cross.spans[l, 2], cross.spans[l, 3]):
        for c in range(3):
            u[a + cross.ghosts[k] + c * n] *= cross.share[k]


@part
def clear_ghosts(u: Array, grid: Grid, cross: Crossings, l: int) -> None:
    a, n = grid.levels[l, 0], grid.levels[l, 3]
    for k in range(cross.spans[l, 2], cross.spans[l, 3]):
        for c in range(3):
            u[a + cross.ghosts[k] + c * n] = 0
