"""What limits the blender: the bytes its kernels load and store, how fast they do, and what the machine could do.

Bytes are counted at the core, loads and stores of every vector loop, whichever cache serves them; the yardstick is
the same Jacobi step on a working set that fits the first-level cache, and a copy out of the second level and memory.
"""

import time
from typing import Any

import numpy as np

from reenact.bench.pairs import generated
from reenact.blending import boundary, pixels, planning, vcycle
from reenact.blending.domain import Array
from reenact.blending.gridops import FIRST, step
from reenact.blending.jit import kernel
from reenact.blending.poisson import CYCLES, PoissonBlender


@kernel
def _repeat_step(u: Array, t: Array, f: Array, inverse: Array, stride: int, times: int) -> None:
    for _ in range(times):
        step(u, t, f, inverse, stride, FIRST, stride, u.size - stride)


@kernel
def _repeat_copy(a: Array, b: Array, times: int) -> None:
    for _ in range(times):
        for i in range(a.size):
            b[i] = a[i]


def limits(size: int, rounds: int) -> dict[str, Any]:
    """Microseconds of each stage of a membrane blend with a new mask, bytes of solver and pixel pass, GB/s."""
    pair = generated(size, 1)[0]
    blender = PoissonBlender((size, size))
    blender.set_mask(pair.mask, pair.origin)
    frame = pair.frame.copy()
    blender.blend(pair.patch, frame, frame)
    p, s = blender._plan, blender._scratch
    (ox, oy), flat, out = pair.origin, pair.patch.reshape(-1), frame.reshape(-1)
    edges = np.zeros(4, np.uint8)

    def solver() -> None:
        vcycle.laplace(s.u, s.t, s.f, p.grid, p.cross, s.sampled, p.top, p.levels, CYCLES[p.top], 1e9, s.row)

    def pixel_pass() -> None:
        pixels.add_correction(
            s.u, p.grid, p.top, s.mean, flat, 3 * size, 0, size, size, out, frame.shape[1], oy, ox, p.pixels, s.lines,
            s.copy,
        )  # fmt: skip

    def values() -> None:
        boundary.boundary_values(flat, size, size, out, frame.shape[1], oy, ox, p.pixels, p.n_bound, s.values)
        boundary.sample(s.values, p.cross, p.cross.spans[p.levels - 1, 4], s.sampled)

    plan_us = _median_us(lambda: planning.plan(pair.mask, edges, -1 - p.top, p.pixels, p.grid, p.cross), rounds)
    solver_us, pixels_us, values_us = (_median_us(f, rounds) for f in (solver, pixel_pass, values))
    solver_bytes, nodes = _solver_bytes(p)
    inside = int((pair.mask > 0).sum())
    pixel_bytes = 6 * inside + 2 * 3 * 2 * size * size + 12 * 3 * size * (size >> p.top)
    return {
        "size": size,
        "plan_us": plan_us,
        "boundary_us": values_us,
        "solver_us": solver_us,
        "pixels_us": pixels_us,
        "solver_bytes": solver_bytes,
        "solver_nodes": nodes,
        "pixel_bytes": pixel_bytes,
        "solver_gb_s": round(solver_bytes / solver_us / 1e3, 1),
        "pixels_gb_s": round(pixel_bytes / pixels_us / 1e3, 1),
        "step_gb_s_level1": _step_gb_s(1024),
        "step_gb_s_level2": _step_gb_s(16384),
        "copy_gb_s_memory": _copy_gb_s(16 << 20),
        "once_us": round(6 * inside / _copy_gb_s(1 << 16) / 1e3, 1),
    }


def _solver_bytes(plan: Any) -> tuple[int, int]:
    """Loads and stores of the vector loops of full multigrid, and nodes of the finest level with padding."""
    per_level = []
    for l in range(plan.top, plan.levels):
        n = 3 * int(plan.grid.levels[l, 3])
        last = l == plan.levels - 1
        smoothing = 2 * 32 * n  # two steps: seven loads and a store of four bytes
        cycle = 4 * smoothing if last else 2 * smoothing + 32 * n + 12 * n + 16 * n  # and residual, down, up
        per_level.append((n, cycle))
    total = 0
    for k, (n, _) in enumerate(per_level):
        total += sum(cycle for _, cycle in per_level[k:]) * (CYCLES[plan.top] if k == 0 else 1)
        total += (4 + 4 + 16) * n  # u and f cleared, the level below interpolated
    return total, per_level[0][0]


def _median_us(function: Any, rounds: int) -> float:
    function()
    times = []
    for _ in range(max(rounds, 20)):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return round(float(np.median(times)) * 1e6, 1)


def _step_gb_s(n: int) -> float:
    u, t, f, d = (np.zeros(n, np.float32) for _ in range(4))
    times = (1 << 22) // n
    best = min(_median_us(lambda: _repeat_step(u, t, f, d, 64, times), 20) for _ in range(3))
    return round(32 * (n - 128) * times / best / 1e3, 1)


def _copy_gb_s(size: int) -> float:
    a, b = np.ones(size, np.uint8), np.zeros(size, np.uint8)
    times = max(1, (1 << 24) // size)
    return round(2 * size * times / _median_us(lambda: _repeat_copy(a, b, times), 20) / 1e3, 1)


def sentence(limit: dict[str, Any]) -> str:
    """The statement in words."""
    g = limit
    total = g["plan_us"] + g["boundary_us"] + g["solver_us"] + g["pixels_us"]
    return (
        f"{g['size']}: {total:.0f} us in the kernels with warm caches: "
        f"plan {g['plan_us']:.0f}, boundary {g['boundary_us']:.0f}, "
        f"solver {g['solver_us']:.0f} ({g['solver_bytes'] / 1e6:.1f} MB, {g['solver_gb_s']:.0f} GB/s; "
        f"one Jacobi step alone reaches {g['step_gb_s_level1']:.0f} in the first-level cache "
        f"and {g['step_gb_s_level2']:.0f} in the second), "
        f"pixels {g['pixels_us']:.0f} ({g['pixel_bytes'] / 1e6:.1f} MB, {g['pixels_gb_s']:.0f} GB/s); "
        f"reading and writing the mask's pixels once: {g['once_us']:.0f} us"
    )
