"""How a picture is scored against the truth: by region, in sharpness, flicker and landmarks."""

import math

import cv2
import numpy as np
import pytest
import tracked

from reenact.bench.regions import REGIONS, Face, psnr
from reenact.bench.scenes import face_moved
from reenact.bench.scores import Scorer, face_finder, score
from reenact.errors import InputError
from reenact.types import Shot

EXACT = 10 * math.log10(255**2 / 1e-3)


def face() -> tuple[np.ndarray, np.ndarray]:
    """A picture with a face and its (478, 2) points, far from the edges."""
    frames, tracks = tracked.driver()
    return frames[0].pixels, np.ascontiguousarray(tracks[0].points[:, :2])


class Known:
    """A finder that knows the points of each picture by its first pixel."""

    def __init__(self, *points: np.ndarray | None) -> None:
        self.points = points

    def __call__(self, pixels: np.ndarray) -> np.ndarray | None:
        return self.points[pixels[0, 0, 0]]


def numbered(pixels: np.ndarray, number: int) -> np.ndarray:
    marked = pixels.copy()
    marked[0, 0] = number
    return marked


def talking() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Four pictures of an open mouth, and their points."""
    frames, tracks = tracked.driver()
    gaps = [float(np.linalg.norm(t.points[13] - t.points[14])) for t in tracks]
    first = int(np.argmax(np.convolve(gaps, np.ones(4), "valid")))
    chosen = range(first, first + 4)
    return [frames[i].pixels for i in chosen], [np.ascontiguousarray(tracks[i].points[:, :2]) for i in chosen]


class Following:
    """A finder that knows the points of each of the truth's pictures, and finds them in every output of the moment."""

    def __init__(self, truth: list[np.ndarray], points: list[np.ndarray]) -> None:
        self.truth, self.points, self.now = truth, points, 0

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        self.now = next((i for i, true in enumerate(self.truth) if true is pixels), self.now)
        return self.points[self.now]


def test_an_exact_copy_has_no_error() -> None:
    pixels, points = face()
    got = score([pixels] * 4, {"copy": [pixels.copy() for _ in range(4)]}, lambda _: points)["copy"]
    assert got.psnr_face == pytest.approx(EXACT)
    assert got.ssim_face == pytest.approx(1, abs=1e-5)
    assert [getattr(got, name) for name in ("l1_mouth", "l1_eyes", "akd", "lips", "lids", "gaze")] == [0] * 6
    assert (got.jitter, got.untracked) == (0, 0)
    for region in REGIONS:
        if region != "inner_mouth":
            assert got.region(region) == pytest.approx(EXACT)
    assert (got.sharp_face, got.sharp_mouth) == (1, 1)
    assert math.isnan(got.flicker_face)  # the truth does not change


def test_an_exact_copy_of_what_moves_flickers_as_it_does() -> None:
    shown, points = talking()
    got = score(shown, {"copy": [p.copy() for p in shown], "still": [shown[0]] * len(shown)}, Following(shown, points))
    assert (got["copy"].flicker_face, got["copy"].flicker_mouth) == (1, 1)
    assert (got["still"].flicker_face, got["still"].flicker_mouth) == (0, 0)
    assert got["copy"].db_inner_mouth == pytest.approx(EXACT)  # these mouths are open
    assert got["still"].db_inner_mouth < got["still"].db_face


