"""Compiles every CUDA kernel to PTX for one compute capability ("9.0"), without a GPU; run by test_blending_cuda.py
in a process of its own, because numba keeps device functions compiled for the first capability asked for."""

import sys
from types import SimpleNamespace
from typing import Any

from numba import boolean, cuda, float32, float64, int16, int32, int64, uint8, uint64
from numba.cuda import dispatcher

from reenact.blending import cudakernels
from reenact.generation import cudanetwork, cudaover, cudawarp
from reenact.targets import cudahead

pixels, mask, field, plane = uint8[:, :, ::1], uint8[:, ::1], float32[:, ::1], float32[::1]
levels, i, b, d = int32[:, ::1], int64, boolean, float64
flat, whole, cube = uint8[::1], int32[::1], float32[:, :, ::1]
six = (d,) * 6
SIGNATURES: dict[Any, dict[str, tuple[Any, ...]]] = {
    cudakernels: {
        "prepare": (mask, pixels, pixels, i, i, levels, i, i, b, d, i, field, whole, plane, plane, field),
        "divergence": (mask, pixels, pixels, i, i, field),
        "solve": (levels, i, i, b, i, d, plane, plane, field, field, field, plane),
        "add_coarse": (levels, i, plane, field, b),
        "relax_colour": (levels, i, i, plane, field, field),
        "residual_down": (levels, i, plane, field, field),
        "centre_level": (levels, i, plane, field, field, plane, b),
        "fill_level_ghosts": (levels, i, plane, plane, field, field),
        "composite": (mask, pixels, i, i, pixels, i, i, levels, i, field, field, plane, b),
    },
    cudawarp: {
        "set_up": (field, levels, i, i, field),
        "warp": (flat, i, i, field, levels, field, i, i, flat, i, i, i, flat),
    },
    cudaover: {
        "over": (
            *(flat, plane, whole, plane, i, i, plane, whole, field, cube, levels),
            *(i, i, i, i, i, flat, flat, flat, flat),
        ),
        "lay_mouth": (flat, flat, flat, i, i),
    },
    cudanetwork: {
        "crop": (flat, flat, i, i, *six, i, flat, i, flat),
        "answer": (flat, plane, i, plane, plane, plane, i, d, d, d, d, flat, plane, plane, whole),
        "lay": (flat, i, i, *six, i, flat, plane, plane, whole, flat),
        "feather": (flat, i, i, flat, i, i, i, i, flat, i, whole, whole),
    },
    cudahead: {"move": (uint64[:, ::1], i, mask, cube, i, d, flat, int16[::1], flat, i, i, flat)},
}


def main(capability: str) -> None:
    major, minor = (int(v) for v in capability.split("."))
    # numba compiles a device function for the GPU present; there is none
    dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=(major, minor))
    for module, signatures in SIGNATURES.items():
        found = {
            name
            for name, value in vars(module).items()
            if hasattr(value, "py_func") and not value.targetoptions.get("device")
        }
        assert found == set(signatures), found ^ set(signatures)
        for name, signature in signatures.items():
            ptx, _ = cuda.compile_ptx(getattr(module, name).py_func, signature, cc=(major, minor))
            assert f".target sm_{major}{minor}" in ptx, name
            assert ".visible .entry" in ptx, name
            shared = [line for line in ptx.splitlines() if ".shared" in line and ".b8" in line]
            used = sum(int(line.split("[")[1].split("]")[0]) for line in shared)
            assert used <= 48 * 1024, (name, used)
            print(name, len(ptx), used)


if __name__ == "__main__":
    main(sys.argv[1])
