"""Mixed gradients: Perez, Gangnet, Blake 2003, eq. 12, per channel, each pixel pair taking the stronger difference."""

import numpy as np

from reenact.blending.jit import part, stronger16


@part
def _padded_row(picture, begin, pixels, left, right, row):  # type: ignore[no-untyped-def]
    """`pixels` pixels of an interleaved picture from element `begin` as int16, one more at either end: the picture's
    own where `left` / `right` say that there is one, otherwise the end repeated."""
    n = 3 * pixels
    inner, src = row[3 : 3 + n], picture[begin : begin + n]
    for x in range(n):
        inner[x] = np.int16(src[x])
    for c in range(3):
        row[c] = np.int16(picture[begin - 3 + c]) if left else row[3 + c]
        row[3 + n + c] = np.int16(picture[begin + n + c]) if right else row[n + c]


@part
def _rows(patch, h, w, frame, height, width, oy, ox, y, p, t):  # type: ignore[no-untyped-def]
    """Row y (-1 to h) of patch and target as padded int16; the patch's edge and the frame's are repeated."""
    _padded_row(patch, min(max(y, 0), h - 1) * 3 * w, w, False, False, p)
    v = min(max(oy + y, 0), height - 1)
    _padded_row(frame, 3 * (v * width + ox), w, ox > 0, ox + w < width, t)


@part
def mixed_divergence(patch, h, w, frame, height, width, oy, ox, f, total, stride, rows):  # type: ignore[no-untyped-def]
    """f[c] = divergence of (guidance field - gradient of the target), float32 on the full-resolution grid.

    The guidance differs from the target's gradient only where the patch's is stronger; between a pixel and one off the
    frame both are repeated, so the term vanishes of itself.  rows: 7 int16 rows of 3 (w + 2).
    """
    n = 3 * (w + 2)
    across, above, below = rows[4, :n], rows[5, :n], rows[6, :n]
    _rows(patch, h, w, frame, height, width, oy, ox, -1, rows[0, :n], rows[1, :n])
    _rows(patch, h, w, frame, height, width, oy, ox, 0, rows[2, :n], rows[3, :n])
    p0, t0, p1, t1 = rows[0, :n], rows[1, :n], rows[2, :n], rows[3, :n]
    for x in range(n):
        below[x] = stronger16(p0[x], p1[x], t0[x], t1[x])
    for y in range(h):
        k = 2 * ((y + 1) % 2)
        p, t = rows[k, :n], rows[k + 1, :n]
        pn, tn = rows[2 - k, :n], rows[3 - k, :n]
        _rows(patch, h, w, frame, height, width, oy, ox, y + 1, pn, tn)
        for x in range(n):
            above[x] = below[x]
            below[x] = stronger16(p[x], pn[x], t[x], tn[x])
        pr, tr = p[3:], t[3:]
        for x in range(n - 3):
            across[x] = stronger16(p[x], pr[x], t[x], tr[x])
        for c in range(3):
            o = f[c * total + (y + 1) * stride : c * total + (y + 2) * stride]
            a, b, e, g = across[c:], across[3 + c :], above[3 + c :], below[3 + c :]
            for x in range(w):
                o[x + 1] = np.float32(np.int32(b[3 * x]) - np.int32(a[3 * x]) + np.int32(g[3 * x]) - np.int32(e[3 * x]))
