"""The blending stage of the engine: a Patch put into a Shot makes a LIVE Composite."""

import cv2
import numpy as np
import numpy.typing as npt

from reenact.blending.colour import recoloured
from reenact.blending.feather import feather
from reenact.blending.poisson import PoissonBlender
from reenact.config import BlendConfig
from reenact.types import Composite, Kind, Patch, Pixels, Shot


class PoissonCompositor:
    """The `reenact.stages.Blender` of the engine: membrane blending, then the mask's feather.

    The membrane is solved on mask > 0; where the mask is below 255 the corrected patch fades into the target.
    A patch that says its colours are `matched` is only feathered: where a seam has nothing to mend, the membrane can
    only carry hair and background in from the boundary.  Buffers grow to the largest patch seen.
    """

    def __init__(self, config: BlendConfig | None = None, max_shape: tuple[int, int] = (256, 256)) -> None:
        self._config = config or BlendConfig()
        self._shape = max_shape
        self._blender = self._make()

    def _make(self) -> PoissonBlender:
        c = self._config
        return PoissonBlender(
            self._shape,
            resolution=c.resolution,
            boundary_memory=c.boundary_memory,
            clamp=c.clamp,
            feather=c.feather_px,
            rim=c.rim_px,
        )

    def blend(self, patch: Patch, shot: Shot) -> Composite:
        if patch.matched:
            return AlphaCompositor().blend(patch, shot)
        out = shot.pixels.copy()
        placed = place(patch, (shot.pixels.shape[1], shot.pixels.shape[0]))
        if placed is not None:
            pixels, mask, (x, y) = placed
            self._correct(pixels, mask, (x, y), shot, out)
            feather(out.reshape(-1), shot.pixels.reshape(-1), mask, out.shape[1], y, x)
        return Composite(out, patch.seq, patch.t_capture, Kind.LIVE)

    def _correct(
        self, pixels: Pixels, mask: npt.NDArray[np.uint8], origin: tuple[int, int], shot: Shot, out: Pixels
    ) -> None:
        (h, w), (x, y) = mask.shape, origin
        if h > self._shape[0] or w > self._shape[1]:
            self._shape = max(h, self._shape[0]), max(w, self._shape[1])
            self._blender = self._make()
        if self._config.colour > 0:
            pixels = recoloured(pixels, shot.pixels[y : y + h, x : x + w], mask, self._config.colour)
        self._blender.set_mask(mask, origin)
        self._blender.blend(pixels, out, out)


class AlphaCompositor:
    """A `reenact.stages.Blender` that only feathers: the patch as it is, by its mask.  To compare with, and for
    patches whose colours are right already."""

    def blend(self, patch: Patch, shot: Shot) -> Composite:
        out = shot.pixels.copy()
        placed = place(patch, (shot.pixels.shape[1], shot.pixels.shape[0]))
        if placed is not None:
            pixels, mask, (x, y) = placed
            h, w = mask.shape
            cv2.copyTo(pixels, mask, out[y : y + h, x : x + w])
            feather(out.reshape(-1), shot.pixels.reshape(-1), mask, out.shape[1], y, x)
        return Composite(out, patch.seq, patch.t_capture, Kind.LIVE)


def place(patch: Patch, size: tuple[int, int]) -> tuple[Pixels, npt.NDArray[np.uint8], tuple[int, int]] | None:
    """Patch and mask in the output's own pixels, cropped to the output and to where the mask is not zero.

    size (width, height) of the output.  Returns pixels (h, w, 3), mask (h, w) and the origin (x, y), or None where
    nothing of the mask falls into the picture.  A matrix that only shifts by whole pixels is not resampled.
    """
    matrix, (width, height) = patch.matrix, size
    h, w = patch.mask.shape
    if not np.isfinite(matrix).all():
        raise ValueError(f"the patch's matrix is not finite: {matrix.tolist()}")
    pixels, mask = patch.pixels, patch.mask
    x, y = round(matrix[0, 2]), round(matrix[1, 2])
    if np.abs(matrix - np.array([[1, 0, x], [0, 1, y]])).max() > 1e-3:
        corners = matrix @ np.array([[0, w - 1, 0, w - 1], [0, 0, h - 1, h - 1], [1, 1, 1, 1]], np.float64)
        low, high = np.floor(corners.min(1)) - 1, np.ceil(corners.max(1)) + 2
        x, y = int(max(low[0], 0)), int(max(low[1], 0))
        w, h = int(min(high[0], width)) - x, int(min(high[1], height)) - y
        if w <= 0 or h <= 0:
            return None
        shifted = matrix - np.array([[0, 0, x], [0, 0, y]])
        pixels = cv2.warpAffine(pixels, shifted, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        mask = cv2.warpAffine(mask, shifted, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    left, top = max(-x, 0), max(-y, 0)
    right, bottom = min(w, width - x), min(h, height - y)
    if right <= left or bottom <= top:
        return None
    bx, by, bw, bh = cv2.boundingRect(mask[top:bottom, left:right])
    if bw == 0:
        return None
    # one pixel more where the patch has it: the boundary values are read there
    x0, y0 = max(left, left + bx - 1), max(top, top + by - 1)
    x1, y1 = min(right, left + bx + bw + 1), min(bottom, top + by + bh + 1)
    whole = (y0, x0, y1, x1) == (0, 0, *mask.shape)
    if not whole:
        pixels, mask = np.ascontiguousarray(pixels[y0:y1, x0:x1]), np.ascontiguousarray(mask[y0:y1, x0:x1])
    return pixels, mask, (x + x0, y + y0)
