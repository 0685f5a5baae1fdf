"""Poisson blending on the GPU: the interface of reenact.blending.PoissonBlender on arrays that stay on the device.

Frame, patch, mask and out are anything with `__cuda_array_interface__` (numba, CuPy, PyTorch); work is put on the
caller's stream and nothing is waited for or copied back.  The membrane takes three launches: `prepare` (every node
finds its own boundary), `solve` (one block per channel, multigrid in shared memory) and `composite`.

Needs the extra `cuda` and a GPU; with NUMBA_ENABLE_CUDASIM=1 it runs, slowly, without one.
"""

from typing import Any

import numpy as np
from numba import cuda

from reenact.blending import cudakernels as kernels
from reenact.blending.poisson import check_options

_MAX_LEVELS = 12
_CYCLES = 2  # V-cycles on the finest level after full multigrid
_FINE_CYCLES = 3  # the same where the finest level does not fit into shared memory
_MIXED_CYCLES = 6  # V-cycles from zero


class CudaPoissonBlender:
    """`PoissonBlender` on the device; one object serves one stream at a time.

    resolution "auto" is the finest whose grid fits into shared memory: all pixels up to 64, half up to 128, a quarter
    up to 256, an eighth up to 512.  It does not look for narrow gaps of the mask: ask for "full" where there are any.
    The clamp's fade is per channel and as wide as a grid cell or two; `feather` 0 turns it off.
    threads: of a block, a power of two.
    """

    def __init__(
        self,
        max_shape: tuple[int, int],
        mode: str = "membrane",
        resolution: str = "auto",
        boundary_memory: float = 0.0,
        clamp: float | None = None,
        feather: int = 8,
        threads: int = 512,
    ) -> None:
        check_options(max_shape, mode, resolution, boundary_memory, clamp, feather)
        if threads < 1 or threads & (threads - 1) or threads > 1024:
            raise ValueError(f"threads is {threads}, expected a power of two up to 1024")
        self.max_shape = int(max_shape[0]), int(max_shape[1])
        self.mode, self.resolution = mode, "full" if mode == "mixed" else resolution
        self.boundary_memory, self.clamp, self.feather = float(boundary_memory), clamp, feather
        self._threads = threads
        h, w = self.max_shape
        total = sum((((h + 1) >> l) + 2) * (((w + 1) >> l) + 2) for l in range(_MAX_LEVELS))
        self._d, self._w = (cuda.device_array(total, np.float32) for _ in range(2))
        self._f, self._u, self._bite, self._past = (cuda.to_device(np.zeros((3, total), np.float32)) for _ in range(4))
        self._stamps = cuda.to_device(np.full(total, -2, np.int32))
        self._mean = cuda.to_device(np.zeros(6, np.float32))
        self._mask: Any = None
        self._origin = (0, 0)
        self._levels: Any = None
        self._shape = (0, 0)
        self._top = self._base = self._count = self._nodes = self._turn = 0

    def set_mask(self, mask: Any, origin: tuple[int, int], stream: Any = 0) -> None:
        """mask (h, w) uint8 or bool on the device, nonzero inside; origin (x, y).  The mask is not copied: it must
        stay as it is until the blend is done."""
        mask = _on_device(mask)
        if mask.dtype == np.bool_:
            mask = mask.view(np.uint8)
        if mask.dtype != np.uint8:
            raise TypeError(f"mask has dtype {mask.dtype}, expected uint8 or bool")
        if mask.ndim != 2 or 0 in mask.shape or any(a > b for a, b in zip(mask.shape, self.max_shape, strict=True)):
            raise ValueError(f"mask has shape {mask.shape}, expected (h, w) from (1, 1) to {self.max_shape}")
        if mask.shape != self._shape:
            self._lay_out(mask.shape, stream)
        self._mask, self._origin = mask, (int(origin[0]), int(origin[1]))

    def _lay_out(self, shape: tuple[int, int], stream: Any) -> None:
        """The table of levels for a mask's shape, and which of them are solved where."""
        h, w = shape
        sizes = []
        for l in range(_MAX_LEVELS):
            rows, cols = ((h + 1) >> l) + 2, ((w + 1) >> l) + 2
            sizes.append((rows, cols))
            if max(rows, cols) <= 6:
                break
        count = len(sizes)
        below = [sum(r * c for r, c in sizes[l:]) for l in range(count)]
        self._base = next(l for l in range(count) if below[l] <= kernels.SHARED)
        wanted = {"auto": self._base, "full": 0, "half": 1, "quarter": 2}[self.resolution]
        self._top = min(wanted, count - 1)
        self._base = max(self._base, self._top)
        table = np.zeros((count, 4), np.int32)
        first = shared = 0
        for l in range(self._top, count):
            table[l] = first, *sizes[l], shared
            first += sizes[l][0] * sizes[l][1]
            shared += sizes[l][0] * sizes[l][1] if l >= self._base else 0
        self._count, self._nodes, self._shape = count, first, shape
        self._levels, self._sizes = cuda.to_device(table, stream), sizes
        self._turn += 2  # the memory's nodes are other nodes now

    def blend(self, patch: Any, frame: Any, out: Any = None, stream: Any = 0) -> Any:
        """Writes `frame` with `patch` blended in to `out` (the frame itself where None) and returns it.

        patch (h, w, 3), frame and out (H, W, 3) uint8 BGR on the device; stream: numba's, 0 for the default one.
        """
        if self._mask is None:
            raise ValueError("no mask is set: call set_mask(mask, origin) before blend")
        patch, frame = _picture("patch", patch), _picture("frame", frame)
        target = frame if out is None or out is frame else _picture("out", out)
        h, w = self._shape
        (ox, oy), (height, width) = self._origin, frame.shape[:2]
        if patch.shape != (h, w, 3):
            raise ValueError(f"patch has shape {patch.shape}, expected {(h, w, 3)}, that of the mask")
        if target.shape != frame.shape:
            raise ValueError(f"out has shape {target.shape}, expected {frame.shape}, that of the frame")
        if ox < 0 or oy < 0 or ox + w > width or oy + h > height:
            raise ValueError(
                f"the mask's box ({w} x {h} at x {ox}, y {oy}) leaves the frame ({width} x {height}): crop it first"
            )
        if target is not frame:
            target.copy_to_device(frame, stream)
        self._solve(patch, target, oy, ox, stream)
        tile = (16, 16) if self._threads >= 256 else (8, 4)
        grid = ((w + tile[0] - 1) // tile[0], (h + tile[1] - 1) // tile[1])
        mixed = self.mode == "mixed"
        fades = self.clamp is not None and self.feather > 0 and self._top == self._base and not mixed
        base, by, bx = (target, oy, ox) if mixed else (patch, 0, 0)
        kernels.composite[grid, tile, stream](
            self._mask, base, by, bx, target, oy, ox, self._levels, self._top, self._u, self._bite, self._mean, fades
        )
        return target if out is None else out

    def _solve(self, patch: Any, frame: Any, oy: int, ox: int, stream: Any) -> None:
        t, top, base, count = self._threads, self._top, self._base, self._count
        membrane = self.mode == "membrane"
        self._turn += 1
        clamp = -1.0 if self.clamp is None else float(self.clamp)
        kernels.prepare[self._blocks(self._nodes), t, stream](
            self._mask, patch, frame, oy, ox, self._levels, top, count, membrane, self.boundary_memory, self._turn,
            self._past, self._stamps, self._d, self._w, self._f,
        )  # fmt: skip
        if membrane:
            kernels.solve[3, t, stream](
                self._levels, base, count, True, _CYCLES, clamp, self._d, self._w, self._f, self._u, self._bite,
                self._mean,
            )  # fmt: skip
            for l in range(base - 1, top - 1, -1):
                self._each(kernels.centre_level, l, stream, self._w, self._f, self._u, self._mean, False)
                self._each(kernels.add_coarse, l, stream, self._d, self._u, True)
                for _ in range(_FINE_CYCLES):
                    self._v_cycle(l, clamp, stream)
                self._each(kernels.fill_level_ghosts, l, stream, self._d, self._w, self._f, self._u)
            return
        tile = (16, 16) if t >= 256 else (8, 4)
        h, w = self._shape
        grid = ((w + tile[0] - 1) // tile[0], (h + tile[1] - 1) // tile[1])
        kernels.divergence[grid, tile, stream](self._mask, patch, frame, oy, ox, self._f)
        if base == 0:
            self._coarse(_MIXED_CYCLES, clamp, stream)
            return
        self._each(kernels.centre_level, 0, stream, self._w, self._f, self._u, self._mean, True)
        for _ in range(_MIXED_CYCLES):
            self._v_cycle(0, clamp, stream)

    def _v_cycle(self, level: int, clamp: float, stream: Any) -> None:
        """One V-cycle whose levels from `base` on are one launch."""
        for l in range(level, self._base):
            for colour in (0, 1):
                self._each(kernels.relax_colour, l, stream, colour, self._d, self._f, self._u)
            self._each(kernels.residual_down, l, stream, self._d, self._f, self._u)
        self._coarse(2, clamp, stream)
        for l in range(self._base - 1, level - 1, -1):
            self._each(kernels.add_coarse, l, stream, self._d, self._u, False)
            for colour in (0, 1):
                self._each(kernels.relax_colour, l, stream, colour, self._d, self._f, self._u)

    def _coarse(self, cycles: int, clamp: float, stream: Any) -> None:
        kernels.solve[3, self._threads, stream](
            self._levels, self._base, self._count, False, cycles, clamp, self._d, self._w, self._f, self._u,
            self._bite, self._mean,
        )  # fmt: skip

    def _each(self, kernel: Any, l: int, stream: Any, *arguments: Any) -> None:
        rows, cols = self._sizes[l]
        kernel[self._blocks(rows * cols), self._threads, stream](self._levels, l, *arguments)

    def _blocks(self, n: int) -> int:
        return (n + self._threads - 1) // self._threads


def _on_device(value: Any) -> Any:
    view = getattr(cuda, "as_cuda_array", None)  # the simulator has its own arrays only
    return value if view is None else view(value, sync=False)


def _picture(name: str, value: Any) -> Any:
    picture = _on_device(value)
    if picture.dtype != np.uint8:
        raise TypeError(f"{name} has dtype {picture.dtype}, expected uint8")
    if picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
        raise ValueError(f"{name} has shape {picture.shape}, expected (height, width, 3)")
    return picture
