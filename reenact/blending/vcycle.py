"""Geometric multigrid for one channel: smoother, restriction, prolongation, V-cycle, full multigrid.

Solves D u - (sum of the four neighbours) = f on the grids of reenact.blending.domain, u = 0 outside the mask.
Briggs, Henson, McCormick, A Multigrid Tutorial, 2nd ed., chapters 3 and 4; the smoother is the two-step Chebyshev
iteration on Jacobi's (Adams, Brezina, Hu, Tuminaro 2003).

Every loop runs over whole levels, ring and padding included, on views shifted by the neighbour's offset: counting
from 0 lets LLVM drop numba's test for negative indices, and a loop without rows has no row overhead.
"""

import numpy as np

from reenact.blending.jit import part

# Two Jacobi steps with these weights damp the rough half of the spectrum; measured, larger second weights diverge.
FIRST, SECOND = np.float32(0.578), np.float32(2.375)
LAST_SWEEPS = 6  # double steps on the coarsest grid, at most 4 x 4 unknowns


@part
def _step(u, out, f, inverse, stride, weight):  # type: ignore[no-untyped-def]
    """out = u + weight * (Jacobi(u) - u): one damped Jacobi step, 7 loads and 1 store a node."""
    n = u.size - 2 * stride
    c, up, down = u[stride : stride + n], u[:n], u[2 * stride : 2 * stride + n]
    left, right = u[stride - 1 : stride - 1 + n], u[stride + 1 : stride + 1 + n]
    f, inv, o = f[stride : stride + n], inverse[stride : stride + n], out[stride : stride + n]
    for i in range(n):
        o[i] = c[i] + weight * (inv[i] * (f[i] + (up[i] + down[i]) + (left[i] + right[i])) - c[i])


@part
def _smooth(u, t, f, inverse, stride):  # type: ignore[no-untyped-def]
    _step(u, t, f, inverse, stride, FIRST)
    _step(t, u, f, inverse, stride, SECOND)


@part
def _smooth_from_zero(u, t, f, inverse, stride):  # type: ignore[no-untyped-def]
    """`_smooth` of u = 0, whose first step needs no neighbours."""
    for i in range(u.size):
        t[i] = FIRST * inverse[i] * f[i]
    _step(t, u, f, inverse, stride, SECOND)


