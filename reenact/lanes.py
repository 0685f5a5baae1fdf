# mypy: disable-error-code="untyped-decorator"
"""Sampling one pixel with all its channels at once, for numba kernels: numba itself knows no small vectors.

Everything is whole numbers, the same that a loop over the channels gives, to the bit.  A pixel is a uint32 whose bytes
are the channels, the first the lowest.  LLVM makes SSE, AVX or NEON of it, whichever the machine has.
"""

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_I8, _I16, _I32 = ir.IntType(8), ir.IntType(16), ir.IntType(32)


def _load(context: Any, builder: Any, array: Any, value: Any, at: Any, count: int, element: Any = _I8) -> Any:
    """`count` elements of a flat array from item `at` on, wherever they lie."""
    data = context.make_array(array)(context, builder, value).data
    place = builder.bitcast(builder.gep(data, [at]), ir.VectorType(element, count).as_pointer())
    return builder.load(place, align=1)


def _all(builder: Any, value: Any, kind: Any, count: int) -> Any:
    """A vector of `count` times the integer."""
    whole = ir.VectorType(kind, count)
    first = builder.insert_element(ir.Constant(whole, ir.Undefined), builder.trunc(value, kind), ir.Constant(_I32, 0))
    return builder.shuffle_vector(first, first, _lanes([0] * count))


def _lanes(numbers: list[int]) -> Any:
    return ir.Constant(ir.VectorType(_I32, len(numbers)), numbers)


def _pick(builder: Any, vector: Any, numbers: list[int]) -> Any:
    return builder.shuffle_vector(vector, vector, _lanes(numbers))


def _same(kind: Any, count: int, value: int) -> Any:
    return ir.Constant(ir.VectorType(kind, count), [value] * count)


def _known(builder: Any, name: str, kind: Any, count: int) -> Any:
    """LLVM's own function of `count` arguments of that kind: float32, or four of them."""
    suffix = "v4f32" if isinstance(kind, ir.VectorType) else "f32"
    shape = ir.FunctionType(kind, [kind] * count)
    return cgutils.get_or_insert_function(builder.module, shape, f"llvm.{name}.{suffix}")


def _bilinear(context: Any, builder: Any, sig: Any, args: Any, step: int) -> Any:
    """The weights are those of 1/32 pixel each way: 1024 together."""
    flat, above, below, fx, fy = args
    rows = [
        builder.zext(_load(context, builder, sig.args[0], flat, at, 8), ir.VectorType(_I16, 8)) for at in (above, below)
    ]
    whole = ir.Constant(fx.type, 32)
    down = _all(builder, fy, _I16, 8), _all(builder, builder.sub(whole, fy), _I16, 8)
    across = _all(builder, fx, _I32, 4), _all(builder, builder.sub(whole, fx), _I32, 4)
    column = builder.add(builder.mul(rows[0], down[1]), builder.mul(rows[1], down[0]))
    left, right = (
        builder.zext(_pick(builder, column, [k, k + 1, k + 2, k + 3]), ir.VectorType(_I32, 4)) for k in (0, step)
    )
    total = builder.add(builder.mul(left, across[1]), builder.mul(right, across[0]))
    total = builder.lshr(builder.add(total, _same(_I32, 4, 512)), _same(_I32, 4, 10))
    return builder.bitcast(builder.trunc(total, ir.VectorType(_I8, 4)), _I32)


@intrinsic
def bilinear3(typingctx: Any, flat: Any, above: Any, below: Any, fx: Any, fy: Any) -> Any:
    """The pixel fx, fy 32ths right of and below one of a flat BGR picture; the uint32's fourth byte is anything.

    above, below  byte of that pixel and of the one below it: eight bytes are read from each
    """

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _bilinear(context, builder, sig, args, 3)

    return types.uint32(flat, types.int64, types.int64, types.int64, types.int64), codegen


