"""Neutral calibration and relative motion."""

import numpy as np
import pytest
from tracked import POSES, average_face, calibrated, driver, moved, opened, photo_shot, track, with_lids

from reenact.config import RetargetConfig
from reenact.geometry import eye_distance, rotation_vector
from reenact.retarget import (
    Retarget,
    calibration,
    drive,
    find_neutral,
    neutral_shape,
)
from reenact.retarget.neutral import eye_opening, head_pose, head_shape, iris_place, mouth_gap
from reenact.retarget.transfer import LIDS
from reenact.stages import Retargeter
from reenact.tracking.topology import BROWS, INNER_LIPS, LEFT_IRIS, RIGHT_IRIS, RIGID, face_model
from reenact.types import POINTS, Motion


def is_still(found: Motion, expression: float) -> bool:
    return bool(
        np.linalg.norm(rotation_vector(found.rotation)) < expression
        and np.abs(found.shift).max() < expression
        and abs(found.scale - 1) < expression
        and np.linalg.norm(found.expression, axis=1).max() < expression
        and np.abs(found.gaze).max() < expression * 4
        and np.abs(found.lids - 1).max() < expression * 8
    )


# Measures of a face


@pytest.mark.parametrize(("turn", "shift", "scale"), POSES)
def test_the_heads_own_axes_do_not_depend_on_the_pose(turn, shift, scale) -> None:
    face = average_face()
    there = moved(face, np.array(turn), shift, scale)
    assert np.allclose(head_shape(there), head_shape(face), atol=1e-4)
    assert np.allclose(head_shape(face), face_model().mean, atol=5e-3)
    assert rotation_vector(head_pose(there).rotation) == pytest.approx(turn, abs=1e-4)


def test_openings_and_iris_places_are_in_the_units_they_say() -> None:
    face = average_face()
    assert mouth_gap(opened(face, 0.2)) == pytest.approx(0.2, abs=2e-3)
    assert np.allclose(eye_opening(with_lids(face, 0.5)), eye_opening(face) / 2, rtol=1e-4)
    assert eye_opening(with_lids(face, 0.0)) == pytest.approx([0, 0], abs=1e-6)
    for eye, (iris, a, b) in enumerate(((RIGHT_IRIS, 33, 133), (LEFT_IRIS, 362, 263))):
        looking, width = face.copy(), np.linalg.norm(face[b, :2] - face[a, :2])
        looking[iris, 0] += 0.1 * width
        change = iris_place(looking) - iris_place(face)
        assert change[eye] == pytest.approx([0.1, 0], abs=0.01)
        assert change[1 - eye] == pytest.approx([0, 0], abs=1e-6)


# The neutral


def lively(frames: int, resting: float, seed: int = 0) -> np.ndarray:
    """Somebody whose brows, lips and lids are busy in all but a share of the frames: (frames, 478, 3) float32."""
    rng, rest = np.random.default_rng(seed), average_face()
    out = []
    for i in range(frames):
        points = rest.copy()
        if i >= resting * frames:
            points[BROWS, 1] -= 120 * rng.uniform(0.03, 0.12)
            points = opened(points, rng.uniform(0, 0.25)) if rng.random() < 0.7 else points
            points = with_lids(points, rng.uniform(0, 0.5)) if rng.random() < 0.2 else points
        points = moved(points, rng.normal(size=3) * 0.1, (rng.normal() * 0.1, 0), 1.0)
        out.append(points + rng.normal(size=points.shape) * 0.1)
    return rng.permutation(np.array(out, np.float32))


@pytest.mark.parametrize("seed", range(3))
def test_the_neutral_shape_is_the_face_to_which_a_lively_person_returns(seed: int) -> None:
    tracks, truth = lively(200, 0.15, seed), head_shape(average_face())
    found = neutral_shape(tracks)
    assert (found.shape, found.dtype) == ((POINTS, 3), np.float32)
    error = np.linalg.norm(found - truth, axis=1)
    assert error.max() < 0.012
    plain = np.median([head_shape(p) for p in tracks], axis=0)
    assert np.linalg.norm(plain - truth, axis=1)[BROWS].mean() > 4 * error[BROWS].mean()


def test_the_neutral_shape_of_one_picture_is_its_own() -> None:
    face = opened(average_face(), 0.1)
    assert np.allclose(neutral_shape(face[None]), head_shape(face), atol=1e-6)


def test_the_neutral_shape_of_the_built_in_driver_is_closed_and_awake() -> None:
    points = np.array([t.points for t in driver()[1]])
    shape = neutral_shape(points)
    gaps = [mouth_gap(p) for p in points]
    assert mouth_gap(shape) < np.quantile(gaps, 0.3)
    assert eye_opening(shape).min() > 0.8 * np.median([eye_opening(p).min() for p in points])


def test_tracks_of_another_shape_make_no_neutral() -> None:
    for bad in (np.zeros((0, POINTS, 3), np.float32), np.zeros((POINTS, 3), np.float32)):
        with pytest.raises(ValueError, match=r"\(n, 478, 3\)"):
            neutral_shape(bad)
    with pytest.raises(ValueError, match="no tracks"):
        find_neutral([])


