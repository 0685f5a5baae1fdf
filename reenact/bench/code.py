"""A number as grey patches: written into a picture, and read back after JPEG, scaling, noise and a camera's view of it.

    upper row  bit 15 ... bit 0     a light patch is a 1
    lower row  the same, inverted

Twelve bits are the number in Gray code, so that a picture caught between two numbers is off by one bit, and four check
it.  A bit is the difference of its two patches: no threshold, and a shadow across the strip does no harm.  Where a
difference is small against the others the picture is caught between two, or holds no code: nothing is read.
"""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from reenact.types import Pixels

COUNT = 4096  # numbers; a code is the number modulo this
DARK, LIGHT = 40, 215
HEIGHT = 1 / 11  # of the picture, along its lower edge
_BITS = 16
_CELL = 8  # pixels of a patch, each way, in the straightened strip
_FAINT = 0.4  # of the median difference: less is no bit
_LOUD = 2.5  # of the same: more is something else than patches
_LEAST = 12.0  # grey levels of the median difference: less is no code

Corners = npt.NDArray[np.float32]


def strip(size: tuple[int, int]) -> Corners:
    """Where the code stands in a picture of (width, height): (4, 2) corners, from the upper left clockwise."""
    width, height = size
    top = height - 2 * max(2, round(height * HEIGHT / 2))
    return np.array([[0, top], [width, top], [width, height], [0, height]], np.float32)


def bits_of(number: int) -> npt.NDArray[np.bool_]:
    """(16,): the Gray code's twelve bits, highest first, then four that check them."""
    gray = number % COUNT
    gray ^= gray >> 1
    word = gray << 4 | _check(gray)
    return np.array([word >> k & 1 for k in range(_BITS - 1, -1, -1)], bool)


def _check(gray: int) -> int:
    """Remainder by x^4 + x + 1 (CRC-4), of bits that are not all zero for zero."""
    value = (gray ^ 0xA5A) << 4
    for k in range(15, 3, -1):
        if value >> k & 1:
            value ^= 0b10011 << (k - 4)
    return value & 0xF


def draw(pixels: Pixels, number: int | None) -> None:
    """Writes the number's code along the lower edge, in place; None: an even grey, which is no code."""
    levels = np.full((2, _BITS), (DARK + LIGHT) // 2, np.uint8)
    if number is not None:
        bits = bits_of(number)
        levels = np.where(np.stack([bits, ~bits]), LIGHT, DARK).astype(np.uint8)
    fill(pixels, levels)


def fill(pixels: Pixels, levels: npt.NDArray[np.uint8]) -> None:
    """Writes patches of grey levels (rows, columns) into the strip, in place."""
    height, width = pixels.shape[:2]
    top = int(strip((width, height))[0, 1])
    grey = cv2.resize(levels, (width, height - top), interpolation=cv2.INTER_NEAREST)
    pixels[top:] = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)


def read(pixels: Pixels, corners: Corners | None = None) -> int | None:
    """The number in a picture, 0 to COUNT - 1; None where there is none to be read for sure.

    corners  (4, 2) of the strip from its upper left clockwise; None: along the lower edge, as `draw` puts it
    """
    if corners is None:
        height, width = pixels.shape[:2]
        top = int(strip((width, height))[0, 1])
        seen: Any = cv2.resize(pixels[top:], (_BITS * _CELL, 2 * _CELL), interpolation=cv2.INTER_NEAREST)
    else:
        size = (_BITS * _CELL, 2 * _CELL)
        full = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], np.float32)
        matrix = cv2.getPerspectiveTransform(corners.astype(np.float32) - 0.5, full - 0.5)
        seen = cv2.warpPerspective(pixels, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    straight = seen.mean(2, dtype=np.float32)
    cells = straight.reshape(2, _CELL, _BITS, _CELL)[:, 2:-2, :, 2:-2].mean((1, 3))
    difference = cells[0] - cells[1]
    sizes = np.abs(difference)
    usual = float(np.median(sizes))
    if usual < _LEAST or sizes.min() < _FAINT * usual or sizes.max() > _LOUD * usual:
        return None
    word = int("".join("1" if d > 0 else "0" for d in difference), 2)
    gray, check = word >> 4, word & 0xF
    if _check(gray) != check:
        return None
    number = gray
    for shift in (1, 2, 4, 8):
        number ^= number >> shift
    return number


def find(pictures: "list[Pixels]") -> Corners | None:
    """The strip's corners in a camera's pictures of it while it blinks all light and all dark; None where nothing did.

    What blinks is what changes most; the camera is taken to stand upright and not to mirror.
    """
    if len(pictures) < 4:
        return None
    stack = np.stack([cv2.GaussianBlur(cv2.cvtColor(p, cv2.COLOR_BGR2GRAY), (5, 5), 0) for p in pictures])
    change = stack.max(0).astype(np.int16) - stack.min(0)
    most = float(np.percentile(change, 99.5))
    if most < 2 * _LEAST:
        return None
    blinking = cv2.morphologyEx((change > 0.5 * most).astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    outlines, _ = cv2.findContours(blinking, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return None
    largest = max(outlines, key=cv2.contourArea)
    hull = cv2.convexHull(largest)
    for looseness in np.linspace(0.01, 0.1, 19):
        corners = cv2.approxPolyDP(hull, looseness * cv2.arcLength(hull, True), True)
        if len(corners) == 4:
            return _in_order(corners[:, 0].astype(np.float32))
    return _in_order(cv2.boxPoints(cv2.minAreaRect(largest)).astype(np.float32))


def _in_order(corners: Corners) -> Corners:
    """From the upper left clockwise; outer edges of the outermost pixels."""
    middle = corners.mean(0)
    angle = np.arctan2(corners[:, 1] - middle[1], corners[:, 0] - middle[0])
    ordered = corners[np.argsort(angle)]
    first = int(np.argmin(ordered.sum(1)))
    ordered = np.roll(ordered, -first, axis=0)
    outer: Corners = (ordered + 0.5 + 0.5 * np.sign(ordered - middle)).astype(np.float32)
    return outer
