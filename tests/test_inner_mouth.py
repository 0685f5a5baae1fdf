"""Of the driver's picture nothing but the inside of the open lips may pass."""

import cv2
import numpy as np
import pytest
from tracked import driver, moved, track

from reenact.retarget.neutral import mouth_gap
from reenact.tracking.facemesh import FaceMeshTracker
from reenact.tracking.innermouth import OPEN, cut_inner_mouth
from reenact.tracking.topology import INNER_LIPS
from reenact.types import FaceTrack, Frame

WHITE = np.array([200, 210, 220], np.float32)
CANARY = (255, 0, 255)
_RIM = 1.1  # pixels: those that the lips' edge passes through count as inside


def open_mouths() -> list[tuple[Frame, FaceTrack]]:
    return [(f, t) for f, t in zip(*driver(), strict=True) if mouth_gap(t.points[:, :2]) > 0.05]


def exactly_inside(ring: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Signed distance of pixel centres to the lips, more than 0 inside."""
    polygon = ring.astype(np.float32).reshape(-1, 1, 2)
    return np.array([cv2.pointPolygonTest(polygon, (float(a), float(b)), True) for a, b in zip(x, y, strict=True)])


def test_the_driver_opens_the_mouth_often_enough_for_these_tests() -> None:
    assert len(open_mouths()) > 10


def test_nothing_outside_the_lips_passes() -> None:
    for frame, found in open_mouths():
        ring = found.points[INNER_LIPS, :2]
        height, width = frame.pixels.shape[:2]
        low, high = np.floor(ring.min(0)).astype(int) - 4, np.ceil(ring.max(0)).astype(int) + 5
        y, x = np.mgrid[low[1] : high[1], low[0] : high[0]].reshape(2, -1)
        near = exactly_inside(ring, x, y) > -_RIM
        stamped = np.empty((height, width, 3), np.uint8)
        stamped[:] = CANARY
        stamped[y[near], x[near]] = np.minimum(frame.pixels[y[near], x[near]], 250)
        mouth = cut_inner_mouth(Frame(stamped, frame.seq, 0.0), found, WHITE)
        assert mouth is not None
        assert not (mouth.pixels == CANARY).all(2).any()
        assert not mouth.pixels[mouth.mask == 0].any()
        assert mouth.mask.any()


def test_all_inside_the_lips_is_there_and_in_its_place() -> None:
    for frame, found in open_mouths():
        mouth = cut_inner_mouth(frame, found, WHITE)
        assert mouth is not None
        corner = np.round(found.points[0, :2] - mouth.points[0]).astype(int)
        assert np.allclose(mouth.points + corner, found.points[:, :2], atol=1e-3)
        y, x = np.mgrid[0 : mouth.mask.shape[0], 0 : mouth.mask.shape[1]].reshape(2, -1)
        deep = exactly_inside(mouth.points[INNER_LIPS], x, y) > 0.75
        assert mouth.mask[y[deep], x[deep]].all()
        same = mouth.mask > 0
        height, width = same.shape
        cut = frame.pixels[corner[1] : corner[1] + height, corner[0] : corner[0] + width]
        assert np.array_equal(mouth.pixels[same], cut[same])
        assert np.array_equal(mouth.white, WHITE)


def test_what_is_cut_out_is_a_copy() -> None:
    frame, found = open_mouths()[0]
    mouth = cut_inner_mouth(frame, found, WHITE)
    assert mouth is not None
    assert not np.shares_memory(mouth.pixels, frame.pixels)
    assert (mouth.pixels.shape[0] * mouth.pixels.shape[1]) < 0.05 * frame.pixels[..., 0].size


def test_a_closed_mouth_is_none() -> None:
    frame, found = open_mouths()[0]
    points = found.points.copy()
    half = len(INNER_LIPS) // 2
    for i in range(1, half):
        upper, lower = INNER_LIPS[i], INNER_LIPS[-i]
        points[upper] = points[lower] = (points[upper] + points[lower]) / 2
    assert cut_inner_mouth(frame, track(points), WHITE) is None
    for gap, shown in ((OPEN * 0.9, False), (OPEN * 1.2, True)):
        points[13, :2] = points[14, :2] - [0, gap * np.linalg.norm(points[263, :2] - points[33, :2])]
        assert (cut_inner_mouth(frame, track(points), WHITE) is not None) == shown


@pytest.mark.parametrize("shift", [(-3, 0), (3, 0), (0, -3), (0, 3), (-40, 0), (40, 40)])
def test_a_mouth_that_the_picture_cuts_is_none(shift: tuple[float, float]) -> None:
    frame, found = open_mouths()[0]
    assert cut_inner_mouth(frame, track(moved(found.points, np.zeros(3), shift, 1.0)), WHITE) is None


def test_the_tracker_cuts_it_and_remembers_the_light() -> None:
    pictures, _ = driver()
    with FaceMeshTracker() as tracker:
        shown, whites = 0, []
        for frame in pictures[:40]:
            found = tracker.track(frame)
            assert found is not None
            mouth = tracker.inner_mouth(frame, found)
            gap = mouth_gap(found.points[:, :2])
            assert (mouth is not None) == (gap >= OPEN)
            if mouth is not None:
                shown += 1
                whites.append(mouth.white)
    assert shown > 10
    assert np.ptp(whites, axis=0).max() < 15  # one light: the running colour is steady
    assert min(w.min() for w in whites) > 60
