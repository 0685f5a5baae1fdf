"""The moved head layer over the still background: one pass over the pixels that change.

A pixel of the layer is one 64-bit word, four lanes of 16 bits, so that a bilinear sample of all four
channels is six multiplications.  The picture is gone through by the cells of the displacement's grid:
what does not move, what shows only background and what is wholly opaque is known for a cell at once.
"""

from typing import Any

import numba
import numpy as np

from reenact.types import Pixels

Words = np.ndarray[Any, np.dtype[np.uint64]]

_LANES = np.uint64(0x00FF00FF00FF00FF)
_HALF = np.uint64(0x0080008000800080)
_STILL = np.float32(1 / 512)  # pixels: half a step of the interpolation


def pack(layer: Pixels) -> Words:
    """(H, W, 4) uint8 to (H, W) uint64, channel c in bits 16 c to 16 c + 7; the rim is made clear."""
    words = np.ascontiguousarray(layer.astype(np.uint16)).view(np.uint64)[..., 0]
    words[[0, -1]] = 0
    words[:, [0, -1]] = 0
    return np.ascontiguousarray(words)


def occupancy(words: Words, cell: int) -> Pixels:
    """For each cell of `cell` pixels, (rows, columns) uint8: 0 nothing opaque, 2 nothing else, 1 both."""
    return _blocks((words >> np.uint64(48)).astype(np.uint8), cell)


def hidden_cells(picture: Pixels, background: Pixels, cell: int) -> Pixels:
    """For each cell, (rows, columns) uint8: 0 where the picture (H, W, 3) is the background."""
    return _blocks(255 * (picture != background).any(-1).astype(np.uint8), cell)


