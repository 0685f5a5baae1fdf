"""One pass over the picture: how busy each block is, and the tile added accordingly.

Strength follows the texture of a block (contrast masking: Legge, Foley, JOSA 70, 1980), measured by second differences:
shading, however steep, has none, and smooth skin is where a pattern is seen first.  Each is counted up to a limit only,
so that one hard edge does not lift the strength of a plain wall beside it.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from reenact.blending.jit import kernel
from reenact.provenance.watermark_tile import ROUND

WIDE, HIGH = ROUND, 8  # pixels of a block; divisors of the tile's side
_BYTES = 3 * WIDE
_ROWS = (1, 5)  # of a block that are looked at
UNIT = 32  # of the tile, int8: its standard deviation
SHIFT = 10  # strength is in 1/32 grey levels: 32 * 32 = 2 ** 10
LIMIT = 5  # grey levels of one bend
BENDS = len(_ROWS) * (_BYTES - 6)  # of a block


@intrinsic  # type: ignore[untyped-decorator]
def _added(typingctx: Any, pixel: Any, wave: Any, strength: Any) -> Any:
    """uint8 pixel + int8 wave * int16 strength / 2 ** SHIFT -> uint8, rounded and clipped, in 16-bit arithmetic.

    |wave * strength| <= 127 * 255 fits; numba itself would widen every product to 64 bits.
    """

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        i16 = ir.IntType(16)
        product = builder.mul(builder.sext(args[1], i16), args[2])
        half = ir.Constant(i16, 1 << (SHIFT - 1))
        value = builder.add(
            builder.zext(args[0], i16), builder.ashr(builder.add(product, half), ir.Constant(i16, SHIFT))
        )
        low, high = ir.Constant(i16, 0), ir.Constant(i16, 255)
        value = builder.select(builder.icmp_signed("<", value, low), low, value)
        value = builder.select(builder.icmp_signed(">", value, high), high, value)
        return builder.trunc(value, ir.IntType(8))

    return types.uint8(types.uint8, types.int8, types.int16), codegen


@intrinsic  # type: ignore[untyped-decorator]
def _bend(typingctx: Any, total: Any, a: Any, b: Any, c: Any) -> Any:
    """int16 total + min(|a - 2 b + c|, LIMIT), for uint8 a, b and c, in 16-bit arithmetic."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        i16 = ir.IntType(16)
        a, b, c = (builder.zext(arg, i16) for arg in args[1:])
        bend = builder.sub(builder.add(a, c), builder.shl(b, ir.Constant(i16, 1)))
        bend = builder.select(builder.icmp_signed("<", bend, ir.Constant(i16, 0)), builder.neg(bend), bend)
        limit = ir.Constant(i16, LIMIT)
        return builder.add(args[0], builder.select(builder.icmp_signed("<", bend, limit), bend, limit))

    return types.int16(types.int16, types.uint8, types.uint8, types.uint8), codegen


@kernel
def add_tile(
    picture: npt.NDArray[np.uint8], tile: npt.NDArray[np.int8], weakest: int, strongest: int, smooth: int, gain: int
) -> None:
    """Adds the tile to picture (H, 3 W) uint8, in place.

    tile                (T, 3 T) int8, UNIT a standard deviation, each column thrice; T a multiple of WIDE and HIGH
    weakest, strongest  in 1/32 grey levels, up to 255
    smooth, gain        of the sum over a block's BENDS bends: up to `smooth` it is a smooth block; each grey level
                        more is 1/256 of gain
    """
    height, width = picture.shape
    side = tile.shape[0]
    for top in range(0, height, HIGH):
        rows = min(HIGH, height - top)
        first = top % side
        place = 0
        for left in range(0, width, _BYTES):
            busy = np.int16(0)
            if width - left >= _BYTES:
                for y in _ROWS:
                    row = picture[top + min(y, rows - 1), left : left + _BYTES]
                    for i in range(_BYTES - 6):
                        busy = _bend(busy, row[i], row[i + 3], row[i + 6])
            strength = np.int16(min(strongest, weakest + (max(0, int(busy) - smooth) * gain >> 8)))
            if width - left >= _BYTES:
                for y in range(rows):
                    row, wave = picture[top + y, left : left + _BYTES], tile[first + y, place : place + _BYTES]
                    for i in range(_BYTES):
                        row[i] = _added(row[i], wave[i], strength)
            else:  # the last columns, where the width is no multiple of WIDE
                for y in range(rows):
                    row, wave = picture[top + y, left:], tile[first + y, place:]
                    for i in range(width - left):
                        row[i] = _added(row[i], wave[i], strength)
            place = 0 if place + _BYTES == tile.shape[1] else place + _BYTES
