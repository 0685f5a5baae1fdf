"""The MediaPipe tracker on real pictures: whom it follows, what it takes for a face, when it says None."""

import cv2
import numpy as np
import pytest
from people import FACE_A, FACE_B, face, two_faces
from tracked import average_face, driver, moved

from reenact import assets
from reenact.config import TrackingConfig
from reenact.geometry import eye_distance
from reenact.sources import read_picture
from reenact.stages import Tracker
from reenact.tracking import facemesh
from reenact.tracking.eyewhite import eye_white
from reenact.tracking.facemesh import FaceMeshTracker, face_score
from reenact.tracking.subject import MEMORY_S, PATIENCE_S, Subject
from reenact.tracking.topology import BROWS, INNER_LIPS, LEFT_EYE, OUTER_LIPS, OVAL, RIGHT_EYE, RIGID, face_model
from reenact.types import POINTS, Frame

RATE = 30


def frame(pixels: np.ndarray, seq: int = 0) -> Frame:
    return Frame(np.ascontiguousarray(pixels), seq, seq / RATE)


def side_by_side(left: int, right: int) -> np.ndarray:
    """Person A and person B, each so many pixels large (0: away), on their halves of a wall; (400, 800, 3)."""
    wall = np.full((400, 800, 3), 120, np.uint8)
    for x, side, file in ((0, left, FACE_A), (400, right, FACE_B)):
        if side:
            wall[400 - side :, x : x + side] = face(side, file)
    return wall


