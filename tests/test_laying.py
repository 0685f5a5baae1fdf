"""What stands before and after the network against OpenCV, step by step: the same pictures."""

import cv2
import numpy as np
import pytest

from reenact.generation import laying

SIZE, GRID = 64, 16


def matrix(angle: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    """Pixels of a patch to those of the network's picture."""
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[c, s, shift[0]], [-s, c, shift[1]]])


CROPS = [
    matrix(0.0, 1.0, (0, 0)),
    matrix(0.31, 0.7, (5.3, 2.1)),
    matrix(-0.2, 0.45, (-6.5, 3.0)),
    matrix(0.05, 1.6, (-12.0, -20.0)),
]


def noise(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("crop", CROPS)
def test_the_networks_picture_is_opencvs(crop: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    base, pasted = noise(rng, 70, 83, 3), np.zeros((70, 83), np.uint8)
    pasted[30:44, 20:51] = noise(rng, 14, 31)
    planes = noise(rng, 6, SIZE, SIZE)
    kept = planes[3:5].copy()
    laying.crop(base, pasted, np.array(cv2.boundingRect(pasted)), cv2.invertAffineTransform(crop), planes)
    side = (SIZE, SIZE)
    picture = cv2.warpAffine(base, crop, side, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    assert np.array_equal(planes[:3], picture.transpose(2, 0, 1))
    assert np.array_equal(planes[3:5], kept)
    wanted = cv2.warpAffine(pasted, crop, side, flags=cv2.INTER_LINEAR)
    assert np.array_equal(planes[5], wanted)
    assert wanted.any()


def told(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """pasted, gate, flow, colour, detail"""
    pasted = np.zeros((SIZE, SIZE), np.uint8)
    pasted[30:40, 20:40] = noise(rng, 10, 20)
    gate = cv2.blur((rng.uniform(size=(GRID, GRID)) < 0.5).astype(np.float32), (3, 3))
    gate[:3] = 0
    flow = rng.normal(0, 2, (2, GRID, GRID)).astype(np.float32)
    return (
        pasted,
        gate,
        cv2.merge([cv2.blur(f, (5, 5)) for f in flow]).transpose(2, 0, 1).copy(),
        rng.normal(0, 30, (3, GRID, GRID)).astype(np.float32),
        rng.normal(0, 20, (3, SIZE, SIZE)).astype(np.float32),
    )


def asked(answer: tuple[np.ndarray, ...], back: np.ndarray, still: float = 0.2) -> tuple[np.ndarray, ...]:
    """added, shift, reached, finite"""
    added = np.full((SIZE + 2, SIZE + 2, 4), 128, np.uint8)
    shift = np.zeros((SIZE + 2, SIZE + 2, 2), np.float32)
    return added, shift, *laying.answer(*answer, back, still, added, shift)


@pytest.mark.parametrize("crop", CROPS)
def test_the_answer_is_laid_as_opencv_lays_it(crop: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    base = cv2.GaussianBlur(noise(rng, 70, 83, 3), (0, 0), 0.7)
    pasted, gate, flow, colour, detail = answer = told(rng)
    side, there = (SIZE, SIZE), (83, 70)
    back = np.linalg.inv(crop[:, :2]).astype(np.float32)
    free = cv2.resize(gate, side) * (1 - pasted * np.float32(1 / 255))
    tone = (cv2.resize(cv2.merge(list(colour)), side) + cv2.merge(list(detail))) * free[..., None] + np.float32(128.5)
    tone = np.clip(tone, 0, 255).astype(np.uint8)
    moved = cv2.resize(cv2.merge(list(flow)), side) * free[..., None]

    added, shift, reached, finite = asked(answer, back)
    assert finite
    assert np.abs(added[1:-1, 1:-1, :3].astype(int) - tone).max() <= 1
    assert np.abs(shift[1:-1, 1:-1] - moved @ back.T).max() < 1e-4
    assert (added[[0, -1], :, :3] == 128).all()
    assert tuple(reached[0]) == cv2.boundingRect((np.abs(moved).max(2) > 0.2).astype(np.uint8))
    assert tuple(reached[1]) == cv2.boundingRect((free > 0).astype(np.uint8))

    to_patch = cv2.invertAffineTransform(crop)
    whole = np.array([[0, 0, *there]] * 2, np.int64)
    got = np.empty_like(base)
    matrices = np.stack([cv2.invertAffineTransform(to_patch)] * 2)
    laying.lay(base, added, shift, whole, matrices, laying.cubic_weights(), got)

    places = cv2.warpAffine(shift[1:-1, 1:-1].copy(), to_patch, there, flags=cv2.INTER_LINEAR)
    places += np.stack(np.meshgrid(np.arange(83), np.arange(70)), -1).astype(np.float32)
    wanted = cv2.remap(base, places, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    extra = cv2.warpAffine(
        added[1:-1, 1:-1, :3].copy(), to_patch, there, flags=cv2.INTER_LINEAR, borderValue=(128, 128, 128)
    )
    wanted = np.clip(wanted.astype(int) + extra - 128, 0, 255)
    assert np.abs(got - wanted).max() <= 1
    assert (got != wanted).mean() < 0.001
    assert (np.abs(wanted - base).max(2) > 8).mean() > 0.1


def test_outside_its_boxes_the_patch_stays() -> None:
    rng = np.random.default_rng(3)
    base, place = noise(rng, 70, 83, 3), matrix(0.0, 1.0, (10, 20))
    added, shift, _, _ = asked(told(rng), np.eye(2, dtype=np.float32))
    boxes = np.array([[10, 12, 20, 9], [30, 40, 25, 20]], np.int64)
    matrices, got = np.stack([place, place]), np.empty_like(base)
    laying.lay(base, added, shift, boxes, matrices, laying.cubic_weights(), got)
    inside = np.zeros(base.shape[:2], bool)
    inside[12:21, 10:30] = inside[40:60, 30:55] = True
    assert np.array_equal(got[~inside], base[~inside])
    assert (got != base)[12:21, 10:30].any()
    assert (got != base)[40:60, 30:55].any()
    boxes[:, 2:] = 0
    laying.lay(base, added, shift, boxes, matrices, laying.cubic_weights(), got)
    assert np.array_equal(got, base)


@pytest.mark.parametrize("part", [2, 3, 4])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_told(part: int, value: float) -> None:
    answer = told(np.random.default_rng(4))
    assert asked(answer, np.eye(2, dtype=np.float32))[3]
    where = np.argwhere(answer[1] > 0.3)[0]
    y, x = where * (4 if part == 4 else 1)
    answer[part][0, y, x] = value
    assert not asked(answer, np.eye(2, dtype=np.float32))[3]


def test_a_gate_that_is_shut_lets_nothing_in() -> None:
    answer = told(np.random.default_rng(5))
    answer[1][:] = 0
    added, shift, reached, finite = asked(answer, np.eye(2, dtype=np.float32))
    assert finite
    assert not shift.any()
    assert (added[..., :3] == 128).all()
    assert not reached[:, 2:].any()