def test_blur_takes_sharpness_and_noise_brings_flicker() -> None:
    shown, points = talking()
    rng = np.random.default_rng(0)

    def noisy(picture: np.ndarray, sigma: float) -> np.ndarray:
        grain = rng.normal(0, sigma, picture.shape)
        return (picture + grain).clip(0, 255).astype(np.uint8)

    outputs = {
        "little": [cv2.GaussianBlur(p, (0, 0), 0.7) for p in shown],
        "much": [cv2.GaussianBlur(p, (0, 0), 2.0) for p in shown],
        "grain": [noisy(p, 3) for p in shown],
        "more": [noisy(p, 8) for p in shown],
        "fixed": [p.copy() for p in shown],
    }
    for picture in outputs["fixed"]:  # a mark that stays where it is
        picture[200:204, 300:340] = 255
    got = score(shown, outputs, Following(shown, points))
    for place in ("face", "mouth"):
        sharp = {name: getattr(scores, f"sharp_{place}") for name, scores in got.items()}
        flicker = {name: getattr(scores, f"flicker_{place}") for name, scores in got.items()}
        assert sharp["much"] < 0.1 < sharp["little"] < 0.5
        assert 1.1 < sharp["grain"] < sharp["more"]
        assert flicker["much"] < 1
        assert 1.2 < flicker["grain"] < flicker["more"]
    assert got["fixed"].flicker_face < 1.2
    assert got["little"].db_face > got["much"].db_face


def test_sharpness_is_told_apart_by_place() -> None:
    shown, points = talking()
    soft = [cv2.GaussianBlur(p, (0, 0), 2.0) for p in shown]
    brow, mouth = [p.copy() for p in shown], [p.copy() for p in shown]
    for i, at in enumerate(points):
        line = int(at[2, 1])  # under the nose
        brow[i][:line], mouth[i][line:] = soft[i][:line], soft[i][line:]
    got = score(shown, {"brow": brow, "mouth": mouth}, Following(shown, points))
    assert got["brow"].sharp_mouth > 0.9
    assert got["brow"].sharp_face < 0.6
    assert got["mouth"].sharp_mouth < 0.2
    assert got["mouth"].sharp_face > 0.3


def test_motion_is_no_flicker_but_a_changing_light_is() -> None:
    pixels, points = face()
    wide = cv2.copyMakeBorder(pixels, 40, 40, 40, 40, cv2.BORDER_REPLICATE)
    sliding = [np.ascontiguousarray(wide[40:520, 40 - 3 * i : 680 - 3 * i]) for i in range(5)]
    places = [points + np.float32([3 * i, 0]) for i in range(5)]
    rng = np.random.default_rng(1)
    grain = [np.clip(p + rng.normal(0, 2, p.shape), 0, 255).astype(np.uint8) for p in sliding]
    blinking = [cv2.convertScaleAbs(p, alpha=1.0, beta=20 * (i % 2)) for i, p in enumerate(sliding)]
    got = score(grain, {"clean": sliding, "light": blinking}, Following(grain, places))
    assert got["clean"].flicker_face < 0.5  # 3 pixels of motion weigh less than 2 grey levels of grain
    assert got["light"].flicker_face > 4


def test_regions_are_pooled_over_all_pictures() -> None:
    pixels, points = face()
    pixels = np.minimum(pixels, 200)
    exact, off = numbered(pixels, 0), numbered(pixels, 0)
    off[1:] += np.uint8(10)
    got = score([exact] * 4, {"half": [exact, off, exact, off]}, lambda _: points)["half"]
    assert got.db_face == pytest.approx(10 * math.log10(255**2 / 50), abs=1e-3)
    assert got.psnr_face == pytest.approx((EXACT + 20 * math.log10(25.5)) / 2, abs=1e-3)
    assert got.db_outside == pytest.approx(got.db_face, abs=0.05)
    assert math.isnan(got.db_inner_mouth)  # his lips are shut


def test_each_region_sees_its_own_place() -> None:
    shown, points = talking()
    centres = {"eyes": points[0][159], "inner_mouth": (points[0][13] + points[0][14]) / 2, "outside": (20.0, 20.0)}
    seen = {"eyes": {"face", "eyes"}, "inner_mouth": {"face", "mouth", "inner_mouth"}, "outside": {"outside"}}
    for place, (x, y) in centres.items():
        spoilt = shown[0].copy()
        spoilt[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3] ^= 128
        got = score(shown[:1], {"o": [spoilt]}, Following(shown, points))["o"]
        assert {region for region in REGIONS if got.region(region) < 70} == seen[place]


