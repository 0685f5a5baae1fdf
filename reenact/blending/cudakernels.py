# mypy: disable-error-code="untyped-decorator,no-any-return,no-untyped-def"
"""The CUDA kernels of Poisson blending; reenact.blending.cuda launches them, docs/blending.md explains the cut.

The grids are those of reenact.blending.domain, without padding: level l has rows x cols nodes, `levels[l]` = first
element, rows, cols, first element in shared memory.  Nothing is planned on the host: every node looks for its own
boundary in the mask, so that a mask that changes every frame costs no more than one that does not.  One block solves
one channel, all its levels in shared memory, by full multigrid with red-black Gauss-Seidel.

Importing this module needs numba-cuda (the extra `cuda`) but no GPU; under NUMBA_ENABLE_CUDASIM=1 it runs on the CPU.
"""

import numpy as np
from numba import cuda, float32, int32

from reenact.blending.cudadevice import (
    boundary_middle,
    boundary_value,
    ghost,
    inside,
    interpolated,
    on_frame,
    relax,
    restricted,
    shared_v_cycle,
    take_over,
)

SHARED = 6000  # floats twice over, 48,000 bytes: the largest that needs no opt-in; a 66 x 66 grid and all below it
CUT = np.float32(24)  # grey levels by which a boundary value may change and still be averaged with its past
FULL_BITE = np.float32(32)  # grey levels of clamping from which the seam is faded completely


