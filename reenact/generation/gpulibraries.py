"""NVIDIA's libraries, as ONNX Runtime needs them: loaded from where pip puts them, and the missing one by name.

ONNX Runtime itself says no more than that a session came out on the CPU.
"""

import contextlib
import ctypes
import importlib.util
import io
import re
import sys
from functools import cache
from pathlib import Path

CUDNN = 9  # what every onnxruntime-gpu from 1.19 on is built with
_FILES = {"cuda": "libonnxruntime_providers_cuda.so", "tensorrt": "libonnxruntime_providers_tensorrt.so"}
_DRIVER = "install NVIDIA's driver (on Debian: sudo apt-get install nvidia-driver) and start the machine anew"
_CUDA = "pip install 'onnxruntime-gpu[cuda,cudnn]'"
_TENSORRT = "pip install tensorrt"
_UNFOUND = re.compile(r"^(\S+): cannot open shared object")


def cuda_wanted() -> str:
    """The version of CUDA that the installed ONNX Runtime is built for, "" where it is for none."""
    from onnxruntime.capi import build_and_package_info

    return str(getattr(build_and_package_info, "cuda_version", None) or "")


@cache
def preload() -> None:
    """Loads the libraries that pip installed, which ONNX Runtime does not find by itself."""
    import onnxruntime

    with contextlib.redirect_stdout(io.StringIO()):  # it prints those that are not there
        onnxruntime.preload_dlls()
    found = importlib.util.find_spec("tensorrt_libs")
    for folder in found.submodule_search_locations or () if found is not None else ():
        for path in sorted(Path(folder).glob("*.so*")):
            with contextlib.suppress(OSError):
                ctypes.CDLL(str(path))


def missing(provider: str) -> str:
    """The first library that the provider needs and that cannot be loaded; "" where there is none, or nobody knows.

    Only Linux says which it is.
    """
    if provider not in _FILES or not sys.platform.startswith("linux"):
        return ""
    import onnxruntime

    preload()
    folder = Path(onnxruntime.__file__).parent / "capi"
    try:
        ctypes.CDLL(str(folder / "libonnxruntime_providers_shared.so"), ctypes.RTLD_GLOBAL)
        ctypes.CDLL(str(folder / _FILES[provider]))
        ctypes.CDLL(f"libcudnn.so.{CUDNN}")  # loaded when the first convolution runs
    except OSError as error:
        found = _UNFOUND.match(str(error))
        return found[1] if found else str(error)
    return ""


def remedy(library: str) -> str:
    """The one command that brings it."""
    if library.startswith("libcuda.so"):
        return _DRIVER
    return _TENSORRT if library.startswith(("libnvinfer", "libnvonnxparser")) else _CUDA


def versions() -> dict[str, str]:
    """What is found: "driver" (the newest CUDA that it can do), "CUDA" and "cuDNN"; those that can be loaded."""
    preload()
    major = cuda_wanted().split(".")[0]
    found = {
        "driver": _version("libcuda.so.1", "cuDriverGetVersion", 1000),
        "CUDA": _version(f"libcudart.so.{major}", "cudaRuntimeGetVersion", 1000),
        "cuDNN": _cudnn(),
    }
    return {name: version for name, version in found.items() if version}


def _version(library: str, function: str, thousand: int) -> str:
    number = ctypes.c_int()
    try:
        if getattr(ctypes.CDLL(library), function)(ctypes.byref(number)) != 0:
            return ""
    except (OSError, AttributeError):
        return ""
    return f"{number.value // thousand}.{number.value % thousand // 10}"


def _cudnn() -> str:
    try:
        ask = ctypes.CDLL(f"libcudnn.so.{CUDNN}").cudnnGetVersion
    except (OSError, AttributeError):
        return ""
    ask.restype = ctypes.c_size_t
    number = int(ask())
    return f"{number // 10000}.{number // 100 % 100}.{number % 100}"
