"""Training samples: a face warped from one crop to another's landmarks, beside what it really looked like."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from reenact.generation.eyes import Eyeball, draw_eye, eyeballs
from reenact.generation.guides import guides, openings
from reenact.generation.meshwarp import MeshWarp, with_rings
from reenact.generation.over import lay_over
from reenact.geometry import eye_distance, fit_similarity
from reenact.retarget.neutral import eye_opening, iris_place
from reenact.tracking.canonical import SIZE
from reenact.tracking.topology import OVAL, RIGID
from reenact.training.pack import MARGIN, Pack
from reenact.types import Floats

Mask = npt.NDArray[np.uint8]

_OPEN = 0.025  # IOD between the inner lips from which a mouth is laid over
_GAZE, _LID, _SHUT = 0.05, 0.2, 0.05  # as in reenact.generation.portrait: from here an eye is drawn anew


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One training sample, planes of SIZE x SIZE and guides of GRID x GRID.

    picture (6, SIZE, SIZE) uint8: the base BGR, eye openings, mouth opening, alpha of the mouth that will be laid over
    guides  (CHANNELS, GRID, GRID) float32
    truth   (3, SIZE, SIZE) uint8 BGR
    weight  (SIZE, SIZE) uint8: where the face is and nothing will be laid over
    """

    picture: Mask
    guides: Floats
    truth: Mask
    weight: Mask


class Pairs:
    """Samples of one packed person, any crop as the reference and any as the truth."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.gap = np.array([_gap(p) for p in pack.points])
        self.opening = np.stack([eye_opening(p) for p in pack.points])
        self._balls: dict[int, tuple[Eyeball, Eyeball]] = {}

    def references(self) -> list[int]:
        """The crops fit to be a target's picture, calmest first: mouth all but closed, eyes open."""
        usual = np.median(self.opening, axis=0)
        awake = (self.opening > 0.75 * usual).all(1)
        calm = self.gap + 0.3 * np.abs(self.opening - usual).sum(1) + np.where(awake, 0, 1)
        order = np.argsort(calm)
        good = [int(i) for i in order if awake[i] and self.gap[i] < 0.08]
        return good or [int(order[0])]

    def sample(self, reference: int, wanted: int, pasted: bool) -> Sample:
        """The face of crop `reference` moved to the landmarks of crop `wanted`.

        pasted  True where an open mouth is to be laid over what the network makes, as a bank's or the driver's is;
                False where the network has to make it
        """
        texture, source = self.pack.crops[reference], self.pack.points[reference]
        points = self.pack.points[wanted]
        pose = fit_similarity(source[RIGID], points[RIGID])
        resting = pose.apply(source).astype(np.float32)
        meshes = with_rings(source, source), with_rings(points, resting)
        inner = (slice(MARGIN, MARGIN + SIZE), slice(MARGIN, MARGIN + SIZE))
        base = MeshWarp((SIZE, SIZE))(texture, *meshes, (MARGIN, MARGIN), np.ascontiguousarray(texture[inner]))
        layer = np.zeros((SIZE, SIZE, 4), np.uint8)
        self._draw_eyes(layer, reference, points)
        lay_over(base, layer)
        placed, mesh = points.copy(), meshes[1].copy()
        placed[:, :2] -= MARGIN
        mesh[:, :2] -= MARGIN
        told = guides(source, placed, meshes[0], mesh)
        truth = self.pack.crops[wanted][inner]
        eyes, mouth = openings(placed)
        over = mouth if pasted and self.gap[wanted] > _OPEN else np.zeros_like(mouth)
        planes = [*cv2.split(base), eyes, mouth, over]
        weight = (_hull(placed).astype(np.float32) * (1 - over / np.float32(255))).astype(np.uint8)
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


def _gap(points: Floats) -> float:
    return float(np.linalg.norm(points[13, :2] - points[14, :2])) / max(eye_distance(points), 1.0)


def _hull(points: Floats) -> Mask:
    out = np.zeros((SIZE, SIZE), np.uint8)
    hull = cv2.convexHull(np.round(points[OVAL, :2] * 16).astype(np.int32))
    cv2.fillConvexPoly(out, hull, 255, cv2.LINE_AA, 4)
    faded: Mask = cv2.blur(cv2.erode(out, np.ones((9, 9), np.uint8)), (15, 15))
    return faded
