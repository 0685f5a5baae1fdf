"""The solved correction put back into the pixels."""

import numpy as np

from reenact.blending.domain import Array, Grid, PixelMap
from reenact.blending.jit import add16, add_corrected, part

LIMIT = np.float32(16383.0)  # of a correction in 1/64 grey levels, see add_corrected
HALF = np.float32(0.5)


@part
def _fixed(x: np.float32) -> np.int16:
    return np.int16(np.int32(np.floor(min(max(x, -LIMIT), LIMIT) + HALF)))


@part
def spread(row: Array, mean: np.float32, cols: int, ratio: int, out: Array) -> None:
    """One row of nodes of one channel, interpolated to every pixel column, int16 in 1/64 grey levels."""
    after = row[1:]
    m = mean * np.float32(64)
    if ratio == 4:
        for j in range(cols):
            a = row[j] * np.float32(64) + m
            d = (after[j] - row[j]) * np.float32(16)
            out[4 * j] = _fixed(a)
            out[4 * j + 1] = _fixed(a + d)
            out[4 * j + 2] = _fixed(a + (d + d))
            out[4 * j + 3] = _fixed(a + np.float32(3) * d)
    elif ratio == 2:
        for j in range(cols):
            a = row[j] * np.float32(64) + m
            out[2 * j] = _fixed(a)
            out[2 * j + 1] = _fixed(a + (after[j] - row[j]) * np.float32(32))
    else:
        for j in range(cols):
            out[j] = _fixed(row[j] * np.float32(64) + m)


@part
def add_row(base: Array, out: Array, n: int, c0: Array, c1: Array, c2: Array) -> None:
    """out = base + correction for n interleaved pixels; one load and store of three planes, which LLVM shuffles."""
    for x in range(n):
        i = 3 * x
        out[i] = add_corrected(base[i], c0[x])
        out[i + 1] = add_corrected(base[i + 1], c1[x])
        out[i + 2] = add_corrected(base[i + 2], c2[x])


@part
def add_correction(u: Array, grid: Grid, top: int, mean: Array, base: Array, base_stride: int, base_begin: int,
                   h: int, w: int, out: Array, width: int, oy: int, ox: int, pixels: PixelMap, lines: Array,
                   copy: Array) -> None:  # fmt: skip
    """out = base + correction, rounded and clipped, on the runs of the mask; the correction is bilinear in its nodes.

    lines: int16, for each channel a row of the correction at the present pixel row, its change from row to row, and
    the correction at the next row of nodes.  copy: a uint8 row, so that base may be out itself and still vectorise.
    """
    offset, stride, n, ratio = grid.levels[top, 0], grid.levels[top, 2], grid.levels[top, 3], 1 << top
    cols = (w + 1) // ratio + 1
    length = cols * ratio
    now, change, following = lines[: 3 * length], lines[3 * length : 6 * length], lines[6 * length : 9 * length]
    c0, c1, c2 = now[1:length], now[length + 1 : 2 * length], now[2 * length + 1 :]
    for c in range(3):
        at = offset + c * n
        spread(u[at : at + stride], mean[c], cols, ratio, following[c * length : (c + 1) * length])
    for i in range((h + 1) // ratio + 1):
        for x in range(3 * length):
            now[x] = following[x]
        for c in range(3):
            at = offset + c * n + (i + 1) * stride
            spread(u[at : at + stride], mean[c], cols, ratio, following[c * length : (c + 1) * length])
        for x in range(3 * length):
            d = np.int32(following[x]) - np.int32(now[x])
            change[x] = np.int16((d + np.int32(ratio // 2)) >> np.int32(top))
        for k in range(ratio):
            y = i * ratio + k - 1
            if 0 <= y < h:
                for r in range(pixels.row_first[y], pixels.row_first[y + 1]):
                    a, b = pixels.runs[r, 0], pixels.runs[r, 1]
                    source = base[base_begin + y * base_stride + 3 * a : base_begin + y * base_stride + 3 * b]
                    begin = 3 * ((oy + y) * width + ox + a)
                    if base_stride != 3 * w:
                        copy[: 3 * (b - a)] = source
                        source = copy[: 3 * (b - a)]
                    add_row(source, out[begin : begin + 3 * (b - a)], b - a, c0[a:], c1[a:], c2[a:])
            for x in range(3 * length):
                now[x] = add16(now[x], change[x])
