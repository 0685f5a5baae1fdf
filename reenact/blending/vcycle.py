"""V-cycle and full multigrid for the three channels at once.

Briggs, Henson, McCormick, A Multigrid Tutorial, 2nd ed., chapter 3 (figure 3.6 is the order of visits here).  On
small levels, where starting a loop costs as much as running it, one loop serves the three channels, stacked.
"""

import numpy as np

from reenact.blending.boundary import boundary_to_f, clear_ghosts, fill_ghosts
from reenact.blending.domain import STACKED, Array, Crossings, Grid
from reenact.blending.gridops import prolong_add, residual, restrict, smooth
from reenact.blending.jit import part

MOST_CYCLES = 40
LAST_SWEEPS = 4  # double steps on the coarsest grid, at most 4 x 4 unknowns


@part
def relax(u: Array, t: Array, f: Array, grid: Grid, l: int, from_zero: bool, leave_residual: bool) -> None:
    """Smooths level l, and on wish leaves its residual in t."""
    a, s, n = grid.levels[l, 0], grid.levels[l, 2], grid.levels[l, 3]
    parts, m = (1, 3 * n) if n <= STACKED else (3, n)
    for k in range(parts):
        b, e = a + k * m, a + (k + 1) * m
        smooth(u[b:e], t[b:e], f[b:e], grid.diagonal[a : a + m], grid.inverse[a : a + m], s, from_zero, leave_residual)


@part
def down(t: Array, f: Array, grid: Grid, l: int, r: Array) -> None:
    """f of level l + 1 from the residual of level l, which is in t."""
    a, rows, s, n = grid.levels[l, 0], grid.levels[l, 1], grid.levels[l, 2], grid.levels[l, 3]
    b, coarse_rows, cs, m = grid.levels[l + 1, 0], grid.levels[l + 1, 1], grid.levels[l + 1, 2], grid.levels[l + 1, 3]
    for c in range(3):
        i, j = a + c * n, b + c * m
        restrict(t[i : i + n], rows, s, f[j : j + m], coarse_rows, cs, r)


@part
def up(u: Array, grid: Grid, l: int, r: Array) -> None:
    """u of level l += u of level l + 1, interpolated."""
    a, rows, s, n = grid.levels[l, 0], grid.levels[l, 1], grid.levels[l, 2], grid.levels[l, 3]
    b, coarse_rows, cs, m = grid.levels[l + 1, 0], grid.levels[l + 1, 1], grid.levels[l + 1, 2], grid.levels[l + 1, 3]
    for c in range(3):
        i, j = a + c * n, b + c * m
        prolong_add(u[j : j + m], coarse_rows, cs, u[i : i + n], grid.inverse[a : a + n], rows, s, r)


@part
def largest(t: Array) -> np.float32:
    """Largest absolute value, NaN counting as infinite.  Taken of the bits: as integers they are in the same order,
    and a maximum of integers vectorises without fastmath."""
    bits = t.view(np.int32)
    top = np.int32(0)
    for i in range(bits.size):
        top = max(top, bits[i] & np.int32(0x7FFFFFFF))
    one = np.empty(1, np.int32)
    one[0] = top
    result: np.float32 = one.view(np.float32)[0]
    return result


@part
def v_cycle(u: Array, t: Array, f: Array, grid: Grid, level: int, levels: int, r: Array, look: bool) -> np.float32:
    """One V(1, 1) cycle on `level`; leaves u better, f of the coarser levels overwritten.  With `look` returns the
    largest residual it met after its first smoothing."""
    rough = np.float32(0)
    for l in range(level, levels - 1):
        relax(u, t, f, grid, l, l > level, True)
        if look and l == level:
            rough = largest(t[grid.levels[l, 0] : grid.levels[l, 0] + 3 * grid.levels[l, 3]])
        down(t, f, grid, l, r)
    for k in range(LAST_SWEEPS):
        relax(u, t, f, grid, levels - 1, k == 0 and level < levels - 1, level == levels - 1)
    if look and level == levels - 1:
        rough = largest(t[grid.levels[level, 0] : grid.levels[level, 0] + 3 * grid.levels[level, 3]])
    for l in range(levels - 2, level - 1, -1):
        up(u, grid, l, r)
        relax(u, t, f, grid, l, False, False)
    return rough


@part
def settle(
    u: Array, t: Array, f: Array, grid: Grid, level: int, levels: int, cycles: int, settled: float, r: Array
) -> None:
    """At least `cycles` V-cycles, and more until no residual is above `settled`.

    A face needs no more; grainy boundaries at full resolution and gaps that coarse grids leave to the fine ones do.
    Where a cycle gains little, smoothing alone goes on: it never diverges.
    """
    before = np.float32(np.inf)
    for k in range(MOST_CYCLES):
        rough = v_cycle(u, t, f, grid, level, levels, r, True)
        if k + 1 >= cycles and rough <= settled:
            break
        if rough > np.float32(0.5) * before:
            for _ in range(4):
                relax(u, t, f, grid, level, False, False)
        before = rough


@part
def clear(u: Array, t: Array, grid: Grid, l: int) -> None:
    """u = 0 on level l; t only where neither step nor residual writes it."""
    a, s, n = grid.levels[l, 0], grid.levels[l, 2], grid.levels[l, 3]
    u[a : a + 3 * n] = 0
    for c in range(3):
        t[a + c * n : a + c * n + s] = 0
        t[a + (c + 1) * n - s : a + (c + 1) * n] = 0


@part
def laplace(u: Array, t: Array, f: Array, grid: Grid, cross: Crossings, sampled: Array, top: int, levels: int,
            cycles: int, settled: float, r: Array) -> None:  # fmt: skip
    """Full multigrid for Laplace's equation from the boundary's values at the crossings: each level starts from the
    one below, then one V-cycle, on the finest `cycles`.  Nothing of the last frame is used: warm starts were measured
    to cost accuracy.  Leaves the finest level's ghosts filled."""
    for l in range(levels - 1, top - 1, -1):
        clear(u, t, grid, l)
        if l < levels - 1:
            up(u, grid, l, r)
            clear_ghosts(u, grid, cross, l + 1)
        boundary_to_f(sampled, f, grid, cross, l)
        if l == top:
            settle(u, t, f, grid, l, levels, cycles, settled, r)
        else:
            v_cycle(u, t, f, grid, l, levels, r, False)
        fill_ghosts(sampled, u, grid, cross, l)


@part
def poisson(u: Array, t: Array, f: Array, grid: Grid, levels: int, cycles: int, settled: float, r: Array) -> None:
    """Full multigrid for Poisson's equation with zero on the boundary, from f of the finest level, all pixels.

    f of a coarser level is the restriction of f alone: the residual of u = 0."""
    for l in range(levels):
        clear(u, t, grid, l)
        if l < levels - 1:
            a, n, s = grid.levels[l, 0], grid.levels[l, 3], grid.levels[l, 2]
            for c in range(3):
                i, j = a + c * n, a + (c + 1) * n
                residual(u[i:j], t[i:j], f[i:j], grid.diagonal[a : a + n], s, s, n - s)
            down(t, f, grid, l, r)
    for l in range(levels - 1, -1, -1):
        if l < levels - 1:
            up(u, grid, l, r)
        if l == 0:
            settle(u, t, f, grid, l, levels, cycles, settled, r)
        else:
            v_cycle(u, t, f, grid, l, levels, r, False)
