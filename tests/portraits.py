"""Motions, mouths and measures for the tests of the portrait generator."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from tracked import driver, track

from reenact.easing import rest_motion
from reenact.retarget import Retarget
from reenact.retarget.neutral import mouth_gap
from reenact.targets.mouthbank import MouthBank
from reenact.tracking.innermouth import cut_inner_mouth
from reenact.types import FaceTrack, Frame, InnerMouth, Motion, Patch, Shot

CANARY = (255, 0, 255)


@dataclass
class Prepared:
    """As much of a target as the generator asks for."""

    kind: str
    neutral: np.ndarray
    bank: MouthBank | None = None


def own_motion(target: Prepared, found: FaceTrack) -> Motion:
    """What the target's own face does in a frame, had somebody with its very face driven it."""
    retarget = Retarget()
    retarget.calibrate(track(target.neutral * np.float32(100)))
    made = retarget.retarget(found)
    assert made is not None
    return made


def talking_shot(i: int) -> Shot:
    pictures, tracks = driver()
    return Shot(pictures[i].pixels, tracks[i].points, pictures[i].pixels, tracks[i].points, i)


def widest() -> int:
    return max(range(len(driver()[1])), key=lambda i: mouth_gap(driver()[1][i].points))


def narrowest() -> int:
    return min(range(len(driver()[1])), key=lambda i: mouth_gap(driver()[1][i].points))


def gaping(seq: int = 3, t_capture: float = 0.5) -> Motion:
    """The driver's mouth at its widest, the head as it rests."""
    tracks = driver()[1]
    retarget = Retarget()
    retarget.calibrate(tracks[narrowest()])
    made = retarget.retarget(tracks[widest()])
    assert made is not None
    rest = rest_motion(seq, t_capture)
    return replace(rest, expression=made.expression, lids=np.ones(2, np.float32))


def magenta_mouth() -> InnerMouth:
    """An inner mouth that no face has: where it shows it was drawn."""
    pictures, tracks = driver()
    loud = np.empty_like(pictures[0].pixels)
    loud[:] = CANARY
    mouth = cut_inner_mouth(Frame(loud, 0, 0.0), tracks[widest()], np.float32([200, 200, 200]))
    assert mouth is not None
    return mouth


def beneath(patch: Patch, shot: Shot) -> np.ndarray:
    x, y = patch.matrix[:, 2].astype(int)
    height, width = patch.mask.shape
    return shot.pixels[y : y + height, x : x + width]


def difference(patch: Patch, shot: Shot) -> np.ndarray:
    """(h, w): how far the finished picture will be from the shot, grey levels."""
    share = patch.mask[..., None] / 255
    return (np.abs(patch.pixels.astype(float) - beneath(patch, shot)) * share).mean(2)


def within(patch: Patch, rings: Iterable[np.ndarray], grow: int) -> np.ndarray:
    """(h, w) bool: the patch's pixels inside any of the rings, grown by some pixels."""
    mask = np.zeros(patch.mask.shape, np.uint8)
    for ring in rings:
        cv2.fillPoly(mask, [np.round((ring[:, :2] - patch.matrix[:, 2]) * 16).astype(np.int32)], 1, shift=4)
    return cv2.dilate(mask, np.ones((2 * grow + 1,) * 2, np.uint8)) > 0


def changed(one: Patch, other: Patch) -> np.ndarray:
    assert np.array_equal(one.matrix, other.matrix)
    return np.abs(one.pixels.astype(int) - other.pixels).max(2) > 0
