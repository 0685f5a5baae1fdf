# mypy: disable-error-code="untyped-decorator,no-any-return,no-untyped-def"
"""What stands before and after the network on the device: its crop of the patch, and its answer laid over the patch.

The CPU's form of the same, and its reasons, are in reenact.generation.network.  Matrices come as six numbers, already
from the picture that is written to the one that is read.

Importing this module needs numba-cuda (the extra `cuda`) but no GPU; under NUMBA_ENABLE_CUDASIM=1 it runs on the CPU.
"""

import numpy as np
from numba import cuda, float32, int32

from reenact.generation.cudasample import (
    affine32,
    clamped,
    float_within,
    nearest,
    sample3,
    sample3_cubic,
    sample_within,
    widened,
)

STATUS = 4  # int32 that go up as (seq, seq's upper half, 0, 0) and come down with the picture; [2]: not finite
_STILL = np.float32(0.05)  # pixels of the patch: less is not worth sampling anew, as in network._lay


@cuda.jit
def crop(base, pasted, w, h, m0, m1, m2, m3, m4, m5, size, blob, openings, planes):
    """planes (6, size, size) flat uint8: the patch's BGR, openings (2, size, size) in the blob, the mouth's alpha."""
    x, y = cuda.grid(2)
    if x >= size or y >= size:
        return
    from_x, from_y = affine32(m0, m1, m2, x, y), affine32(m3, m4, m5, x, y)
    colour = cuda.local.array(3, int32)
    sample3(base, 0, w, h, from_x, from_y, colour)
    area, i = size * size, y * size + x
    for c in range(3):
        planes[c * area + i] = np.uint8(colour[c])
    planes[3 * area + i] = blob[openings + i]
    planes[4 * area + i] = blob[openings + area + i]
    planes[5 * area + i] = np.uint8(sample_within(pasted, 0, w, h, -1, from_x, from_y, 0))


@cuda.jit
def answer(planes, gate, n, flow, colour, detail, size, b0, b1, b2, b3, added, shift, most, status):
    """What the network wants added (size, size, 3) uint8 about 128, and moved (2, size, size) float32 patch pixels.

    gate (n, n), flow (2, n, n), colour (3, n, n), detail (3, size, size) float32 flat;  b: crop to patch pixels, 2 x 2
    most     (1,) float32, 0 before: the largest motion
    status   [2] becomes 1 where the network's numbers are not finite
    """
    x, y = cuda.grid(2)
    if x >= size or y >= size:
        return
    area, i = size * size, y * size + x
    free = widened(gate, 0, n, size, x, y) * (float32(1) - float32(planes[5 * area + i]) * float32(1 / 255))
    for c in range(3):
        tone = (widened(colour, c * n * n, n, size, x, y) + detail[c * area + i]) * free + float32(128.5)
        if not (abs(tone) < float32(1e9)):
            status[2] = 1
            tone = float32(128.5)
        added[3 * i + c] = np.uint8(int32(min(max(tone, float32(0)), float32(255))))
    dx, dy = widened(flow, 0, n, size, x, y) * free, widened(flow, n * n, n, size, x, y) * free
    if not (abs(dx) + abs(dy) < float32(1e6)):
        status[2] = 1
        dx, dy = float32(0), float32(0)
    by_x, by_y = float32(b0) * dx + float32(b1) * dy, float32(b2) * dx + float32(b3) * dy
    shift[i], shift[area + i] = by_x, by_y
    longest = max(abs(by_x), abs(by_y))
    if longest > _STILL and longest > most[0]:
        cuda.atomic.max(most, 0, longest)


@cuda.jit
def lay(base, w, h, m0, m1, m2, m3, m4, m5, size, added, shift, most, cubic, patch):
    """patch (h, w, 3) flat: base moved, with what is added; cubic: `cubic_weights`."""
    x, y = cuda.grid(2)
    if x >= w or y >= h:
        return
    at_x, at_y = affine32(m0, m1, m2, x, y), affine32(m3, m4, m5, x, y)
    colour = cuda.local.array(3, int32)
    if most[0] > _STILL:
        px = float32(x) + float_within(shift, 0, size, size, at_x, at_y)
        py = float32(y) + float_within(shift, size * size, size, size, at_x, at_y)
        sample3_cubic(base, w, h, nearest(px * float32(32)), nearest(py * float32(32)), cubic, colour)
    else:
        sample3(base, 0, w, h, 32 * x, 32 * y, colour)
    i = 3 * (y * w + x)
    for c in range(3):
        extra = sample_within(added, 0, size, size, c, at_x, at_y, 128)
        patch[i + c] = np.uint8(clamped(colour[c] + extra - 128, 255))


@cuda.jit
def feather(patch, patch_first, patch_width, mask, w, h, x0, y0, frame, frame_width, status, told):
    """Fades the patch into the frame by its mask, as blending.feather does; the status goes down with the frame.

    patch  flat, rows of patch_width pixels from byte patch_first on;  mask (h, w) flat
    """
    x, y = cuda.grid(2)
    if x == 0 and y == 0:
        for k in range(STATUS):
            told[k] = status[k]
    if x >= w or y >= h:
        return
    m = int32(mask[y * w + x])
    if m == 0:
        return
    i, j = 3 * ((y0 + y) * frame_width + x0 + x), patch_first + 3 * (y * patch_width + x)
    for c in range(3):
        old = int32(frame[i + c])
        frame[i + c] = np.uint8((old * 255 + (int32(patch[j + c]) - old) * m + 127) // 255)