def test_the_anatomy_is_whole() -> None:
    model = face_model()
    assert (model.mean.shape, model.triangles.shape) == ((POINTS, 3), (852, 3))
    assert np.array_equal(model.mirror[model.mirror], np.arange(POINTS))
    assert np.allclose(model.mean[model.mirror] * [-1, 1, 1], model.mean, atol=1e-5)
    assert model.mean[RIGID].mean(0) == pytest.approx([0, 0, 0], abs=1e-5)
    assert eye_distance(model.mean) == pytest.approx(1, abs=0.01)
    for ring in (INNER_LIPS, OUTER_LIPS, RIGHT_EYE, LEFT_EYE, OVAL, RIGID, BROWS):
        assert len(set(ring)) == len(ring)
    for ring in (INNER_LIPS, OUTER_LIPS):  # over the top, then back below
        half = len(ring) // 2
        assert model.mean[ring[half // 2], 1] < model.mean[ring[half + half // 2], 1]
        assert np.array_equal(model.mirror[ring[1:half]], ring[half - 1 : 0 : -1])


@pytest.fixture(scope="module")
def still():
    with FaceMeshTracker(still=True) as tracker:
        yield tracker


@pytest.mark.parametrize("name", ["a", "b", "photo"])
def test_real_faces_are_faces(still: FaceMeshTracker, name: str) -> None:
    picture = {"a": face(), "b": face(file=FACE_B), "photo": read_picture(assets.PHOTO)}[name]
    found = still.track(frame(picture))
    assert found is not None
    assert found.score > 0.9
    height, width = picture.shape[:2]
    assert ((found.points[OVAL, :2] > 0) & (found.points[OVAL, :2] < (width, height))).all()
    assert found.points[RIGHT_EYE, 0].max() < found.points[LEFT_EYE, 0].min()


def test_pictures_of_another_size_are_followed_at_once_and_begin_a_new_neutral() -> None:
    small, large = face(320), cv2.resize(face(320), (640, 480))
    with FaceMeshTracker() as tracker:
        tracks = [tracker.track(frame(picture, n)) for n, picture in enumerate([small] * 3 + [large] * 3 + [small] * 2)]
    assert [track.subject for track in tracks if track is not None] == [0, 0, 0, 1, 1, 1, 2, 2]
    assert tracks[4].points[:, :2] / (640, 480) == pytest.approx(tracks[2].points[:, :2] / 320, abs=0.02)
    assert tracks[7].points == pytest.approx(tracks[2].points, abs=5)


def test_it_is_a_tracker_and_stamps_its_tracks() -> None:
    pictures, tracks = driver()
    with FaceMeshTracker() as tracker:
        assert isinstance(tracker, Tracker)
    assert [t.seq for t in tracks] == [f.seq for f in pictures]
    assert [t.t_capture for t in tracks] == [f.t_capture for f in pictures]
    assert {t.subject for t in tracks} == {0}
    assert min(t.score for t in tracks) > 0.9


@pytest.mark.parametrize("turn", [(0, 0, 0), (0, 0.6, 0), (0.4, 0, 0), (0, 0, 1.2), (0.2, -0.5, 0.3)])
def test_a_turned_face_scores_as_high(turn: tuple[float, float, float]) -> None:
    points = moved(average_face(60), np.array(turn), (0.2, -0.1), 1.3)
    assert face_score(points, (640, 480)) > 0.99


def test_what_is_no_face_scores_low() -> None:
    points, rng = driver()[1][0].points, np.random.default_rng(0)
    assert face_score(points, (640, 480)) > 0.9
    for _ in range(10):
        assert face_score(points[rng.permutation(POINTS)], (640, 480)) < 0.5
        spread = rng.uniform(0, 400, (POINTS, 3)).astype(np.float32)
        assert face_score(spread, (640, 480)) < 0.5
    assert face_score(points * np.float32([1, 0.4, 1]), (640, 480)) < 0.5  # squashed flat
    assert face_score(np.full_like(points, 100), (640, 480)) < 0.5  # all in one place


def test_a_face_that_leaves_the_picture_scores_ever_lower() -> None:
    points = driver()[1][0].points
    shifts = np.linspace(0, 1, 11) * 640
    scores = [face_score(points + np.float32([s, 0, 0]), (640, 480)) for s in shifts]
    assert (np.diff(scores) < 1e-6).all()
    assert scores[0] > 0.9
    assert scores[-1] < 0.05


def test_no_face_is_none() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    with FaceMeshTracker() as tracker:
        for seq, picture in enumerate([np.zeros((240, 320, 3), np.uint8), noise]):
            assert tracker.track(frame(picture, seq)) is None
        assert tracker.faces_seen == 0


def test_a_face_that_vanishes_is_none_at_once_and_is_the_same_when_it_is_back() -> None:
    with FaceMeshTracker() as tracker:
        before = [tracker.track(frame(face(), seq)) for seq in range(3)]
        gone = [tracker.track(frame(np.full((400, 400, 3), 120, np.uint8), seq)) for seq in range(3, 9)]
        back = tracker.track(frame(face(), 9))
    assert gone == [None] * 6
    assert before[-1] is not None
    assert back is not None
    assert back.subject == before[-1].subject
    assert np.abs(back.points - before[-1].points).max() < 0.05 * eye_distance(back.points)


def test_a_score_below_the_least_is_none() -> None:
    half = np.full((400, 400, 3), 120, np.uint8)
    half[:, 200:] = face()[:, :200]
    with FaceMeshTracker(TrackingConfig(min_score=1.0)) as strict:
        assert strict.track(frame(half)) is None


def test_a_face_that_cannot_be_read_takes_nobodys_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def left_only(points: np.ndarray, size: tuple[int, int]) -> float:
        return face_score(points, size) if points[:, 0].mean() < size[0] / 2 else 0.1

    monkeypatch.setattr(facemesh, "face_score", left_only)
    late = round(1.2 * PATIENCE_S * RATE)  # somebody else might have the place by then
    with FaceMeshTracker() as tracker, FaceMeshTracker(still=True) as still:
        before = [tracker.track(frame(side_by_side(400, 400), seq)) for seq in range(3)]
        assert tracker.track(frame(side_by_side(0, 400), late)) is None
        back = tracker.track(frame(side_by_side(400, 0), late + 1))
        smaller = still.track(frame(side_by_side(280, 400)))
    assert back is not None
    assert [track.subject for track in (*before, back) if track] == [0] * 4
    assert smaller is not None
    assert smaller.points[:, 0].max() < 400


def test_the_larger_face_is_followed_and_stays_followed_until_it_is_gone() -> None:
    sizes = [(400, 280)] * 4 + [(400 - 16 * i, 280 + 12 * i) for i in range(10)] + [(240, 400)] * 3
    with FaceMeshTracker() as tracker:
        tracks = [tracker.track(frame(side_by_side(*size), seq)) for seq, size in enumerate(sizes)]
        assert tracker.faces_seen == 2
        assert all(t is not None and t.points[:, 0].max() < 400 for t in tracks)  # the one on the left, always
        assert {t.subject for t in tracks if t} == {0}
        # the left one goes: nobody else takes the place before the patience is over
        seqs = range(len(sizes), len(sizes) + round((PATIENCE_S + 0.5) * RATE))
        after = [tracker.track(frame(side_by_side(0, 400), seq)) for seq in seqs]
    patient = round(PATIENCE_S * RATE)
    assert after[: patient - 1] == [None] * (patient - 1)
    assert after[-1] is not None
    assert after[-1].points[:, 0].min() > 400
    assert [t.subject for t in after if t] == [1] * (len(after) - after.count(None))
    assert after.count(None) <= patient + 2


def test_the_larger_face_is_found_on_either_side(still: FaceMeshTracker) -> None:
    left = still.track(frame(two_faces(0.7)))
    right = still.track(frame(cv2.flip(two_faces(0.7), 1)))
    assert left is not None
    assert right is not None
    assert left.points[:, 0].max() < 400 < right.points[:, 0].min()


def test_reset_forgets_who_was_followed() -> None:
    with FaceMeshTracker() as tracker:
        assert tracker.track(frame(side_by_side(400, 280), 0)) is not None
        tracker.reset()
        found = tracker.track(frame(side_by_side(200, 400), 1))
    assert found is not None
    assert found.points[:, 0].min() > 400


def test_it_may_be_closed_twice_and_used_again() -> None:
    tracker = FaceMeshTracker()
    assert tracker.track(frame(face())) is not None
    tracker.close()
    tracker.close()
    assert tracker.track(frame(face(), 1)) is not None
    tracker.close()


# Whom to follow, without pictures


def at(x: float, iod: float = 100.0) -> np.ndarray:
    return average_face(iod, (x, 200.0))


def test_a_subject_is_the_nearest_to_where_it_was() -> None:
    subject = Subject()
    assert subject.choose([], 0.0) is None
    assert subject.choose([at(200), at(600, 120)], 0.0) == 1
    subject.seen(at(600, 120), 0.0)
    assert subject.choose([at(200, 300), at(640, 90)], 0.1) == 1
    assert subject.choose([at(200, 300)], PATIENCE_S) is None
    assert subject.number == 0
    assert subject.choose([at(200, 300)], PATIENCE_S + 0.1) == 0
    assert subject.number == 1


def test_a_face_in_the_old_place_after_a_long_time_is_somebody_new() -> None:
    subject = Subject()
    subject.seen(at(200), 0.0)
    assert subject.choose([at(200)], MEMORY_S) == 0
    assert subject.number == 0
    assert subject.choose([at(200)], MEMORY_S + 0.1) == 0
    assert subject.number == 1


def test_a_subject_does_not_jump() -> None:
    subject = Subject()
    assert not subject.is_jump(at(200))
    subject.seen(at(200), 0.0)
    assert not subject.is_jump(at(250))
    assert not subject.is_jump(at(200, 150))
    assert subject.is_jump(at(400))
    assert subject.is_jump(at(200, 45))
    assert subject.is_jump(at(200, 210))


# The light on the face


def test_the_whites_of_the_eyes_tell_the_light() -> None:
    pictures, tracks = driver()
    pixels, points = pictures[0].pixels, tracks[0].points
    white = eye_white(pixels, points)
    assert white is not None
    assert white.shape == (3,)
    assert white.dtype == np.float32
    dim = np.array([0.5, 0.7, 0.9])
    found = eye_white((pixels * dim).astype(np.uint8), points)
    assert found == pytest.approx(white * dim, rel=0.05)


def test_eyes_too_small_or_out_of_the_picture_have_no_white() -> None:
    pixels = driver()[0][0].pixels
    assert eye_white(pixels, average_face(12)) is None
    assert eye_white(pixels, average_face(120, (-500, -500))) is None
