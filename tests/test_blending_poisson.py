"""The public blender against the exact solve."""

import naive
import numpy as np
import numpy.typing as npt
import pytest

from reenact.blending import PoissonBlender, poisson_blend

Image = npt.NDArray[np.uint8]


def scene(size: int, seed: int = 0) -> tuple[Image, Image, Image]:
    """A smooth, grainy frame and patch that differ in light, and a round irregular mask."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:size, 0:size] / size
    v, u = np.mgrid[0 : size + 40, 0 : size + 60] / size
    frame = 120 + 50 * np.sin(3 * u + 2 * v)[..., None] * [1, 0.8, 1.1] + rng.normal(0, 3, (size + 40, size + 60, 3))
    patch = 100 + 40 * np.cos(4 * x - 3 * y)[..., None] * [0.9, 1.2, 1] + rng.normal(0, 3, (size, size, 3))
    angle = np.arctan2(y - 0.5, x - 0.5)
    mask = (np.hypot(y - 0.5, x - 0.5) < 0.44 + 0.04 * np.sin(5 * angle + seed)).astype(np.uint8) * 255
    return patch.clip(0, 255).astype(np.uint8), frame.clip(0, 255).astype(np.uint8), mask


@pytest.mark.parametrize(
    ("size", "mode", "mean", "p99"),
    [(64, "membrane", 0.5, 2), (128, "membrane", 0.5, 2), (256, "membrane", 0.45, 2), (96, "mixed", 0.3, 1)],
)
def test_close_to_the_exact_solution(size: int, mode: str, mean: float, p99: float) -> None:
    patch, frame, mask = scene(size)
    exact = naive.poisson_exact(patch, frame, mask, (30, 20), mixed=mode == "mixed").clip(0, 255)
    blender = PoissonBlender((size, size), mode)
    blender.set_mask(mask, (30, 20))
    result = blender.blend(patch, frame)
    error = np.abs(result - exact)[20 : 20 + size, 30 : 30 + size][mask > 0]
    assert error.mean() < mean
    assert np.percentile(error, 99) < p99
    outside = np.ones(frame.shape[:2], bool)
    outside[20 : 20 + size, 30 : 30 + size] = mask == 0
    assert np.array_equal(result[outside], frame[outside])


def test_one_call_form_gives_the_same() -> None:
    patch, frame, mask = scene(64)
    blender = PoissonBlender((100, 100))
    blender.set_mask(mask, (1, 2))
    assert np.array_equal(blender.blend(patch, frame), poisson_blend(patch, frame, mask, (1, 2)))