def test_the_found_neutral_is_the_one_at_rest() -> None:
    rng, rest = np.random.default_rng(0), average_face()
    faces = [opened(rest, g) for g in rng.uniform(0.05, 0.3, 8)]
    faces += [with_lids(rest, 0.1), moved(rest, np.array([0, 0.6, 0]), (0, 0), 1.0)]
    order = [*faces[:5], rest, *faces[5:]]
    found = find_neutral([track(points, seq) for seq, points in enumerate(order)])
    assert found.seq == 5
    assert np.allclose(found.points, rest, atol=0.05)


def test_the_found_neutral_averages_what_is_alike() -> None:
    rng, rest = np.random.default_rng(0), average_face()
    noisy = [track(rest + rng.normal(size=rest.shape) * 0.3, seq) for seq in range(15)]
    error = np.abs(find_neutral(noisy).points - rest).mean()
    assert error < 0.6 * np.abs(noisy[0].points - rest).mean()


# Calibration


def test_it_is_not_ready_before_it_has_its_frames() -> None:
    _, tracks = driver()
    retarget = Retarget(RetargetConfig(calibration_frames=5))
    assert isinstance(retarget, Retargeter)
    for found in tracks[:4]:
        assert not retarget.ready
        assert retarget.retarget(found) is None
    made = retarget.retarget(tracks[4])
    assert retarget.ready
    assert made is not None
    assert (made.seq, made.t_capture) == (tracks[4].seq, tracks[4].t_capture)


def test_first_is_ready_after_one() -> None:
    retarget = Retarget(RetargetConfig(neutral="first"))
    assert not retarget.ready
    made = retarget.retarget(driver()[1][0])
    assert retarget.ready
    assert made is not None
    assert is_still(made, 1e-5)


def test_another_subject_is_calibrated_anew() -> None:
    rest = average_face()
    other = opened(moved(rest, np.array([0, 0.2, 0]), (1.5, 0), 0.7), 0.1)
    retarget = Retarget(RetargetConfig(calibration_frames=3))
    for seq in range(3):
        retarget.retarget(track(rest, seq, subject=0))
    assert retarget.ready
    assert retarget.retarget(track(other, 3, subject=1)) is None
    assert not retarget.ready
    assert retarget.retarget(track(other, 4, subject=1)) is None
    made = retarget.retarget(track(other, 5, subject=1))
    assert made is not None
    assert is_still(made, 1e-3)


def test_calibrating_by_hand_holds_until_the_subject_changes() -> None:
    rest = average_face()
    retarget = calibrated(track(rest, subject=4))
    assert retarget.ready
    assert retarget.retarget(track(rest, 1, subject=4)) is not None
    retarget.calibrate()
    assert not retarget.ready
    assert retarget.retarget(track(rest, 2, subject=4)) is None


# Relative motion


def test_the_neutral_itself_does_not_move() -> None:
    for found in (track(average_face()), driver()[1][8]):
        made = calibrated(found).retarget(found)
        assert made is not None
        assert is_still(made, 1e-5)


@pytest.mark.parametrize(("turn", "shift", "scale"), POSES)
@pytest.mark.parametrize("who", ["average", "driver"])
def test_a_head_that_moves_rigidly_moves_so_and_hardly_changes_its_expression(who, turn, shift, scale) -> None:
    rest = average_face() if who == "average" else driver()[1][8].points
    made = calibrated(track(rest)).retarget(track(moved(rest, np.array(turn), shift, scale)))
    assert made is not None
    axes = head_pose(rest).rotation
    in_picture = rotation_vector(axes @ made.rotation @ axes.T)
    # a head's landmarks never turn rigidly: the population's correction stands in between, see the next test
    assert in_picture == pytest.approx(turn, abs=0.05)
    assert made.shift == pytest.approx(shift, abs=0.02)
    assert made.scale == pytest.approx(scale, rel=0.01)
    size = np.linalg.norm(made.expression, axis=1)
    assert size.mean() < 0.02
    assert size.max() < 0.07
    assert np.abs(made.gaze).max() < 0.04
    assert made.lids == pytest.approx([1, 1], abs=0.01)


@pytest.mark.parametrize(("turn", "shift", "scale"), POSES)
def test_before_the_populations_correction_it_is_exact(turn, shift, scale, monkeypatch) -> None:
    monkeypatch.setattr(calibration, "as_average_person", lambda found, measured: found)
    rest = average_face()
    posed = moved(rest, np.array([0.1, 0.2, -0.1]), (0, 0), 1.0)  # a neutral need not look at the camera
    axes = head_pose(posed).rotation
    made = calibrated(track(posed)).retarget(track(opened(moved(posed, np.array(turn), shift, scale), 0.0)))
    assert made is not None
    assert rotation_vector(axes @ made.rotation @ axes.T) == pytest.approx(turn, abs=1e-4)
    assert made.shift == pytest.approx(shift, abs=1e-4)
    assert made.scale == pytest.approx(scale, abs=1e-4)
    others = np.setdiff1d(np.arange(POINTS), INNER_LIPS)
    assert np.abs(made.expression[others]).max() < 1e-4
    assert np.abs(made.gaze).max() < 1e-4


