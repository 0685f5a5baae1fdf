"""Compiles every CUDA kernel to PTX for one compute capability ("9.0"), without a GPU; run by test_blending_cuda.py
in a process of its own, because numba keeps device functions compiled for the first capability asked for."""

import sys
from types import SimpleNamespace
from typing import Any

from numba import boolean, cuda, float32, float64, int32, int64, uint8
from numba.cuda import dispatcher

from reenact.blending import cudakernels

pixels, mask, field, plane = uint8[:, :, ::1], uint8[:, ::1], float32[:, ::1], float32[::1]
levels, i, b = int32[:, ::1], int64, boolean
SIGNATURES: dict[str, tuple[Any, ...]] = {
    "prepare": (mask, pixels, pixels, i, i, levels, i, i, b, float64, i, field, int32[::1], plane, plane, field),
    "divergence": (mask, pixels, pixels, i, i, field),
    "solve": (levels, i, i, b, i, float64, plane, plane, field, field, field, plane),
    "add_coarse": (levels, i, plane, field, b),
    "relax_colour": (levels, i, i, plane, field, field),
    "residual_down": (levels, i, plane, field, field),
    "centre_level": (levels, i, plane, field, field, plane, b),
    "fill_level_ghosts": (levels, i, plane, plane, field, field),
    "composite": (mask, pixels, i, i, pixels, i, i, levels, i, field, field, plane, b),
}


def main(capability: str) -> None:
    major, minor = (int(v) for v in capability.split("."))
    # numba compiles a device function for the GPU present; there is none
    dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=(major, minor))
    found = {
        name
        for name, value in vars(cudakernels).items()
        if hasattr(value, "py_func") and not value.targetoptions.get("device")
    }
    assert found == set(SIGNATURES), found ^ set(SIGNATURES)
    for name, signature in SIGNATURES.items():
        ptx, _ = cuda.compile_ptx(getattr(cudakernels, name).py_func, signature, cc=(major, minor))
        assert f".target sm_{major}{minor}" in ptx, name
        assert ".visible .entry" in ptx, name
        shared = [line for line in ptx.splitlines() if ".shared" in line and ".b8" in line]
        used = sum(int(line.split("[")[1].split("]")[0]) for line in shared)
        assert used <= 48 * 1024, (name, used)
        print(name, len(ptx), used)


if __name__ == "__main__":
    main(sys.argv[1])
