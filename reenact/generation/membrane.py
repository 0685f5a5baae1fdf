"""Poisson blending of a patch that is on the device, on the same stream."""

from typing import Any

import numpy as np
from numba import cuda

from reenact.blending.cuda import CudaPoissonBlender
from reenact.config import BlendConfig


class Membrane:
    """Poisson blending on the same stream, for patches whose colours are not the target's own."""

    def __init__(self, blend: BlendConfig, size: tuple[int, int], threads: int = 512) -> None:
        self._size = size
        self._blender = CudaPoissonBlender(
            (size[1], size[0]),
            resolution=blend.resolution,
            boundary_memory=blend.boundary_memory,
            clamp=blend.clamp,
            feather=blend.feather_px,
            threads=threads,
        )
        self._out = cuda.device_array(3 * size[0] * size[1], np.uint8)

    def correct(
        self, patch: Any, mask: Any, origin: tuple[int, int], size: tuple[int, int], frame: Any, stream: Any
    ) -> tuple[Any, int, int]:
        """The frame with the corrected patch on all of the mask: flat picture, the patch's first byte, its row.

        patch (h, w, 3), mask (h, w) of `size` at `origin`, frame (H, W, 3): flat uint8 on the device
        """
        (x, y), (w, h), (width, height) = origin, size, self._size
        self._blender.set_mask(mask[: w * h].reshape(h, w), origin, stream)
        shape = (height, width, 3)
        self._blender.blend(patch[: 3 * w * h].reshape(h, w, 3), frame.reshape(shape), self._out.reshape(shape), stream)
        return self._out, 3 * (y * width + x), width
