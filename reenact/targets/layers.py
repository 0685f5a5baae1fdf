"""The two layers of a photo: the person, and the background behind them, filled in once.

The matte comes from MediaPipe's selfie segmentation (its model is part of the package), is followed to
the true outline by GrabCut (Rother, Kolmogorov, Blake 2004) in a narrow band, and gets the soft edge of
hair from a guided filter (He, Sun, Tang 2010) on the picture's colours.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from reenact.targets.fill import fill
from reenact.types import Floats, Pixels

Mask = np.ndarray[Any, np.dtype[np.uint8]]

_CROP = 2.8  # half side of the square about the face in which a small head is segmented again, IOD
_BAND = 0.14  # how far GrabCut may move the outline out, and half as far in, IOD
_WORK_IOD = 90.0  # pixels: the band is cut at this size of the face at most
FACE_COVERED = 0.85  # of the face must be called a person, or the segmentation is not believed
_EDGE = 0.04  # half width of the soft edge, IOD
_FLAT = 1e-4  # variance of colours, of 1, below which an edge is none
_CLEAR = 0.25  # opacity that the filter leaves on what is clear, and takes from what is not
UNSURE = 0.25  # of the pixels about the head may be neither person nor background


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """matte (H, W) uint8, 255 where the person hides the background; background (H, W, 3) uint8 BGR."""

    matte: Mask
    background: Pixels


def make_layers(pixels: Pixels, points: Floats) -> Layers | None:
    """Separates the person whose face is at `points` (478, 3) from the background of a (H, W, 3) BGR picture.

    None where the segmentation cannot be believed, as happens with paintings and masks.
    """
    iod = float(np.linalg.norm(points[33, :2] - points[263, :2]))
    person = _segment(pixels, points, iod)
    face = np.zeros(person.shape, np.uint8)
    cv2.fillConvexPoly(face, cv2.convexHull(points[:468, :2].astype(np.int32)), 1)
    if not face.any() or float(person[face > 0].mean()) < FACE_COVERED:
        return None
    about = _about(person.shape, points, iod, 1.6)
    if float(((person > 0.2) & (person < 0.8) & about).sum()) > UNSURE * float(about.sum()):
        return None
    inside = _outline(pixels, person, face, iod)
    matte = _soften(pixels, inside, face, iod)
    # What may have been a person, hair above all, must not stay behind when they move.
    hidden = np.maximum(matte, (255 * (person > 0.4)).astype(np.uint8))
    return Layers(matte, fill(pixels, hidden, iod))


def _about(shape: tuple[int, ...], points: Floats, iod: float, radius: float) -> np.ndarray[Any, np.dtype[np.bool_]]:
    disc = np.zeros(shape[:2], np.uint8)
    cx, cy = points[:468, :2].mean(0)
    cv2.circle(disc, (int(cx), int(cy)), int(radius * iod), 1, -1)
    return disc > 0


def _segment(pixels: Pixels, points: Floats, iod: float) -> Floats:
    """How much each pixel belongs to a person, 0..1 (H, W) float32; a small head is looked at again from near."""
    from mediapipe.python.solutions.selfie_segmentation import SelfieSegmentation

    height, width = pixels.shape[:2]
    with SelfieSegmentation(model_selection=0) as model:

        def person(picture: Pixels) -> Floats:
            found = model.process(np.ascontiguousarray(picture[..., ::-1])).segmentation_mask
            return np.array(found, np.float32)  # a copy: MediaPipe keeps its own

        whole = person(pixels)
        half = int(_CROP * iod)
        if 2 * half > 0.8 * max(height, width):
            return whole
        cx, cy = (int(v) for v in points[:468, :2].mean(0))
        x0, x1, y0, y1 = max(0, cx - half), min(width, cx + half), max(0, cy - half), min(height, cy + half)
        near = person(pixels[y0:y1, x0:x1])
    # Near the crop's own edges the closer look gives way to the first.
    feather = np.zeros((y1 - y0, x1 - x0), np.float32)
    rim = max(1, half // 4)
    feather[rim * (y0 > 0) : len(feather) - rim * (y1 < height), rim * (x0 > 0) : (x1 - x0) - rim * (x1 < width)] = 1
    feather = cv2.blur(feather, (rim | 1, rim | 1), borderType=cv2.BORDER_REPLICATE)
    whole[y0:y1, x0:x1] += feather * (near - whole[y0:y1, x0:x1])
    return whole


def _outline(pixels: Pixels, person: Floats, face: Mask, iod: float) -> Mask:
    """The person as (H, W) uint8 of 0 and 1, its outline moved to where the colours change; one piece."""
    scale = min(1.0, _WORK_IOD / iod)
    height, width = person.shape
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    sure = cv2.resize(person, size, interpolation=cv2.INTER_AREA)
    core = cv2.resize(face, size, interpolation=cv2.INTER_NEAREST)
    reach = max(1, round(_BAND * iod * scale))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    likely = (sure > 0.5).astype(np.uint8)
    labels = np.where(likely > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    half = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * (reach // 2) + 1, 2 * (reach // 2) + 1))
    labels[(cv2.erode(likely, half) > 0) | (core > 0)] = cv2.GC_FGD
    labels[cv2.dilate(likely | core, kernel) == 0] = cv2.GC_BGD
    if (labels == cv2.GC_BGD).any() and (labels == cv2.GC_FGD).any():
        cv2.setRNGSeed(1)  # the same picture gives the same matte
        cv2.grabCut(small, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
    inside = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.uint8)
    inside = cv2.medianBlur(inside, 5)
    inside |= core
    _, pieces = cv2.connectedComponents(inside)
    inside = (pieces == np.bincount(pieces[core > 0]).argmax()).astype(np.uint8)
    holes, labels_of_holes, stats, _ = cv2.connectedComponentsWithStats(1 - inside)
    for hole in range(1, holes):  # pinholes, not the gap between arm and body
        if stats[hole, cv2.CC_STAT_AREA] < (0.25 * iod * scale) ** 2:
            inside[labels_of_holes == hole] = 1
    grown = cv2.resize(inside.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(grown > 0.5, np.uint8)


def _soften(pixels: Pixels, inside: Mask, face: Mask, iod: float) -> Mask:
    """The matte, (H, W) uint8: opaque within, clear without, between them as soft as the picture's colours say."""
    radius = max(2, round(_EDGE * iod))
    guide = pixels.astype(np.float32) / 255
    soft = cv2.ximgproc.guidedFilter(guide, inside.astype(np.float32), radius, _FLAT)
    soft = np.clip((soft - _CLEAR) / (1 - 2 * _CLEAR), 0, 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    soft = np.where(cv2.erode(inside, kernel) > 0, 1, np.where(cv2.dilate(inside, kernel) > 0, soft, 0))
    soft = np.maximum(soft, face)
    return np.asarray(np.round(255 * soft), np.uint8)
