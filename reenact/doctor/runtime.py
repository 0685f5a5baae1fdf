"""The models, and what they run on: each provider is given the default model and timed."""

import statistics
import time
from typing import Any

import numpy as np

from reenact.config import GeneratorConfig
from reenact.doctor.finding import Finding, State
from reenact.errors import ModelError

_RUNS = 10


def models() -> list[Finding]:
    """Each model file against its hash in the manifest."""
    from reenact.generation import weights

    entries = weights.list_models()
    for entry in entries:
        weights.read_model(entry)
    names = ", ".join(entry.name for entry in entries)
    return [Finding("models", State.OK, f"{len(entries)} files are what the manifest says: {names}")]


def cuda() -> list[Finding]:
    """NVIDIA's driver, CUDA and cuDNN: the versions wanted, and those found."""
    from reenact.bench.machine import gpus
    from reenact.generation import gpulibraries

    wanted = gpulibraries.cuda_wanted()
    if not wanted:
        return [Finding("cuda", State.MISSING, "the installed ONNX Runtime is built without CUDA", "")]
    found = gpulibraries.versions()
    words = {"driver": "a driver for CUDA up to", "CUDA": "CUDA", "cuDNN": "cuDNN"}
    cards = ", ".join(gpus()) or "no NVIDIA GPU that nvidia-smi shows"
    have = ", ".join(f"{words[name]} {version}" for name, version in found.items()) or "neither driver nor libraries"
    seen = f"wanted CUDA {wanted} and cuDNN {gpulibraries.CUDNN}; found {have}; {cards}"
    if not gpus():
        return [Finding("cuda", State.MISSING, seen, "fine without one; with one: install its driver first")]
    if "driver" in found and _older(found["driver"], wanted.split(".")[0]):
        step = f"update NVIDIA's driver to one for CUDA {wanted.split('.')[0]}, or: pip install 'onnxruntime-gpu<1.27'"
        return [Finding("cuda", State.MISSING, seen, step)]
    library = gpulibraries.missing("cuda")
    if library:
        return [Finding("cuda", State.MISSING, f"{seen}; {library} is missing", gpulibraries.remedy(library))]
    return [Finding("cuda", State.OK, seen)]


def _older(version: str, major: str) -> bool:
    return int(version.split(".")[0]) < int(major)


def providers() -> list[Finding]:
    """The default model on each provider that ONNX Runtime brings; only the CPU's is needed."""
    import onnxruntime

    from reenact.generation.binding import PROVIDERS

    present = set(onnxruntime.get_available_providers())
    return [_provider(name) for name in ("cpu", "cuda", "tensorrt", "coreml", "directml") if PROVIDERS[name] in present]


def _provider(name: str) -> Finding:
    from reenact.bench.machine import gpus
    from reenact.generation.session import Session
    from reenact.generation.weights import find_model

    part = f"provider {name}"
    try:
        start = time.perf_counter()
        session = Session(find_model(GeneratorConfig().model), name)
        opened = time.perf_counter() - start
        took = timed(session)
    except ModelError as error:
        broken = State.BROKEN if name == "cpu" else State.MISSING
        reason, _, step = str(error).rpartition(f"{name}: ")[2].rpartition("; ")
        if name in ("cuda", "tensorrt") and not gpus():
            step = "fine without an NVIDIA GPU"
        return Finding(part, broken, reason or str(error), step)
    seen = f"runs {session.entry.name} in {took * 1000:.1f} ms, opened in {opened:.1f} s"
    return Finding(part, State.OK, seen)


def timed(session: Any) -> float:
    """The median of some runs on made-up inputs, seconds; ModelError where an output is not finite."""
    rng = np.random.default_rng(0)
    inputs = {
        spec.name: rng.integers(0, 2, [size or 256 for size in spec.shape]).astype(spec.dtype)
        for spec in session.entry.inputs
    }
    outputs, times = session.run(inputs), []
    for spec, output in zip(session.entry.outputs, outputs, strict=True):
        if not np.isfinite(output).all():
            raise ModelError(f"the model {session.entry.name} gives numbers that are not finite in {spec.name}")
    for _ in range(_RUNS):
        start = time.perf_counter()
        session.run(inputs)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def generator() -> list[Finding]:
    """A whole picture of the built-in photo, on what `--provider auto` takes."""
    from reenact.assembly import open_playing
    from reenact.assets import PHOTO
    from reenact.engine import rehearse
    from reenact.targets.library import open_target

    with open_target(PHOTO, "synthetic") as target, open_playing(target) as playing:
        rehearse(playing)
        start = time.perf_counter()
        for _ in range(5):
            rehearse(playing)
        took = (time.perf_counter() - start) / 5
        where = getattr(playing.generator, "provider", "cpu")
    return [Finding("generator", State.OK, f"makes a picture of 1280x720 in {took * 1000:.1f} ms, network on {where}")]
