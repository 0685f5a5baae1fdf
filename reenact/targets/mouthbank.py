"""The inner mouths of a target's own video, to be shown again (Face2Face, Thies et al. 2016, section 7).

Each entry is an open mouth of one frame: a small crop, its inner lips, and the shape of those lips in the
head's axes, by which the entry most like the wanted mouth is found.  The bank also keeps one frame's eyes,
wide open and looking ahead, for frames in which the target's own are shut.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from reenact.errors import TargetError
from reenact.retarget.neutral import eye_opening, head_pose, head_shape, iris_place, mouth_gap
from reenact.tracking.topology import INNER_LIPS, LEFT_EYE, RIGHT_EYE
from reenact.types import Floats, Pixels, check_pixels, check_points

OPEN = 0.04  # of the IOD: a gap of the inner lips from which the inside can be seen
ENOUGH, WIDE = 8, 0.09  # entries, and a widest gap, from which a bank can stand for a mouth
_CAPACITY = 160  # entries kept: about 80 fill a bank, more only cost time
_MARGIN = 3
_STAY = 0.8  # another entry must be nearer than this share of the present one's distance to take its place
_TURN_WEIGHT = 0.15  # IOD of lip shape that a radian of head rotation counts for


@dataclass(frozen=True, slots=True, eq=False)
class BankMouth:
    """One open mouth: pixels (h, w, 3) uint8 BGR, ring (20, 2) float32: its inner lips in pixels of the crop."""

    pixels: Pixels
    ring: Floats


@dataclass(frozen=True, slots=True, eq=False)
class BankEyes:
    """The open eyes: pixels (h, w, 3) uint8 BGR, points (478, 3) float32 in pixels of the crop."""

    pixels: Pixels
    points: Floats


class MouthBank:
    """Open mouths by the shape of their lips.

    mouths  the entries; shapes (n, 20, 2) float32: inner lips in head axes, IOD units; turns (n, 2): yaw-like and
            pitch-like components of the head's rotation;  eyes: None if no frame shows them
    """

    def __init__(self, mouths: list[BankMouth], shapes: Floats, turns: Floats, eyes: BankEyes | None) -> None:
        if not len(mouths) == len(shapes) == len(turns):
            raise ValueError(
                f"{len(mouths)} mouths, {len(shapes)} shapes, {len(turns)} turns: expected as many of each"
            )
        self.mouths, self.shapes, self.turns, self.eyes = mouths, shapes, turns, eyes

    @property
    def has_open_mouths(self) -> bool:
        """Whether the bank can stand for a talking mouth: enough entries, one of them wide."""
        if len(self.mouths) < ENOUGH:
            return False
        gaps = np.linalg.norm(self.shapes[:, 5] - self.shapes[:, 15], axis=1)
        return bool(gaps.max() >= WIDE)

    def nearest(self, shape: Floats, turn: Floats, present: int | None) -> int:
        """Index of the entry most like the wanted lips (20, 2) and head turn (2,), or `present` if nearly as good."""
        distances = np.sqrt(((self.shapes - shape) ** 2).sum(2).mean(1)) + _TURN_WEIGHT * np.linalg.norm(
            self.turns - turn, axis=1
        )
        best = int(np.argmin(distances))
        if present is not None and distances[best] > _STAY * distances[present]:
            return present
        return best

    @classmethod
    def build(cls, pictures: Iterable[Pixels], points: Floats) -> "MouthBank":
        """From a video's pictures (H, W, 3) uint8 BGR and their tracks (N, 478, 3)."""
        mouths: list[BankMouth] = []
        shapes: list[Floats] = []
        turns: list[Floats] = []
        eyes: BankEyes | None = None
        widest = -np.inf
        for picture, face in zip(pictures, points, strict=False):
            openness = _eye_quality(face)
            if openness > widest:
                widest, eyes = openness, _cut_eyes(picture, face)
            if mouth_gap(face) < OPEN:
                continue
            mouth = _cut_mouth(picture, face)
            if mouth is not None:
                mouths.append(mouth)
                shapes.append(lip_shape(head_shape(face)))
                turns.append(head_turn(face))
        keep = _spread(np.array(shapes), _CAPACITY) if mouths else []
        empty = np.zeros((0, len(INNER_LIPS), 2), np.float32)
        return cls(
            [mouths[i] for i in keep],
            np.array([shapes[i] for i in keep], np.float32) if keep else empty,
            np.array([turns[i] for i in keep], np.float32).reshape(-1, 2),
            eyes,
        )

    def save(self, path: Path) -> None:
        """One npz file without pickled objects."""
        arrays = {
            "shapes": self.shapes,
            "turns": self.turns,
            "rings": np.array([m.ring for m in self.mouths], np.float32).reshape(-1, len(INNER_LIPS), 2),
            "sizes": np.array([m.pixels.shape[:2] for m in self.mouths], np.int32).reshape(-1, 2),
            "pixels": np.concatenate([m.pixels.ravel() for m in self.mouths] or [np.zeros(0, np.uint8)]),
        }
        if self.eyes is not None:
            arrays |= {"eyes": self.eyes.pixels, "eye_points": self.eyes.points}
        np.savez(path, **arrays)

    @classmethod
    def load(cls, path: Path) -> "MouthBank":
        """Raises TargetError for a file that is not a whole bank."""
        try:
            with np.load(path, allow_pickle=False) as data:
                return cls._read(data)
        except Exception as error:  # zipfile, zlib and numpy raise a dozen kinds for damaged archives
            raise TargetError(f"{path} is not a mouth bank ({error}): remove the target and add it again") from error

    @classmethod
    def _read(cls, data: "np.lib.npyio.NpzFile") -> "MouthBank":
        shapes, turns, rings, sizes = (data[k] for k in ("shapes", "turns", "rings", "sizes"))
        count = len(sizes)
        if shapes.shape != (count, len(INNER_LIPS), 2) or turns.shape != (count, 2) or rings.shape != shapes.shape:
            raise ValueError(f"arrays of {shapes.shape}, {turns.shape} and {rings.shape} for {count} mouths")
        if sizes.shape != (count, 2) or sizes.dtype.kind != "i" or (sizes < 1).any():
            raise ValueError(f"sizes of shape {sizes.shape} and type {sizes.dtype}, some of them perhaps less than 1")
        if not all(a.dtype.kind == "f" and np.isfinite(a).all() for a in (shapes, turns, rings)):
            raise ValueError("shapes, turns or rings hold what is not a finite number")
        ends = np.cumsum(sizes.prod(1, dtype=np.int64) * 3) if count else np.zeros(0, np.int64)
        pixels = data["pixels"]
        if pixels.dtype != np.uint8 or pixels.size != (ends[-1] if count else 0):
            raise ValueError(f"{pixels.size} bytes of pixels, expected {ends[-1] if count else 0}")
        parts = np.split(pixels, ends[:-1]) if count else []
        mouths = [
            BankMouth(np.ascontiguousarray(part.reshape(h, w, 3)), ring.astype(np.float32))
            for part, (h, w), ring in zip(parts, sizes, rings, strict=True)
        ]
        eyes = None
        if "eyes" in data:
            eyes = BankEyes(np.ascontiguousarray(data["eyes"]), data["eye_points"])
            check_pixels("eyes", eyes.pixels)
            check_points("eye_points", eyes.points)
        return cls(mouths, shapes.astype(np.float32), turns.astype(np.float32), eyes)


