"""The plan of a mask: which nodes of which grid are unknowns, and where each touches the boundary.

The patch's box, one pixel of ring around it, is the finest grid; grid l has a node at every 2**l-th pixel in x and y
(vertex-centred, so every node is a pixel and every coarse node is a fine one).  A node is an unknown where its pixel
lies in the mask.  Its row of the system is the five-point Laplacian; towards a neighbour outside the mask the
boundary stands at its true distance d (0 < d <= 1 grid steps) and counts 1/d instead of 1 (the symmetric form of
Gibou, Fedkiw, Cheng, Kang, J. Comput. Phys. 176, 2002).  Towards the edge of the frame there is no neighbour:
the term is left out, which is Perez, Gangnet, Blake 2003, eq. 7, with |N_p| < 4.

Unknowns outside are held at zero, so that all off-diagonal weights are 1 and only the diagonal is stored.

Flat layout of level l: row stride `lev[l, 2]`, `lev[l, 1]` rows, first element `lev[l, 0]`, row 0 and column 0 on the
ring.  Pixel maps have stride w + 6 (four columns of nothing, so that no look sideways meets the next row's mask) and
one guard row above and below the ring.
"""

import numpy as np

from reenact.blending.jit import kernel, part

MAX_LEVELS = 12
SAMPLES = 16  # boundary pixels averaged for one boundary crossing of a coarse grid, at most

MARGIN = 6  # stride of a pixel map, less the patch's width

TARGET, INSIDE, BEYOND = 0, 1, 2  # values of the pixel map: the target's pixel, unknown, off the frame


@part
def _pixel_map(mask, edges, m):  # type: ignore[no-untyped-def]
    h, w = mask.shape
    s = w + MARGIN
    m[: (h + 4) * s] = TARGET
    for y in range(h):
        row = m[(y + 2) * s + 1 : (y + 2) * s + 1 + w]
        src = mask[y]
        for x in range(w):
            row[x] = np.uint8(src[x] != 0)
    if edges[0]:
        m[s : 2 * s] = BEYOND
    if edges[1]:
        m[(h + 2) * s : (h + 3) * s] = BEYOND
    if edges[2]:
        for y in range(h + 2):
            m[(y + 1) * s] = BEYOND
    if edges[3]:
        for y in range(h + 2):
            m[(y + 1) * s + w + 1] = BEYOND


@part
def _scan(m, s, h, flags, marks):  # type: ignore[no-untyped-def]
    """flags: where a run begins or ends; marks: target pixels beside the mask.  Both vectorised byte passes."""
    n = (h + 2) * s
    centre, left, right = m[s : s + n], m[s - 1 : s - 1 + n], m[s + 1 : s + 1 + n]
    up, down = m[:n], m[2 * s : 2 * s + n]
    for i in range(n):
        flags[i] = np.uint8(centre[i] == 1) ^ np.uint8(left[i] == 1)
    for i in range(n):
        beside = np.uint8(left[i] == 1) | np.uint8(right[i] == 1) | np.uint8(up[i] == 1) | np.uint8(down[i] == 1)
        marks[i] = beside & np.uint8(centre[i] == 0)
    end = (n + 7) // 8 * 8
    flags[n:end] = 0
    marks[n:end] = 0
    return end


@part
def _positions(flags, end, out):  # type: ignore[no-untyped-def]
    """Positions of the nonzero bytes of flags[:end], looked at eight at a time."""
    words = flags[:end].view(np.uint64)
    k = 0
    for j in range(words.size):
        if words[j] != 0:
            for i in range(8 * j, 8 * j + 8):
                if flags[i] != 0:
                    out[k] = i
                    k += 1
    return k


@part
def _thin(m, s, h, reach):  # type: ignore[no-untyped-def]
    """(gaps, bridges): pixels where a gap of the mask, or the mask itself, begins and is narrower than `reach`."""
    n = (h + 2) * s
    gaps, bridges = 0, 0
    for step in (1, s):
        before, centre = m[s - step : s - step + n], m[s : s + n]
        for k in range(1, reach):
            if s + k * step + n > m.size:  # beyond the guard row: nothing but target
                break
            after = m[s + k * step : s + k * step + n]
            g, b = np.uint32(0), np.uint32(0)
            for i in range(n):
                was, now, then = np.uint8(before[i] == 1), np.uint8(centre[i] == 1), np.uint8(after[i] == 1)
                g += np.uint32(was & (np.uint8(1) ^ now) & then)
                b += np.uint32((np.uint8(1) ^ was) & now & (np.uint8(1) ^ then))
            gaps += np.int64(g)
            bridges += np.int64(b)
    return gaps, bridges


