"""Eyes drawn again at another gaze, and an inner mouth laid into the lips."""

import cv2
import numpy as np
import pytest
from tracked import driver, moved, track

from reenact import assets
from reenact.generation.eyes import EYES, corner_frame, draw_eye, eyeballs, lid_curve
from reenact.generation.mouth import _GAIN, MouthPicture, from_driver, paste_mouth
from reenact.retarget.neutral import iris_place, mouth_gap
from reenact.sources import read_picture
from reenact.tracking.facemesh import FaceMeshTracker
from reenact.tracking.innermouth import cut_inner_mouth
from reenact.tracking.topology import INNER_LIPS
from reenact.types import FaceTrack, Frame


@pytest.fixture(scope="module")
def photo() -> tuple[np.ndarray, np.ndarray]:
    picture = read_picture(assets.PHOTO)
    with FaceMeshTracker(still=True) as tracker:
        found = tracker.track(Frame(picture, 0, 0.0))
    assert found is not None
    return picture, found.points


def over(picture: np.ndarray, layer: np.ndarray) -> np.ndarray:
    share = layer[..., 3:].astype(float) / 255
    return picture + (layer[..., :3] - picture.astype(float)) * share


def polygon(size: tuple[int, int], ring: np.ndarray, grow: int = 0) -> np.ndarray:
    """(h, w) bool: inside the ring, or `grow` pixels further out, or in."""
    mask = np.zeros(size, np.uint8)
    cv2.fillPoly(mask, [np.round(ring * 16).astype(np.int32)], 1, shift=4)
    square = np.ones((2 * abs(grow) + 1,) * 2, np.uint8)
    return (cv2.dilate(mask, square) if grow > 0 else cv2.erode(mask, square)) > 0


def drawn(photo, eye: int, shift: tuple[float, float] = (0, 0), weight: float = 1.0) -> np.ndarray:
    picture, points = photo
    layer = np.zeros((*picture.shape[:2], 4), np.uint8)
    place = iris_place(points)[eye] + np.float32(shift)
    draw_eye(layer, points, eye, eyeballs(picture, points)[eye], place, (0, 0), weight)
    return layer


# Eyes


@pytest.mark.parametrize("eye", [0, 1])
def test_an_eye_drawn_where_it_was_is_hardly_changed(photo, eye: int) -> None:
    picture, points = photo
    inside = polygon(picture.shape[:2], points[EYES[eye][0], :2], -4)  # lids are tracked a few pixels off
    difference = np.abs(over(picture, drawn(photo, eye)) - picture)[inside]
    changed = np.abs(over(picture, drawn(photo, eye, (0.15, 0))) - picture)[inside]
    assert np.median(difference) < 3
    assert difference.mean() < 10
    assert difference.mean() < changed.mean() / 3


@pytest.mark.parametrize("eye", [0, 1])
@pytest.mark.parametrize("shift", [0.08, -0.08, 0.15])
def test_the_dark_of_the_iris_moves_as_far_as_the_gaze(photo, eye: int, shift: float) -> None:
    picture, points = photo
    ring, _, a, b = EYES[eye]
    inside = polygon(picture.shape[:2], points[ring, :2], -1)
    width = float(np.linalg.norm(points[a, :2] - points[b, :2]))

    def middle(layer: np.ndarray) -> float:
        luma = layer[..., :3] @ np.array([0.114, 0.587, 0.299])
        dark = np.clip(np.percentile(luma[inside], 45) - luma, 0, None) * inside
        return float((dark * np.arange(dark.shape[1])).sum() / dark.sum())

    assert (middle(drawn(photo, eye, (shift, 0))) - middle(drawn(photo, eye))) / width == pytest.approx(shift, rel=0.2)


@pytest.mark.parametrize("eye", [0, 1])
def test_an_eye_is_drawn_between_its_lids_and_nowhere_else(photo, eye: int) -> None:
    picture, points = photo
    alpha = drawn(photo, eye)[..., 3]
    curve = lid_curve(points, EYES[eye][0])
    assert not alpha[~polygon(picture.shape[:2], curve, 1)].any()
    a, b = photo[1][list(EYES[eye][2:]), :2]
    middle = np.linalg.norm(np.indices(alpha.shape)[::-1].transpose(1, 2, 0) - (a + b) / 2, axis=-1)
    within, width = polygon(picture.shape[:2], curve, -1), np.linalg.norm(a - b)
    assert (alpha[within & (middle < 0.36 * width)] == 255).all()
    assert not alpha[middle > 0.49 * width].any()  # the corners are the mesh's
    half = drawn(photo, eye, weight=0.5)[..., 3]
    assert half.max() == 128
    assert not drawn(photo, eye, weight=0.0)[..., 3].any()