@part
def _restrict_residual(u, f, diagonal, stride, rows, coarse_f, coarse_stride, coarse_rows, r):  # type: ignore[no-untyped-def]
    """coarse_f = 4 * full weighting of f + neighbours - D u (the 4 is the square of the ratio of the grid steps).

    r holds three rows of residuals and a row for their sum.  Residuals outside the mask are left out by D, which is zero there.
    """
    for i in range(1, coarse_rows - 1):
        for y in range(2 * i, 2 * i + 2) if i > 1 else range(1, 4):
            out = r[(y % 3) * stride : (y % 3 + 1) * stride]
            if y >= rows - 1:
                out[:] = 0
                continue
            b = y * stride
            c, up, down = u[b : b + stride], u[b - stride : b], u[b + stride : b + 2 * stride]
            left, right = u[b - 1 : b - 1 + stride], u[b + 1 : b + 1 + stride]
            g, d = f[b : b + stride], diagonal[b : b + stride]
            for x in range(stride):
                v = g[x] + (up[x] + down[x]) + (left[x] + right[x]) - d[x] * c[x]
                out[x] = v if d[x] > 0 else np.float32(0)
        first, last = r[(2 * i - 1) % 3 * stride :], r[(2 * i + 1) % 3 * stride :]
        middle, total = r[(2 * i) % 3 * stride :], r[3 * stride : 4 * stride]
        for x in range(stride):
            total[x] = first[x] + middle[x] + middle[x] + last[x]
        g = coarse_f[i * coarse_stride + 1 : (i + 1) * coarse_stride]
        before, centre, after = total[1:], total[2:], total[3:]
        for j in range(min(g.size, stride // 2 - 1)):
            g[j] = np.float32(0.25) * (before[2 * j] + (centre[2 * j] + centre[2 * j]) + after[2 * j])


@part
def _prolong_add(coarse, coarse_stride, coarse_rows, u, inverse, stride, rows):  # type: ignore[no-untyped-def]
    """u += bilinear interpolation of coarse, on unknowns."""
    half = min(stride // 2, coarse_stride - 1)
    for i in range(coarse_rows - 1):
        a, b = coarse[i * coarse_stride : (i + 1) * coarse_stride], coarse[(i + 1) * coarse_stride :]
        for odd in range(2):
            y = 2 * i + odd
            if y >= rows - 1:
                break
            o, inv = u[y * stride : (y + 1) * stride], inverse[y * stride : (y + 1) * stride]
            wa = np.float32(0.5) if odd else np.float32(1)
            wb = np.float32(1) - wa
            for j in range(half):
                l, r = wa * a[j] + wb * b[j], wa * a[j + 1] + wb * b[j + 1]
                o[2 * j] += l if inv[2 * j] > 0 else np.float32(0)
                o[2 * j + 1] += np.float32(0.5) * (l + r) if inv[2 * j + 1] > 0 else np.float32(0)


@part
def v_cycle(u, t, f, diagonal, inverse, lev, level, levels, r):  # type: ignore[no-untyped-def]
    """One V(1, 1) cycle on `level`; leaves u better, f of the coarser levels overwritten.  All arrays flat."""
    for l in range(level, levels):
        a, rows, s, n = lev[l, 0], lev[l, 1], lev[l, 2], lev[l, 3]
        b = a + n
        if l == level:
            _smooth(u[a:b], t[a:b], f[a:b], inverse[a:b], s)
        else:
            _smooth_from_zero(u[a:b], t[a:b], f[a:b], inverse[a:b], s)
        if l < levels - 1:
            c, e = lev[l + 1, 0], lev[l + 1, 0] + lev[l + 1, 3]
            _restrict_residual(u[a:b], f[a:b], diagonal[a:b], s, rows, f[c:e], lev[l + 1, 2], lev[l + 1, 1], r)
        else:
            for _ in range(LAST_SWEEPS):
                _smooth(u[a:b], t[a:b], f[a:b], inverse[a:b], s)
    for l in range(levels - 2, level - 1, -1):
        a, rows, s, n = lev[l, 0], lev[l, 1], lev[l, 2], lev[l, 3]
        b = a + n
        c, e = lev[l + 1, 0], lev[l + 1, 0] + lev[l + 1, 3]
        _prolong_add(u[c:e], lev[l + 1, 2], lev[l + 1, 1], u[a:b], inverse[a:b], s, rows)
        _smooth(u[a:b], t[a:b], f[a:b], inverse[a:b], s)


@part
def boundary_to_f(values, f, offset, n, start, stop, e_node, e_inv, first, source, weight):  # type: ignore[no-untyped-def]
    """f of one level from the boundary's values (one channel): f += value / distance, entry by entry."""
    f[offset : offset + n] = 0
    for e in range(start, stop):
        v = np.float32(0)
        for k in range(first[e], first[e + 1]):
            v += weight[k] * values[source[k]]
        f[offset + e_node[e]] += e_inv[e] * v


@part
def fill_ghosts(values, u, offset, spans, e_node, e_ghost, e_inv, first, source, weight, ghosts, g_share):  # type: ignore[no-untyped-def]
    """Gives the nodes just outside the mask the value that lets interpolation meet the boundary where it stands.

    From an unknown at distance d of the boundary's value v the line through both reaches v + (v - u) (1 - d) / d;
    its steepness is limited to 1 for the sake of near crossings.  Towards the frame's edge the unknown is repeated.
    """
    for e in range(spans[0], spans[4]):
        v = np.float32(0)
        for k in range(first[e], first[e + 1]):
            v += weight[k] * values[source[k]]
        i = e_inv[e]
        if i == 0:
            v = u[offset + e_node[e]]
        elif i > 0:
            v += (v - u[offset + e_node[e]]) * min(i - np.float32(1), np.float32(1))
        u[offset + e_ghost[e]] += v
    for k in range(spans[2], spans[3]):
        u[offset + ghosts[k]] *= g_share[k]


@part
def clear_ghosts(u, offset, spans, ghosts):  # type: ignore[no-untyped-def]
    for k in range(spans[2], spans[3]):
        u[offset + ghosts[k]] = 0


@part
def full_multigrid(
    values,
    u,
    t,
    f,
    diagonal,
    inverse,
    lev,
    top,
    levels,
    cycles,
    r,
    spans,
    e_node,
    e_ghost,
    e_inv,
    first,
    source,
    weight,
    ghosts,
    g_share,
):  # type: ignore[no-untyped-def]
    """Laplace's equation from the boundary's values: each level starts from the one below, then one V-cycle, on the
    finest `cycles`.  Nothing of the last frame is used: warm starts were measured to cost accuracy."""
    for l in range(levels - 1, top - 1, -1):
        a, n = lev[l, 0], lev[l, 3]
        u[a : a + n] = 0
        t[a : a + lev[l, 2]] = 0
        t[a + n - lev[l, 2] : a + n] = 0
        if l < levels - 1:
            c, e = lev[l + 1, 0], lev[l + 1, 0] + lev[l + 1, 3]
            fill_ghosts(values, u, c, spans[l + 1], e_node, e_ghost, e_inv, first, source, weight, ghosts, g_share)
            _prolong_add(u[c:e], lev[l + 1, 2], lev[l + 1, 1], u[a : a + n], inverse[a : a + n], lev[l, 2], lev[l, 1])
            clear_ghosts(u, c, spans[l + 1], ghosts)
        boundary_to_f(values, f, a, n, spans[l, 0], spans[l, 1], e_node, e_inv, first, source, weight)
        for _ in range(cycles if l == top else 1):
            v_cycle(u, t, f, diagonal, inverse, lev, l, levels, r)


@part
def restrict_f(f, diagonal, lev, top, levels, r):  # type: ignore[no-untyped-def]
    """f of every coarser level from the finest: 4 * full weighting, level by level."""
    for l in range(top, levels - 1):
        a, rows, s = lev[l, 0], lev[l, 1], lev[l, 2]
        c, cs = lev[l + 1, 0], lev[l + 1, 2]
        total = r[:s]
        for i in range(1, lev[l + 1, 1] - 1):
            b = a + 2 * i * s
            last = b + s if 2 * i + 1 < rows else b - s
            up, centre, down = f[b - s : b], f[b : b + s], f[last : last + s]
            du, dc, dd = diagonal[b - s : b], diagonal[b : b + s], diagonal[last : last + s]
            for x in range(s):
                v = centre[x] + centre[x] if dc[x] > 0 else np.float32(0)
                v += up[x] if du[x] > 0 else np.float32(0)
                v += down[x] if dd[x] > 0 else np.float32(0)
                total[x] = v
            g = f[c + i * cs + 1 : c + (i + 1) * cs]
            before, middle, after = total, total[1:], total[2:]
            for j in range(min(g.size, s // 2 - 1)):
                k = 2 * j + 1
                g[j] = np.float32(0.25) * (before[k] + (middle[k] + middle[k]) + after[k])


@part
def full_multigrid_from_f(u, t, f, diagonal, inverse, lev, top, levels, cycles, r):  # type: ignore[no-untyped-def]
    """Poisson's equation with zero on the boundary from f of the finest level."""
    restrict_f(f, diagonal, lev, top, levels, r)
    for l in range(levels - 1, top - 1, -1):
        a, n = lev[l, 0], lev[l, 3]
        u[a : a + n] = 0
        t[a : a + lev[l, 2]] = 0
        t[a + n - lev[l, 2] : a + n] = 0
        if l < levels - 1:
            c, e = lev[l + 1, 0], lev[l + 1, 0] + lev[l + 1, 3]
            _prolong_add(u[c:e], lev[l + 1, 2], lev[l + 1, 1], u[a : a + n], inverse[a : a + n], lev[l, 2], lev[l, 1])
        for _ in range(cycles if l == top else 1):
            v_cycle(u, t, f, diagonal, inverse, lev, l, levels, r)