@intrinsic
def bilinear4(typingctx: Any, flat: Any, above: Any, below: Any, fx: Any, fy: Any) -> Any:
    """The same of a picture with four channels."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _bilinear(context, builder, sig, args, 4)

    return types.uint32(flat, types.int64, types.int64, types.int64, types.int64), codegen


@intrinsic
def cubic3(typingctx: Any, flat: Any, first: Any, row: Any, weights: Any, at: Any) -> Any:
    """Four by four pixels of a flat BGR picture, weighed by 16 int16 whose sum is 32768, rounded and clipped.

    first, row   byte of the upper left one, and from one row to the next: 16 bytes are read of each of four rows
    weights, at  a flat int16 array, and the first of the 16 in it
    """

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        flat, first, row, weights, at = args
        halves, wide = ir.VectorType(_I16, 16), ir.VectorType(_I32, 16)
        by_channel = [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11, 12, 13, 14, 15]
        total = _same(_I32, 8, 0)
        for y in range(4):
            place = builder.add(first, builder.mul(row, ir.Constant(row.type, y)))
            pixels = _pick(builder, _load(context, builder, sig.args[0], flat, place, 16), by_channel)
            pixels = builder.sext(builder.zext(pixels, halves), wide)
            begin = builder.add(at, ir.Constant(at.type, 4 * y))
            weight = _load(context, builder, sig.args[3], weights, begin, 4, _I16)
            weight = builder.sext(_pick(builder, weight, [0, 1, 2, 3] * 4), wide)
            product = builder.mul(pixels, weight)
            pairs = [_pick(builder, product, list(range(k, 16, 2))) for k in (0, 1)]
            total = builder.add(total, builder.add(*pairs))
        value = builder.add(*(_pick(builder, total, list(range(k, 8, 2))) for k in (0, 1)))
        value = builder.ashr(builder.add(value, _same(_I32, 4, 16384)), _same(_I32, 4, 15))
        low, high = _same(_I32, 4, 0), _same(_I32, 4, 255)
        value = builder.select(builder.icmp_signed("<", value, low), low, value)
        value = builder.select(builder.icmp_signed(">", value, high), high, value)
        return builder.bitcast(builder.trunc(value, ir.VectorType(_I8, 4)), _I32)

    return types.uint32(flat, types.int64, types.int64, weights, types.int64), codegen


@intrinsic
def between_words(typingctx: Any, flat: Any, above: Any, below: Any, fx: Any, fy: Any) -> Any:
    """The pixel fx, fy 256ths right of and below one of a picture of uint64: four bytes, and the same sharpened.

    above, below  item of that word and of the one below it
    Both are weighed by 256ths; then the sharpened one is taken the more, the further from a whole pixel.
    """

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        flat, above, below, fx, fy = args
        kind = fx.type

        def number(value: int) -> Any:
            return ir.Constant(kind, value)

        corner = builder.lshr(builder.add(builder.mul(fx, fy), number(128)), number(8))
        weights = [
            builder.sub(builder.add(number(256), corner), builder.add(fx, fy)),
            builder.sub(fx, corner),
            builder.sub(fy, corner),
            corner,
        ]
        words = [_load(context, builder, sig.args[0], flat, at, 2, ir.IntType(64)) for at in (above, below)]
        sums = []
        for word, pair in zip(words, (weights[:2], weights[2:]), strict=True):
            pixels = builder.zext(builder.bitcast(word, ir.VectorType(_I8, 16)), ir.VectorType(_I16, 16))
            shares = [_all(builder, w, _I16, 8) for w in pair]
            weight = builder.shuffle_vector(shares[0], shares[1], _lanes(list(range(16))))
            sums.append(builder.mul(pixels, weight))
        total = builder.add(sums[0], sums[1])
        total = builder.add(_pick(builder, total, list(range(8))), _pick(builder, total, list(range(8, 16))))
        total = builder.lshr(builder.add(total, _same(_I16, 8, 128)), _same(_I16, 8, 8))
        sharp = builder.lshr(
            builder.add(builder.mul(fx, builder.sub(number(256), fx)), builder.mul(fy, builder.sub(number(256), fy))),
            number(7),
        )
        shares = [_all(builder, w, _I16, 4) for w in (builder.sub(number(256), sharp), sharp)]
        total = builder.mul(total, builder.shuffle_vector(shares[0], shares[1], _lanes(list(range(8)))))
        value = builder.add(_pick(builder, total, [0, 1, 2, 3]), _pick(builder, total, [4, 5, 6, 7]))
        value = builder.lshr(builder.add(value, _same(_I16, 4, 128)), _same(_I16, 4, 8))
        return builder.bitcast(builder.trunc(value, ir.VectorType(_I8, 4)), _I32)

    return types.uint32(flat, types.int64, types.int64, types.int64, types.int64), codegen


@intrinsic
def put4(typingctx: Any, flat: Any, at: Any, pixel: Any) -> Any:
    """flat[at : at + 4] = the pixel's four bytes; flat uint8.  In a BGR picture the fourth is the next pixel's."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        place = builder.bitcast(builder.gep(data, [args[1]]), _I32.as_pointer())
        builder.store(args[2], place, align=1)
        return context.get_dummy_value()

    return types.void(flat, types.int64, types.uint32), codegen


