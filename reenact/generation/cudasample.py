# mypy: disable-error-code="untyped-decorator,no-any-return,no-untyped-def"
"""Sampling pictures in CUDA kernels the way OpenCV samples them, so that device and CPU give the same grey levels.

OpenCV's linear cv2.remap and cv2.warpAffine take positions in steps of 1/32 pixel and weigh bytes in whole numbers;
both are repeated here bit for bit.  Pictures are flat arrays with an offset, a width and a height.

Importing this module needs numba-cuda (the extra `cuda`) but no GPU; under NUMBA_ENABLE_CUDASIM=1 it runs on the CPU.
"""

import math
from typing import Any, TypeAlias

import numpy.typing as npt
from numba import cuda, float32, int32

Array: TypeAlias = npt.NDArray[Any]
device = cuda.jit(device=True)


@device
def nearest(value: float) -> int:
    """The nearest whole number, of two the even one, as cvRound gives it."""
    return int(round(value))  # noqa: RUF046 (under the compiler it is no int yet)


@device
def clamped(value: int, high: int) -> int:
    """0 <= value <= high"""
    return min(max(value, 0), high)


@device
def sample3(picture: Array, first: int, width: int, height: int, x32: int, y32: int, v: Array) -> None:
    """v[:3] = the interleaved BGR picture at (x32, y32) / 32, its rim repeated outside (BORDER_REPLICATE)."""
    x, y, fx, fy = x32 >> 5, y32 >> 5, x32 & 31, y32 & 31
    x0, x1 = 3 * clamped(x, width - 1), 3 * clamped(x + 1, width - 1)
    y0, y1 = first + 3 * width * clamped(y, height - 1), first + 3 * width * clamped(y + 1, height - 1)
    for c in range(3):
        above = int32(picture[y0 + x0 + c]) * (32 - fx) + int32(picture[y0 + x1 + c]) * fx
        below = int32(picture[y1 + x0 + c]) * (32 - fx) + int32(picture[y1 + x1 + c]) * fx
        v[c] = (above * (32 - fy) + below * fy + 512) >> 10


@device
def sample3_cubic(picture: Array, width: int, height: int, x32: int, y32: int, weights: Array, v: Array) -> None:
    """v[:3] = the flat BGR picture at (x32, y32) / 32 by cubic cv2.remap, its rim repeated; see laying.py."""
    x, y, first = (x32 >> 5) - 1, (y32 >> 5) - 1, 16 * (32 * (y32 & 31) + (x32 & 31))
    v[0], v[1], v[2] = int32(16384), int32(16384), int32(16384)
    for row in range(4):
        begin = 3 * width * clamped(y + row, height - 1)
        for column in range(4):
            weight = int32(weights[first + 4 * row + column])
            i = begin + 3 * clamped(x + column, width - 1)
            for c in range(3):
                v[c] += weight * int32(picture[i + c])
    for c in range(3):
        v[c] = clamped(v[c] >> 15, 255)


@device
def sample_within(picture: Array, first: int, width: int, height: int, c: int, x32: int, y32: int, beyond: int) -> int:
    """Channel c of `sample3`, but `beyond` outside (BORDER_CONSTANT); c < 0: the picture has one channel."""
    x, y, fx, fy = x32 >> 5, y32 >> 5, x32 & 31, y32 & 31
    step = 3 if c >= 0 else 1
    total = int32(0)
    for k in range(4):
        a, b = x + (k & 1), y + (k >> 1)
        value = int32(beyond)
        if 0 <= a < width and 0 <= b < height:
            value = int32(picture[first + step * (b * width + a) + max(c, 0)])
        total += value * (fx if k & 1 else 32 - fx) * (fy if k >> 1 else 32 - fy)
    return (total + 512) >> 10


@device
def float_within(plane: Array, first: int, width: int, height: int, x32: int, y32: int) -> float:
    """A float plane at (x32, y32) / 32, zero outside, as cv2.warpAffine samples it."""
    x, y = x32 >> 5, y32 >> 5
    fx, fy = float32(x32 & 31) / float32(32), float32(y32 & 31) / float32(32)
    total = float32(0)
    for k in range(4):
        a, b = x + (k & 1), y + (k >> 1)
        if 0 <= a < width and 0 <= b < height:
            share = (fx if k & 1 else float32(1) - fx) * (fy if k >> 1 else float32(1) - fy)
            total += share * plane[first + b * width + a]
    return total


@device
def affine32(m0: float, m1: float, m2: float, x: int, y: int) -> int:
    """(m0 x + m1 y + m2) in steps of 1/32 as cv2.warpAffine rounds them, the m already from output to input."""
    return (nearest((m1 * y + m2) * 1024.0) + 16 + nearest(m0 * x * 1024.0)) >> 5


@device
def enlarged(plane: Array, first: int, width: int, height: int, wide: int, tall: int, x: int, y: int) -> int:
    """Pixel (x, y) of a byte plane enlarged to wide x tall by linear cv2.resize; in one pixel of 100 one level off."""
    fx = float32((float32(x) + float32(0.5)) * (float32(width) / float32(wide)) - float32(0.5))
    fy = float32((float32(y) + float32(0.5)) * (float32(height) / float32(tall)) - float32(0.5))
    x0, y0 = int32(math.floor(fx)), int32(math.floor(fy))
    a, b = nearest((fx - float32(x0)) * float32(2048)), nearest((fy - float32(y0)) * float32(2048))
    if x0 < 0:
        x0, a = int32(0), int32(0)
    if y0 < 0:
        y0, b = int32(0), int32(0)
    x1, y1 = min(x0 + 1, width - 1), min(y0 + 1, height - 1)
    above = int32(plane[first + y0 * width + x0]) * (2048 - a) + int32(plane[first + y0 * width + x1]) * a
    below = int32(plane[first + y1 * width + x0]) * (2048 - a) + int32(plane[first + y1 * width + x1]) * a
    return ((((2048 - b) * (above >> 4)) >> 16) + ((b * (below >> 4)) >> 16) + 2) >> 2


@device
def widened(plane: Array, first: int, size: int, wide: int, x: int, y: int) -> float:
    """Pixel (x, y) of a square float plane enlarged from size to wide by linear cv2.resize."""
    scale = float32(size) / float32(wide)
    fx = (float32(x) + float32(0.5)) * scale - float32(0.5)
    fy = (float32(y) + float32(0.5)) * scale - float32(0.5)
    fx, fy = min(max(fx, float32(0)), float32(size - 1)), min(max(fy, float32(0)), float32(size - 1))
    x0, y0 = int32(fx), int32(fy)
    x1, y1 = min(x0 + 1, size - 1), min(y0 + 1, size - 1)
    fx, fy = fx - float32(x0), fy - float32(y0)
    above = plane[first + y0 * size + x0] * (float32(1) - fx) + plane[first + y0 * size + x1] * fx
    below = plane[first + y1 * size + x0] * (float32(1) - fx) + plane[first + y1 * size + x1] * fx
    return above * (float32(1) - fy) + below * fy
