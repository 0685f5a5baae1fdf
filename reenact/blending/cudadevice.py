# mypy: disable-error-code="untyped-decorator,no-any-return,no-untyped-def"
"""What the CUDA kernels of Poisson blending have in common: device functions of one pixel, one node or one block.

Importing this module needs numba-cuda (the extra `cuda`) but no GPU.
"""

from typing import Any, TypeAlias

import numpy.typing as npt
from numba import cuda, float32

Array: TypeAlias = npt.NDArray[Any]
device = cuda.jit(device=True)


@device
def inside(mask: Array, y: int, x: int) -> bool:
    return 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1] and mask[y, x] != 0


@device
def on_frame(frame: Array, y: int, x: int) -> bool:
    return 0 <= y < frame.shape[0] and 0 <= x < frame.shape[1]


@device
def beside_mask(mask: Array, frame: Array, oy: int, ox: int, y: int, x: int) -> int:
    """How many mask pixels are beside this pixel of the target; 0 for what is no pixel of the target."""
    if inside(mask, y, x) or not on_frame(frame, oy + y, ox + x):
        return 0
    count = 0
    for side in range(4):
        b = y + (1 if side == 1 else (-1 if side == 0 else 0))
        a = x + (1 if side == 3 else (-1 if side == 2 else 0))
        if inside(mask, b, a):
            count += 1
    return count


@device
def boundary_value(
    mask: Array, patch: Array, frame: Array, oy: int, ox: int, y: int, x: int, radius: int, v: Array
) -> None:
    """v[:3] = target - patch about boundary pixel (y, x), hat weights over the boundary within `radius`."""
    total = float32(0)
    v[0], v[1], v[2] = float32(0), float32(0), float32(0)
    for b in range(y - radius, y + radius + 1):
        for a in range(x - radius, x + radius + 1):
            beside = beside_mask(mask, frame, oy, ox, b, a)
            if beside > 0:
                w = float32(beside * (radius + 1 - max(abs(b - y), abs(a - x))))
                py, px = min(max(b, 0), mask.shape[0] - 1), min(max(a, 0), mask.shape[1] - 1)
                for c in range(3):
                    v[c] += w * (float32(frame[oy + b, ox + a, c]) - float32(patch[py, px, c]))
                total += w
    for c in range(3):
        v[c] /= total


@device
def relax(
    u: Array, f: Array, d: Array, ub: int, db: int, rows: int, cols: int, colour: int, begin: int, step: int
) -> None:
    """Gauss-Seidel on the nodes of one colour; u and f begin at ub, d at db."""
    for k in range(begin, rows * cols, step):
        y, x = k // cols, k % cols
        if (y + x) % 2 == colour and d[db + k] > 0:
            i = ub + k
            u[i] = (f[i] + u[i - 1] + u[i + 1] + u[i - cols] + u[i + cols]) / d[db + k]


@device
def residual_at(u: Array, f: Array, d: Array, ub: int, db: int, rows: int, cols: int, y: int, x: int) -> float:
    if y >= rows or x >= cols:
        return float32(0)
    k = y * cols + x
    if d[db + k] <= 0:
        return float32(0)
    i = ub + k
    return f[i] + u[i - 1] + u[i + 1] + u[i - cols] + u[i + cols] - d[db + k] * u[i]


@device
def restricted(u: Array, f: Array, d: Array, ub: int, db: int, rows: int, cols: int, y: int, x: int) -> float:
    """4 * full weighting of the residual about fine node (2 y, 2 x)."""
    total = float32(0)
    for b in range(-1, 2):
        for a in range(-1, 2):
            weight = float32((2 - abs(b)) * (2 - abs(a))) * float32(0.25)
            total += weight * residual_at(u, f, d, ub, db, rows, cols, 2 * y + b, 2 * x + a)
    return total


@device
def interpolated(u: Array, ub: int, cols: int, y: int, x: int) -> float:
    """Bilinear value of a coarse level at fine node (y, x)."""
    i = ub + (y >> 1) * cols + (x >> 1)
    oy, ox = (y & 1) * cols, x & 1
    return float32(0.25) * (u[i] + u[i + ox] + u[i + oy] + u[i + oy + ox])