def test_a_known_difference_gives_its_psnr() -> None:
    pixels, points = face()
    pixels = np.minimum(pixels, 250)
    got = score([pixels] * 3, {"lighter": [pixels + np.uint8(2)] * 3}, lambda _: points)["lighter"]
    assert got.psnr_face == pytest.approx(20 * math.log10(255 / 2), abs=1e-4)
    assert got.l1_mouth == pytest.approx(2)
    assert got.l1_eyes == pytest.approx(2)
    assert 0.9 < got.ssim_face < 1


def test_only_what_is_near_the_face_lips_and_eyes_counts() -> None:
    pixels, points = face()
    spoilt = pixels.copy()
    spoilt[:, :40] = 255 - spoilt[:, :40]
    got = score([pixels], {"background": [spoilt]}, lambda _: points)["background"]
    assert got.psnr_face == pytest.approx(EXACT)
    spoilt = pixels.copy()
    x, y = points[13].astype(int)
    spoilt[y - 8 : y + 8, x - 8 : x + 8] = 0
    got = score([pixels], {"lips": [spoilt]}, lambda _: points)["lips"]
    assert got.l1_mouth > 1
    assert got.l1_eyes == 0
    assert got.psnr_face < 40


def test_points_are_measured_in_percent_of_the_eye_distance() -> None:
    pixels, points = face()
    unit = float(np.linalg.norm(points[33] - points[263])) / 100
    moved = points + np.float32([3 * unit, 4 * unit])
    lids, gaze, lips = points.copy(), points.copy(), points.copy()
    lids[159] += (points[159] - points[145]) * np.float32(0.5)
    gaze[468, 0] += 2 * unit
    lips[13] -= np.float32([0, 6 * unit])
    outputs = {name: [numbered(pixels, i)] * 3 for i, name in enumerate(("moved", "lids", "gaze", "lips"), 1)}
    got = score([numbered(pixels, 0)] * 3, outputs, Known(points, moved, lids, gaze, lips))
    assert got["moved"].akd == pytest.approx(5, abs=1e-3)
    for name in ("lips", "lids", "gaze", "jitter"):
        assert getattr(got["moved"], name) == pytest.approx(0, abs=1e-3)
    opening = float(np.linalg.norm(points[159] - points[145])) / unit
    assert got["lids"].lids == pytest.approx(opening * 0.5 / 2, rel=1e-3)  # one eye of two
    assert got["gaze"].gaze == pytest.approx(1, abs=1e-3)
    assert got["gaze"].akd == 0  # irises are not among the 468
    assert got["lips"].lips == pytest.approx(_lips_after(points, lips, unit), abs=1e-3)
    assert got["lips"].akd == pytest.approx(6 / 468, abs=1e-3)


def _lips_after(before: np.ndarray, after: np.ndarray, unit: float) -> float:
    gap = [float(np.linalg.norm(p[13] - p[14])) / unit for p in (before, after)]
    return abs(gap[1] - gap[0])


def test_jitter_is_the_shake_that_the_truth_has_not() -> None:
    pixels, points = face()
    unit = np.linalg.norm(points[33] - points[263]) / 100
    shaken = points + np.float32([unit, 0])
    shaking = [numbered(pixels, i % 2) for i in range(5)]
    drifting = Known(*(points + np.float32([i * unit, 0]) for i in range(5)))
    still = [numbered(pixels, 0)] * 5
    assert score(still, {"o": shaking}, Known(points, shaken))["o"].jitter == pytest.approx(math.sqrt(2), rel=1e-3)
    steadily = [numbered(pixels, i) for i in range(5)]
    assert score(still, {"o": steadily}, drifting)["o"].jitter == pytest.approx(0, abs=1e-3)


def test_lost_faces_are_counted_and_the_truth_s_own_gaps_are_not() -> None:
    pixels, points = face()
    finder = Known(points, None)
    seen, lost = numbered(pixels, 0), numbered(pixels, 1)
    got = score([seen] * 3 + [lost], {"o": [seen, lost, seen, seen]}, finder)["o"]
    assert got.untracked == pytest.approx(1 / 3)
    assert got.akd == 0
    assert math.isnan(got.jitter)
    none = score([seen] * 2, {"o": [lost] * 2}, finder)["o"]
    assert none.untracked == 1
    assert math.isnan(none.akd)
    assert none.psnr_face > 40
    with pytest.raises(InputError, match="no face in any of its 2"):
        score([lost] * 2, {"o": [seen] * 2}, finder)