@intrinsic
def put3(typingctx: Any, flat: Any, at: Any, pixel: Any) -> Any:
    """flat[at : at + 3] = the pixel's first three bytes; flat uint8."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        for k in range(3):
            byte = builder.trunc(builder.lshr(args[2], ir.Constant(_I32, 8 * k)), _I8)
            builder.store(byte, builder.gep(data, [builder.add(args[1], ir.Constant(args[1].type, k))]))
        return context.get_dummy_value()

    return types.void(flat, types.int64, types.uint32), codegen


@intrinsic
def get4(typingctx: Any, flat: Any, at: Any) -> Any:
    """The four bytes flat[at : at + 4] as a pixel; flat uint8."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return builder.load(builder.bitcast(builder.gep(data, [args[1]]), _I32.as_pointer()), align=1)

    return types.uint32(flat, types.int64), codegen


@intrinsic
def over_pixel(typingctx: Any, pixel: Any, behind: Any) -> Any:
    """A pixel times its opacity, the fourth byte, over another: pixel + behind * (255 - opacity) / 255, rounded."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        bytes4, wide = ir.VectorType(_I8, 4), ir.VectorType(_I16, 4)
        above, below = (builder.zext(builder.bitcast(a, bytes4), wide) for a in args)
        clear = builder.sub(_same(_I16, 4, 255), _pick(builder, above, [3] * 4))
        value = builder.add(builder.mul(below, clear), _same(_I16, 4, 127))
        # v // 255 is (v + 1 + v // 256) // 256 for v < 65535
        value = builder.add(builder.add(value, _same(_I16, 4, 1)), builder.lshr(value, _same(_I16, 4, 8)))
        value = builder.add(above, builder.lshr(value, _same(_I16, 4, 8)))
        most = _same(_I16, 4, 255)
        value = builder.select(builder.icmp_unsigned(">", value, most), most, value)
        return builder.bitcast(builder.trunc(value, bytes4), _I32)

    return types.uint32(types.uint32, types.uint32), codegen


@intrinsic
def toned(typingctx: Any, pixel: Any, tone: Any) -> Any:
    """A pixel and a tone about 128: each byte is pixel + tone - 128, clipped."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        bytes4, wide = ir.VectorType(_I8, 4), ir.VectorType(_I16, 4)
        parts = [builder.zext(builder.bitcast(a, bytes4), wide) for a in args]
        value = builder.sub(builder.add(parts[0], parts[1]), _same(_I16, 4, 128))
        low, high = _same(_I16, 4, 0), _same(_I16, 4, 255)
        value = builder.select(builder.icmp_signed("<", value, low), low, value)
        value = builder.select(builder.icmp_signed(">", value, high), high, value)
        return builder.bitcast(builder.trunc(value, bytes4), _I32)

    return types.uint32(types.uint32, types.uint32), codegen


