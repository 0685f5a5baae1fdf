"""The colour of the eyes' whites: nearly the same in everybody, so it tells the light that falls on a face.

Skin would not do: between a dark and a light face its ratio says more of the skin than of the light,
and teeth recoloured by it come out glaring or grey.
"""

import cv2
import numpy as np

from reenact.geometry import Array
from reenact.tracking.topology import LEFT_EYE, RIGHT_EYE
from reenact.types import Floats, Pixels

_BRIGHT = (60.0, 92.0)  # percentiles of luminance that count: above the iris and lid's shadow, below the glint
_LEAST = 12  # pixels
_LUMA = np.array([0.114, 0.587, 0.299], np.float32)  # of BGR, ITU-R BT.601
_CHEEKS = np.array([50, 101, 118, 205, 187, 36, 280, 330, 347, 425, 411, 266])


def eye_white(pixels: Pixels, points: Array) -> Floats | None:
    """Mean colour (3,) float32 BGR of the whites of both eyes; None where too little of them shows.

    points (478, 2 or 3) in pixels of the picture.
    """
    found = [_bright_part(pixels, points[ring, :2]) for ring in (RIGHT_EYE, LEFT_EYE)]
    values = [part for part in found if part is not None]
    if not values:
        return None
    colour: Floats = np.concatenate(values).mean(0).astype(np.float32)
    # whites darker than the skin are in the shade of glasses, or of lids that are nearly shut
    shaded = float(_skin(pixels, points) @ _LUMA) / max(float(colour @ _LUMA), 1.0)
    return colour * np.float32(max(1.0, shaded))


def _skin(pixels: Pixels, points: Array) -> Floats:
    """Median colour (3,) of the cheeks."""
    height, width = pixels.shape[:2]
    places = np.clip(np.round(points[_CHEEKS, :2]).astype(int), 0, [width - 1, height - 1])
    skin: Floats = np.median(pixels[places[:, 1], places[:, 0]].astype(np.float32), axis=0)
    return skin


def _bright_part(pixels: Pixels, ring: Array) -> Floats | None:
    low = np.maximum(np.floor(ring.min(0)).astype(int), 0)
    high = np.minimum(np.ceil(ring.max(0)).astype(int) + 1, [pixels.shape[1], pixels.shape[0]])
    if (high - low).min() < 2:
        return None
    crop = pixels[low[1] : high[1], low[0] : high[0]]
    mask = np.zeros(crop.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round((ring - low) * 16).astype(np.int32)], 1, shift=4)
    inside = crop[mask > 0].astype(np.float32)
    if len(inside) < _LEAST:
        return None
    luma = inside @ _LUMA
    dark, bright = np.percentile(luma, _BRIGHT)
    bright_part: Floats = inside[(luma >= dark) & (luma <= bright)]
    return bright_part
