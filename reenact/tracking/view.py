"""The picture of a face that goes with its track: grey, upright, of one size whatever the camera's."""

import cv2

from reenact.tracking.canonical import SIZE, canonical_matrix
from reenact.types import FaceView, Floats, Pixels

MARGIN = 32  # pixels kept around it: a neutral face may have been a little elsewhere


def view_of(pixels: Pixels, points: Floats) -> FaceView:
    """Of the face with points (478, 3) in a picture (H, W, 3) uint8 BGR."""
    matrix = canonical_matrix(points, SIZE, MARGIN)
    side = SIZE + 2 * MARGIN
    luma = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    grey = cv2.warpAffine(luma, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE)
    return FaceView(grey, matrix)  # type: ignore[arg-type]