@intrinsic
def nearest(typingctx: Any, value: Any) -> Any:
    """float32 -> the nearest int64, of two the even one, as OpenCV's cvRound."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        rint = _known(builder, "rint", args[0].type, 1)
        return builder.sext(builder.fptosi(builder.call(rint, [args[0]]), _I32), ir.IntType(64))

    return types.int64(types.float32), codegen


@intrinsic
def nearest4(
    typingctx: Any, depth: Any, map_x: Any, map_y: Any, at: Any, x: Any, rim: Any,
    u: Any, u_dx: Any, v: Any, v_dx: Any, s: Any, s_dx: Any, z: Any, z_dx: Any, px: Any, x_dx: Any, py: Any, y_dx: Any,
) -> Any:  # fmt: skip
    """Four pixels of a row of a triangle: where it is nearer than what was there, depth and place are written.

    depth, map_x, map_y  flat float32; the items at .. at + 3 are the pixels x .. x + 3 of the row
    rim                  what the barycentric u, v and s must be no less than, float64 as all that follows
    u, u_dx, ...         value at x = 0 of the row, and growth along it: u, v, s, depth z, and place px, py
    """
    double, single = ir.DoubleType(), ir.FloatType()
    wide, narrow = ir.VectorType(double, 4), ir.VectorType(single, 4)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        def splat(value: Any) -> Any:
            first = builder.insert_element(ir.Constant(wide, ir.Undefined), value, ir.Constant(_I32, 0))
            return builder.shuffle_vector(first, first, _lanes([0] * 4))

        at, x, rim = args[3], splat(args[4]), splat(args[5])
        x = builder.fadd(x, ir.Constant(wide, [0.0, 1.0, 2.0, 3.0]))
        here = [
            builder.fadd(splat(start), builder.fmul(splat(slope), x, flags=["contract"]), flags=["contract"])
            for start, slope in zip(args[6::2], args[7::2], strict=True)
        ]
        inside = None
        for value in here[:3]:
            enough = builder.fcmp_ordered(">=", value, rim)
            inside = enough if inside is None else builder.and_(inside, enough)
        found = [builder.fptrunc(value, narrow) for value in here[3:]]
        places = []
        for array, value in zip(sig.args[:3], args[:3], strict=True):
            data = context.make_array(array)(context, builder, value).data
            places.append(builder.bitcast(builder.gep(data, [at]), narrow.as_pointer()))
        before = [builder.load(place, align=1) for place in places]
        found[0] = builder.select(inside, found[0], ir.Constant(narrow, [3e38] * 4))
        better = builder.fcmp_ordered("<", found[0], before[0])
        # Depth is the smaller of the two: of a choice by a mask LLVM would make a masked store, which is slow on AMD's.
        least = _known(builder, "minnum", narrow, 2)
        builder.store(builder.call(least, [found[0], before[0]], fastmath=("nnan",)), places[0], align=1)
        for place, new, old in zip(places[1:], found[1:], before[1:], strict=True):
            builder.store(builder.select(better, new, old), place, align=1)
        return context.get_dummy_value()

    numbers = [types.float64] * 14
    return types.void(depth, map_x, map_y, types.int64, *numbers), codegen


@intrinsic
def places4(
    typingctx: Any, map_x: Any, map_y: Any, depth: Any, at: Any, width: Any, height: Any, place: Any, share: Any, x: Any
) -> Any:
    """Four pixels' places in a BGR picture, for `bilinear3`: in steps of 1/32 pixel, its rim repeated beyond it.

    map_x, map_y, depth  flat float32, of which the items at .. at + 3 are looked at
    width, height        of the picture, 2 or more
    place, share         flat int32: into x .. x + 3 go the byte of the upper left pixel, -1 where depth is 1e9, and
                         the shares of its neighbours, 32ths: to the right, and 65536 times that below
    """
    floats, whole = ir.VectorType(ir.FloatType(), 4), ir.VectorType(_I32, 4)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        one = _same(_I32, 4, 1)

        def clamped(value: Any, most: Any) -> Any:
            value = builder.select(builder.icmp_signed("<", value, _same(_I32, 4, 0)), _same(_I32, 4, 0), value)
            return builder.select(builder.icmp_signed(">", value, most), most, value)

        rint = _known(builder, "rint", floats, 1)
        places, shares = [], []
        for k in range(2):
            value = _load(context, builder, sig.args[k], args[k], args[3], 4, ir.FloatType())
            value = builder.fmul(value, ir.Constant(floats, [32.0] * 4))
            value = builder.fptosi(builder.call(rint, [value]), whole)
            last = builder.sub(_all(builder, args[4 + k], _I32, 4), one)
            value = clamped(value, builder.shl(last, _same(_I32, 4, 5)))
            # The very last pixel is all of the one before and none of itself.
            number = clamped(builder.ashr(value, _same(_I32, 4, 5)), builder.sub(last, one))
            places.append(number)
            shares.append(builder.sub(value, builder.shl(number, _same(_I32, 4, 5))))
        row = _all(builder, args[4], _I32, 4)
        byte = builder.mul(builder.add(builder.mul(places[1], row), places[0]), _same(_I32, 4, 3))
        far = _load(context, builder, sig.args[2], args[2], args[3], 4, ir.FloatType())
        nowhere = builder.fcmp_ordered("==", far, ir.Constant(floats, [1e9] * 4))
        byte = builder.select(nowhere, _same(_I32, 4, -1), byte)
        share = builder.or_(shares[0], builder.shl(shares[1], _same(_I32, 4, 16)))
        for k, value in ((6, byte), (7, share)):
            data = context.make_array(sig.args[k])(context, builder, args[k]).data
            builder.store(value, builder.bitcast(builder.gep(data, [args[8]]), whole.as_pointer()), align=1)
        return context.get_dummy_value()

    whole64 = types.int64
    return types.void(map_x, map_y, depth, whole64, whole64, whole64, place, share, whole64), codegen