def test_pictures_that_do_not_fit_are_refused() -> None:
    pixels, points = face()
    for output, words in (
        ([pixels], "o has 1 pictures, the truth has more"),
        ([pixels] * 3, "o has more pictures than the truth's 2"),
        ([pixels[:100]] * 2, "o is 640x100, the truth is 640x480"),
    ):
        with pytest.raises(InputError, match=words):
            score([pixels] * 2, {"o": output}, lambda _: points)


def test_mediapipe_sees_a_shifted_picture_shifted() -> None:
    pixels, _ = face()
    with face_finder() as find:
        points = find(pixels)
        assert points is not None
        assert points.shape == (478, 2)
        assert find(np.zeros_like(pixels)) is None
        unit = float(np.linalg.norm(points[33] - points[263])) / 100
        got = score([pixels], {"shifted": [np.roll(pixels, 12, axis=1)]}, find)["shifted"]
    assert got.akd == pytest.approx(12 / unit, rel=0.05)
    assert got.lips < 1
    assert got.lids < 1
    assert got.psnr_face < 30


def test_a_face_that_was_moved_lies_where_the_other_is() -> None:
    frames, tracks = tracked.driver()
    turn = cv2.getRotationMatrix2D((320.0, 240.0), 6.0, 1.05)
    pixels = cv2.warpAffine(frames[0].pixels, turn, (640, 480))
    points = tracks[0].points.copy()
    points[:, :2] = points[:, :2] @ turn[:, :2].T + turn[:, 2]
    here = Shot(frames[0].pixels, tracks[0].points, frames[0].pixels, tracks[0].points, 0)
    there = Shot(pixels, points.astype(np.float32), pixels, points.astype(np.float32), 1)
    made = face_moved(here, there)
    face = Face(pixels, np.ascontiguousarray(there.points[:, :2]))
    seen = face.compare(made)
    assert psnr(seen.squares["face"], seen.counts["face"]) > 38  # but for sampling it twice
    assert (made[:20] == pixels[:20]).all()


def test_a_face_is_looked_for_where_it_is_said_to_be() -> None:
    pixels, points = face()
    large = np.zeros((1440, 1920, 3), np.uint8)
    large[900:1380, 1200:1840] = pixels
    asked: list[tuple[int, ...]] = []

    def find(crop: np.ndarray) -> np.ndarray:
        asked.append(crop.shape)
        at = np.argwhere(np.abs(crop.astype(int) - pixels[200, 320]).max(2) == 0)
        assert len(at)
        return points if crop.shape == large.shape else points + np.float32([1200, 900]) - corner

    unit = float(np.linalg.norm(points[33] - points[263]))
    middle = (points[:468] + np.float32([1200, 900])).mean(0)
    corner = np.floor(middle - 2.2 * unit).astype(np.float32)
    scorer = Scorer(["o"], find)
    scorer.add(large, {"o": large.copy()}, near=points + np.float32([1200, 900]))
    assert scorer.face is not None
    assert np.abs(scorer.face.points - points - np.float32([1200, 900])).max() < 1e-3
    assert all(max(shape) < 4.6 * unit for shape in asked)
    assert scorer.scores()["o"].akd == 0
    scorer.skip()
    assert scorer.face is None
    assert scorer.count == 2


def test_a_scorer_counts_and_shows_the_face_of_the_moment() -> None:
    pixels, points = face()
    scorer, seen = Scorer(["o"], Known(points, None)), numbered(pixels, 0)
    scorer.add(seen, {"o": seen})
    assert scorer.face is not None
    scorer.add(numbered(pixels, 1), {"o": seen})
    assert scorer.face is None
    assert scorer.count == 2