def _blocks(opacity: Pixels, cell: int) -> Pixels:
    rows, columns = -(-opacity.shape[0] // cell), -(-opacity.shape[1] // cell)
    empty, full = np.zeros((2, rows * cell, columns * cell), np.uint8)
    empty[: opacity.shape[0], : opacity.shape[1]] = opacity
    full[: opacity.shape[0], : opacity.shape[1]] = opacity
    blocks = (rows, cell, columns, cell)
    most, least = empty.reshape(blocks).max((1, 3)), full.reshape(blocks).min((1, 3))
    kinds: Pixels = (most > 0).astype(np.uint8) + (least == 255).astype(np.uint8)
    return kinds


@numba.njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def compose(
    layer: Any, occupied: Any, pad: int, background: Any, remainder: Any, hides: Any, back: Any, step: int,
    reach: float, out: Any,
) -> None:  # pragma: no cover  # fmt: skip
    """Writes the moved picture into `out` (h, w, 3) uint8, which holds the picture at rest.

    layer       (h + 2 pad, w + 2 pad) uint64, the person as `pack` gives it: BGR times opacity, and the opacity
    occupied    what `occupancy(layer, step)` gives
    background  (h, w, 3) uint8; remainder (h, w, 3) int16: what the two layers at rest lack of the picture.
                It is given back in full to what did not move and fades over a displacement of `reach`
                pixels, so that setting off is no jump.
    hides       (rows, columns) uint8: 0 where the cell at rest shows the background and nothing else
    back        (rows, columns, 2) float32: how far what is shown at a node, every `step` pixels, was moved
    """
    height, width = out.shape[0], out.shape[1]
    for i in range(back.shape[0] - 1):
        top, bottom = i * step, min((i + 1) * step, height)
        for j in range(back.shape[1] - 1):
            left, right = j * step, min((j + 1) * step, width)
            low_x, high_x = np.float32(1e9), np.float32(-1e9)
            low_y, high_y = low_x, high_x
            for k in range(4):
                dx, dy = back[i + k // 2, j + k % 2, 0], back[i + k // 2, j + k % 2, 1]
                low_x, high_x, low_y, high_y = min(low_x, dx), max(high_x, dx), min(low_y, dy), max(high_y, dy)
            if max(max(high_x, -low_x), max(high_y, -low_y)) < _STILL:
                continue
            kind = _cell_kind(
                occupied, step, top + pad - high_y, bottom + pad - low_y, left + pad - high_x, right + pad - low_x
            )
            nodes = back[i : i + 2, j : j + 2]
            if kind == 2:
                _opaque(layer, pad, nodes, top, bottom, left, right, step, out)
            elif kind == 1:
                _mixed(layer, pad, background, remainder, nodes, top, bottom, left, right, step, reach, out)
            elif hides[i, j]:
                _clear(background, remainder, nodes, top, bottom, left, right, step, reach, out)


@numba.njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _cell_kind(
    occupied: Any, step: int, top: float, bottom: float, left: float, right: float
) -> int:  # pragma: no cover
    """What a place of the layer holds, as `occupancy` says it of a cell."""
    rows, columns = occupied.shape
    empty, full = True, True
    for y in range(min(max(0, int(top) // step), rows - 1), max(0, min(rows - 1, int(bottom + 2) // step)) + 1):
        for x in range(
            min(max(0, int(left) // step), columns - 1), max(0, min(columns - 1, int(right + 2) // step)) + 1
        ):
            empty = empty and occupied[y, x] == 0
            full = full and occupied[y, x] == 2
    return 0 if empty else 2 if full else 1


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator]
def _sample(layer: Any, x256: int, y256: int) -> Any:  # pragma: no cover
    """The layer at (x256, y256) / 256, all four lanes."""
    x256 = min(max(x256, 0), ((layer.shape[1] - 1) << 8) - 1)
    y256 = min(max(y256, 0), ((layer.shape[0] - 1) << 8) - 1)
    # Unsigned offsets spare the check for an index that counts from the end.
    x, y = np.uint64(x256 >> 8), np.uint64(y256 >> 8)
    fx, fy = np.uint64(x256 & 255), np.uint64(y256 & 255)
    gx, gy = np.uint64(256) - fx, np.uint64(256) - fy
    one = np.uint64(1)
    upper = ((layer[y, x] * gx + layer[y, x + one] * fx + _HALF) >> np.uint64(8)) & _LANES
    lower = ((layer[y + one, x] * gx + layer[y + one, x + one] * fx + _HALF) >> np.uint64(8)) & _LANES
    return ((upper * gy + lower * fy + _HALF) >> np.uint64(8)) & _LANES


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator]
def _row(nodes: Any, step: int, down: int) -> Any:  # pragma: no cover
    """The displacement `down` pixels below the cell's upper edge and its growth along x, in pixels times 2^24."""
    t = np.float32(down) / np.float32(step)
    one = np.float32(1 << 24)
    ax = nodes[0, 0, 0] + t * (nodes[1, 0, 0] - nodes[0, 0, 0])
    ay = nodes[0, 0, 1] + t * (nodes[1, 0, 1] - nodes[0, 0, 1])
    bx = nodes[0, 1, 0] + t * (nodes[1, 1, 0] - nodes[0, 1, 0])
    by = nodes[0, 1, 1] + t * (nodes[1, 1, 1] - nodes[0, 1, 1])
    return np.int64(ax * one), np.int64(ay * one), np.int64((bx - ax) * one) // step, np.int64((by - ay) * one) // step


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator]
def _share(dx: int, dy: int, reach: float) -> Any:  # pragma: no cover
    x, y = np.float32(dx) / np.float32(1 << 24), np.float32(dy) / np.float32(1 << 24)
    return max(np.float32(0), np.float32(1) - np.sqrt(x * x + y * y) / np.float32(reach))


@numba.njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _opaque(
    layer: Any, pad: int, nodes: Any, top: int, bottom: int, left: int, right: int, step: int, out: Any
) -> None:  # pragma: no cover
    byte = np.uint64(255)
    for y in range(top, bottom):
        dx, dy, grow_x, grow_y = _row(nodes, step, y - top)
        x256, y256 = ((left + pad) << 24) - dx + 32768, ((y + pad) << 24) - dy + 32768
        for x in range(left, right):
            word = _sample(layer, x256 >> 16, y256 >> 16)
            row, column = np.uint64(y), np.uint64(x)
            out[row, column, 0] = np.uint8(word & byte)
            out[row, column, 1] = np.uint8((word >> np.uint64(16)) & byte)
            out[row, column, 2] = np.uint8((word >> np.uint64(32)) & byte)
            x256 += (1 << 24) - grow_x
            y256 -= grow_y


@numba.njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _clear(
    background: Any, remainder: Any, nodes: Any, top: int, bottom: int, left: int, right: int, step: int,
    reach: float, out: Any,
) -> None:  # pragma: no cover  # fmt: skip
    for y in range(top, bottom):
        dx, dy, grow_x, grow_y = _row(nodes, step, y - top)
        for x in range(left, right):
            row, column = np.uint64(y), np.uint64(x)
            share = _share(dx, dy, reach)
            for c in range(3):
                value = np.int32(background[row, column, c])
                if share > 0:
                    value += np.int32(np.rint(share * np.float32(remainder[row, column, c])))
                out[row, column, c] = min(np.int32(255), max(np.int32(0), value))
            dx += grow_x
            dy += grow_y


@numba.njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _mixed(
    layer: Any, pad: int, background: Any, remainder: Any, nodes: Any, top: int, bottom: int, left: int, right: int,
    step: int, reach: float, out: Any,
) -> None:  # pragma: no cover  # fmt: skip
    for y in range(top, bottom):
        dx, dy, grow_x, grow_y = _row(nodes, step, y - top)
        for x in range(left, right):
            row, column = np.uint64(y), np.uint64(x)
            word = _sample(
                layer,
                (((x + pad) << 24) - dx + 32768) >> 16,
                (((y + pad) << 24) - dy + 32768) >> 16,
            )
            clear = np.int32(255) - np.int32((word >> np.uint64(48)) & np.uint64(255))
            share = _share(dx, dy, reach)
            for c in range(3):
                value = np.int32((word >> np.uint64(16 * c)) & np.uint64(255))
                value += (np.int32(background[row, column, c]) * clear + np.int32(127)) // np.int32(255)
                if share > 0:
                    value += np.int32(np.rint(share * np.float32(remainder[row, column, c])))
                out[row, column, c] = min(np.int32(255), max(np.int32(0), value))
            dx += grow_x
            dy += grow_y
