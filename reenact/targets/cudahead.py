# mypy: disable-error-code="untyped-decorator,no-any-return,no-untyped-def"
"""A photo's moved head over its background as one CUDA kernel; the CPU's form is reenact.targets.compose.

The arithmetic is the same, word by word.  What each cell of the displacement's grid is made of is found on the CPU,
which takes microseconds (reenact.targets.compose.cell_kinds).

Importing this module needs numba-cuda (the extra `cuda`) but no GPU; under NUMBA_ENABLE_CUDASIM=1 it runs on the CPU.
"""

import math

import numpy as np
from numba import cuda, float32, int32, int64, uint64

from reenact.targets.compose import CLEAR_CELL, MIXED_CELL, STILL_CELL

_LANES, _HALF, _LOW = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0080008000800080), np.uint64(0xFFFFFFFF)
device = cuda.jit(device=True)


@device
def layer_word(layer, rows, columns, x256, y256):
    """The layer at (x256, y256) / 256: blue, red, green, opacity in lanes of 16 bits; compose._sample."""
    x256 = min(max(x256, 0), ((columns - 1) << 8) - 1)
    y256 = min(max(y256, 0), ((rows - 1) << 8) - 1)
    x, y = x256 >> 8, y256 >> 8
    fx, fy = uint64(x256 & 255), uint64(y256 & 255)
    eight, half, whole = uint64(8), uint64(32), uint64(256)
    a, b, c, d = layer[y, x], layer[y, x + 1], layer[y + 1, x], layer[y + 1, x + 1]
    w = (fx * fy + uint64(128)) >> eight
    of_a, of_b, of_c = whole + w - fx - fy, fx - w, fy - w
    blue_red = (a & _LANES) * of_a + (b & _LANES) * of_b + (c & _LANES) * of_c + (d & _LANES) * w
    blue_red = ((blue_red + _HALF) >> eight) & _LANES
    rest = ((a >> eight) & _LANES) * of_a + ((b >> eight) & _LANES) * of_b
    rest += ((c >> eight) & _LANES) * of_c + ((d >> eight) & _LANES) * w
    rest = ((rest + _HALF) >> eight) & _LANES
    plain = (blue_red & _LOW) | (rest << half)
    sharp = (blue_red >> half) | (rest & ~_LOW)
    between = (fx * (whole - fx) + fy * (whole - fy)) >> uint64(7)
    return ((plain * (whole - between) + sharp * between + _HALF) >> eight) & _LANES


@cuda.jit
def move(layer, pad, kinds, back, step, reach, background, remainder, picture, width, height, out):
    """out (h, w, 3) flat uint8: the picture with the head moved; a thread a pixel.

    layer (rows, columns) uint64;  kinds (cells) uint8;  back (rows, columns, 2) float32 at every `step` pixels
    background, picture (h, w, 3) flat uint8;  remainder the same int16
    """
    x, y = cuda.grid(2)
    if x >= width or y >= height:
        return
    i, j = y // step, x // step
    place = 3 * (y * width + x)
    kind = kinds[i, j]
    if kind == STILL_CELL:
        for c in range(3):
            out[place + c] = picture[place + c]
        return
    one = float32(1 << 24)
    t = float32(y - i * step) / float32(step)
    ax = back[i, j, 0] + t * (back[i + 1, j, 0] - back[i, j, 0])
    ay = back[i, j, 1] + t * (back[i + 1, j, 1] - back[i, j, 1])
    bx = back[i, j + 1, 0] + t * (back[i + 1, j + 1, 0] - back[i, j + 1, 0])
    by = back[i, j + 1, 1] + t * (back[i + 1, j + 1, 1] - back[i, j + 1, 1])
    along = int64(x - j * step)
    dx = int64(ax * one) + along * (int64((bx - ax) * one) // int64(step))
    dy = int64(ay * one) + along * (int64((by - ay) * one) // int64(step))
    word, clear = uint64(0), int32(255)
    if kind != CLEAR_CELL:
        x256 = (((int64(x) + pad) << 24) - dx + 32768) >> 16
        y256 = (((int64(y) + pad) << 24) - dy + 32768) >> 16
        word = layer_word(layer, layer.shape[0], layer.shape[1], x256, y256)
        clear = int32(255) - int32((word >> uint64(48)) & uint64(255))
    share = float32(0)
    if kind in (CLEAR_CELL, MIXED_CELL):
        fx, fy = float32(dx) / one, float32(dy) / one
        share = max(float32(0), float32(1) - float32(math.sqrt(fx * fx + fy * fy)) / float32(reach))
    for c in range(3):
        value = int32((word >> uint64(16 * ((3 - c) % 3))) & uint64(255))
        if kind != CLEAR_CELL:
            value += (int32(background[place + c]) * clear + int32(127)) // int32(255)
        else:
            value = int32(background[place + c])
        if share > float32(0):
            value += int32(round(share * float32(remainder[place + c])))
        out[place + c] = np.uint8(min(int32(255), max(int32(0), value)))