def lip_shape(shape: Floats) -> Floats:
    """The inner lips (20, 2) of a head shape (478, 3), about their middle: what entries are compared by."""
    ring = shape[INNER_LIPS, :2]
    centred: Floats = (ring - ring.mean(0)).astype(np.float32)
    return centred


def head_turn(points: Floats) -> Floats:
    """(2,) float32: how far the face looks to the side and up or down, sines of the angles."""
    return head_pose(points).rotation[:2, 2].astype(np.float32)


def _eye_quality(points: Floats) -> float:
    """How well both eyes of a face can serve as the open eyes: wide, looking ahead, head to the front."""
    opening = eye_opening(points)
    return float(opening.min() - 0.5 * np.abs(iris_place(points)).max() - 0.4 * np.linalg.norm(head_turn(points)))


def _cut_mouth(picture: Pixels, points: Floats) -> BankMouth | None:
    ring = points[INNER_LIPS, :2]
    low = np.floor(ring.min(0)).astype(int) - _MARGIN
    high = np.ceil(ring.max(0)).astype(int) + _MARGIN + 1
    if low.min() < 0 or high[0] > picture.shape[1] or high[1] > picture.shape[0]:
        return None
    return BankMouth(picture[low[1] : high[1], low[0] : high[0]].copy(), (ring - low).astype(np.float32))


def _cut_eyes(picture: Pixels, points: Floats) -> BankEyes:
    around = points[np.concatenate([RIGHT_EYE, LEFT_EYE]), :2]
    pad = int(0.25 * np.linalg.norm(points[33, :2] - points[263, :2])) + 2
    low = np.floor(around.min(0)).astype(int) - pad
    high = np.ceil(around.max(0)).astype(int) + pad
    size = high - low
    shift = np.array([[1, 0, -low[0]], [0, 1, -low[1]]], np.float64)
    crop = cv2.warpAffine(picture, shift, (int(size[0]), int(size[1])), borderMode=cv2.BORDER_REPLICATE)
    moved = points.copy()
    moved[:, :2] -= low
    return BankEyes(crop, moved)


def _spread(shapes: Floats, count: int) -> list[int]:
    """Indices of at most count shapes far from each other (farthest-point sampling), in their own order."""
    if len(shapes) <= count:
        return list(range(len(shapes)))
    flat = shapes.reshape(len(shapes), -1)
    chosen = [int(np.argmax(np.linalg.norm(flat, axis=1)))]
    distance = np.linalg.norm(flat - flat[chosen[0]], axis=1)
    while len(chosen) < count:
        chosen.append(int(np.argmax(distance)))
        distance = np.minimum(distance, np.linalg.norm(flat - flat[chosen[-1]], axis=1))
    return sorted(chosen)
