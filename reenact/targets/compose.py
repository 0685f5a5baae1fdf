"""The moved head layer over the still background: one pass over the pixels that change.

Bilinear sampling alone softens what it moves by half a pixel (30 % less Laplacian energy) and not what it
moves by a whole one, a pulse in a slow motion; so a sample is taken from between the layer and a sharpened
one, the nearer to the latter the further it is from a whole pixel.  Both are one 64-bit word a pixel, and
one multiplication scales four of its eight channels.

The picture is gone through by the cells of the displacement's grid: what does not move, what shows only
background and what is wholly opaque is known for a cell at once.
"""

from typing import Any

import cv2
import numba
import numpy as np

from reenact.lanes import between_words, get4, over_pixel, put3, put4
from reenact.types import Pixels

Words = np.ndarray[Any, np.dtype[np.uint64]]

_SHARPER = 0.2  # of the second derivative; linear interpolation lacks 1/8 of it half way between two pixels
STILL_CELL, CLEAR_CELL, MIXED_CELL, OPAQUE_CELL = 0, 1, 2, 3
_STILL = np.float32(1 / 512)  # pixels: half a step of the interpolation


def pack(layer: Pixels) -> Words:
    """(H, W, 4) uint8, BGR times opacity and opacity, to (H, W) uint64: its four bytes, then those of it sharpened.

    The rim is made clear.
    """
    plain = layer.astype(np.float32)
    bend = cv2.filter2D(
        plain, -1, np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], np.float32), borderType=cv2.BORDER_REPLICATE
    )
    sharp = np.clip(np.round(plain - _SHARPER * bend), 0, plain[..., 3:])
    sharp[..., 3] = plain[..., 3]
    both = np.ascontiguousarray(np.concatenate([plain, sharp], 2).astype(np.uint8))
    both[[0, -1]] = 0
    both[:, [0, -1]] = 0
    words: Words = both.view(np.uint64)[..., 0]
    return words


def occupancy(words: Words, cell: int) -> Pixels:
    """For each cell of `cell` pixels, (rows, columns) uint8: 0 nothing opaque, 2 nothing else, 1 both."""
    return _blocks((words >> np.uint64(24)).astype(np.uint8), cell)


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

    layer       (h + 2 pad, w + 2 pad) uint64, the person as `pack` gives it
    occupied    what `occupancy(layer, step)` gives
    background  (h, w, 3) uint8; remainder (h, w, 3) int16: what the two layers at rest lack of the picture.
                It is given back in full to what did not move and fades over a displacement of `reach`
                pixels, so that setting off is no jump.
    hides       (rows, columns) uint8: 0 where the cell at rest shows the background and nothing else
    back        (rows, columns, 2) float32: how far what is shown at a node, every `step` pixels, was moved
    """
    height = out.shape[0]
    columns = back.shape[1] - 1
    kinds = np.empty(columns, np.int64)
    for i in range(back.shape[0] - 1):
        top, bottom = i * step, min((i + 1) * step, height)
        for j in range(columns):
            kinds[j] = _kind(occupied, hides, back, i, j, step, pad)
        # Row by row over all cells, not cell by cell: the layer is read as it lies in memory.
        for y in range(top, bottom):
            first = 0
            while first < columns:
                last = first + 1
                while last < columns and kinds[last] == kinds[first]:
                    last += 1
                if kinds[first] == OPAQUE_CELL:
                    _opaque(layer, pad, back, step, y, first, last, out)
                elif kinds[first] == MIXED_CELL:
                    _mixed(layer, pad, background, remainder, back, step, y, first, last, reach, out)
                elif kinds[first] == CLEAR_CELL:
                    _clear(background, remainder, back, step, y, first, last, reach, out)
                first = last


@numba.njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def cell_kinds(
    occupied: Any, hides: Any, back: Any, step: int, pad: int, out: Any
) -> None:  # pragma: no cover  # fmt: skip
    """out (rows, columns) uint8: what each cell is made of, for who composes elsewhere."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = _kind(occupied, hides, back, i, j, step, pad)


@numba.njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _kind(occupied: Any, hides: Any, back: Any, i: int, j: int, step: int, pad: int) -> int:  # pragma: no cover
    """What a cell of the output is made of: the bounding box of where it comes from tells."""
    low_x, high_x = np.float32(1e9), np.float32(-1e9)
    low_y, high_y = low_x, high_x
    for k in range(4):
        dx, dy = back[i + k // 2, j + k % 2, 0], back[i + k // 2, j + k % 2, 1]
        low_x, high_x, low_y, high_y = min(low_x, dx), max(high_x, dx), min(low_y, dy), max(high_y, dy)
    if max(max(high_x, -low_x), max(high_y, -low_y)) < _STILL:
        return STILL_CELL
    rows, columns = occupied.shape
    top, bottom = int(i * step + pad - high_y) // step, int((i + 1) * step + pad - low_y + 2) // step
    left, right = int(j * step + pad - high_x) // step, int((j + 1) * step + pad - low_x + 2) // step
    empty, full = True, True
    for y in range(min(max(0, top), rows - 1), max(0, min(rows - 1, bottom)) + 1):
        for x in range(min(max(0, left), columns - 1), max(0, min(columns - 1, right)) + 1):
            empty = empty and occupied[y, x] == 0
            full = full and occupied[y, x] == 2
    if full:
        return OPAQUE_CELL
    if not empty:
        return MIXED_CELL
    return CLEAR_CELL if hides[i, j] else STILL_CELL


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator]
def _sample(flat: Any, columns: int, right: int, low: int, x256: int, y256: int) -> Any:  # pragma: no cover
    """The layer, flat, at (x256, y256) / 256, as four bytes: blue, green, red, opacity.

    right, low  the last place each way, a hair before the last pixel
    """
    x256, y256 = min(max(x256, 0), right), min(max(y256, 0), low)
    at = (y256 >> 8) * columns + (x256 >> 8)
    return between_words(flat, at, at + columns, x256 & 255, y256 & 255)


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator]
def _row(back: Any, step: int, y: int, j: int) -> Any:  # pragma: no cover
    """The displacement at row y where cell j begins, and its growth along x there, in pixels times 2^24."""
    i = y // step
    t = np.float32(y - i * step) / np.float32(step)
    one = np.float32(1 << 24)
    ax = back[i, j, 0] + t * (back[i + 1, j, 0] - back[i, j, 0])
    ay = back[i, j, 1] + t * (back[i + 1, j, 1] - back[i, j, 1])
    bx = back[i, j + 1, 0] + t * (back[i + 1, j + 1, 0] - back[i, j + 1, 0])
    by = back[i, j + 1, 1] + t * (back[i + 1, j + 1, 1] - back[i, j + 1, 1])
    return np.int64(ax * one), np.int64(ay * one), np.int64((bx - ax) * one) // step, np.int64((by - ay) * one) // step


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator]
def _share(dx: int, dy: int, reach: float) -> Any:  # pragma: no cover
    x, y = np.float32(dx) / np.float32(1 << 24), np.float32(dy) / np.float32(1 << 24)
    return max(np.float32(0), np.float32(1) - np.sqrt(x * x + y * y) / np.float32(reach))


