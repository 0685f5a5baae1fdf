"""From a mask to the equations: the unknowns of every level, their diagonal, and the boundary's crossings."""

import numpy as np

from reenact.blending.domain import (
    INSIDE,
    MARGIN,
    MAX_LEVELS,
    SAMPLES,
    STACKED,
    TARGET,
    Array,
    Crossings,
    Grid,
    PixelMap,
    pixel_map,
    positions,
    runs_and_bound,
    scan,
    thin,
)
from reenact.blending.jit import eight_bytes, kernel, part, trailing_zeros


@part
def level_table(h: int, w: int, levels: Array, top: int) -> int:
    """Fills Grid.levels from level `top`; returns the number of levels, those above `top` included."""
    offset = 0
    for l in range(MAX_LEVELS):
        rows, cols = ((h + 1) >> l) + 2, ((w + 1) >> l) + 2
        stride = (cols + 7) // 8 * 8
        levels[l, 0], levels[l, 1], levels[l, 2], levels[l, 3] = offset, rows, stride, rows * stride
        if l >= top:
            offset += 3 * rows * stride
        if max(rows, cols) <= 6 and l >= top:
            return l + 1
    return MAX_LEVELS


@part
def nodes(m: Array, s: int, h: int, w: int, grid: Grid, l: int, top: int) -> None:
    """node = 1 where the level's node is an unknown: the map itself sampled, then each level from the last."""
    offset, rows, stride = grid.levels[l, 0], grid.levels[l, 1], grid.levels[l, 2]
    step = 1 << l
    count = (w + 1) // step + 1
    for i in range(rows):
        row = grid.node[offset + i * stride : offset + (i + 1) * stride]
        row[:] = 0
        if l == top:
            if i * step <= h + 1:
                src = m[(i * step + 1) * s : (i * step + 2) * s]
                for j in range(count):
                    row[j] = np.uint8(src[j * step] == 1)
        elif 2 * i < grid.levels[l - 1, 1]:
            above = grid.levels[l - 1, 0] + 2 * i * grid.levels[l - 1, 2]
            src = grid.node[above : above + grid.levels[l - 1, 2]]
            for j in range(min(count, (src.size + 1) // 2)):
                row[j] = np.uint8(src[2 * j] == 1)  # 2 marks a ghost


@part
def drop_thin(grid: Grid, l: int, found: Array) -> int:
    """Takes unknowns of level l away where level l - 1 has a gap one node wide beside them; returns how many.

    Such a gap (a slit, a small hole) holds the correction at zero, and level l might not see it: its correction would
    then pull the finer level away from the boundary there, and the cycle diverge.  Zero beside the gap is safe.
    """
    a, s, n = grid.levels[l - 1, 0], grid.levels[l - 1, 2], grid.levels[l - 1, 3]
    inner = n - 2 * s - 2
    at = grid.node[a : a + n]
    b = s + 1
    centre, up, down = at[b : b + inner], at[b - s : b - s + inner], at[b + s : b + s + inner]
    left, right = at[b - 1 : b - 1 + inner], at[b + 1 : b + 1 + inner]
    ul, dr = at[b - s - 1 : b - s - 1 + inner], at[b + s + 1 : b + s + 1 + inner]
    ur, dl = at[b - s + 1 : b - s + 1 + inner], at[b + s - 1 : b + s - 1 + inner]
    edge = grid.edge
    for i in range(inner):
        across = (np.uint8(left[i] == 1) & np.uint8(right[i] == 1)) | (np.uint8(up[i] == 1) & np.uint8(down[i] == 1))
        aslant = (np.uint8(ul[i] == 1) & np.uint8(dr[i] == 1)) | (np.uint8(ur[i] == 1) & np.uint8(dl[i] == 1))
        edge[i] = np.uint8(centre[i] != 1) & (across | aslant)
    end = (inner + 31) // 32 * 32
    edge[inner:end] = 0
    dropped = 0
    offset, stride = grid.levels[l, 0], grid.levels[l, 2]
    for k in range(positions(edge, end, found)):
        y, x = (found[k] + b) // s, (found[k] + b) % s
        for v in range(y - 1, y + 2):
            for u in range(x - 1, x + 2):
                if v & 1 == 0 and u & 1 == 0 and grid.node[offset + (v >> 1) * stride + (u >> 1)] == 1:
                    grid.node[offset + (v >> 1) * stride + (u >> 1)] = 0
                    dropped += 1
    return dropped


@part
def diagonal(grid: Grid, l: int) -> int:
    """D = 4 on unknowns, 0 elsewhere; edge: unknowns with a neighbour that is none.  Returns the bytes of edge."""
    offset, stride, n = int(grid.levels[l, 0]), int(grid.levels[l, 2]), int(grid.levels[l, 3])
    at, d, inv = grid.node[offset : offset + n], grid.diagonal[offset : offset + n], grid.inverse[offset : offset + n]
    for i in range(n):
        v = np.float32(at[i])
        d[i] = np.float32(4) * v
        inv[i] = np.float32(0.25) * v
    inner = n - 2 * stride
    c, up, down = at[stride : stride + inner], at[:inner], at[2 * stride : 2 * stride + inner]
    left, right = at[stride - 1 : stride - 1 + inner], at[stride + 1 : stride + 1 + inner]
    edge = grid.edge
    for i in range(inner):
        edge[i] = c[i] & (np.uint8(1) ^ (up[i] & down[i] & left[i] & right[i]))
    end = (inner + 31) // 32 * 32
    edge[inner:end] = 0
    return end


@part
def crossing(m: Array, s: int, y: int, x: int, dy: int, dx: int, step: int) -> int:
    """Pixels from the unknown (y, x) to the first pixel that is none; always within `step`."""
    for k in range(1, step):
        if m[(y + k * dy + 1) * s + x + k * dx] != 1:
            return k
    return step


@part
def samples_about(pixels: PixelMap, s: int, h: int, w: int, y: int, x: int, radius: int, cross: Crossings,
                  e: int) -> None:  # fmt: skip
    """The boundary pixels within `radius` of pixel (y, x) become the samples of crossing e, hat weights of sum 1.

    A coarse grid that took single boundary pixels would alias their grain into long waves that reach the middle
    of the face; the hat is the restriction that belongs to its bilinear interpolation.  A boundary pixel enters the
    equations once for every mask pixel beside it, so it weighs as much here.
    """
    k = cross.first[e]
    if radius <= 0:
        cross.source[k], cross.weight[k] = pixels.ids[y * s + x], 1.0
        cross.first[e + 1] = k + 1
        return
    total = np.float32(0)
    room = k + SAMPLES
    low = max(0, x - radius)
    inside = ~np.uint64(0) >> np.uint64(8 * max(0, 8 - max(0, min(w + 1, x + radius) + 1 - low)))
    for v in range(max(0, y - radius), min(h + 1, y + radius) + 1):
        word = eight_bytes(pixels.marks, v * s + low) & inside
        while word != 0 and k < room:
            byte = trailing_zeros(word) >> 3
            mark = (word >> np.uint64(8 * byte)) & np.uint64(0xFF)
            word &= ~(np.uint64(0xFF) << np.uint64(8 * byte))
            a = np.float32(mark) * np.float32(radius + 1 - max(abs(v - y), abs(low + byte - x)))
            cross.source[k], cross.weight[k] = pixels.ids[v * s + low + byte], a
            total += a
            k += 1
    for j in range(cross.first[e], k):
        cross.weight[j] /= total
    cross.first[e + 1] = k


@part
def crossings(pixels: PixelMap, s: int, h: int, w: int, grid: Grid, cross: Crossings, l: int, top: int, length: int,
              e: int, g: int) -> tuple[int, int]:  # fmt: skip
    """The boundary's crossings with one level's grid lines, and the diagonal beside them; returns the next e and g."""
    offset, stride, step = grid.levels[l, 0], grid.levels[l, 2], 1 << l
    radius = min(step - 1, 3 if l == top else 1)  # coarser levels only give a first guess
    row, begin = 0, 0
    for k in range(positions(grid.edge, length, pixels.found)):
        p = pixels.found[k] + stride
        while p >= begin + stride:
            row, begin = row + 1, begin + stride
        y, x = row << l, (p - begin) << l
        d = np.float32(0)
        for side in range(4):
            dy, dx = (side == 1) - (side == 0), (side == 3) - (side == 2)
            q = p + dy * stride + dx
            if grid.node[offset + q] == 1:
                d += np.float32(1)
                continue
            far = crossing(pixels.pixels, s, y, x, dy, dx, step)
            v, u = y + far * dy, x + far * dx
            cross.node[e], cross.ghost[e], cross.inverse[e] = p, q, 0.0
            cross.first[e + 1] = cross.first[e]
            beyond = pixels.pixels[(v + 1) * s + u]
            if beyond == TARGET:
                cross.inverse[e] = np.float32(step) / np.float32(far)
                samples_about(pixels, s, h, w, v, u, radius, cross, e)
            elif beyond == INSIDE:  # an unknown that was dropped: zero, without a boundary pixel of its own
                cross.inverse[e] = 1.0
            d += cross.inverse[e]
            e += 1
            if grid.node[offset + q] == 0:
                grid.node[offset + q] = 2
                cross.ghosts[g], grid.hits[offset + q] = q, 0
                g += 1
            grid.hits[offset + q] += 1
        grid.diagonal[offset + p] = d
        grid.inverse[offset + p] = np.float32(1) / d if d > 0 else np.float32(0)
    return e, g


@part
def corners(pixels: PixelMap, n_bound: int, s: int, h: int, w: int, grid: Grid, cross: Crossings, l: int,
            e: int, g: int) -> tuple[int, int]:  # fmt: skip
    """Ghosts of the finest level that no unknown reaches straight: they take the boundary about themselves.

    A mask pixel in a grid cell with an outside corner has a boundary pixel of that cell within 2**l - 1 of the corner.
    """
    offset, stride, step = grid.levels[l, 0], grid.levels[l, 2], 1 << l
    for k in range(n_bound):
        y, x = pixels.bound[k, 0] + 1, pixels.bound[k, 1] + 1
        for corner in range(4):
            i, j = (y >> l) + (corner >> 1), (x >> l) + (corner & 1)
            q = i * stride + j
            if i >= grid.levels[l, 1] or grid.node[offset + q] != 0:
                continue
            grid.node[offset + q] = 2
            cross.node[e], cross.ghost[e], cross.inverse[e] = q, q, -1.0
            samples_about(pixels, s, h, w, i << l, j << l, step - 1, cross, e)
            if cross.first[e + 1] == cross.first[e]:  # this cell's mask lies elsewhere: the pixel that led here
                cross.source[cross.first[e]], cross.weight[cross.first[e]] = k, 1.0
                cross.first[e + 1] = cross.first[e] + 1
            cross.ghosts[g], grid.hits[offset + q] = q, 1
            e, g = e + 1, g + 1
    return e, g


@part
def finest(pixels: PixelMap, s: int, h: int, n_bound: int, want: int) -> int:
    """`want`, or for -1 - level the coarsest up to that level whose grid is finer than the mask's gaps and bridges.

    A hull has narrow bits at its extreme rows and columns: a few in proportion to the boundary are let pass.
    """
    if want >= 0:
        return want
    for top in range(-want - 1, 0, -1):
        gap, bridges = thin(pixels.pixels, s, h, top == 2, pixels.flags, pixels.found)
        if not gap and 16 * bridges <= n_bound:
            return top
    return 0


@kernel
def plan(mask: Array, edges: Array, want: int, pixels: PixelMap, grid: Grid,
         cross: Crossings) -> tuple[int, int, int, int]:  # fmt: skip
    """Plans mask (h, w); returns finest level solved, number of levels, of boundary pixels, of dropped unknowns."""
    h, w = mask.shape
    s = w + MARGIN
    pixel_map(mask, edges, pixels.pixels)
    end = scan(pixels.pixels, s, h, pixels.flags, pixels.marks)
    n_bound, _ = runs_and_bound(pixels, s, h, end)
    top = finest(pixels, s, h, n_bound, want)
    levels = level_table(h, w, grid.levels, top)

    e, g, dropped = 0, 0, 0
    cross.first[0] = 0
    for l in range(top, levels):
        nodes(pixels.pixels, s, h, w, grid, l, top)
        if l > top:
            dropped += drop_thin(grid, l, pixels.found)
        length = diagonal(grid, l)
        cross.spans[l, 0], cross.spans[l, 2] = e, g
        e, g = crossings(pixels, s, h, w, grid, cross, l, top, length, e, g)
        cross.spans[l, 1] = e
        if l == top and l > 0:
            e, g = corners(pixels, n_bound, s, h, w, grid, cross, l, e, g)
        cross.spans[l, 3], cross.spans[l, 4] = g, e
        a, n = grid.levels[l, 0], grid.levels[l, 3]
        for k in range(cross.spans[l, 2], g):
            cross.share[k] = np.float32(1) / np.float32(grid.hits[a + cross.ghosts[k]])
        if n <= STACKED:
            for c in (1, 2):
                grid.diagonal[a + c * n : a + (c + 1) * n] = grid.diagonal[a : a + n]
                grid.inverse[a + c * n : a + (c + 1) * n] = grid.inverse[a : a + n]
    return top, levels, n_bound, dropped


@kernel
def adopt(mask: Array, kept: Array) -> bool:
    """Is mask (h, w) uint8 other than kept[: h * w]?  If so it is copied there."""
    n, changed = mask.size, False
    new = mask.reshape(n)
    for begin in range(0, n, 4096):
        a, b = new[begin : begin + 4096], kept[begin : min(begin + 4096, n)]
        differ = np.uint8(0)
        for i in range(b.size):
            differ |= a[i] ^ b[i]
        if differ != 0:
            changed = True
            for i in range(b.size):
                b[i] = a[i]
    return changed
