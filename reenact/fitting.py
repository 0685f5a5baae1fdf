"""A picture of one size shown at another, for an output whose size must not change while somebody looks at it."""

import cv2
import numpy as np

from reenact.types import Pixels, check_pixels

_SAME = 0.02  # proportions this near are made equal: half of an odd size is not quite half


def fitted(pixels: Pixels, size: tuple[int, int], ground: tuple[int, int, int] = (0, 0, 0)) -> Pixels:
    """pixels (H, W, 3) uint8 BGR as large as they fit into size (width, height), in the middle of a plain ground.

    Pixels that have the size already are returned themselves; everything else is memory of its own.
    """
    check_pixels("pixels", pixels)
    height, width = pixels.shape[:2]
    if (width, height) == size:
        return pixels
    across, down = size[0] / width, size[1] / height
    if abs(across / down - 1.0) < _SAME:
        return _resized(pixels, size)
    scale = min(across, down)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    whole: Pixels = np.empty((size[1], size[0], 3), np.uint8)
    whole[:] = ground
    x, y = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    whole[y : y + inner[1], x : x + inner[0]] = _resized(pixels, inner)
    return whole


def _resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    # An area filter is right from half the size down; above that it costs five times as much as linear and shows little
    shrinks = size[0] * 2 <= pixels.shape[1]
    done: Pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return done