@numba.njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _opaque(
    layer: Any, pad: int, back: Any, step: int, y: int, first: int, last: int, out: Any
) -> None:  # pragma: no cover
    rows, columns = layer.shape
    right, low = ((columns - 1) << 8) - 1, ((rows - 1) << 8) - 1
    flat, pixels = layer.reshape(-1), out.reshape(-1)
    end = min(last * step, out.shape[1])
    for j in range(first, last):
        dx, dy, grow_x, grow_y = _row(back, step, y, j)
        x256, y256 = ((j * step + pad) << 24) - dx + 32768, ((y + pad) << 24) - dy + 32768
        at = 3 * (y * out.shape[1] + j * step)
        for _ in range(j * step, min((j + 1) * step, end - 1)):
            put4(pixels, at, _sample(flat, columns, right, low, x256 >> 16, y256 >> 16))
            x256 += (1 << 24) - grow_x
            y256 -= grow_y
            at += 3
        if j == last - 1:  # the fourth byte of its last pixel is not this run's
            put3(pixels, at, _sample(flat, columns, right, low, x256 >> 16, y256 >> 16))


@numba.njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _clear(
    background: Any, remainder: Any, back: Any, step: int, y: int, first: int, last: int, reach: float, out: Any
) -> None:  # pragma: no cover
    still, pixels, lacking = background.reshape(-1), out.reshape(-1), remainder.reshape(-1)
    for j in range(first, last):
        dx, dy, grow_x, grow_y = _row(back, step, y, j)
        at = 3 * (y * out.shape[1] + j * step)
        for _ in range(j * step, min((j + 1) * step, out.shape[1])):
            for c in range(3):
                pixels[at + c] = still[at + c]
            if _near(dx, dy, reach):
                _give_back(pixels, lacking, at, dx, dy, reach)
            dx += grow_x
            dy += grow_y
            at += 3


@numba.njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _mixed(
    layer: Any, pad: int, background: Any, remainder: Any, back: Any, step: int, y: int, first: int, last: int,
    reach: float, out: Any,
) -> None:  # pragma: no cover  # fmt: skip
    rows, columns = layer.shape
    right, low = ((columns - 1) << 8) - 1, ((rows - 1) << 8) - 1
    flat, still, pixels, lacking = layer.reshape(-1), background.reshape(-1), out.reshape(-1), remainder.reshape(-1)
    end = min(last * step, out.shape[1])
    for j in range(first, last):
        dx, dy, grow_x, grow_y = _row(back, step, y, j)
        at = 3 * (y * out.shape[1] + j * step)
        for x in range(j * step, min((j + 1) * step, end)):
            x256, y256 = (((x + pad) << 24) - dx + 32768) >> 16, (((y + pad) << 24) - dy + 32768) >> 16
            word = _sample(flat, columns, right, low, x256, y256)
            if x < end - 1:
                put4(pixels, at, over_pixel(word, get4(still, at)))
            else:  # the fourth byte of its last pixel is not this run's
                behind = np.uint32(still[at]) | np.uint32(still[at + 1]) << 8 | np.uint32(still[at + 2]) << 16
                put3(pixels, at, over_pixel(word, np.uint32(behind)))
            if _near(dx, dy, reach):
                _give_back(pixels, lacking, at, dx, dy, reach)
            dx += grow_x
            dy += grow_y
            at += 3


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator]
def _near(dx: int, dy: int, reach: float) -> Any:  # pragma: no cover
    """Whether what lacks is given back at all after such a displacement, in pixels times 2^24."""
    x, y, far = np.float32(dx), np.float32(dy), np.float32(reach) * np.float32(1 << 24)
    return x * x + y * y < far * far


@numba.njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _give_back(pixels: Any, lacking: Any, at: int, dx: int, dy: int, reach: float) -> None:  # pragma: no cover
    share = _share(dx, dy, reach)
    for c in range(at, at + 3):
        value = np.int32(pixels[c]) + np.int32(np.rint(share * np.float32(lacking[c])))
        pixels[c] = min(np.int32(255), max(np.int32(0), value))
