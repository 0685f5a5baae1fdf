"""Compiling ahead of the first frame."""

import numpy as np


def warmup() -> None:
    """Compiles every CPU kernel of reenact.blending into numba's cache on disk; a second of work when it is there."""
    from reenact.blending.compositor import PoissonCompositor
    from reenact.blending.poisson import PoissonBlender
    from reenact.types import Patch, Shot

    frame = np.zeros((40, 40, 3), np.uint8)
    patch = np.full((16, 16, 3), 9, np.uint8)
    mask = np.zeros((16, 16), np.uint8)
    mask[3:13, 3:13] = 255
    mask[3, 3:13] = 128
    points = np.zeros((478, 3), np.float32)
    shift = np.array([[1, 0, 8], [0, 1, 8]], np.float64)
    PoissonCompositor(max_shape=(16, 16)).blend(
        Patch(patch, mask, shift, 0, 0.0), Shot(frame, points, frame, points, 0)
    )
    blender = PoissonBlender((16, 16), mode="mixed")
    blender.set_mask(mask, (8, 8))
    blender.blend(patch, frame)
