"""CUDA blending in numba's simulator against the exact solve; run by test_blending_cuda.py in a process of its own,
because the simulator is chosen when numba is imported."""

from typing import Any

import naive
import numpy as np
from numba import cuda
from test_blending_poisson import scene

from reenact.blending import cudakernels
from reenact.blending.cuda import CudaPoissonBlender

AT = (30, 20)


def blended(size: int, mode: str, resolution: str, times: int = 1, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    """Result and inside (both of the frame); fails if a pixel outside the mask changed."""
    patch, frame, mask = scene(size)
    blender = CudaPoissonBlender((size, size + 3), mode, resolution, threads=4, **options)
    blender.set_mask(cuda.to_device(mask), AT)
    device = cuda.to_device(frame)
    for _ in range(times):
        blender.blend(cuda.to_device(patch), device, device)
    result = device.copy_to_host()
    inside = np.zeros(frame.shape[:2], bool)
    inside[AT[1] : AT[1] + size, AT[0] : AT[0] + size] = mask > 0
    assert np.array_equal(result[~inside], frame[~inside]), "a pixel outside the mask changed"
    return result, inside


def check(size: int, mode: str, resolution: str, mean: float, p99: float) -> None:
    result, inside = blended(size, mode, resolution)
    patch, frame, mask = scene(size)
    exact = naive.poisson_exact(patch, frame, mask, AT, mixed=mode == "mixed").clip(0, 255)
    error = np.abs(result - exact)[inside]
    got = error.mean(), np.percentile(error, 99)
    print(size, mode, resolution, *(f"{v:.3f}" for v in got), flush=True)
    assert got[0] < mean, (size, mode, resolution, got)
    assert got[1] < p99, (size, mode, resolution, got)


def main() -> None:
    check(14, "membrane", "auto", 0.3, 1.0)
    check(20, "membrane", "half", 1.0, 5.0)
    check(28, "membrane", "quarter", 1.6, 10.0)  # seven nodes across: a mere shift of colour errs by far more
    check(12, "mixed", "auto", 0.3, 1.0)

    plain, inside = blended(12, "membrane", "auto")
    wide, _ = blended(12, "membrane", "auto", clamp=1000.0)
    assert np.abs(wide.astype(int) - plain)[inside].max() <= 1, "a clamp that never bites changed the picture"
    tight, _ = blended(12, "membrane", "auto", clamp=0.0, feather=0)
    patch, _, mask = scene(12)
    shift = (tight[AT[1] : AT[1] + 12, AT[0] : AT[0] + 12].astype(int) - patch)[mask > 0]
    assert (shift.max(0) - shift.min(0) <= 1).all(), "clamp 0 is more than one shift of colour"
    again, _ = blended(12, "membrane", "auto", times=2, boundary_memory=0.5)
    assert np.abs(again.astype(int) - plain).max() <= 1, "boundary memory moved a picture that stands still"

    cudakernels.SHARED = 120  # levels 0 and 1 no longer fit into shared memory: they go by launches of their own
    check(14, "membrane", "full", 0.3, 1.0)
    check(12, "mixed", "auto", 0.3, 1.0)


if __name__ == "__main__":
    main()
