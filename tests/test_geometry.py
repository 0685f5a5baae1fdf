"""Fits and rotations, exact on what they should be exact on."""

import cv2
import numpy as np
import pytest

from reenact.geometry import Similarity, eye_distance, fit_similarity, rotation_matrix, rotation_vector


def random_similarity(rng: np.random.Generator) -> Similarity:
    return Similarity(rng.uniform(0.1, 20), rotation_matrix(rng.uniform(-1.8, 1.8, 3)), rng.uniform(-500, 500, 3))


@pytest.mark.parametrize("seed", range(20))
def test_a_fit_finds_a_random_similarity_exactly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, points = random_similarity(rng), rng.normal(size=(3 + 5 * seed, 3))
    found = fit_similarity(points, truth.apply(points))
    assert found.scale == pytest.approx(truth.scale, rel=1e-9)
    assert np.allclose(found.rotation, truth.rotation, atol=1e-9)
    assert np.allclose(found.shift, truth.shift, atol=1e-7)
    assert np.allclose(found.undo(found.apply(points)), points, atol=1e-9)


def test_a_fit_is_the_one_of_least_error() -> None:
    rng = np.random.default_rng(1)
    truth, points = random_similarity(rng), rng.normal(size=(40, 3))
    noisy = truth.apply(points) + rng.normal(size=(40, 3)) * 0.05 * truth.scale
    best = fit_similarity(points, noisy)
    error = ((best.apply(points) - noisy) ** 2).sum()
    for _ in range(200):
        other = Similarity(
            best.scale * np.exp(rng.normal() * 1e-3),
            best.rotation @ rotation_matrix(rng.normal(size=3) * 1e-3),
            best.shift + rng.normal(size=3) * 1e-3 * best.scale,
        )
        assert ((other.apply(points) - noisy) ** 2).sum() >= error


def test_a_fit_never_mirrors() -> None:
    points = np.random.default_rng(2).normal(size=(30, 3))
    found = fit_similarity(points, points * [-1, 1, 1])
    assert np.linalg.det(found.rotation) == pytest.approx(1)
    assert found.scale > 0


def test_a_fit_says_what_it_cannot_take() -> None:
    with pytest.raises(ValueError, match=r"\(2, 3\).*n >= 3"):
        fit_similarity(np.zeros((2, 3)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"\(5, 2\)"):
        fit_similarity(np.zeros((5, 2)), np.zeros((5, 2)))
    with pytest.raises(ValueError, match=r"\(5, 3\), destination \(6, 3\)"):
        fit_similarity(np.zeros((5, 3)), np.zeros((6, 3)))


@pytest.mark.parametrize("angle", [0.0, 1e-13, 1e-10, 1e-6, 0.01, 0.5, 1.5, 3.0, 3.14])
def test_a_rotation_vector_goes_there_and_back(angle: float) -> None:
    for axis in (*np.eye(3), *np.random.default_rng(3).normal(size=(10, 3))):
        vector = axis / np.linalg.norm(axis) * angle
        matrix = rotation_matrix(vector)
        assert np.allclose(matrix, cv2.Rodrigues(vector)[0], atol=1e-9)
        assert np.allclose(rotation_vector(matrix), vector, atol=1e-7)


def test_the_distance_of_the_eyes_is_that_in_the_picture() -> None:
    points = np.zeros((478, 3), np.float32)
    points[33], points[263] = (10, 20, 99), (40, 60, -99)
    assert eye_distance(points) == 50
    assert eye_distance(points[:, :2]) == 50
