"""The one compiled call of a frame."""

import numpy as np

from reenact.blending.jit import kernel
from reenact.blending.mixed import mixed_divergence
from reenact.blending.pixels import add_correction, boundary_values, centre_values
from reenact.blending.vcycle import fill_ghosts, full_multigrid, full_multigrid_from_f


@kernel
def blend_membrane(
    patch,
    h,
    w,
    frame,
    out,
    width,
    oy,
    ox,
    bound,
    n_bound,
    values,
    mean,
    u,
    t,
    f,
    diagonal,
    inverse,
    lev,
    top,
    levels,
    total,
    cycles,
    r,
    rows,
    runs,
    row_first,
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
    boundary_values(patch, h, w, frame, width, oy, ox, bound, n_bound, values)
    centre_values(values, n_bound, mean)
    for c in range(3):
        uc = u[c * total : (c + 1) * total]
        full_multigrid(
            values[c],
            uc,
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
        )
        fill_ghosts(
            values[c], uc, lev[top, 0], spans[top], e_node, e_ghost, e_inv, first, source, weight, ghosts, g_share
        )
    add_correction(u, total, lev, top, mean, patch, 3 * w, 0, h, w, out, width, oy, ox, runs, row_first, rows)


@kernel
def blend_mixed(
    patch,
    h,
    w,
    frame,
    height,
    out,
    width,
    oy,
    ox,
    mean,
    u,
    t,
    f,
    diagonal,
    inverse,
    lev,
    levels,
    total,
    cycles,
    r,
    rows,
    runs,
    row_first,
):  # type: ignore[no-untyped-def]
    """Unknown is the difference from the target's own pixels: zero on the boundary, whatever the pictures."""
    mixed_divergence(patch, h, w, frame, height, width, oy, ox, f, total, lev[0, 2], rows)
    for c in range(3):
        a, b = c * total, (c + 1) * total
        full_multigrid_from_f(u[a:b], t, f[a:b], diagonal, inverse, lev, 0, levels, cycles, r)
        mean[c] = np.float32(0)
    add_correction(
        u, total, lev, 0, mean, frame, 3 * width, 3 * (oy * width + ox), h, w, out, width, oy, ox, runs, row_first, rows
    )
