"""The mask of a face: its hull from the 478 landmarks, kept off hair and background, feathered, minus what hides it.

Where the mask's edge lies on hair or background the boundary's values are about something else than skin and bleed
into the face: it pays to give up a rim of skin instead.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from reenact.types import POINTS, Floats, Pixels

Mask: TypeAlias = npt.NDArray[np.uint8]
Occluder: TypeAlias = Callable[[Pixels, Floats], Mask]
"""Must return a (H, W) uint8 mask of the picture, 255 where something hides the face of these landmarks."""

# MediaPipe face mesh, FACEMESH_FACE_OVAL in order, from the middle of the forehead clockwise in the picture
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
_FOREHEAD = frozenset((10, 338, 297, 332, 284, 54, 103, 67, 109))
_CHEEKS_NOSE = (50, 280, 205, 425, 4, 195, 117, 346, 101, 330)
_SKIN_DISTANCE = 3.5  # Mahalanobis distance in colour up to which a pixel of the rim still counts as skin


def face_hull(points: Floats, shape: tuple[int, int], inset: float = 0.05, forehead: float = 0.12) -> Mask:
    """The oval of the face as a filled polygon, (h, w) uint8, 255 inside.

    points (478, 2 or 3) in pixels; shape (h, w) of the picture.  The oval is drawn in by `inset`, at the forehead,
    where hair falls in, by `forehead`, in units of the distance between the outer eye corners.
    """
    _check_points(points)
    xy = points[:, :2].astype(np.float64)
    oval = xy[list(OVAL)]
    centre = oval.mean(0)
    iod = float(np.linalg.norm(xy[33] - xy[263]))
    towards = centre - oval
    distance = np.linalg.norm(towards, axis=1, keepdims=True)
    amount = np.array([forehead if k in _FOREHEAD else inset for k in OVAL])[:, None] * iod
    oval = oval + towards / np.maximum(distance, 1e-9) * np.minimum(amount, 0.5 * distance)
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(oval * 16).astype(np.int32)], 255, cv2.LINE_8, 4)
    return mask


def keep_to_skin(hull: Mask, pixels: Pixels, points: Floats, rim: float = 0.35) -> Mask:
    """`hull` without the hair and background in its outer rim.

    The colour of skin is learnt from about cheeks and nose (mean and covariance in Lab); pixels of the rim, `rim`
    eye distances wide, that are far from it are dropped; what is left is smoothed and stays one piece without holes.
    The middle of the face is kept whatever its colour: lips, brows and eyes are no skin and belong to it.
    """
    _check_points(points)
    iod = float(np.linalg.norm(points[33, :2] - points[263, :2]))
    lab = cv2.cvtColor(pixels, cv2.COLOR_BGR2LAB).astype(np.float32)
    skin = np.zeros(hull.shape, np.uint8)
    for k in _CHEEKS_NOSE:
        cv2.circle(skin, (round(float(points[k, 0])), round(float(points[k, 1]))), max(1, round(0.06 * iod)), 255, -1)
    known = lab[(skin > 0) & (hull > 0)]
    if len(known) < 8:
        return hull.copy()
    spread = np.cov(known.T) + np.diag([60.0, 6.0, 6.0])  # shading varies far more than hue across one face
    inverse = np.linalg.inv(spread).astype(np.float32)
    d = lab - known.mean(0)
    far = np.einsum("hwi,ij,hwj->hw", d, inverse, d) > _SKIN_DISTANCE**2
    depth = cv2.distanceTransform(np.pad(hull, 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    keep = ((hull > 0) & ((depth > rim * iod) | ~far)).astype(np.uint8) * 255
    size = max(3, round(0.08 * iod) | 1)
    keep = cv2.morphologyEx(keep, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    return _solid(keep)


def without(mask: Mask, hidden: Mask, grow_px: int = 2) -> Mask:
    """`mask` without what hides the face: hidden (h, w), nonzero where covered, grown by `grow_px`."""
    if hidden.shape != mask.shape:
        raise ValueError(f"the occlusion mask has shape {hidden.shape}, expected {mask.shape}, that of the mask")
    covered = (hidden > 0).astype(np.uint8)
    if grow_px > 0:
        covered = cv2.dilate(covered, np.ones((2 * grow_px + 1, 2 * grow_px + 1), np.uint8))
    return np.where(covered > 0, np.uint8(0), mask)


def feathered(mask: Mask, width_px: float) -> Mask:
    """Fades `mask` to 0 over the last `width_px` inside its edge (smoothstep); outside it stays 0."""
    if width_px <= 0:
        return mask.copy()
    depth = cv2.distanceTransform(np.pad((mask > 0).astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    t = np.clip(depth / (width_px + 1.0), 0.0, 1.0)
    ramp = (t * t * (3.0 - 2.0 * t) * mask.astype(np.float32)).round()
    return np.maximum(ramp, (mask > 0).astype(np.float32)).astype(np.uint8)


def face_mask(
    pixels: Pixels,
    points: Floats,
    inset: float = 0.05,
    forehead: float = 0.12,
    feather_px: float = 6.0,
    occluder: Occluder | None = None,
) -> Mask:
    """The mask to blend a face with: hull, kept to skin, minus what `occluder` finds, feathered.

    pixels (h, w, 3) uint8 BGR, the picture the landmarks `points` (478, 2 or 3) belong to; result (h, w) uint8.
    """
    mask = keep_to_skin(face_hull(points, (pixels.shape[0], pixels.shape[1]), inset, forehead), pixels, points)
    if occluder is not None:
        mask = without(mask, occluder(pixels, points))
    return feathered(mask, feather_px)


def _solid(mask: Mask) -> Mask:
    """The largest connected piece, holes filled."""
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    out = np.zeros_like(mask)
    if outlines:
        cv2.drawContours(out, [max(outlines, key=cv2.contourArea)], -1, 255, cv2.FILLED)
    return out


def _check_points(points: Any) -> None:
    if not isinstance(points, np.ndarray) or points.ndim != 2 or points.shape[0] != POINTS or points.shape[1] < 2:
        came = points.shape if isinstance(points, np.ndarray) else type(points).__name__
        raise ValueError(f"points are {came}, expected ({POINTS}, 2) or ({POINTS}, 3)")
    if not np.isfinite(points).all():
        raise ValueError("points hold values that are not finite")
