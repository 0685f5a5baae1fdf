"""What is behind the person: the background carried on into the place they hide.

Only a strip along the outline is ever uncovered.  There the texture outside is mirrored in, which keeps
grain and blur alike, and gives way further in to a smooth fill (pull-push: Gortler et al., The
Lumigraph, SIGGRAPH 1996).
"""

from typing import Any

import cv2
import numpy as np

from reenact.types import Floats, Pixels

Mask = np.ndarray[Any, np.dtype[np.uint8]]

_MARGIN = 0.06  # about the matte the picture is not trusted to be background: shadow and stray hair, IOD
_MIRROR = 0.5  # how deep texture is mirrored in before the smooth fill has taken over, IOD

_SOLID, _SEEN = 250, 150  # opacity from which a pixel has its own colour, and below which it tells nothing of it


def fill(pixels: Pixels, matte: Mask, iod: float) -> Pixels:
    """pixels (H, W, 3) uint8 BGR with everything that matte (H, W) uint8 covers, and a margin, filled in.

    Every other pixel is returned as it is.
    """
    margin = max(2, round(_MARGIN * iod))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1, 2 * margin + 1))
    hidden = cv2.dilate((matte > 2).astype(np.uint8), kernel)
    if not hidden.any():
        return pixels.copy()
    if hidden.all():
        return np.asarray(cv2.GaussianBlur(pixels, (0, 0), max(1.0, 0.3 * iod)), np.uint8)
    smooth = _pull_push(pixels.astype(np.float32), (1 - hidden).astype(np.float32))
    mirrored, weight = _mirror(pixels, hidden, _MIRROR * iod)
    filled = smooth + weight[..., None] * (mirrored - smooth)
    whole: Pixels = np.where(hidden[..., None] > 0, np.clip(np.round(filled), 0, 255), pixels).astype(np.uint8)
    return whole


def own_colour(pixels: Pixels, opacity: Any) -> Pixels:
    """pixels (H, W, 3) uint8 without what shines through from behind where opacity (H, W), 0..255, is not full.

    There the person's colour is carried on from where they are opaque, or the old background would go
    with them as a coloured fringe.
    """
    solid = opacity >= _SOLID
    if solid.all() or not solid.any():
        return pixels
    carried = _pull_push(pixels.astype(np.float32), solid.astype(np.float32))
    seen = np.clip((opacity.astype(np.float32) - _SEEN) / (_SOLID - _SEEN), 0, 1)[..., None]
    return np.asarray(np.clip(np.round(carried + seen * (pixels - carried)), 0, 255), np.uint8)


def _pull_push(values: Floats, weight: Floats) -> Floats:
    """values (H, W, C) where weight (H, W) is 1, smoothly carried into where it is 0."""
    height, width = weight.shape
    if height <= 2 or width <= 2 or weight.min() > 0:
        mean = (values * weight[..., None]).sum((0, 1)) / max(float(weight.sum()), 1e-6)
        return np.where(weight[..., None] > 0, values, mean).astype(np.float32)
    half = ((width + 1) // 2, (height + 1) // 2)
    small_weight = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
    small = cv2.resize(values * weight[..., None], half, interpolation=cv2.INTER_AREA)
    small = small / np.maximum(small_weight, 1e-6)[..., None]
    coarse = _pull_push(small.astype(np.float32), np.minimum(1, 4 * small_weight))
    coarse = cv2.GaussianBlur(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), (5, 5), 0)
    return np.asarray(coarse + weight[..., None] * (values - coarse), np.float32)


def _mirror(pixels: Pixels, hidden: Mask, depth: float) -> tuple[Floats, Floats]:
    """The outside mirrored in at the nearest point of the outline, (H, W, 3), and how much it is to be used."""
    height, width = hidden.shape
    distance, labels = cv2.distanceTransformWithLabels(hidden, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    ys, xs = np.nonzero(hidden == 0)
    nearest = np.zeros((int(labels.max()) + 1, 2), np.float32)
    nearest[labels[ys, xs]] = np.stack([xs, ys], 1)
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)
    # The way to the outline is smoothed, or each pixel of a ragged outline would mirror along a ray of its own;
    # its length is not, so that nothing jumps at the outline.
    way = nearest[labels] - grid
    way[hidden == 0] = 0
    way = cv2.GaussianBlur(way, (0, 0), max(1.0, 0.25 * depth))
    length = np.hypot(way[..., 0], way[..., 1])
    source = grid + way * (2 * distance / np.maximum(length, 1e-6))[..., None]
    mirrored = cv2.remap(pixels.astype(np.float32), source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    seen = cv2.remap(1.0 - hidden.astype(np.float32), source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    weight = np.clip(1.5 - distance / depth, 0, 1) * cv2.blur((seen > 0.99).astype(np.float32), (5, 5)) * (seen > 0.99)
    return mirrored, cv2.GaussianBlur(weight, (0, 0), 2).astype(np.float32)
