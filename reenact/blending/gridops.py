"""The four operations of geometric multigrid on one grid: smooth, residual, restrict, prolong.

They solve D u - (sum of the four neighbours) = f on the grids of reenact.blending.domain, u = 0 outside the mask.
Briggs, Henson, McCormick, A Multigrid Tutorial, 2nd ed., chapter 3; the smoother is the two-step Chebyshev iteration
on Jacobi's (Adams, Brezina, Hu, Tuminaro 2003).

Smoother and residual run over whole levels, ring and padding included, on views shifted by the neighbour's offset:
counting from 0 lets LLVM drop numba's test for negative indices, and a loop without rows has no row overhead.
"""

import numpy as np

from reenact.blending.domain import Array
from reenact.blending.jit import part

# Two Jacobi steps with these weights damp the rough half of the spectrum; measured, larger second weights diverge.
FIRST, SECOND = np.float32(0.578), np.float32(2.375)
BLOCK = 2048  # nodes: u, t, f, D and 1 / D of as many are 40 KB
ZERO, HALF, QUARTER, ONE = np.float32(0), np.float32(0.5), np.float32(0.25), np.float32(1)


@part
def step(u: Array, out: Array, f: Array, inverse: Array, stride: int, weight: np.float32, a: int, b: int) -> None:
    """out[a:b] = u + weight * (Jacobi(u) - u): one damped Jacobi step, 7 loads and 1 store a node."""
    n = b - a
    c, up, down = u[a:b], u[a - stride : b - stride], u[a + stride : b + stride]
    left, right = u[a - 1 : b - 1], u[a + 1 : b + 1]
    g, inv, o = f[a:b], inverse[a:b], out[a:b]
    for i in range(n):
        o[i] = c[i] + weight * (inv[i] * (g[i] + (up[i] + down[i]) + (left[i] + right[i])) - c[i])


@part
def step_from_zero(out: Array, f: Array, inverse: Array, a: int, b: int) -> None:
    """`step` with the first weight where u = 0."""
    o, g, inv = out[a:b], f[a:b], inverse[a:b]
    for i in range(b - a):
        o[i] = FIRST * inv[i] * g[i]


@part
def residual(u: Array, out: Array, f: Array, diagonal: Array, stride: int, a: int, b: int) -> None:
    """out[a:b] = f + neighbours - D u on unknowns, 0 elsewhere."""
    n = b - a
    c, up, down = u[a:b], u[a - stride : b - stride], u[a + stride : b + stride]
    left, right = u[a - 1 : b - 1], u[a + 1 : b + 1]
    g, d, o = f[a:b], diagonal[a:b], out[a:b]
    for i in range(n):
        v = g[i] + (up[i] + down[i]) + (left[i] + right[i]) - d[i] * c[i]
        o[i] = v if d[i] > ZERO else ZERO


@part
def smooth(u: Array, t: Array, f: Array, diagonal: Array, inverse: Array, stride: int, from_zero: bool,
           leave_residual: bool) -> None:  # fmt: skip
    """The two steps u -> t -> u on a level, and on wish t = the residual after them.

    Block by block: the second step follows the first by one row, the residual the second by another, while the block
    is in the first-level cache; u, f and D come from memory once instead of three times.  One row is just far enough
    that nothing is overwritten that an earlier stage still reads.
    """
    end = u.size - stride
    block = max(BLOCK, 2 * stride)
    a = stride
    while a < end:
        b = min(a + block, end)
        if from_zero:
            step_from_zero(t, f, inverse, a, b)
        else:
            step(u, t, f, inverse, stride, FIRST, a, b)
        last = b == end
        a2, b2 = max(a - stride, stride), end if last else b - stride
        if a2 < b2:
            step(t, u, f, inverse, stride, SECOND, a2, b2)
        if leave_residual:
            a3, b3 = max(a - 2 * stride, stride), end if last else b - 2 * stride
            if a3 < b3:
                residual(u, t, f, diagonal, stride, a3, b3)
        if last:
            break
        a = b


@part
def restrict(
    fine: Array, rows: int, stride: int, coarse: Array, coarse_rows: int, coarse_stride: int, r: Array
) -> None:
    """coarse = 4 * full weighting of fine, one channel (the 4 is the square of the ratio of the grid steps)."""
    total = r[:stride]
    before, middle, after = total, total[1:], total[2:]
    count = min(coarse_stride - 1, stride // 2 - 1)
    for i in range(1, coarse_rows - 1):
        b = 2 * i * stride
        up, centre, down = fine[b - stride : b], fine[b : b + stride], fine[b + stride : b + 2 * stride]
        if 2 * i + 1 == rows:  # the row below is padding
            down = fine[:stride]
        for x in range(stride):
            total[x] = up[x] + (centre[x] + centre[x]) + down[x]
        g = coarse[i * coarse_stride + 1 : (i + 1) * coarse_stride]
        for j in range(count):
            k = 2 * j + 1
            g[j] = QUARTER * (before[k] + (middle[k] + middle[k]) + after[k])


@part
def prolong_add(
    coarse: Array, coarse_rows: int, coarse_stride: int, u: Array, inverse: Array, rows: int, stride: int, wide: Array
) -> None:
    """u += bilinear interpolation of coarse, on unknowns, one channel; wide: a row of scratch."""
    half = min(stride // 2, coarse_stride - 1)
    for i in range(coarse_rows - 1):
        a, b = coarse[i * coarse_stride : (i + 1) * coarse_stride], coarse[(i + 1) * coarse_stride :]
        an, bn = a[1:], b[1:]
        for odd in range(2):
            y = 2 * i + odd
            if y >= rows - 1:
                break
            o, inv = u[y * stride : (y + 1) * stride], inverse[y * stride : (y + 1) * stride]
            wb = HALF if odd else ZERO
            wa = ONE - wb
            for j in range(half):
                l, r = wa * a[j] + wb * b[j], wa * an[j] + wb * bn[j]
                wide[2 * j], wide[2 * j + 1] = l, HALF * (l + r)
            for x in range(2 * half):
                o[x] += wide[x] if inv[x] > ZERO else ZERO
