"""Where pictures of a face are compared, and how: squares of differences, SSIM and sharpness by region.

All places are those of the truth.  Lengths are in percent of the truth's distance between the outer eye corners.
SSIM: Wang, Bovik, Sheikh, Simoncelli, 2004, with their 11x11 Gaussian of 1.5 pixels and their constants.
Sharpness: energy of the Laplacian (Subbarao, Choi, Nikzad, Focusing techniques, 1993), its 3x3 form on the luma.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from reenact.tracking.topology import INNER_LIPS
from reenact.types import Floats, Pixels

FACE = 468  # points of the face; the irises follow
CORNERS = (33, 263)
LIPS = [13, 14, 78, 308, 61, 291, 0, 17]
RIGHT_EYE, LEFT_EYE = [33, 133, 159, 145], [362, 263, 386, 374]
REGIONS = ("face", "mouth", "inner_mouth", "eyes", "outside")
SHARP = ("face", "mouth")
EXACT = 1e-3  # mean square error that an exact copy is given: 78.1 dB

_ABOUT_LIPS, _ABOUT_EYES = 12, 8  # percent around them
_OPEN = 2.5  # percent between the inner lips from which a mouth has an inside
_EDGE = 5  # percent inside the hull where sharpness begins: the head's outline is not skin
_GROW = np.ones((9, 9), np.uint8)
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_PAD = 6  # pixels about the hull: what SSIM's window reaches

Box = tuple[slice, slice]
Mask = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Compared:
    """One picture against the truth's.

    squares, counts  by region of REGIONS: sum of squared differences of all channels, and of how many values
    energy           by region of SHARP: sum of squares of the Laplacian
    ssim             mean inside the hull
    l1_mouth, l1_eyes mean absolute difference in the boxes about lips and eyes
    """

    squares: dict[str, float]
    counts: dict[str, int]
    energy: dict[str, float]
    ssim: float
    l1_mouth: float
    l1_eyes: float


class Face:
    """One picture of the truth and the places where it is compared.

    pixels  (H, W, 3) uint8 BGR;  points  (478, 2) float32, pixels of it
    unit    pixels in one percent of the eye distance
    """

    def __init__(self, pixels: Pixels, points: Floats) -> None:
        self.pixels, self.points = pixels, points
        self.unit = max(gap(points, CORNERS), 1.0) / 100
        outline = cv2.convexHull(points[:FACE].astype(np.int32))
        self.box = self._around(outline[:, 0].astype(np.float32), _GROW.shape[0] // 2 + _PAD)
        corner = np.array([self.box[1].start, self.box[0].start], np.float32)
        self._crop = np.ascontiguousarray(pixels[self.box])
        bare = np.zeros(self._crop.shape[:2], np.uint8)
        cv2.fillConvexPoly(bare, outline - corner.astype(np.int32), 255)
        self.hull: Mask = cv2.dilate(bare, _GROW)
        edge = 2 * max(1, round(_EDGE * self.unit)) + 1
        self.skin: Mask = cv2.erode(bare, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (edge, edge)))
        self.lips = self._around(points[LIPS], _ABOUT_LIPS * self.unit)
        self.eyes = [self._around(points[eye], _ABOUT_EYES * self.unit) for eye in (RIGHT_EYE, LEFT_EYE)]
        self.mouth: Mask = np.zeros_like(bare)
        self.mouth[_within(self.lips, self.box, self.mouth.shape)] = 255
        self._inside: Mask = np.zeros_like(bare)
        if gap(points, (13, 14)) > _OPEN * self.unit:
            ring = np.round((points[INNER_LIPS] - corner) * 16).astype(np.int32)
            cv2.fillPoly(self._inside, [ring], 255, shift=4)
        self._moments = _Moments(self._crop)
        self.energy = self._energy(self._crop)

    def _around(self, points: Floats, grow: float) -> Box:
        height, width = self.pixels.shape[:2]
        (x0, y0), (x1, y1) = points.min(0), points.max(0)
        rows = slice(min(max(0, int(y0 - grow)), height - 1), max(1, min(height, int(y1 + grow) + 1)))
        return rows, slice(min(max(0, int(x0 - grow)), width - 1), max(1, min(width, int(x1 + grow) + 1)))

    def compare(self, shown: Pixels) -> Compared:
        """shown (H, W, 3) uint8 BGR, of the truth's size."""
        crop = np.ascontiguousarray(shown[self.box])
        face, inside = (cv2.norm(self._crop, crop, cv2.NORM_L2SQR, mask) for mask in (self.hull, self._inside))
        everywhere = cv2.norm(self.pixels, shown, cv2.NORM_L2SQR)
        parts = [self.lips, *self.eyes]
        squares = [cv2.norm(self.pixels[box], shown[box], cv2.NORM_L2SQR) for box in parts]
        means = [cv2.norm(self.pixels[box], shown[box], cv2.NORM_L1) / self.pixels[box].size for box in parts]
        sizes = [self.pixels[box].size for box in parts]
        values, within = 3 * cv2.countNonZero(self.hull), 3 * cv2.countNonZero(self._inside)
        return Compared(
            dict(zip(REGIONS, (face, squares[0], inside, sum(squares[1:]), everywhere - face), strict=True)),
            dict(zip(REGIONS, (values, sizes[0], within, sum(sizes[1:]), self.pixels.size - values), strict=True)),
            self._energy(crop),
            float(self._moments.ssim(crop)[self.hull > 0].mean()),
            means[0],
            float(np.mean(means[1:])),
        )

    def _energy(self, crop: Pixels) -> dict[str, float]:
        edges = cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY).astype(np.float32), cv2.CV_32F, ksize=1)
        return {
            name: cv2.norm(edges, cv2.NORM_L2SQR, mask)
            for name, mask in zip(SHARP, (self.skin, self.mouth), strict=True)
        }


def psnr(square: float, count: int) -> float:
    """dB of a sum of squared differences over so many values; NaN for none."""
    return float(10 * np.log10(255**2 / max(square / count, EXACT))) if count else float("nan")


def gap(points: Floats, pair: tuple[int, int]) -> float:
    return float(np.linalg.norm(points[pair[0], :2] - points[pair[1], :2]))


def _within(box: Box, frame: Box, shape: tuple[int, ...]) -> Box:
    """A box of the picture as one of a crop of it."""
    rows, cols = (
        slice(max(0, part.start - whole.start), max(0, min(part.stop - whole.start, size)))
        for part, whole, size in zip(box, frame, shape, strict=False)
    )
    return rows, cols


class _Moments:
    """The truth's half of SSIM, computed once for all that are compared with it."""

    def __init__(self, pixels: Pixels) -> None:
        self._grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY).astype(np.float32)
        self._mean = _smooth(self._grey)
        self._variance = _smooth(self._grey * self._grey) - self._mean**2

    def ssim(self, shown: Pixels) -> npt.NDArray[np.float32]:
        """(H, W) float32: the SSIM of the grey pictures around each pixel."""
        grey = cv2.cvtColor(shown, cv2.COLOR_BGR2GRAY).astype(np.float32)
        mean = _smooth(grey)
        variance = _smooth(grey * grey) - mean**2
        together = _smooth(self._grey * grey) - self._mean * mean
        alike = (2 * self._mean * mean + _C1) * (2 * together + _C2)
        return alike / ((self._mean**2 + mean**2 + _C1) * (self._variance + variance + _C2))  # type: ignore[no-any-return]


def _smooth(plane: Any) -> Any:
    return cv2.GaussianBlur(plane, (11, 11), 1.5)