@part
def _level_table(h, w, lev):  # type: ignore[no-untyped-def]
    """lev[l] = offset, rows, stride, elements; returns the number of levels and of elements."""
    offset, count = 0, 0
    for l in range(MAX_LEVELS):
        rows, cols = ((h + 1) >> l) + 2, ((w + 1) >> l) + 2
        stride = (cols + 7) // 8 * 8
        lev[l, 0], lev[l, 1], lev[l, 2], lev[l, 3] = offset, rows, stride, rows * stride
        offset += rows * stride
        count = l + 1
        if max(rows, cols) <= 6:
            break
    return count, offset


@part
def _nodes(m, s, h, w, lev, l, top, node):  # type: ignore[no-untyped-def]
    """node[...] = 1 where the level's node is an unknown: the map itself sampled, then each level from the last."""
    offset, rows, stride = lev[l, 0], lev[l, 1], lev[l, 2]
    step = 1 << l
    for i in range(rows):
        row = node[offset + i * stride : offset + (i + 1) * stride]
        row[:] = 0
        if l == top:
            if i * step > h + 1:
                continue
            src = m[(i * step + 1) * s : (i * step + 2) * s]
            for j in range((w + 1) // step + 1):
                row[j] = np.uint8(src[j * step] == 1)
        elif 2 * i < lev[l - 1, 1]:
            below = lev[l - 1, 0] + 2 * i * lev[l - 1, 2]
            src = node[below : below + lev[l - 1, 2]]
            for j in range(min((w + 1) // step + 1, (lev[l - 1, 2] + 1) // 2)):
                row[j] = np.uint8(src[2 * j] == 1)  # 2 marks a ghost


@part
def _samples_about(m, marks, ids, s, h, w, q, radius, e, first, source, weight):  # type: ignore[no-untyped-def]
    """Appends to sample list entry e the boundary pixels within `radius` of pixel q, hat weights of sum 1.

    A coarse grid that took single boundary pixels would alias their grain into long waves that reach the middle
    of the face; the hat is the restriction that belongs to its bilinear interpolation.
    """
    k = first[e]
    if radius <= 0:
        source[k], weight[k] = ids[q], 1.0
        first[e + 1] = k + 1
        return
    y, x = q // s, q % s
    total = np.float32(0)
    room = k + SAMPLES
    for v in range(max(0, y - radius), min(h + 1, y + radius) + 1):
        for u in range(max(0, x - radius), min(w + 1, x + radius) + 1):
            if marks[v * s + u] != 0 and k < room:
                a = np.float32(radius + 1 - max(abs(v - y), abs(u - x)))
                source[k], weight[k] = ids[v * s + u], a
                total += a
                k += 1
    for j in range(first[e], k):
        weight[j] /= total
    first[e + 1] = k


@part
def _diagonal(lev, l, node, edge, diagonal, inverse):  # type: ignore[no-untyped-def]
    """4 and 1/4 on unknowns, 0 elsewhere; edge: unknowns with a neighbour that is none."""
    offset, stride, n = lev[l, 0], lev[l, 2], lev[l, 3]
    at, d, inv = node[offset : offset + n], diagonal[offset : offset + n], inverse[offset : offset + n]
    for i in range(n):
        v = np.float32(at[i])
        d[i] = np.float32(4) * v
        inv[i] = np.float32(0.25) * v
    inner = n - 2 * stride
    c, up, down = at[stride : stride + inner], at[:inner], at[2 * stride : 2 * stride + inner]
    left, right = at[stride - 1 : stride - 1 + inner], at[stride + 1 : stride + 1 + inner]
    for i in range(inner):
        edge[i] = c[i] & (np.uint8(1) ^ (up[i] & down[i] & left[i] & right[i]))
    end = (inner + 7) // 8 * 8
    edge[inner:end] = 0
    return end


@part
def _crossing(m, s, y, x, dy, dx, step):  # type: ignore[no-untyped-def]
    """Pixels from the unknown (y, x) to the first pixel that is none, and where that is; always within `step`."""
    for k in range(1, step + 1):
        if m[(y + k * dy + 1) * s + x + k * dx] != 1:
            return k, (y + k * dy) * s + x + k * dx
    return step, (y + step * dy) * s + x + step * dx


@kernel
def plan(
    mask,
    edges,
    want,
    m,
    flags,
    marks,
    ids,
    found,
    runs,
    row_first,
    bound,
    lev,
    node,
    edge,
    diagonal,
    inverse,
    e_node,
    e_ghost,
    e_inv,
    first,
    source,
    weight,
    spans,
    ghosts,
    g_share,
    count,
):  # type: ignore[no-untyped-def]
    """Plans `mask`; returns (finest level solved, levels, boundary pixels, runs); see reenact.blending.plans.Plan."""
    h, w = mask.shape
    s = w + MARGIN
    _pixel_map(mask, edges, m)
    end = _scan(m, s, h, flags, marks)

    n_runs = _positions(flags, end, found) // 2
    row = 0
    for k in range(n_runs):
        y, x = found[2 * k] // s - 1, found[2 * k] % s - 1
        while row <= y:
            row_first[row] = k
            row += 1
        runs[k, 0], runs[k, 1] = x, x + found[2 * k + 1] - found[2 * k]
    while row <= h:
        row_first[row] = n_runs
        row += 1
    n_bound = _positions(marks, end, found)
    for k in range(n_bound):
        ids[found[k]] = k
        bound[k, 0], bound[k, 1] = found[k] // s - 1, found[k] % s - 1

    top = want
    if want < 0:
        top = -want - 1
        while top > 0:
            gaps, bridges = _thin(m, s, h, 1 << top)
            if gaps == 0 and 16 * bridges <= n_bound:
                break
            top -= 1
    levels, _ = _level_table(h, w, lev)
    top = min(top, levels - 1)

    e, g = 0, 0
    first[0] = 0
    for l in range(top, levels):
        _nodes(m, s, h, w, lev, l, top, node)
        length = _diagonal(lev, l, node, edge, diagonal, inverse)
        offset, stride, step = lev[l, 0], lev[l, 2], 1 << l
        radius = 0 if l == 0 else min(step - 1, 3)
        spans[l, 0], spans[l, 2] = e, g
        for k in range(_positions(edge, length, found)):
            p = found[k] + stride
            y, x = p // stride * step, p % stride * step
            d = np.float32(0)
            for side in range(4):
                dy, dx = (side == 1) - (side == 0), (side == 3) - (side == 2)
                q = p + dy * stride + dx
                if node[offset + q] == 1:
                    d += np.float32(1)
                    continue
                far, at = _crossing(m, s, y, x, dy, dx, step)
                e_node[e], e_ghost[e], e_inv[e] = p, q, 0.0
                first[e + 1] = first[e]
                if m[at + s] == TARGET:
                    e_inv[e] = np.float32(step) / np.float32(far)
                    _samples_about(m, marks, ids, s, h, w, at, radius, e, first, source, weight)
                d += e_inv[e]
                e += 1
                if node[offset + q] == 0:
                    node[offset + q] = 2
                    ghosts[g], count[offset + q] = q, 0
                    g += 1
                count[offset + q] += 1
            diagonal[offset + p] = d
            inverse[offset + p] = np.float32(1) / d if d > 0 else np.float32(0)
        spans[l, 1] = e
        if l == top and l > 0:
            e, g = _corners(
                m,
                marks,
                ids,
                s,
                h,
                w,
                lev,
                l,
                node,
                bound,
                n_bound,
                e_node,
                e_ghost,
                e_inv,
                first,
                source,
                weight,
                ghosts,
                count,
                e,
                g,
            )
        spans[l, 3], spans[l, 4] = g, e
        for k in range(spans[l, 2], g):
            g_share[k] = np.float32(1) / np.float32(count[offset + ghosts[k]])
    return top, levels, n_bound, n_runs


@part
def _corners(
    m,
    marks,
    ids,
    s,
    h,
    w,
    lev,
    l,
    node,
    bound,
    n_bound,
    e_node,
    e_ghost,
    e_inv,
    first,
    source,
    weight,
    ghosts,
    count,
    e,
    g,
):  # type: ignore[no-untyped-def]
    """Ghosts of the finest level that no unknown reaches straight: they take the boundary about themselves.

    A mask pixel in a grid cell with an outside corner has a boundary pixel of that cell within 2**l - 1 of the corner.
    """
    offset, stride, step = lev[l, 0], lev[l, 2], 1 << l
    for k in range(n_bound):
        y, x = bound[k, 0] + 1, bound[k, 1] + 1
        for corner in range(4):
            i, j = y // step + corner // 2, x // step + corner % 2
            q = i * stride + j
            if i >= lev[l, 1] or node[offset + q] != 0:
                continue
            node[offset + q] = 2
            e_node[e], e_ghost[e], e_inv[e] = q, q, -1.0
            _samples_about(m, marks, ids, s, h, w, i * step * s + j * step, step - 1, e, first, source, weight)
            if first[e + 1] == first[e]:  # the other way round the cell: the nearest known pixel
                source[first[e]], weight[first[e]] = k, 1.0
                first[e + 1] = first[e] + 1
            ghosts[g], count[offset + q] = q, 1
            e, g = e + 1, g + 1
    return e, g
