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
one guard row above the ring and three below.
"""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from reenact.blending.jit import part

Array: TypeAlias = npt.NDArray[Any]

MAX_LEVELS = 12
STACKED = 8192  # levels of at most so many nodes keep D three times over, for three channels in one loop
SAMPLES = 16  # boundary pixels averaged for one boundary crossing of a coarse grid, at most

MARGIN = 6  # stride of a pixel map, less the patch's width

TARGET, INSIDE, BEYOND = 0, 1, 2  # values of the pixel map: the target's pixel, unknown, off the frame


class PixelMap(NamedTuple):
    """The mask, pixel by pixel.

    pixels     uint8 map: TARGET, INSIDE or BEYOND
    flags      uint8 scratch: where a run begins or ends
    marks      uint8 map: on boundary pixels (of the target, beside the mask) how many mask pixels are beside it
    ids        int32 map: number of a boundary pixel, defined where marks is not 0
    found      int32 scratch
    runs       (n, 2) int32: first column of each run of the mask, and the column after its last, row by row
    row_first  int32: number of each row's first run, and one past the last row
    bound      (n, 2) int32: row and column of each boundary pixel; -1 and h or w are on the ring
    """

    pixels: Array
    flags: Array
    marks: Array
    ids: Array
    found: Array
    runs: Array
    row_first: Array
    bound: Array


class Grid(NamedTuple):
    """The unknowns of all levels, one after the other.

    levels    (MAX_LEVELS, 4) int64: first element, rows, row stride, elements of one channel; three channels each
    node      uint8: 1 an unknown, 2 a ghost (outside, beside an unknown)
    edge      uint8 scratch
    hits      int32 scratch
    diagonal  float32 D, 0 outside; on levels of at most STACKED nodes three times over
    inverse   float32 1 / D, likewise
    """

    levels: Array
    node: Array
    edge: Array
    hits: Array
    diagonal: Array
    inverse: Array


class Crossings(NamedTuple):
    """Where grid lines cross the boundary.

    node, ghost  int32: the unknown on this side and the node on the other, within the level
    inverse      float32: grid step over the boundary's distance from the unknown, 1 or more; 0 towards the frame's
                 edge; -1 for a ghost that takes the boundary about itself
    first        int32: first sample of each crossing, and one past the last
    source, weight  the samples: number of a boundary pixel, and its share
    ghosts, share   each ghost once, and one over the number of crossings that lead to it
    spans        (MAX_LEVELS, 5) int64, per level: crossings from, to; ghosts from, to; and to where crossings go on
                 with those of inverse -1
    """

    node: Array
    ghost: Array
    inverse: Array
    first: Array
    source: Array
    weight: Array
    ghosts: Array
    share: Array
    spans: Array


@part
def pixel_map(mask: Array, edges: Array, m: Array) -> None:
    """edges: does the box touch the frame's top, bottom, left, right; there the ring is off the frame."""
    h, w = mask.shape
    s = w + MARGIN
    m[: (h + 6) * s] = TARGET
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
def scan(m: Array, s: int, h: int, flags: Array, marks: Array) -> int:
    """flags: where a run begins or ends; marks: at target pixels, mask pixels beside.  Returns the bytes to scan."""
    n = (h + 2) * s
    centre, left, right = m[s : s + n], m[s - 1 : s - 1 + n], m[s + 1 : s + 1 + n]
    up, down = m[:n], m[2 * s : 2 * s + n]
    for i in range(n):
        flags[i] = np.uint8(centre[i] == 1) ^ np.uint8(left[i] == 1)
    for i in range(n):
        beside = np.uint8(left[i] == 1) + np.uint8(right[i] == 1) + np.uint8(up[i] == 1) + np.uint8(down[i] == 1)
        marks[i] = np.uint8(beside) * np.uint8(centre[i] == 0)
    end = (n + 31) // 32 * 32
    flags[n:end] = 0
    marks[n:end] = 0
    return end


@part
def positions(flags: Array, end: int, out: Array) -> int:
    """Positions of the nonzero bytes of flags[:end], end a multiple of 32, looked at 32 at a time; returns how many."""
    words = flags[:end].view(np.uint64)
    k = 0
    for j in range(0, words.size, 4):
        if (words[j] | words[j + 1] | words[j + 2] | words[j + 3]) != 0:
            for i in range(j, j + 4):
                if words[i] != 0:
                    for b in range(8 * i, 8 * i + 8):
                        if flags[b] != 0:
                            out[k] = b
                            k += 1
    return k


@part
def thin(m: Array, s: int, h: int, wide: bool, flags: Array, out: Array) -> tuple[bool, int]:
    """Has the mask a gap narrower than 4 pixels (`wide`) or 2, across or down; at how many pixels a bridge begins.

    flags, out: scratch, as for `positions`.
    """
    n = (h + 2) * s
    end = (n + 31) // 32 * 32
    bridges = 0
    gap = False
    for step in (1, s):
        before, centre, after = m[s - step : s - step + n], m[s : s + n], m[s + step : s + step + n]
        reach = 2 if wide else 1
        # the map ends with room for these; below its guard row there is nothing but target
        second, third = m[s + reach * step : s + reach * step + n], m[s + (2 * reach - 1) * step :]
        third = third[:n]
        for i in range(n):
            was, now = np.uint8(before[i] == 1), np.uint8(centre[i] == 1)
            a, b, c = np.uint8(after[i] == 1), np.uint8(second[i] == 1), np.uint8(third[i] == 1)
            other = np.uint8(1) ^ now
            gaps = was & other & (a | b | c)
            flags[i] = gaps | (((np.uint8(1) ^ was) & now & (np.uint8(1) ^ (a & b & c))) << np.uint8(1))
        flags[n:end] = 0
        count = positions(flags, end, out)
        for k in range(count):
            if flags[out[k]] & 1:
                gap = True
        bridges += count
    return gap, bridges


@part
def runs_and_bound(pixels: PixelMap, s: int, h: int, end: int) -> tuple[int, int]:
    """Fills runs, row_first, bound and ids from flags and marks; returns the number of boundary pixels and of runs."""
    found = pixels.found
    n_runs = positions(pixels.flags, end, found) // 2
    row, y, begin = 0, -1, 0
    for k in range(n_runs):
        while found[2 * k] >= begin + s:  # positions rise: counting rows is cheaper than dividing
            begin += s
            y += 1
        while row <= y:
            pixels.row_first[row] = k
            row += 1
        pixels.runs[k, 0], pixels.runs[k, 1] = found[2 * k] - begin - 1, found[2 * k + 1] - begin - 1
    while row <= h:
        pixels.row_first[row] = n_runs
        row += 1
    n_bound = positions(pixels.marks, end, found)
    y, begin = -1, 0
    for k in range(n_bound):
        at = found[k]
        while at >= begin + s:
            begin += s
            y += 1
        pixels.ids[at] = k
        pixels.bound[k, 0], pixels.bound[k, 1] = y, at - begin - 1
    return n_bound, n_runs
