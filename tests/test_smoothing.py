"""One-euro smoothing: calm at rest, out of the way in motion, honest about its delay."""

import numpy as np
import pytest
from tracked import driver

from reenact.config import TrackingConfig
from reenact.geometry import eye_distance
from reenact.tracking.facemesh import FaceMeshTracker
from reenact.tracking.smoothing import OneEuro

RATE = 30


def default() -> OneEuro:
    return OneEuro(TrackingConfig().min_cutoff_hz, TrackingConfig().beta)


def still_face(noise: float, frames: int = 90) -> tuple[np.ndarray, np.ndarray]:
    """Noise of a still face before and after the default smoothing, (frames, 478, 3) in IOD."""
    noisy = np.random.default_rng(0).normal(size=(frames, 478, 3)).astype(np.float32) * np.float32(noise)
    smoothing = default()
    return noisy, np.array([smoothing(p, i / RATE) for i, p in enumerate(noisy)])


def test_it_calms_a_still_face() -> None:
    noisy, smooth = still_face(0.0005)  # what the mesh has on a still face
    assert smooth[5:].std() < 0.8 * noisy[5:].std()
    flicker = [np.abs(np.diff(x[5:], axis=0)).mean() for x in (smooth, noisy)]
    assert flicker[0] < 0.7 * flicker[1]


@pytest.mark.parametrize("speed", [0.02, 0.2, 1.0, 4.0])
def test_its_delay_on_steady_motion_is_the_one_it_tells(speed: float) -> None:
    smoothing = default()
    for i in range(120):
        truth = np.full((478, 3), i / RATE * speed / np.sqrt(3), np.float32)
        out = smoothing(truth, i / RATE)
    delay = float(np.linalg.norm((truth - out)[0]) / speed)
    assert smoothing.lag_s == pytest.approx(delay, rel=0.02, abs=2e-5)


def test_it_delays_talking_by_less_than_five_milliseconds() -> None:
    for speed in (0.3, 1.0, 3.0):  # IOD/s: lips in speech
        smoothing = default()
        for i in range(60):
            smoothing(np.full((478, 3), i / RATE * speed / np.sqrt(3), np.float32), i / RATE)
        assert smoothing.lag_s < 0.005


def test_it_keeps_to_the_lips_of_the_built_in_driver() -> None:
    """Where the lips of a real track move at the speed of talk they come out nearly where they were."""
    _, tracks = driver()
    points = np.array([t.points / np.float32(eye_distance(t.points)) for t in tracks])
    smoothing = default()
    smooth = np.array([smoothing(p, i / RATE) for i, p in enumerate(points)])
    speed = np.linalg.norm(np.diff(points[:, 14], axis=0), axis=1) * RATE
    fast = np.flatnonzero(speed > 0.5) + 1
    assert len(fast) > 5
    assert np.linalg.norm(smooth[fast, 14] - points[fast, 14], axis=1).mean() < 0.005 * speed[fast - 1].mean()


@pytest.mark.parametrize(("reset", "then_s"), [(True, 10.06), (False, 9.0), (False, 10.03), (False, 12.0)])
def test_it_starts_anew_after_a_reset_a_time_that_does_not_rise_and_a_long_gap(reset: bool, then_s: float) -> None:
    smoothing, far = default(), np.full((478, 3), 0.05, np.float32)
    smoothing(np.zeros((478, 3), np.float32), 10.0)
    assert not np.array_equal(smoothing(far, 10.03), far)
    if reset:
        smoothing.reset()
    assert np.array_equal(smoothing(-far, then_s), -far)
    assert smoothing.lag_s == 0


def test_it_does_not_give_away_its_memory() -> None:
    smoothing, points = default(), np.zeros((478, 3), np.float32)
    smoothing(points, 0.0)[:] = 99
    points[:] = 77
    assert np.array_equal(smoothing(np.zeros_like(points), 0.03), np.zeros_like(points))


@pytest.mark.parametrize(("cutoff", "beta"), [(0.0, 1.0), (-1.0, 1.0), (1.0, -1.0)])
def test_it_refuses_what_makes_no_filter(cutoff: float, beta: float) -> None:
    with pytest.raises(ValueError, match="more than 0"):
        OneEuro(cutoff, beta)


def test_a_tracker_without_smoothing_adds_no_delay() -> None:
    pictures, _ = driver()
    delays = {}
    for smooth in (True, False):
        with FaceMeshTracker(TrackingConfig(smooth=smooth)) as tracker:
            for frame in pictures[20:30]:
                assert tracker.track(frame) is not None
            delays[smooth] = tracker.added_lag_s
    assert 0 < delays[True] < 0.010
    assert delays[False] == 0
