"""Python, its packages, and the parts that every run needs."""

import importlib.metadata
import os
import sys
import time
from pathlib import Path
from typing import Any

from reenact.doctor.finding import Finding, State

_OPENCV = ("opencv-contrib-python", "opencv-python", "opencv-python-headless", "opencv-contrib-python-headless")
_ONNX = ("onnxruntime-gpu", "onnxruntime", "onnxruntime-directml")


def python() -> list[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    fits = (3, 11) <= sys.version_info[:2] < (3, 13)
    return [Finding("python", State.OK if fits else State.BROKEN, version, "" if fits else "use Python 3.11 or 3.12")]


def packages() -> list[Finding]:
    """Packages that share a folder and so break each other: the most reported trouble of all."""
    for family, keep, why in (
        (_ONNX, "onnxruntime-gpu", "the GPU may go unused"),
        (_OPENCV, "opencv-contrib-python", "one may have overwritten the other"),
    ):
        both = [name for name in family if _version(name)]
        if len(both) > 1:
            step = f"pip uninstall -y {' '.join(both)} && pip install {keep}"
            return [Finding("packages", State.BROKEN, f"{' and '.join(both)} are both installed: {why}", step)]
    shown = ("numpy", "mediapipe", *_ONNX, "numba", "pyvirtualcam")
    return [Finding("packages", State.OK, ", ".join(f"{n} {v}" for n in shown if (v := _version(n))))]


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def opencv() -> list[Finding]:
    import cv2

    return [Finding("opencv", State.OK, str(cv2.__version__))]


def video() -> list[Finding]:
    import av

    av.codec.Codec("libx264", "w")
    return [Finding("video files", State.OK, f"PyAV {av.__version__} with x264")]


def tracking() -> list[Finding]:
    from reenact.assets import PHOTO
    from reenact.sources import read_picture
    from reenact.tracking import FaceMeshTracker
    from reenact.types import Frame

    frame = Frame(read_picture(PHOTO), 0, 0.0)
    with FaceMeshTracker() as tracker:
        if tracker.track(frame) is None:
            step = "install mediapipe 0.10.21 anew: pip install --force-reinstall mediapipe==0.10.21"
            return [Finding("tracking", State.BROKEN, "the built-in face was not found", step)]
        start = time.perf_counter()
        for _ in range(5):
            tracker.track(frame)
        took = (time.perf_counter() - start) / 5
    return [Finding("tracking", State.OK, f"finds the built-in face, {took * 1000:.1f} ms a picture of 1280x720")]


def blending() -> list[Finding]:
    from reenact.blending import warmup

    start = time.perf_counter()
    warmup()
    return [Finding("blending", State.OK, f"its kernels are ready in {time.perf_counter() - start:.1f} s")]


def kernel_cache() -> list[Finding]:
    """Whether numba's machine code is kept on disk, so that only the first start waits for the compiler."""
    from numba.core.dispatcher import Dispatcher

    from reenact.blending import warmup

    warmup()
    modules = [m for name, m in list(sys.modules.items()) if name.startswith("reenact.")]
    kernels: list[Any] = [v for m in modules for v in list(vars(m).values()) if isinstance(v, Dispatcher)]
    kept = [k for k in {id(v): v for v in kernels}.values() if getattr(k._cache, "cache_path", None)]
    loaded = sum(sum(k.stats.cache_hits.values()) for k in kept)
    compiled = sum(sum(k.stats.cache_misses.values()) for k in kept)
    folders = sorted({str(k._cache.cache_path) for k in kept})
    if not folders:
        step = "choose a folder that can be written to: export NUMBA_CACHE_DIR=~/.cache/numba"
        return [Finding("kernel cache", State.MISSING, "numba keeps no machine code on disk", step)]
    size = sum(f.stat().st_size for folder in folders for f in Path(folder).glob("*.nb[ci]")) / 1e6
    seen = f"{loaded} kernels loaded, {compiled} compiled just now; {size:.1f} MB in {', '.join(folders)}"
    closed = [folder for folder in folders if not os.access(folder, os.W_OK)]
    if closed and compiled:
        step = f"sudo chown -R $USER {closed[0]}"
        return [Finding("kernel cache", State.MISSING, f"{seen}, which cannot be written to", step)]
    return [Finding("kernel cache", State.OK, seen)]


def signing() -> list[Finding]:
    """A trial signature, with the user's identity where there is one; none is made for it."""
    import c2pa

    from reenact.provenance.credentials import try_out
    from reenact.provenance.identity import load_identity, passing_identity

    identity = load_identity()
    try_out(identity or passing_identity())
    by = "one is made with the first file" if identity is None else f"signs as {identity.name}"
    return [Finding("signing", State.OK, f"Content Credentials with c2pa {c2pa.sdk_version()}; {by}")]