def test_an_expression_is_told_in_the_heads_own_axes(monkeypatch) -> None:
    monkeypatch.setattr(calibration, "as_average_person", lambda found, measured: found)
    rest = average_face()
    raised = rest.copy()
    raised[BROWS, 1] -= 0.1 * eye_distance(rest)
    raised[np.concatenate([RIGHT_IRIS, LEFT_IRIS]), 0] += 6
    for turn, shift, scale in POSES:
        made = calibrated(track(rest)).retarget(track(moved(raised, np.array(turn), shift, scale)))
        assert made is not None
        brows = made.expression[np.setdiff1d(BROWS, RIGID)]
        assert brows == pytest.approx(np.tile([0, -0.1, 0], (len(brows), 1)), abs=0.03)
        assert made.gaze[:, 0] == pytest.approx([6 / np.linalg.norm(rest[133, :2] - rest[33, :2])] * 2, abs=0.02)
        assert np.abs(made.gaze[:, 1]).max() < 0.02


def looking(points: np.ndarray, along: tuple[float, float], across: float = 0.0) -> np.ndarray:
    """The irises moved by so many eye widths: the right eye's and the left's along, both across."""
    out = points.copy()
    for (iris, a, b), share in zip(((RIGHT_IRIS, 33, 133), (LEFT_IRIS, 362, 263)), along, strict=True):
        line = points[b] - points[a]
        out[iris] += np.float32(share) * line + np.float32(across) * np.float32([-line[1], line[0], 0])
    return out


@pytest.mark.parametrize("sideways", [-0.2, -0.1, 0.1, 0.2])
def test_a_look_aside_passes_the_populations_correction(sideways: float) -> None:
    """Fitted on people who hardly look about, it used to leave a tenth."""
    rest = average_face()
    made = calibrated(track(rest)).retarget(track(looking(rest, (sideways, sideways))))
    assert made is not None
    assert made.gaze[:, 0] / sideways == pytest.approx([1, 1], abs=0.2)


def test_both_eyes_look_the_same_way_and_what_is_noise_is_shrunk() -> None:
    rest = average_face()
    retarget = calibrated(track(rest))
    uneven = retarget.retarget(track(looking(rest, (0.2, 0.1), 0.03)))
    assert uneven is not None
    assert np.array_equal(uneven.gaze[0], uneven.gaze[1])
    assert uneven.gaze[0, 0] == pytest.approx(0.15, abs=0.02)
    for noise in (0.005, 0.01):
        small = retarget.retarget(track(looking(rest, (noise, noise))))
        assert small is not None
        assert 0 < small.gaze[0, 0] < 0.1 * noise


def test_a_blink_is_believed_of_the_eye_that_is_tracked_as_more_shut_but_a_wink_is_one() -> None:
    rest = average_face()
    retarget = calibrated(track(rest))

    def lids(right: float, left: float) -> np.ndarray:
        face = with_lids(rest, right)
        half = [point for pair in LIDS[1] for point in pair]
        face[half] = with_lids(rest, left)[half]
        made = retarget.retarget(track(face))
        assert made is not None
        return made.lids

    assert lids(0.6, 0.3).max() < 0.05
    assert lids(0.3, 0.6).max() < 0.05
    assert lids(0.3, 0.95) == pytest.approx([0, 0.97], abs=0.03)
    assert lids(0.85, 0.85) == pytest.approx([0.9, 0.9], abs=0.05)  # a squint is no blink


def test_lids_go_from_shut_to_open() -> None:
    rest = average_face()
    retarget = calibrated(track(rest))
    lids = [retarget.retarget(track(with_lids(rest, a))).lids for a in np.linspace(0, 1, 11)]
    assert np.array_equal(lids[0], [0, 0])  # what the mesh leaves open of a shut eye is shut
    assert lids[-1] == pytest.approx([1, 1])
    assert (np.diff(lids, axis=0) >= 0).all()
    assert lids[8].min() > 0.7


def test_the_driver_opens_the_targets_mouth() -> None:
    """A real driver, a target with another face: the target's lips part when the driver's do."""
    _, tracks = driver()
    retarget = calibrated(find_neutral(tracks))
    shot, neutral = photo_shot()
    gaps = []
    for found in tracks:
        made = retarget.retarget(found)
        assert made is not None
        gaps.append((mouth_gap(found.points), mouth_gap(drive(shot, neutral, made, RetargetConfig()).points)))
    wanted, got = np.array(gaps).T
    assert np.corrcoef(wanted, got)[0, 1] > 0.97
    assert np.abs(wanted - got).mean() < 0.03