@pytest.mark.parametrize("eye", [0, 1])
def test_where_only_the_iris_moves_only_what_it_leaves_and_takes_is_drawn(photo, eye: int) -> None:
    picture, points = photo
    ball, own = eyeballs(picture, points)[eye], iris_place(points)[eye]
    place = own + np.float32([0.1, 0])
    to_uv = corner_frame(points, *EYES[eye][2:])
    x, y = np.meshgrid(np.arange(picture.shape[1]), np.arange(picture.shape[0]))
    uv = np.stack([x, y, np.ones_like(x)], -1) @ to_uv.T
    near = np.minimum(np.linalg.norm(uv - own, axis=-1), np.linalg.norm(uv - place, axis=-1)) / ball.radius
    whole, partly = (np.zeros((*picture.shape[:2], 4), np.uint8) for _ in range(2))
    draw_eye(whole, points, eye, ball, place, (0, 0), 1.0, own, 1.0)
    draw_eye(partly, points, eye, ball, place, (0, 0), 1.0, own, 0.0)
    assert not partly[near > 1.55][:, 3].any()
    assert whole[near > 1.55][:, 3].any()
    assert np.array_equal(partly[near < 1.2], whole[near < 1.2])


def test_an_eye_is_drawn_in_a_patch_as_in_the_whole_picture(photo) -> None:
    picture, points = photo
    whole, origin = drawn(photo, 0), (int(points[33, 0]) - 30, int(points[33, 1]) - 40)
    patch = np.zeros((90, 140, 4), np.uint8)
    draw_eye(patch, points, 0, eyeballs(picture, points)[0], iris_place(points)[0], origin, 1.0)
    cut = whole[origin[1] : origin[1] + 90, origin[0] : origin[0] + 140]
    assert patch[..., 3].any()
    assert np.abs(patch.astype(int) - cut).max() <= 2


def test_an_eye_outside_the_patch_draws_nothing(photo) -> None:
    picture, points = photo
    layer = np.zeros((60, 60, 4), np.uint8)
    far = moved(points, np.zeros(3), (-30, 0), 1.0)
    draw_eye(layer, far, 0, eyeballs(picture, points)[0], iris_place(points)[0], (0, 0), 1.0)
    assert not layer.any()


@pytest.mark.parametrize("eye", [0, 1])
def test_the_eyeball_is_complete_behind_the_lids(photo, eye: int) -> None:
    """The white is bright where lids and iris were, the iris dark all round."""
    ball = eyeballs(*photo)[eye]
    assert 0.12 <= ball.radius <= 0.3
    height, width = ball.white.shape[:2]
    v, u = np.mgrid[0:height, 0:width].astype(np.float32)
    distance = np.hypot(u / 96 - 0.62 - ball.place[0], v / 96 - 0.42 - ball.place[1]) / ball.radius
    assert ball.white[distance < 1].mean() > ball.iris[distance < 0.8].mean() + 40
    spokes = [
        ball.iris[(distance < 0.9) & side].mean()
        for side in (u / 96 - 0.62 < ball.place[0], u / 96 - 0.62 > ball.place[0])
    ]
    assert abs(spokes[0] - spokes[1]) < 30


@pytest.mark.parametrize("eye", [0, 1])
def test_the_eyes_frame_is_the_one_irises_are_placed_in(photo, eye: int) -> None:
    points = photo[1]
    _, iris, a, b = EYES[eye]
    to_uv = corner_frame(points, a, b)
    in_uv = points[[a, b, iris[0]], :2] @ to_uv[:, :2].T + to_uv[:, 2]
    assert in_uv[:2] == pytest.approx(np.array([[-0.5, 0], [0.5, 0]]), abs=1e-5)
    assert in_uv[2] == pytest.approx(iris_place(points)[eye], abs=1e-4)


def test_the_lids_curve_goes_through_its_points(photo) -> None:
    for ring, *_ in EYES:
        assert np.allclose(lid_curve(photo[1], ring, 4)[::4], photo[1][ring, :2], atol=1e-3)


