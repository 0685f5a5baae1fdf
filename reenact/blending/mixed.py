"""Mixed gradients: Perez, Gangnet, Blake 2003, eq. 12, per channel, each pixel pair taking the stronger difference."""

import numpy as np

from reenact.blending.domain import Array, Grid
from reenact.blending.jit import part, stronger16


@part
def padded_row(picture: Array, begin: int, pixels: int, left: bool, right: bool, row: Array) -> None:
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
def both_rows(patch: Array, h: int, w: int, frame: Array, height: int, width: int, oy: int, ox: int, y: int,
              p: Array, t: Array) -> None:  # fmt: skip
    """Row y (-1 to h) of patch and target as padded int16; the patch's edge and the frame's are repeated."""
    padded_row(patch, min(max(y, 0), h - 1) * 3 * w, w, False, False, p)
    v = min(max(oy + y, 0), height - 1)
    padded_row(frame, 3 * (v * width + ox), w, ox > 0, ox + w < width, t)


@part
def mixed_divergence(patch: Array, h: int, w: int, frame: Array, height: int, width: int, oy: int, ox: int, f: Array,
                     grid: Grid, lines: Array) -> None:  # fmt: skip
    """f = divergence of (guidance field - gradient of the target) on the grid of all pixels, three channels.

    The guidance differs from the target's gradient only where the patch's is stronger; between a pixel and one off the
    frame both are repeated, so the term vanishes of itself.  lines: int16, 7 rows of 3 (w + 2).
    """
    n = 3 * (w + 2)
    stride, size = grid.levels[0, 2], grid.levels[0, 3]
    across, above, below = lines[4 * n : 5 * n], lines[5 * n : 6 * n], lines[6 * n : 7 * n]
    both_rows(patch, h, w, frame, height, width, oy, ox, -1, lines[:n], lines[n : 2 * n])
    both_rows(patch, h, w, frame, height, width, oy, ox, 0, lines[2 * n : 3 * n], lines[3 * n : 4 * n])
    differences(lines[:n], lines[2 * n : 3 * n], lines[n : 2 * n], lines[3 * n : 4 * n], below)
    for y in range(h):
        k = 2 * ((y + 1) % 2)
        p, t, next_p, next_t = (
            lines[k * n : (k + 1) * n],
            lines[(k + 1) * n : (k + 2) * n],
            lines[(2 - k) * n : (3 - k) * n],
            lines[(3 - k) * n : (4 - k) * n],
        )
        both_rows(patch, h, w, frame, height, width, oy, ox, y + 1, next_p, next_t)
        for x in range(n):
            above[x] = below[x]
        differences(p, next_p, t, next_t, below)
        differences(p[: n - 3], p[3:], t[: n - 3], t[3:], across[: n - 3])
        row = (y + 1) * stride
        gather(across, above, below, f[row : row + stride], f[size + row : size + row + stride],
               f[2 * size + row : 2 * size + row + stride], w)  # fmt: skip


@part
def differences(patch_a: Array, patch_b: Array, own_a: Array, own_b: Array, out: Array) -> None:
    for x in range(out.size):
        out[x] = stronger16(patch_a[x], patch_b[x], own_a[x], own_b[x])


@part
def gather(across: Array, above: Array, below: Array, f0: Array, f1: Array, f2: Array, w: int) -> None:
    """f = what leaves to the right and below, less what comes from the left and above; planes out of pixels."""
    for c in range(3):
        o = f0 if c == 0 else f1 if c == 1 else f2
        left, right, up, down = across[c:], across[3 + c :], above[3 + c :], below[3 + c :]
        for x in range(w):
            i = 3 * x
            o[x + 1] = np.float32(np.int32(right[i]) - np.int32(left[i]) + np.int32(down[i]) - np.int32(up[i]))
