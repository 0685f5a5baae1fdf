"""How every CPU kernel of this package is compiled, and the two pieces of arithmetic LLVM needs told apart.

`cache=True` keeps the machine code on disk, so that only `reenact warmup` ever waits for the compiler; `nogil=True`
lets the tracker run beside the blender.  `contract` allows fused multiply-add, nothing else of fastmath: NaN and
infinities keep their meaning.  `error_model="numpy"` drops the test for division by zero, which stops vectorisation.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic

_F = TypeVar("_F", bound=Callable[..., Any])


def kernel(function: _F) -> _F:
    """A compiled kernel: cached on disk, without the GIL, one thread."""
    compiled: _F = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})(function)
    return compiled


def part(function: _F) -> _F:
    """A piece of a kernel, compiled into its callers and cached with them."""
    compiled: _F = njit(nogil=True, error_model="numpy", fastmath={"contract"})(function)
    return compiled


@intrinsic  # type: ignore[untyped-decorator]
def add_corrected(typingctx: Any, pixel: Any, correction: Any) -> Any:
    """uint8 pixel + int16 correction in 1/64 grey levels -> uint8, rounded and clipped.

    Written in 16-bit IR because numba widens every integer sum to 64 bits, which quarters the vector width
    four times over.  |correction| <= 16383 keeps the sum within 16 bits: 255 * 64 + 32 + 16383 < 32768.
    """
    signature = types.uint8(types.uint8, types.int16)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        i16, i8 = ir.IntType(16), ir.IntType(8)
        scaled = builder.shl(builder.zext(args[0], i16), ir.Constant(i16, 6))
        value = builder.add(builder.add(scaled, args[1]), ir.Constant(i16, 32))
        value = builder.ashr(value, ir.Constant(i16, 6))
        low, high = ir.Constant(i16, 0), ir.Constant(i16, 255)
        value = builder.select(builder.icmp_signed("<", value, low), low, value)
        value = builder.select(builder.icmp_signed(">", value, high), high, value)
        return builder.trunc(value, i8)

    return signature, codegen


@intrinsic  # type: ignore[untyped-decorator]
def add16(typingctx: Any, a: Any, b: Any) -> Any:
    """int16 + int16 -> int16, wrapping."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.add(args[0], args[1])

    return types.int16(types.int16, types.int16), codegen


@intrinsic  # type: ignore[untyped-decorator]
def stronger16(typingctx: Any, patch_a: Any, patch_b: Any, own_a: Any, own_b: Any) -> Any:
    """(patch_a - patch_b) - (own_a - own_b) where the patch's difference is at least as large, otherwise 0; int16."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        zero = ir.Constant(ir.IntType(16), 0)
        theirs, own = builder.sub(args[0], args[1]), builder.sub(args[2], args[3])
        size = [
            builder.select(builder.icmp_signed("<", d, zero), builder.sub(zero, d), d)  # |d|
            for d in (theirs, own)
        ]
        return builder.select(builder.icmp_signed(">=", size[0], size[1]), builder.sub(theirs, own), zero)

    return types.int16(types.int16, types.int16, types.int16, types.int16), codegen


@intrinsic  # type: ignore[untyped-decorator]
def eight_bytes(typingctx: Any, array: Any, at: Any) -> Any:
    """uint64 made of array[at : at + 8], a flat uint8 array, wherever it lies; the first byte is the lowest."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        place = builder.bitcast(builder.gep(data, [args[1]]), ir.IntType(64).as_pointer())
        return builder.load(place, align=1)

    return types.uint64(array, types.int64), codegen


@intrinsic  # type: ignore[untyped-decorator]
def trailing_zeros(typingctx: Any, word: Any) -> Any:
    """Number of zero bits below the lowest set bit of a uint64 that is not 0."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), codegen
