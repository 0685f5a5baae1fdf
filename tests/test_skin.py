"""Skin measured in the picture: what a face mesh does not see of a brow, and what is none of the face's doing."""

import cv2
import numpy as np
import pytest
from tracked import driver

from reenact.config import TrackingConfig
from reenact.geometry import eye_distance
from reenact.retarget.population import expression_of
from reenact.retarget.skin import Skin
from reenact.tracking import FaceMeshTracker
from reenact.tracking.canonical import SIZE
from reenact.tracking.topology import BROWS, OUTER_LIPS
from reenact.tracking.view import MARGIN, view_of
from reenact.types import FaceView, Frame


@pytest.fixture(scope="module")
def rest() -> tuple[np.ndarray, np.ndarray]:
    """The driver's picture and landmarks at rest."""
    frames, tracks = driver()
    return frames[8].pixels, tracks[8].points


def warped(picture: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    size = picture.shape[1::-1]
    return np.ascontiguousarray(cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE))


def with_brows_raised(picture: np.ndarray, points: np.ndarray, by: float) -> np.ndarray:
    """The skin about the brows moved up by so many IOD, fading out about them; nothing else."""
    iod = eye_distance(points)
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    near = np.full(x.shape, np.inf, np.float32)
    for place in points[BROWS, :2]:
        near = np.minimum(near, (x - place[0]) ** 2 + (y - place[1]) ** 2)
    share = np.exp(-near / (2 * (0.12 * iod) ** 2))
    return cv2.remap(picture, x, y + share * np.float32(by * iod), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def test_a_face_that_has_not_moved_shows_no_expression(rest) -> None:
    picture, points = rest
    found = Skin(view_of(picture, points), points).measure(view_of(picture, points), points)
    assert found.trust == 1.0
    assert np.abs(expression_of(found.weights)).max() < 1e-3
    assert np.abs(found.turn).max() < 1e-3


@pytest.mark.parametrize("by", [0.04, -0.03])
def test_brows_that_only_the_picture_shows_are_seen(rest, by: float) -> None:
    picture, points = rest
    skin = Skin(view_of(picture, points), points)
    changed = with_brows_raised(picture, points, by)
    found = skin.measure(view_of(changed, points), points)  # the mesh noticed nothing
    moved = expression_of(found.weights)
    assert found.trust > 0.9
    assert 0.35 < -moved[BROWS, 1].mean() / by < 1.3
    assert np.abs(moved[OUTER_LIPS, :2]).mean() < 0.3 * abs(by)


def test_a_camera_that_is_turned_moved_and_enlarged_changes_nothing(rest) -> None:
    picture, points = rest
    matrix = cv2.getRotationMatrix2D(tuple(float(v) for v in points[4, :2]), 9, 1.1)
    matrix[:, 2] += (7, -5)
    there = points.copy()
    there[:, :2] = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    there[:, 2] *= 1.1
    found = Skin(view_of(picture, points), points).measure(view_of(warped(picture, matrix), there), there)
    assert found.trust > 0.9
    assert np.abs(expression_of(found.weights)[:468]).mean() < 0.004


def test_a_picture_that_shows_nothing_is_not_trusted(rest) -> None:
    picture, points = rest
    view = view_of(picture, points)
    noise = np.random.default_rng(0).integers(0, 255, view.grey.shape).astype(np.uint8)
    assert Skin(view, points).measure(FaceView(noise, view.matrix), points).trust < 0.2


def test_a_view_goes_with_a_track_only_where_it_is_asked_for() -> None:
    frames, _ = driver()
    frame = Frame(frames[8].pixels, 0, 0.0)
    for views in (False, True):
        with FaceMeshTracker(TrackingConfig(views=views), still=True) as tracker:
            track = tracker.track(frame)
        assert track is not None
        assert (track.view is not None) == views
        if track.view is not None:
            assert track.view.grey.shape == (SIZE + 2 * MARGIN,) * 2
            eyes = track.points[[33, 263], :2] @ track.view.matrix[:, :2].T + track.view.matrix[:, 2]
            assert eyes[0, 1] == pytest.approx(eyes[1, 1], abs=1e-3)  # upright
