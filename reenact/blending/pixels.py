"""Between pixels and the solver: boundary values out of the pictures, the solved correction back into them."""

import numpy as np

from reenact.blending.jit import add_corrected, part

LIMIT = np.float32(16383.0)  # of a correction in 1/64 grey levels, see add_corrected


@part
def boundary_values(patch, h, w, frame, width, oy, ox, bound, n_bound, values):  # type: ignore[no-untyped-def]
    """values[c, k] = target - patch at boundary pixel k, float32; beyond its edge the patch is repeated by one pixel."""
    for k in range(n_bound):
        y, x = bound[k, 0], bound[k, 1]
        p = 3 * (min(max(y, 0), h - 1) * w + min(max(x, 0), w - 1))
        q = 3 * ((oy + y) * width + ox + x)
        for c in range(3):
            values[c, k] = np.float32(frame[q + c]) - np.float32(patch[p + c])


@part
def centre_values(values, n_bound, mean):  # type: ignore[no-untyped-def]
    """Takes each channel's mean out of the values: what is solved is only what differs along the boundary."""
    for c in range(3):
        v = values[c, :n_bound]
        total = np.float32(0)
        for k in range(n_bound):
            total += v[k]
        m = total / np.float32(max(n_bound, 1))
        mean[c] = m
        for k in range(n_bound):
            v[k] -= m


@part
def _spread(u, total, offset, stride, i, ratio, cols, mean, out):  # type: ignore[no-untyped-def]
    """One row of nodes of all channels, interpolated to every pixel column, interleaved, int16 in 1/64 grey levels."""
    share = np.float32(1) / np.float32(ratio)
    for c in range(3):
        row = u[c * total + offset + i * stride : c * total + offset + (i + 1) * stride]
        m = mean[c]
        for j in range(cols):
            a, b = row[j], row[j + 1]
            d = (b - a) * share
            v = a + m
            for k in range(ratio):
                x = min(max(v * np.float32(64), -LIMIT), LIMIT)
                out[3 * (j * ratio + k) + c] = np.int16(np.floor(x + np.float32(0.5)))
                v += d


@part
def add_correction(
    u, total, lev, top, mean, base, base_stride, base_begin, h, w, out, width, oy, ox, runs, row_first, rows
):  # type: ignore[no-untyped-def]
    """out = base + correction, rounded and clipped, on the runs of the mask; the correction is bilinear in its nodes.

    rows: three int16 rows of pixels: at the nodes above, at the nodes below, and between them, stepped down.
    """
    offset, stride, ratio = lev[top, 0], lev[top, 2], 1 << top
    cols = (w + 1) // ratio + 1
    length = 3 * cols * ratio
    above, below, now = rows[0], rows[1], rows[2]
    _spread(u, total, offset, stride, 0, ratio, cols, mean, below)
    for i in range((h + 1) // ratio + 1):
        for x in range(length):
            above[x] = below[x]
        _spread(u, total, offset, stride, i + 1, ratio, cols, mean, below)
        for k in range(ratio):
            y = i * ratio + k - 1
            if y < 0 or y >= h:
                continue
            for x in range(length):
                now[x] = np.int16(
                    np.int32(above[x]) + (((np.int32(below[x]) - np.int32(above[x])) * np.int32(k)) >> np.int32(top))
                )
            for r in range(row_first[y], row_first[y + 1]):
                a, b = 3 * runs[r, 0], 3 * runs[r, 1]
                source = base[base_begin + y * base_stride + a : base_begin + y * base_stride + b]
                begin = 3 * ((oy + y) * width + ox)
                target = out[begin + a : begin + b]
                shift = now[3 + a : 3 + b]
                for x in range(b - a):
                    target[x] = add_corrected(source[x], shift[x])