@cuda.jit
def prepare(mask, patch, frame, oy, ox, levels, top, count, membrane, kept, now, past, stamps, d, w, f):
    """Per node of levels top..: diagonal d (0 outside), Dirichlet weight w and, for the membrane, f[3] = w * value.

    kept > 0 averages the values with those of frame now - 1 (past, stamps) at the same node.
    """
    i = cuda.grid(1)
    l = top
    while l < count and i >= levels[l, 0] + levels[l, 1] * levels[l, 2]:
        l += 1
    if l == count:
        return
    cols = levels[l, 2]
    k = i - levels[l, 0]
    step = 1 << l
    y, x = (k // cols) * step - 1, (k % cols) * step - 1
    diagonal, weight = float32(0), float32(0)
    s = cuda.local.array(3, float32)
    v = cuda.local.array(3, float32)
    for c in range(3):
        s[c] = float32(0)
    if inside(mask, y, x):
        radius = min(step - 1, 3) if l == top else min(step - 1, 1)
        for side in range(4):
            dy = 1 if side == 1 else (-1 if side == 0 else 0)
            dx = 1 if side == 3 else (-1 if side == 2 else 0)
            if inside(mask, y + step * dy, x + step * dx):
                diagonal += float32(1)
                continue
            far = 1
            while far < step and inside(mask, y + far * dy, x + far * dx):
                far += 1
            if on_frame(frame, oy + y + far * dy, ox + x + far * dx):
                share = float32(step) / float32(far)
                weight += share
                diagonal += share
                if membrane:
                    boundary_value(mask, patch, frame, oy, ox, y + far * dy, x + far * dx, radius, v)
                    for c in range(3):
                        s[c] += share * v[c]
    d[i] = diagonal
    w[i] = weight
    if membrane:
        for c in range(3):
            if kept > 0 and weight > 0:
                value = s[c] / weight
                if stamps[i] == now - 1 and abs(value - past[c, i]) < CUT:
                    value += float32(kept) * (past[c, i] - value)
                past[c, i] = value
                s[c] = value * weight
            f[c, i] = s[c]
        if kept > 0 and weight > 0:
            stamps[i] = now


@cuda.jit
def divergence(mask, patch, frame, oy, ox, f):
    """f on the grid of all pixels: Perez 2003, eq. 12, less the target's own Laplacian; see reenact.blending.mixed."""
    x, y = cuda.grid(2)
    h, w = mask.shape
    if y >= h or x >= w:
        return
    for c in range(3):
        total = float32(0)
        for side in range(4):
            b = y + (1 if side == 1 else (-1 if side == 0 else 0))
            a = x + (1 if side == 3 else (-1 if side == 2 else 0))
            if on_frame(frame, oy + b, ox + a):
                q = patch[min(max(b, 0), h - 1), min(max(a, 0), w - 1), c]
                theirs = int32(patch[y, x, c]) - int32(q)
                own = int32(frame[oy + y, ox + x, c]) - int32(frame[oy + b, ox + a, c])
                if abs(theirs) >= abs(own):
                    total += float32(theirs - own)
        cols = ((w + 1) >> 0) + 2
        f[c, (y + 1) * cols + x + 1] = total


@cuda.jit
def solve(levels, base, count, membrane, cycles, clamp, d, w, f, u, bite, mean):
    """One block per channel: levels base.. in shared memory.

    membrane: full multigrid from f, less the boundary's mean (with clamp >= 0: its median, values clamped), which goes
    to mean[c]; u gets the solution with ghosts, bite what the clamp cut off at the ghosts.  Otherwise `cycles`
    V-cycles from u = 0 for the f given, which serves as coarse solver for finer levels.
    """
    c, t, n = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    su = cuda.shared.array(SHARED, float32)
    sf = cuda.shared.array(SHARED, float32)
    db, rows, cols, ub = levels[base, 0], levels[base, 1], levels[base, 2], levels[base, 3]
    m, limit = float32(0), float32(1e9)
    if membrane:
        m, limit = boundary_middle(f, w, c, db, rows * cols, clamp, su, t, n)
        if t == 0:
            mean[c], mean[3 + c] = m, limit
    for l in range(base, count):
        for k in range(t, levels[l, 1] * levels[l, 2], n):
            g, s = levels[l, 0] + k, levels[l, 3] + k
            su[s] = float32(0)
            value = f[c, g] - m * w[g] if d[g] > 0 else float32(0)
            sf[s] = min(max(value, -limit * w[g]), limit * w[g]) if membrane else value
    cuda.syncthreads()
    if not membrane:
        for _ in range(cycles):
            shared_v_cycle(su, sf, d, levels, base, count, t, n)
    else:
        for l in range(count - 1, base - 1, -1):
            if l < count - 1:
                take_over(su, sf, d, w, levels, l, t, n)
            for _ in range(cycles if l == base else 1):
                shared_v_cycle(su, sf, d, levels, l, count, t, n)
    for k in range(t, rows * cols, n):
        value, cut = su[ub + k], float32(0)
        if membrane and d[db + k] <= 0:
            value = ghost(su, sf, d, w, ub, db, rows, cols, k)
            y, x = k // cols, k % cols
            for b in range(max(y - 1, 0), min(y + 2, rows)):
                for a in range(max(x - 1, 0), min(x + 2, cols)):
                    p = b * cols + a
                    if d[db + p] > 0 and w[db + p] > 0:
                        cut = max(cut, abs(f[c, db + p] / w[db + p] - m) - limit)
        u[c, db + k] = value
        bite[c, db + k] = cut


@cuda.jit
def add_coarse(levels, l, d, u, replace):
    """u of level l += (or =) u of level l + 1 interpolated, on unknowns; outside stays 0."""
    k = cuda.grid(1)
    rows, cols = levels[l, 1], levels[l, 2]
    if k >= rows * cols:
        return
    i = levels[l, 0] + k
    for c in range(3):
        v = interpolated(u[c], levels[l + 1, 0], levels[l + 1, 2], k // cols, k % cols) if d[i] > 0 else float32(0)
        u[c, i] = v if replace else u[c, i] + v


@cuda.jit
def relax_colour(levels, l, colour, d, f, u):
    """Gauss-Seidel on one colour of level l, for levels too large for shared memory."""
    k = cuda.grid(1)
    rows, cols = levels[l, 1], levels[l, 2]
    if k < rows * cols:
        for c in range(3):
            relax(u[c], f[c], d, levels[l, 0], levels[l, 0], rows, cols, colour, k, rows * cols)


@cuda.jit
def residual_down(levels, l, d, f, u):
    """f of level l + 1 from the residual of level l; u of level l + 1 = 0."""
    k = cuda.grid(1)
    rows, cols = levels[l + 1, 1], levels[l + 1, 2]
    if k >= rows * cols:
        return
    i, b = levels[l + 1, 0] + k, levels[l, 0]
    for c in range(3):
        u[c, i] = float32(0)
        if d[i] > 0:
            f[c, i] = restricted(u[c], f[c], d, b, b, levels[l, 1], levels[l, 2], k // cols, k % cols)


@cuda.jit
def centre_level(levels, l, w, f, u, mean, clear):
    """f of level l less the mean's part and clamped as `solve` did (mean[3:], where above 0); u = 0 where `clear`."""
    k = cuda.grid(1)
    if k >= levels[l, 1] * levels[l, 2]:
        return
    i = levels[l, 0] + k
    for c in range(3):
        v, limit = f[c, i] - mean[c] * w[i], mean[3 + c] * w[i]
        f[c, i] = min(max(v, -limit), limit) if mean[3 + c] > 0 else v
        if clear:
            u[c, i] = float32(0)


@cuda.jit
def fill_level_ghosts(levels, l, d, w, f, u):
    """Ghosts of level l, before the composite."""
    k = cuda.grid(1)
    rows, cols, b = levels[l, 1], levels[l, 2], levels[l, 0]
    if k < rows * cols and d[b + k] <= 0:
        for c in range(3):
            u[c, b + k] = ghost(u[c], f[c], d, w, b, b, rows, cols, k)


@cuda.jit
def composite(mask, base, by, bx, out, oy, ox, levels, top, u, bite, mean, fades):
    """out = base + correction on the mask, rounded and clipped; base (..., 3) begins at (by, bx)."""
    x, y = cuda.grid(2)
    if y >= mask.shape[0] or x >= mask.shape[1] or mask[y, x] == 0:
        return
    cols, b = levels[top, 2], levels[top, 0]
    step = 1 << top
    i, j = (y + 1) >> top, (x + 1) >> top
    v, h = float32((y + 1) & (step - 1)) / float32(step), float32((x + 1) & (step - 1)) / float32(step)
    k = b + i * cols + j
    for c in range(3):
        above = u[c, k] + h * (u[c, k + 1] - u[c, k])
        below = u[c, k + cols] + h * (u[c, k + cols + 1] - u[c, k + cols])
        value = float32(base[by + y, bx + x, c]) + above + v * (below - above) + mean[c]
        value = min(max(value, float32(0)), float32(255))
        if not fades:
            out[oy + y, ox + x, c] = np.uint8(value + float32(0.5))
            continue
        a = max(bite[c, k], float32(0)) * (float32(1) - h) + max(bite[c, k + 1], float32(0)) * h
        e = max(bite[c, k + cols], float32(0)) * (float32(1) - h) + max(bite[c, k + cols + 1], float32(0)) * h
        fade = min((a + v * (e - a)) / FULL_BITE, float32(1))
        value += fade * (float32(out[oy + y, ox + x, c]) - value)
        out[oy + y, ox + x, c] = np.uint8(value + float32(0.5))
