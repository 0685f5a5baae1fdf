"""The compiled calls of a frame, one for each mode."""

from typing import NamedTuple

from reenact.blending.boundary import boundary_values, centre, sample
from reenact.blending.domain import MARGIN, Array, Crossings, Grid, PixelMap
from reenact.blending.jit import kernel
from reenact.blending.mixed import mixed_divergence
from reenact.blending.pixels import add_correction
from reenact.blending.rim import add_rim, sweep_rim
from reenact.blending.steady import apply_fade, clamp_values, collect_fade, remember
from reenact.blending.vcycle import laplace, poisson


class Scratch(NamedTuple):
    """Buffers of one blender: of the solver, of the pixel passes, and its memory of the last frame."""

    values: Array  # (boundary pixels, 3) float32: target - patch, less its mean
    sampled: Array  # (crossings, 3) float32: the same at the crossings
    mean: Array  # (3,) float32
    u: Array  # float32, as Grid.diagonal: the solution
    t: Array  # float32: the smoother's other half
    f: Array  # float32: right-hand side
    row: Array  # float32: one row of a level
    lines: Array  # int16: nine rows of pixels
    copy: Array  # uint8: one row of pixels
    past: Array  # (map, 3) float32, with stamps: boundary values of the last frame
    stamps: Array  # int32 map
    bite: Array  # (boundary pixels,) float32
    bins: Array  # int32 histogram
    fade: Array  # float32 map
    touched: Array  # (n, 2) int32
    saved: Array  # (n, 3) uint8
    order: Array  # int32, the rim's pixels, with ends and rim: see reenact.blending.rim
    ends: Array
    rim: Array


@kernel
def blend_membrane(patch: Array, h: int, w: int, out: Array, width: int, oy: int, ox: int, pixels: PixelMap,
                   grid: Grid, cross: Crossings, scratch: Scratch, top: int, levels: int, n_bound: int, cycles: int,
                   settled: float, kept: float, stride: int, now: int, clamp: float, reach: int,
                   rim: bool) -> bool:  # fmt: skip
    """Blends into `out`, which holds the target.  patch, out: flat.  kept > 0: boundary memory, clamp >= 0: robust
    deviations, reach: pixels of fade, rim: sweep the planned rim.  False where the memory was dropped at a cut."""
    s = scratch
    steady = True
    boundary_values(patch, h, w, out, width, oy, ox, pixels, n_bound, s.values)
    if kept > 0:
        steady = remember(s.values, n_bound, pixels, kept, s.past, s.stamps, stride, now)
    faded = 0
    if clamp >= 0:
        clamp_values(s.values, n_bound, clamp, s.mean, s.bite, s.bins)
        if reach > 0:
            faded = collect_fade(s.bite, n_bound, reach, pixels, w + MARGIN, h, w, s.fade, s.touched, s.saved, out,
                                 width, oy, ox)  # fmt: skip
    else:
        centre(s.values, n_bound, s.mean)
    sample(s.values, cross, cross.spans[levels - 1, 4], s.sampled)
    laplace(s.u, s.t, s.f, grid, cross, s.sampled, top, levels, cycles, settled, s.row)
    add_correction(s.u, grid, top, s.mean, patch, 3 * w, 0, h, w, out, width, oy, ox, pixels, s.lines, s.copy)
    if rim:
        sweep_rim(s.u, grid, top, s.values, pixels, w + MARGIN, s.order, s.ends, s.rim)
        add_rim(s.rim, s.mean, patch, w, out, width, oy, ox, w + MARGIN, s.order, s.ends)
    apply_fade(out, faded, s.fade, s.touched, s.saved)
    return steady


@kernel
def blend_mixed(patch: Array, h: int, w: int, out: Array, height: int, width: int, oy: int, ox: int, pixels: PixelMap,
                grid: Grid, scratch: Scratch, levels: int, cycles: int, settled: float) -> None:  # fmt: skip
    """The unknown is the difference from the target's own pixels: zero on the boundary, whatever the pictures."""
    s = scratch
    mixed_divergence(patch, h, w, out, height, width, oy, ox, s.f, grid, s.lines)
    poisson(s.u, s.t, s.f, grid, levels, cycles, settled, s.row)
    s.mean[:] = 0
    add_correction(s.u, grid, 0, s.mean, out, 3 * width, 3 * (oy * width + ox), h, w, out, width, oy, ox, pixels,
                   s.lines, s.copy)  # fmt: skip
