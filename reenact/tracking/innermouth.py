"""The inside of the driver's open mouth, cut out so that nothing but it can be passed on."""

import cv2
import numpy as np

from reenact.geometry import eye_distance
from reenact.tracking.topology import INNER_LIPS
from reenact.types import FaceTrack, Floats, Frame, InnerMouth

OPEN = 0.02  # of the IOD between the inner lips (13, 14): less shows no inside
_MARGIN = 2


def cut_inner_mouth(frame: Frame, track: FaceTrack, white: Floats) -> InnerMouth | None:
    """The inner mouth of the tracked face, None where it is closed or not wholly in the picture.

    white (3,) float32 BGR is the colour of the driver's eye whites.
    Every pixel outside the lips' inner edge is zero in the result: only what is inside may leave the tracker.
    """
    points = track.points[:, :2]
    iod = eye_distance(points)
    if np.linalg.norm(points[13] - points[14]) < OPEN * iod:
        return None
    ring = points[INNER_LIPS]
    height, width = frame.pixels.shape[:2]
    low = np.floor(ring.min(0)).astype(int) - _MARGIN
    high = np.ceil(ring.max(0)).astype(int) + _MARGIN + 1
    if low.min() < 0 or high[0] > width or high[1] > height:
        return None
    crop = frame.pixels[low[1] : high[1], low[0] : high[0]]
    shift = 4  # sub-pixel bits of the polygon's corners
    polygon = np.round((ring - low) * (1 << shift)).astype(np.int32)
    mask = np.zeros(crop.shape[:2], np.uint8)
    cv2.fillPoly(mask, [polygon], 255, lineType=cv2.LINE_8, shift=shift)
    if not mask.any():
        return None
    pixels = np.where(mask[..., None] > 0, crop, np.uint8(0))
    return InnerMouth(pixels, mask, (points - low).astype(np.float32), white)