@device
def ghost(u: Array, f: Array, d: Array, w: Array, ub: int, db: int, rows: int, cols: int, k: int) -> float:
    """Value of outside node k that lets interpolation meet the boundary where it stands; 0 where none is near.

    An unknown's mean boundary value is f / w, its mean inverse distance w over the number of its crossings; see
    reenact.blending.boundary.fill_ghosts.  Diagonal neighbours are asked where there is no straight one.
    """
    y, x = k // cols, k % cols
    for far in range(2):
        total, count = float32(0), 0
        for side in range(4):
            if far == 0:
                b = y + (1 if side == 1 else (-1 if side == 0 else 0))
                a = x + (1 if side == 3 else (-1 if side == 2 else 0))
            else:
                b, a = y + 2 * (side // 2) - 1, x + 2 * (side % 2) - 1
            if b < 0 or a < 0 or b >= rows or a >= cols:
                continue
            p = b * cols + a
            if d[db + p] <= 0:
                continue
            count += 1
            inner = u[ub + p]
            if w[db + p] <= 0:
                total += inner
                continue
            sides = 0
            for q in (p - 1, p + 1, p - cols, p + cols):
                if d[db + q] <= 0:
                    sides += 1
            value = f[ub + p] / w[db + p]
            reach = min(max(w[db + p] / float32(max(sides, 1)) - float32(1), float32(0)), float32(1))
            total += value + (value - inner) * (reach if far == 0 else float32(0))
        if count > 0:
            return total / float32(count)
    return float32(0)


@device
def block_sum(scratch: Array, value: float, t: int, n: int) -> float:
    """Sum of every thread's value; n threads, a power of two."""
    scratch[t] = value
    cuda.syncthreads()
    half = n // 2
    while half > 0:
        if t < half:
            scratch[t] += scratch[t + half]
        cuda.syncthreads()
        half //= 2
    total = scratch[0]
    cuda.syncthreads()
    return total


@device
def shared_v_cycle(u: Array, f: Array, d: Array, levels: Array, level: int, count: int, t: int, n: int) -> None:
    """One V(1, 1) cycle on `level`, all in shared memory; the coarser levels' u and f are overwritten."""
    for l in range(level, count):
        db, rows, cols, ub = levels[l, 0], levels[l, 1], levels[l, 2], levels[l, 3]
        for k in range(2 if l < count - 1 else 12):
            relax(u, f, d, ub, db, rows, cols, k & 1, t, n)
            cuda.syncthreads()
        if l < count - 1:
            rows2, cols2, ub2 = levels[l + 1, 1], levels[l + 1, 2], levels[l + 1, 3]
            for k in range(t, rows2 * cols2, n):
                u[ub2 + k] = float32(0)
                if d[levels[l + 1, 0] + k] > 0:
                    f[ub2 + k] = restricted(u, f, d, ub, db, rows, cols, k // cols2, k % cols2)
            cuda.syncthreads()
    for l in range(count - 2, level - 1, -1):
        db, rows, cols, ub = levels[l, 0], levels[l, 1], levels[l, 2], levels[l, 3]
        for k in range(t, rows * cols, n):
            if d[db + k] > 0:
                u[ub + k] += interpolated(u, levels[l + 1, 3], levels[l + 1, 2], k // cols, k % cols)
        cuda.syncthreads()
        for k in range(2):
            relax(u, f, d, ub, db, rows, cols, k & 1, t, n)
            cuda.syncthreads()


@device
def quantile(
    f: Array, w: Array, c: int, b: int, nodes: int, centre: float, folded: bool, scratch: Array, t: int, n: int
) -> float:
    """Median of f / w over nodes with w > 0, or of its distance from `centre`, by bisection to 1/8 grey level."""
    low, high = float32(-512), float32(512)
    total = float32(0)
    for k in range(t, nodes, n):
        total += float32(1) if w[b + k] > 0 else float32(0)
    half = float32(0.5) * block_sum(scratch, total, t, n)
    for _ in range(13):
        middle = float32(0.5) * (low + high)
        below = float32(0)
        for k in range(t, nodes, n):
            if w[b + k] > 0:
                v = f[c, b + k] / w[b + k] - centre
                if folded:
                    v = abs(v)
                below += float32(1) if v < middle else float32(0)
        if block_sum(scratch, below, t, n) < half:
            low = middle
        else:
            high = middle
    return float32(0.5) * (low + high)


@device
def boundary_middle(
    f: Array, w: Array, c: int, first: int, size: int, clamp: float, su: Array, t: int, n: int
) -> tuple[float, float]:
    """The boundary's mean, and no limit; with clamp >= 0 its median, and how far values may be from it."""
    if clamp >= 0:
        m = quantile(f, w, c, first, size, float32(0), False, su, t, n)
        spread = float32(1.4826) * quantile(f, w, c, first, size, m, True, su, t, n)
        return m, float32(clamp) * max(spread, float32(1))
    a, b = float32(0), float32(0)
    for k in range(t, size, n):
        a += f[c, first + k]
        b += w[first + k]
    a = block_sum(su, a, t, n)
    b = block_sum(su, b, t, n)
    return a / b if b > 0 else float32(0), float32(1e9)


@device
def take_over(su: Array, sf: Array, d: Array, w: Array, levels: Array, l: int, t: int, n: int) -> None:
    """Level l begins with the solution of the coarser one, whose ghosts are filled for that and emptied again."""
    gb, grows, gcols, sb = levels[l + 1, 0], levels[l + 1, 1], levels[l + 1, 2], levels[l + 1, 3]
    for k in range(t, grows * gcols, n):
        if d[gb + k] <= 0:
            su[sb + k] = ghost(su, sf, d, w, sb, gb, grows, gcols, k)
    cuda.syncthreads()
    for k in range(t, levels[l, 1] * levels[l, 2], n):
        if d[levels[l, 0] + k] > 0:
            su[levels[l, 3] + k] = interpolated(su, sb, gcols, k // levels[l, 2], k % levels[l, 2])
    cuda.syncthreads()
    for k in range(t, grows * gcols, n):
        if d[gb + k] <= 0:
            su[sb + k] = float32(0)
    cuda.syncthreads()
