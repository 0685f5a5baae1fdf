"""Poisson blending of a patch into a frame on an irregular mask, every frame: the public face of the kernels.

Perez, Gangnet, Blake, Poisson Image Editing, SIGGRAPH 2003.  In its membrane form the patch gets a smooth correction
that is the difference between target and patch on the mask's boundary and solves Laplace's equation inside; with
mixed gradients (eq. 12) the stronger of the two pictures' gradients wins at each pixel.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from reenact.blending.domain import MARGIN
from reenact.blending.planning import adopt
from reenact.blending.plans import Plan
from reenact.blending.rim import plan_rim
from reenact.blending.solve import Scratch, blend_membrane, blend_mixed
from reenact.blending.steady import BINS, map_size
from reenact.types import Pixels

MODES = ("membrane", "mixed")
RESOLUTIONS = ("auto", "full", "half", "quarter")
CYCLES = (1, 1, 2)  # V-cycles on the finest level, by its number, after full multigrid: measured, docs/blending.md
MIXED_CYCLES = 2
# Residuals, grey levels, at which cycles stop, by finest level; the lower ones for masks with narrow gaps or at the
# frame's edge, whose errors reach further than their residuals show.
SETTLED = (4.0, 1e9, 1e9)
SETTLED_LOW = (0.02, 1.0, 1.0)


class PoissonBlender:
    """Blends patches of at most `max_shape` (h, w) into frames.  One object serves one thread at a time.

    mode         "membrane" or "mixed"
    resolution   grid of the membrane's correction: "full", "half", "quarter" of the pixels' own, or "auto": by size,
                 finer where the mask has gaps or bridges narrower than the grid.  "mixed" always solves "full".
    boundary_memory  share of the past in the boundary's values, 0 (none) to 1: 0.5 halves the flicker of a grainy
                 scene; forgotten at a cut (see reenact.blending.steady).  Membrane only.
    clamp        robust standard deviations about the median beyond which boundary values are held; 0 leaves the mere
                 match of the medians, None (the default) solves the equations as they are.  Membrane only.
    feather      pixels over which the target comes back where the clamp bit
    rim          pixels along the boundary that are swept at full resolution after a coarser solution, 0 (none) to 32:
                 takes the largest errors down where the boundary is rough (see docs/blending.md)
    """

    def __init__(
        self,
        max_shape: tuple[int, int],
        mode: str = "membrane",
        resolution: str = "auto",
        boundary_memory: float = 0.0,
        clamp: float | None = None,
        feather: int = 8,
        rim: int = 0,
    ) -> None:
        check_options(max_shape, mode, resolution, boundary_memory, clamp, feather, rim)
        self.boundary_memory, self.clamp, self.feather = float(boundary_memory), clamp, int(feather)
        self.rim = int(rim)
        self.mode = mode
        self.resolution = "full" if mode == "mixed" else resolution
        h, w = int(max_shape[0]), int(max_shape[1])
        self._plan = plan = Plan((h, w))
        self._scratch = _scratch(plan, h, w, self.rim)
        self._mask = np.zeros(h * w, np.uint8)
        self._shape: tuple[int, int] | None = None
        self._origin = (0, 0)
        self._planned: tuple[bool, bool, bool, bool] | None = None
        self._count = 0

    def set_mask(self, mask: npt.NDArray[Any], origin: tuple[int, int]) -> None:
        """mask (h, w) uint8 or bool, nonzero inside, any shape; origin (x, y): pixel of the frame under mask[0, 0].

        A mask equal to the last one is not planned again.  The mask is copied.
        """
        if not isinstance(mask, np.ndarray) or mask.dtype not in (np.uint8, np.bool_):
            came = mask.dtype if isinstance(mask, np.ndarray) else type(mask).__name__
            raise TypeError(f"mask is {came}, expected a numpy array of uint8 or bool")
        limit = self._plan.max_shape
        if mask.ndim != 2 or 0 in mask.shape or mask.shape[0] > limit[0] or mask.shape[1] > limit[1]:
            raise ValueError(f"mask has shape {mask.shape}, expected (h, w) from (1, 1) to {limit}")
        shape = (mask.shape[0], mask.shape[1])
        changed = adopt(_plain(mask.view(np.uint8)), self._mask)
        if changed or self._shape != shape:
            self._shape, self._planned = shape, None
        self._origin = int(origin[0]), int(origin[1])

    def blend(self, patch: Pixels, frame: Pixels, out: Pixels | None = None) -> Pixels:
        """Writes `frame` with `patch` blended into it to `out` and returns it.

        patch (h, w, 3) uint8 BGR, of the mask's shape; frame (H, W, 3) uint8 BGR; out: like frame, C-contiguous; it
        may be the frame itself, which then saves the copy; None makes a new array.  Pixels outside the mask keep the
        frame's values.  The membrane needs the frame only beside the mask, mixed gradients inside it too.
        """
        if self._shape is None:
            raise ValueError("no mask is set: call set_mask(mask, origin) before blend")
        h, w = self._shape
        _check_picture("patch", patch)
        _check_picture("frame", frame)
        if patch.shape != (h, w, 3):
            raise ValueError(f"patch has shape {patch.shape}, expected {(h, w, 3)}, that of the mask")
        ox, oy = self._origin
        height, width = frame.shape[:2]
        if ox < 0 or oy < 0 or ox + w > width or oy + h > height:
            raise ValueError(
                f"the mask's box ({w} x {h} at x {ox}, y {oy}) leaves the frame ({width} x {height}): crop it first"
            )
        if out is None:
            out = np.empty((height, width, 3), np.uint8)
        if out is not frame:
            _check_out(out, frame)
            np.copyto(out, frame)
        elif not (out.flags.c_contiguous and out.flags.writeable):
            raise ValueError("out is not a writeable C-contiguous array")
        self._blend(_plain(patch), out, (oy, ox))
        return out

    def _blend(self, patch: Pixels, out: Pixels, at: tuple[int, int]) -> None:
        h, w = patch.shape[:2]
        height, width = out.shape[:2]
        (oy, ox), p = at, self._plan
        edges = (oy == 0, oy + h == height, ox == 0, ox + w == width)
        if self._planned != edges:
            p.make(self._mask[: h * w].reshape(h, w), edges, self.resolution)
            self._planned = edges
            if self.rim and p.top > 0:
                # `flags` is free between plans, and only ever looked at after it was written
                p.pixels.flags[:] = 0
                plan_rim(
                    p.pixels, p.n_bound, w + MARGIN, self.rim, p.pixels.flags, self._scratch.order, self._scratch.ends
                )
        flat, target = patch.reshape(-1), out.reshape(-1)
        if self.mode == "mixed":
            blend_mixed(
                flat,
                h,
                w,
                target,
                height,
                width,
                oy,
                ox,
                p.pixels,
                p.grid,
                self._scratch,
                p.levels,
                MIXED_CYCLES,
                self._settled(),
            )
            return
        self._count += 1
        blend_membrane(
            flat, h, w, target, width, oy, ox, p.pixels, p.grid, p.cross, self._scratch, p.top, p.levels, p.n_bound,
            CYCLES[p.top], self._settled(), self.boundary_memory, p.max_shape[1] + MARGIN, self._count,
            -1.0 if self.clamp is None else float(self.clamp), self.feather,
            self.rim > 0 and p.top > 0,
        )  # fmt: skip

    def _settled(self) -> float:
        slow = self._plan.dropped > 0 or any(self._planned or ())
        return (SETTLED_LOW if slow else SETTLED)[self._plan.top]


def _scratch(plan: Plan, h: int, w: int, rim: int = 0) -> Scratch:
    flat, bound = map_size(h, w), plan.pixels.bound.shape[0]
    return Scratch(
        values=np.zeros((bound, 3), np.float32),
        sampled=np.zeros((plan.cross.node.size, 3), np.float32),
        mean=np.zeros(3, np.float32),
        u=np.zeros(plan.total, np.float32),
        t=np.zeros(plan.total, np.float32),
        f=np.zeros(plan.total, np.float32),
        row=np.zeros(w + 32, np.float32),
        lines=np.zeros(9 * 3 * (w + 16), np.int16),
        copy=np.zeros(3 * w, np.uint8),
        past=np.zeros((flat, 3), np.float32),
        stamps=np.full(flat, -2, np.int32),
        bite=np.zeros(bound, np.float32),
        bins=np.zeros(BINS, np.int32),
        fade=np.zeros(flat, np.float32),
        touched=np.zeros((h * w, 2), np.int32),
        saved=np.zeros((h * w, 3), np.uint8),
        order=np.zeros(flat if rim else 1, np.int32),
        ends=np.zeros(3, np.int64),
        rim=np.zeros((flat if rim else 1, 3), np.float32),
    )


def poisson_blend(
    patch: Pixels,
    frame: Pixels,
    mask: npt.NDArray[Any],
    origin: tuple[int, int],
    mode: str = "membrane",
    resolution: str = "auto",
    clamp: float | None = None,
    feather: int = 8,
    rim: int = 0,
) -> Pixels:
    """`PoissonBlender` for one picture: a new array, `frame` with `patch` blended in on `mask` at `origin` (x, y)."""
    if not isinstance(mask, np.ndarray) or mask.ndim != 2 or 0 in mask.shape:
        raise ValueError(f"mask is {getattr(mask, 'shape', type(mask).__name__)}, expected a numpy array (h, w)")
    blender = PoissonBlender((mask.shape[0], mask.shape[1]), mode, resolution, 0.0, clamp, feather, rim)
    blender.set_mask(mask, origin)
    return blender.blend(patch, frame)


def check_options(
    max_shape: tuple[int, int],
    mode: str,
    resolution: str,
    boundary_memory: float,
    clamp: float | None,
    feather: int,
    rim: int = 0,
) -> None:
    """Raises ValueError, saying what came and what was expected, for options no blender can be made with."""
    if len(max_shape) != 2 or min(max_shape) < 1:
        raise ValueError(f"max_shape is {max_shape}, expected (height, width) of at least (1, 1)")
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}, expected one of {', '.join(MODES)}")
    if resolution not in RESOLUTIONS:
        raise ValueError(f"resolution is {resolution!r}, expected one of {', '.join(RESOLUTIONS)}")
    if mode == "mixed" and resolution not in ("auto", "full"):
        raise ValueError(f"resolution is {resolution!r}, expected auto or full: mixed gradients need every pixel")
    if not 0.0 <= boundary_memory <= 1.0:
        raise ValueError(f"boundary_memory is {boundary_memory}, expected 0 (none) to 1")
    if clamp is not None and not 0.0 <= clamp < float("inf"):
        raise ValueError(f"clamp is {clamp}, expected None or a number of robust deviations, 0 or more")
    if not 0 <= feather <= 64:
        raise ValueError(f"feather is {feather}, expected 0 to 64 pixels")
    if not 0 <= rim <= 32:
        raise ValueError(f"rim is {rim}, expected 0 to 32 pixels")


def _check_picture(name: str, value: Any) -> None:
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name} is {type(value).__name__}, expected a numpy array of uint8")
    if value.dtype != np.uint8:
        raise TypeError(f"{name} has dtype {value.dtype}, expected uint8")
    if value.ndim != 3 or value.shape[2] != 3 or 0 in value.shape:
        raise ValueError(f"{name} has shape {value.shape}, expected (height, width, 3)")


def _check_out(out: Any, frame: Pixels) -> None:
    _check_picture("out", out)
    if out.shape != frame.shape:
        raise ValueError(f"out has shape {out.shape}, expected {frame.shape}, that of the frame")
    if not (out.flags.c_contiguous and out.flags.writeable):
        raise ValueError("out is not a writeable C-contiguous array")
    if np.may_share_memory(out, frame) and out.ctypes.data != frame.ctypes.data:
        raise ValueError("out overlaps the frame without being it: pass the frame itself or an array of its own")


def _plain(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """C-contiguous and writeable, as the kernels are compiled for; a copy only where it is neither."""
    if picture.flags.c_contiguous and picture.flags.writeable:
        return picture
    return picture.copy()
