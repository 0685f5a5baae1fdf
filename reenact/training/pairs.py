"""Training samples: a face warped from one crop to another's landmarks, beside what it really looked like."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from reenact.generation.canonical import SIZE
from reenact.generation.eyes import Eyeball, draw_eye, eyeballs
from reenact.generation.guides import guides, openings
from reenact.generation.meshwarp import MeshWarp, with_rings
from reenact.generation.mouth import MouthPicture, paste_mouth
from reenact.generation.over import lay_over
from reenact.geometry import eye_distance, fit_similarity
from reenact.retarget.neutral import eye_opening, iris_place
from reenact.tracking.topology import INNER_LIPS, OVAL, RIGID
from reenact.training.pack import CROP, MARGIN, Pack
from reenact.types import Floats

Mask = npt.NDArray[np.uint8]

WAYS = ("driver", "bank", "none")  # how the inner mouth was made
_LIKE = 0.06  # IOD: lips of a bank mouth are at most so far from those wanted: other expressions teach distrust
_OPEN = 0.025  # IOD between the inner lips from which a mouth is pasted
_GAZE, _LID, _SHUT = 0.05, 0.2, 0.05  # as in reenact.generation.portrait: from here an eye is drawn anew


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One training sample, planes of SIZE x SIZE and guides of GRID x GRID.

    picture (6, SIZE, SIZE) uint8: the base BGR, eye openings, mouth opening, alpha of what was pasted into the mouth
    guides  (CHANNELS, GRID, GRID) float32
    truth   (3, SIZE, SIZE) uint8 BGR
    weight  (SIZE, SIZE) uint8: where the face is and nothing was pasted
    """

    picture: Mask
    guides: Floats
    truth: Mask
    weight: Mask


class Pairs:
    """Samples of one packed person, any crop as the reference and any as the truth."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.lips = np.stack([_lips(p) for p in pack.points])
        self.gap = np.array([_gap(p) for p in pack.points])
        self.opening = np.stack([eye_opening(p) for p in pack.points])
        self._warp = MeshWarp((SIZE, SIZE))
        self._balls: dict[int, tuple[Eyeball, Eyeball]] = {}

    def references(self) -> list[int]:
        """The crops fit to be a target's picture, calmest first: mouth all but closed, eyes open."""
        usual = np.median(self.opening, axis=0)
        awake = (self.opening > 0.75 * usual).all(1)
        calm = self.gap + 0.3 * np.abs(self.opening - usual).sum(1) + np.where(awake, 0, 1)
        order = np.argsort(calm)
        good = [int(i) for i in order if awake[i] and self.gap[i] < 0.08]
        return good or [int(order[0])]

    def sample(self, reference: int, wanted: int, way: str) -> Sample:
        """The face of crop `reference` moved to the landmarks of crop `wanted`; way is one of WAYS."""
        texture, source = self.pack.crops[reference], self.pack.points[reference]
        points = self.pack.points[wanted]
        pose = fit_similarity(source[RIGID], points[RIGID])
        resting = pose.apply(source).astype(np.float32)
        meshes = with_rings(source, source), with_rings(points, resting)
        inner = (slice(MARGIN, MARGIN + SIZE), slice(MARGIN, MARGIN + SIZE))
        base = self._warp(texture, *meshes, (MARGIN, MARGIN), np.ascontiguousarray(texture[inner]))
        layer = np.zeros((SIZE, SIZE, 4), np.uint8)
        self._draw_eyes(layer, reference, points)
        pasted = np.zeros((SIZE, SIZE), np.uint8)
        if self.gap[wanted] > _OPEN and way != "none":
            entry = wanted if way == "driver" else self._bank(reference, wanted)
            if entry is not None:
                mouth = np.zeros((SIZE, SIZE, 4), np.uint8)
                paste_mouth(mouth, points[INNER_LIPS, :2], self._mouth(entry), (MARGIN, MARGIN), 1.0)
                pasted = np.ascontiguousarray(mouth[..., 3])
                lay_over(base, mouth)
        lay_over(base, layer)
        placed, mesh = points.copy(), meshes[1].copy()
        placed[:, :2] -= MARGIN
        mesh[:, :2] -= MARGIN
        told = guides(source, placed, meshes[0], mesh)
        truth = self.pack.crops[wanted][inner]
        planes = [*cv2.split(base), *openings(placed), pasted]
        weight = (_hull(placed).astype(np.float32) * (1 - pasted / np.float32(255))).astype(np.uint8)
        return Sample(np.stack(planes), told, np.stack(cv2.split(truth)), weight)

    def _draw_eyes(self, layer: Mask, reference: int, points: Floats) -> None:
        source = self.pack.points[reference]
        if reference not in self._balls:
            self._balls[reference] = eyeballs(self.pack.crops[reference], source)
        opening, before = eye_opening(points), self.opening[reference]
        now, was = iris_place(points), iris_place(source)
        for eye in range(2):
            lid = abs(float(opening[eye]) / max(float(before[eye]), 0.02) - 1)
            turned = float(np.linalg.norm(now[eye] - was[eye]))
            if (lid > _LID or turned > _GAZE) and opening[eye] > _SHUT:
                draw_eye(layer, points, eye, self._balls[reference][eye], now[eye], (MARGIN, MARGIN), 1.0)

    def _bank(self, reference: int, wanted: int) -> int | None:
        """Another crop with the same lips, None where there is none."""
        far = np.abs(self.lips - self.lips[wanted]).max(axis=(1, 2))
        far[[wanted, reference]] = np.inf
        best = int(far.argmin())
        return best if far[best] < _LIKE else None

    def _mouth(self, entry: int) -> MouthPicture:
        ring = self.pack.points[entry][INNER_LIPS, :2]
        low = np.clip(np.floor(ring.min(0)).astype(int) - 4, 0, CROP - 1)
        high = np.clip(np.ceil(ring.max(0)).astype(int) + 5, low + 1, CROP)
        pixels = np.ascontiguousarray(self.pack.crops[entry][low[1] : high[1], low[0] : high[0]])
        mask = np.full(pixels.shape[:2], 255, np.uint8)
        return MouthPicture(pixels, mask, (ring - low).astype(np.float32), np.ones(3, np.float32))


def _lips(points: Floats) -> Floats:
    ring = points[INNER_LIPS, :2]
    shape: Floats = (ring - ring.mean(0)) / max(eye_distance(points), 1.0)
    return shape


def _gap(points: Floats) -> float:
    return float(np.linalg.norm(points[13, :2] - points[14, :2])) / max(eye_distance(points), 1.0)


def _hull(points: Floats) -> Mask:
    out = np.zeros((SIZE, SIZE), np.uint8)
    hull = cv2.convexHull(np.round(points[OVAL, :2] * 16).astype(np.int32))
    cv2.fillConvexPoly(out, hull, 255, cv2.LINE_AA, 4)
    faded: Mask = cv2.blur(cv2.erode(out, np.ones((9, 9), np.uint8)), (15, 15))
    return faded
