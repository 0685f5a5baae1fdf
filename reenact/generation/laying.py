# mypy: disable-error-code="untyped-decorator"
"""A patch on its way into the network and out of it again, each in one pass; the arithmetic is OpenCV's.

Positions are steps of 1/32 pixel, bytes are weighed in whole numbers, fields are enlarged in float32 as cv2.resize does
it: the pictures are those of cv2.warpAffine, cv2.resize and cv2.remap.  `added` and `shift` have a rim of one cell,
of what is beyond the network's picture: 128 and 0.
"""

from typing import Any

import numba
import numpy as np

from reenact.lanes import bilinear3, bilinear4, cubic3, get4, nearest, put3, toned

_njit = numba.njit(cache=True, nogil=True, error_model="numpy")
_inline = numba.njit(nogil=True, error_model="numpy")
_NOTHING = 0x808080  # a pixel of `added` that changes nothing


def cubic_weights() -> "np.ndarray[Any, np.dtype[np.int16]]":
    """(32 * 32 * 16,) int16: OpenCV's weights of 4 x 4 pixels for each step of y, then x; each set adds up to 32768."""
    x = np.arange(32, dtype=np.float32) / np.float32(32)
    a = np.float32(-0.75)
    line = np.empty((32, 4), np.float32)
    line[:, 0] = ((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a
    line[:, 1] = ((a + 2) * x - (a + 3)) * x * x + 1
    line[:, 2] = ((a + 2) * (1 - x) - (a + 3)) * (1 - x) * (1 - x) + 1
    line[:, 3] = 1 - line[:, 0] - line[:, 1] - line[:, 2]
    products = (line[:, None, :, None] * line[None, :, None, :]).reshape(1024, 4, 4)
    table = np.clip(np.rint(products * 32768), -32768, 32767).astype(np.int32)
    for weights in table:  # what rounding left over goes to one of the middle four, as there
        spare = 32768 - int(weights.sum())
        middle = weights[2:, 2:]
        largest = np.unravel_index(np.argmax(middle if spare > 0 else -middle), (2, 2))
        middle[largest] += spare
    flat: np.ndarray[Any, np.dtype[np.int16]] = table.astype(np.int16).reshape(-1)
    return flat


@_inline
def _begin(matrix: Any, k: int, y: int) -> Any:
    """Where row y begins: coordinate k in steps of 1/1024, and half a step of 1/32, rounded as in cv2.warpAffine."""
    return np.int64(np.rint((matrix[k, 1] * y + matrix[k, 2]) * 1024.0)) + 16


@_inline
def _along(matrix: Any, k: int, count: int) -> Any:
    """(count,) int64: how much further each pixel of a row is."""
    steps = np.empty(count, np.int64)
    for x in range(count):
        steps[x] = np.int64(np.rint(matrix[k, 0] * x * 1024.0))
    return steps


@_njit
def crop(base: Any, pasted: Any, box: Any, matrix: Any, planes: Any) -> None:
    """planes (6, s, s) uint8: the first three are the patch in the network's picture, the last what was pasted.

    base, pasted  (h, w, 3) and (h, w) uint8; box (x, y, width, height) of what is not zero in pasted
    matrix        (2, 3) float64: pixels of the network's picture to those of the patch
    """
    height, width = base.shape[0], base.shape[1]
    flat, row = base.reshape(-1), 3 * width
    right, low, end = 32 * (width - 1), 32 * (height - 1), base.size - 8
    along_x, along_y = _along(matrix, 0, planes.shape[2]), _along(matrix, 1, planes.shape[2])
    blue, green, red, alpha = planes[0], planes[1], planes[2], planes[5]
    first_x, last_x, first_y, last_y = box[0] - 1, box[0] + box[2], box[1] - 1, box[1] + box[3]
    for y in range(planes.shape[1]):
        begin_x, begin_y = _begin(matrix, 0, y), _begin(matrix, 1, y)
        for x in range(planes.shape[2]):
            x32, y32 = (begin_x + along_x[x]) >> 5, (begin_y + along_y[x]) >> 5
            alpha[y, x] = 0
            if first_x <= x32 >> 5 <= last_x and first_y <= y32 >> 5 <= last_y:
                alpha[y, x] = _alpha(pasted, x32, y32)
            x32, y32 = min(max(x32, 0), right), min(max(y32, 0), low)
            i, j = min(y32 >> 5, height - 2), min(x32 >> 5, width - 2)
            above, fx, fy = i * row + 3 * j, x32 - 32 * j, y32 - 32 * i
            if above + row <= end:
                pixel = bilinear3(flat, above, above + row, fx, fy)
                blue[y, x] = np.uint8(pixel & np.uint32(255))
                green[y, x] = np.uint8((pixel >> np.uint32(8)) & np.uint32(255))
                red[y, x] = np.uint8((pixel >> np.uint32(16)) & np.uint32(255))
            else:
                for c in range(3):
                    upper = np.int64(base[i, j, c]) * (32 - fx) + np.int64(base[i, j + 1, c]) * fx
                    lower = np.int64(base[i + 1, j, c]) * (32 - fx) + np.int64(base[i + 1, j + 1, c]) * fx
                    planes[c, y, x] = np.uint8((upper * (32 - fy) + lower * fy + 512) >> 10)


@_inline
def _alpha(pasted: Any, x32: int, y32: int) -> Any:
    x, y, fx, fy = x32 >> 5, y32 >> 5, x32 & 31, y32 & 31
    total = np.int64(0)
    for k in range(4):
        a, b = x + (k & 1), y + (k >> 1)
        if 0 <= a < pasted.shape[1] and 0 <= b < pasted.shape[0]:
            total += np.int64(pasted[b, a]) * (fx if k & 1 else 32 - fx) * (fy if k >> 1 else 32 - fy)
    return np.uint8((total + 512) >> 10)


@_inline
def _widen(plane: Any, across: Any, shares: Any, out: Any) -> None:
    """out (n, s): each row of a plane (n, n) enlarged; across, shares (s,): the cell to the left, and the other's."""
    last = plane.shape[1] - 1
    for y in range(plane.shape[0]):
        for x in range(out.shape[1]):
            i = across[x]
            out[y, x] = plane[y, i] * (np.float32(1) - shares[x]) + plane[y, min(i + 1, last)] * shares[x]


@_njit
def answer(
    pasted: Any, gate: Any, flow: Any, colour: Any, detail: Any, back: Any, still: float, added: Any, shift: Any
) -> Any:
    """Into added (s + 2, s + 2, 4) uint8 about 128, and shift (s + 2, s + 2, 2) float32 patch pixels: what it wants.

    pasted (s, s) uint8, gate (n, n), flow (2, n, n), colour (3, n, n), detail (3, s, s) float32, s a multiple of n
    back   (2, 2) float32: pixels of the network's picture to those of the patch
    still  pixels of the network's picture: less is not worth moving
    Returns (2, 4) int64, x, y, width, height of what moves more, and of where anything may be added, 0 for nothing;
    and whether all was finite.
    """
    n, s = gate.shape[0], pasted.shape[0]
    across, shares = np.empty(s, np.int64), np.empty(s, np.float32)
    for x in range(s):
        place = np.float32((x + 0.5) * (n / s) - 0.5)
        i = np.int64(np.floor(place))
        across[x], shares[x] = i, place - np.float32(i)
        if i < 0:
            across[x], shares[x] = 0, np.float32(0)
        elif i >= n - 1:
            across[x], shares[x] = n - 1, np.float32(0)
    wide = np.empty((6, n, s), np.float32)
    _widen(gate, across, shares, wide[0])
    for k in range(2):
        _widen(flow[k], across, shares, wide[1 + k])
    for k in range(3):
        _widen(colour[k], across, shares, wide[3 + k])
    bounds = np.empty((2, 4), np.int64)
    bounds[:, :2], bounds[:, 2:] = s, -1  # least x and y, and the most
    finite = True
    row = np.empty((6, s), np.float32)
    for y in range(s):
        place = np.float32((y + 0.5) * (n / s) - 0.5)
        i = np.int64(np.floor(place))
        down = place - np.float32(i)
        upper, lower = min(max(i, 0), n - 1), min(max(i + 1, 0), n - 1)
        for k in range(6):
            for x in range(s):
                row[k, x] = wide[k, upper, x] * (np.float32(1) - down) + wide[k, lower, x] * down
        for x in range(s):
            free = row[0, x] * (np.float32(1) - np.float32(pasted[y, x]) * np.float32(1 / 255))
            if free > 0:
                _reach(bounds[1], x, y)
            dx, dy = row[1, x] * free, row[2, x] * free
            if not abs(dx) + abs(dy) < np.float32(1e6):
                dx, dy, finite = np.float32(0), np.float32(0), False
            if abs(dx) > still or abs(dy) > still:
                _reach(bounds[0], x, y)
            shift[y + 1, x + 1, 0] = dx * back[0, 0] + dy * back[0, 1]
            shift[y + 1, x + 1, 1] = dx * back[1, 0] + dy * back[1, 1]
            for c in range(3):
                tone = (row[3 + c, x] + detail[c, y, x]) * free + np.float32(128.5)
                if not abs(tone) < np.float32(1e9):
                    tone, finite = np.float32(128.5), False
                added[y + 1, x + 1, c] = np.uint8(min(max(tone, np.float32(0)), np.float32(255)))
    for b in range(2):
        for k in range(2):
            bounds[b, 2 + k] = max(bounds[b, 2 + k] - bounds[b, k] + 1, 0)
    return bounds, finite


@_inline
def _reach(bounds: Any, x: int, y: int) -> None:
    bounds[0], bounds[1] = min(bounds[0], x), min(bounds[1], y)
    bounds[2], bounds[3] = max(bounds[2], x), max(bounds[3], y)


@_njit
def lay(base: Any, added: Any, shift: Any, boxes: Any, matrices: Any, cubic: Any, out: Any) -> None:
    """out (h, w, 3): base, moved by `shift` in the first box and with `added` in the second.

    boxes     (2, 4) int64: x, y, width, height in the patch; width 0 for none
    matrices  (2, 2, 3) float64: pixels of each box to those of the network's picture
    cubic     see cubic_weights
    """
    height, width = base.shape[0], base.shape[1]
    flat, pixels = base.reshape(-1), out.reshape(-1)
    tones, tone_row, end = added.reshape(-1), 4 * added.shape[1], pixels.shape[0] - 3
    pixels[:] = flat
    far = 9 * width + 16  # bytes from the first of 4 x 4 pixels to the end of what is read
    last_j, last_i = added.shape[1] - 2, added.shape[0] - 2
    for b in range(2):
        left, top, wide, tall = boxes[b, 0], boxes[b, 1], boxes[b, 2], boxes[b, 3]
        along_x, along_y = _along(matrices[b], 0, wide), _along(matrices[b], 1, wide)
        for y in range(top, top + tall):
            begin_x, begin_y = _begin(matrices[b], 0, y - top), _begin(matrices[b], 1, y - top)
            at = 3 * (y * width + left)
            for x in range(wide):
                # Into the rim at most, where all is alike; its last cell is all of the one before and none of itself.
                x32 = min(max(((begin_x + along_x[x]) >> 5) + 32, 0), 32 * (last_j + 1))
                y32 = min(max(((begin_y + along_y[x]) >> 5) + 32, 0), 32 * (last_i + 1))
                j, i = min(x32 >> 5, last_j), min(y32 >> 5, last_i)
                fx, fy = x32 - 32 * j, y32 - 32 * i
                if b == 0:
                    dx, dy = _place(shift, 0, i, j, fx, fy), _place(shift, 1, i, j, fx, fy)
                    x32 = nearest((np.float32(left + x) + dx) * np.float32(32))
                    y32 = nearest((np.float32(y) + dy) * np.float32(32))
                    if x32 != 32 * (left + x) or y32 != 32 * y:
                        j, i, weights = (x32 >> 5) - 1, (y32 >> 5) - 1, 16 * (32 * (y32 & 31) + (x32 & 31))
                        first = 3 * (i * width + j)
                        if j >= 0 and i >= 0 and j + 4 <= width and i + 4 <= height and first + far <= flat.shape[0]:
                            put3(pixels, at, cubic3(flat, first, 3 * width, cubic, weights))
                        else:
                            _cubic_at_rim(flat, j, i, width, height, cubic, weights, pixels, at)
                else:
                    place = i * tone_row + 4 * j
                    tone = bilinear4(tones, place, place + tone_row, fx, fy) & np.uint32(0xFFFFFF)
                    if tone != np.uint32(_NOTHING):
                        put3(pixels, at, toned(get4(pixels, at), tone) if at < end else _toned(pixels, at, tone))
                at += 3


@_inline
def _toned(pixels: Any, at: int, tone: int) -> Any:
    """The last pixel with its tone: four bytes cannot be read of it."""
    pixel = np.uint32(pixels[at]) | np.uint32(pixels[at + 1]) << np.uint32(8)
    return toned(np.uint32(pixel | np.uint32(pixels[at + 2]) << np.uint32(16)), tone)


@_inline
def _place(shift: Any, k: int, i: int, j: int, fx: int, fy: int) -> Any:
    """Component k of the shift at cell (i, j), fx and fy 32ths from there to the next ones."""
    u, v = np.float32(fx) * np.float32(1 / 32), np.float32(fy) * np.float32(1 / 32)
    a, b = (np.float32(1) - u) * (np.float32(1) - v), u * (np.float32(1) - v)
    c, d = (np.float32(1) - u) * v, u * v
    return shift[i, j, k] * a + shift[i, j + 1, k] * b + shift[i + 1, j, k] * c + shift[i + 1, j + 1, k] * d


@_inline
def _cubic_at_rim(
    flat: Any, left: int, top: int, width: int, height: int, cubic: Any, weights: int, out: Any, at: int
) -> None:
    """`cubic3` where some of the four by four pixels are beyond the rim, which is repeated."""
    for k in range(3):
        total = np.int64(16384)
        for m in range(16):
            column, line = min(max(left + m % 4, 0), width - 1), min(max(top + m // 4, 0), height - 1)
            total += np.int64(cubic[weights + m]) * np.int64(flat[3 * (width * line + column) + k])
        out[at + k] = min(max(total >> 15, 0), 255)