# Mouth


def open_mouth() -> tuple[np.ndarray, np.ndarray]:
    """The driver's picture and points where the mouth is widest open."""
    pictures, tracks = driver()
    widest = max(range(len(tracks)), key=lambda i: mouth_gap(tracks[i].points))
    return pictures[widest].pixels, tracks[widest].points


def plain_mouth(colour: tuple[int, int, int], ring: np.ndarray, gain: tuple[float, float, float]) -> MouthPicture:
    """One colour between the lips and black, as InnerMouth has it, around them."""
    low = np.floor(ring.min(0)).astype(int) - 2
    size = np.ceil(ring.max(0)).astype(int) + 3 - low
    mask = polygon((size[1], size[0]), ring - low)
    pixels = np.where(mask[..., None], np.uint8(colour), np.uint8(0))
    return MouthPicture(pixels, mask.astype(np.uint8) * 255, (ring - low).astype(np.float32), np.float32(gain))


@pytest.mark.parametrize("stretch", [(1.0, 1.0), (1.4, 0.7), (0.6, 1.5), (1.0, 0.3)])
def test_a_mouth_stays_between_the_lips_and_fills_them(stretch: tuple[float, float]) -> None:
    picture, points = open_mouth()
    ring = points[INNER_LIPS, :2]
    lips = ((ring - ring.mean(0)) * stretch + ring.mean(0)).astype(np.float32)
    layer = np.zeros((*picture.shape[:2], 4), np.uint8)
    paste_mouth(layer, lips, plain_mouth((40, 80, 160), ring, (1, 1, 1)), (0, 0), 1.0)
    assert not layer[~polygon(picture.shape[:2], lips, 1)].any()
    inside = polygon(picture.shape[:2], lips, -1)
    assert (layer[inside][:, 3] == 255).all()
    shown = layer[..., 3] > 0
    assert np.abs(layer[shown][:, :3].astype(int) - (40, 80, 160)).max() <= 2  # no black from outside the mask


def test_colours_are_scaled_by_the_gain_and_alpha_by_the_weight() -> None:
    picture, points = open_mouth()
    ring = points[INNER_LIPS, :2]
    layer = np.zeros((*picture.shape[:2], 4), np.uint8)
    paste_mouth(layer, ring, plain_mouth((40, 80, 160), ring, (0.5, 1.5, 2.0)), (0, 0), 0.25)
    shown = layer[polygon(picture.shape[:2], ring, -1)]
    assert np.abs(shown.astype(int) - (20, 120, 255, 63)).max() <= 2


def test_a_mouth_put_back_where_it_was_is_the_same() -> None:
    picture, points = open_mouth()
    mouth = cut_inner_mouth(*_of(picture, points))
    assert mouth is not None
    layer = np.zeros((*picture.shape[:2], 4), np.uint8)
    origin = (200, 150)
    paste_mouth(layer[150:, 200:], points[INNER_LIPS, :2], from_driver(mouth, None), origin, 1.0)
    inside = polygon(picture.shape[:2], points[INNER_LIPS, :2], -1)
    assert inside.sum() > 100
    assert np.abs(layer[inside][:, :3].astype(int) - picture[inside]).max() <= 2


def _of(picture: np.ndarray, points: np.ndarray) -> tuple[Frame, FaceTrack, np.ndarray]:
    return Frame(picture, 0, 0.0), track(points), np.float32([200, 100, 20])


def test_a_drivers_mouth_is_shown_in_the_targets_light() -> None:
    picture, points = open_mouth()
    mouth = cut_inner_mouth(*_of(picture, points))
    assert mouth is not None
    assert from_driver(mouth, None).gain == pytest.approx([1, 1, 1])
    assert from_driver(mouth, np.float32([100, 150, 20])).gain == pytest.approx([0.5, 1.5, 1])
    assert from_driver(mouth, np.float32([1, 250, 255])).gain == pytest.approx([_GAIN[0], _GAIN[1], _GAIN[1]])


def test_lips_outside_the_patch_draw_nothing() -> None:
    ring = open_mouth()[1][INNER_LIPS, :2]
    layer = np.zeros((50, 50, 4), np.uint8)
    paste_mouth(layer, ring + np.float32([900, 0]), plain_mouth((9, 9, 9), ring, (1, 1, 1)), (0, 0), 1.0)
    assert not layer.any()
