"""Where the lids' edges are seen, and lids that shut over all of the eye."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest
from people import motion
from tracked import average_face

from reenact.config import GeneratorConfig
from reenact.generation import PortraitGenerator
from reenact.generation.eyes import EYES
from reenact.generation.lids import lid_edges
from reenact.retarget.neutral import eye_opening, head_shape, iris_place
from reenact.retarget.transfer import LIDS
from reenact.types import Shot

SKIN, WHITE, IRIS = (110, 140, 190), (235, 238, 240), (40, 50, 60)


@dataclass
class Photo:
    neutral: np.ndarray
    kind: str = "photo"
    bank: None = None


def painted(outward: float) -> tuple[np.ndarray, np.ndarray]:
    """A face of paint whose upper lids are seen so many eye widths above the mesh's: picture and points."""
    points = average_face(200, (256, 256))
    picture = np.full((512, 512, 3), SKIN, np.uint8)
    for eye, (ring, _, a, b) in enumerate(EYES):
        seen, width = points.copy(), np.linalg.norm(points[a, :2] - points[b, :2])
        for upper, _ in LIDS[eye]:
            seen[upper, 1] -= outward * width
        opening = np.zeros(picture.shape[:2], np.uint8)
        cv2.fillPoly(opening, [np.round(seen[ring, :2] * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        ball = np.full_like(picture, WHITE)
        middle = points[a, :2] * 0.5 + points[b, :2] * 0.5 + iris_place(points)[eye] * width
        cv2.circle(ball, tuple(int(v) for v in np.round(middle * 16)), int(0.2 * width * 16), IRIS, -1, cv2.LINE_AA, 4)
        share = opening[..., None] / 255
        picture = np.round(picture * (1 - share) + ball * share).astype(np.uint8)
    return cv2.GaussianBlur(picture, (0, 0), 0.8), points


@pytest.mark.parametrize("outward", [0.0, 0.04, 0.07])
def test_the_edges_are_found_in_the_picture(outward: float) -> None:
    found = lid_edges(*painted(outward)).outward
    assert found[:, 1:-1, 0].mean() == pytest.approx(outward, abs=0.02)  # a pixel is 0.017
    assert np.abs(found[:, 1:-1, 1]).mean() < 0.015


def test_a_face_without_edges_keeps_the_meshs_lids() -> None:
    points = average_face(200, (256, 256))
    edges = lid_edges(np.full((512, 512, 3), SKIN, np.uint8), points)
    width = np.linalg.norm(points[33] - points[133])
    assert np.abs(edges.seen(points) - points).max() < 0.025 * width


def test_lids_are_seen_further_out_as_long_as_they_are_open() -> None:
    picture, points = painted(0.08)
    edges = lid_edges(picture, points)
    lids = np.unique(np.array(LIDS).reshape(-1))
    others = np.setdiff1d(np.arange(478), lids)
    assert np.array_equal(edges.seen(points)[others], points[others])
    gaps = []
    for opening in (1.0, 0.5, 0.0):
        face = points.copy()
        for upper, lower in np.array(LIDS).reshape(-1, 2):
            face[upper] = points[lower] + (points[upper] - points[lower]) * np.float32(opening)
        gaps.append(eye_opening(edges.seen(face)).mean() / eye_opening(edges.seen(points)).mean())
    assert gaps == pytest.approx([1.0, 0.5, 0.0], abs=0.02)


@pytest.mark.parametrize("outward", [0.0, 0.05, 0.08])
def test_shut_lids_leave_no_sliver_of_the_eye(outward: float) -> None:
    """Neither of its white nor of its iris, however far the lids are seen from where the mesh has them."""
    picture, points = painted(outward)
    shot = Shot(picture, points, picture, points, 0)
    generator = PortraitGenerator(Photo(head_shape(points)), GeneratorConfig(network=False, mouth="generated"))
    patch = generator.generate(shot, replace(motion(), lids=np.zeros(2, np.float32)), None)
    x, y = (int(v) for v in patch.matrix[:, 2])
    beneath = picture[y : y + patch.pixels.shape[0], x : x + patch.pixels.shape[1]]
    apart = [np.abs(p.astype(int) - SKIN).max(-1) > 40 for p in (beneath, patch.pixels)]
    assert apart[0].sum() > 1000
    assert apart[1].sum() < 0.02 * apart[0].sum()
    opened = generator.generate(shot, motion(), None)
    assert np.abs(opened.pixels.astype(int) - beneath).mean() < 0.5  # at rest nothing changes
