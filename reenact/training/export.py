"""From a checkpoint to model files: int8 for the CPU and float16 for a GPU, from the same weights, compared first."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from reenact.errors import ModelError
from reenact.generation.guides import CHANNELS
from reenact.generation.weights import TensorSpec
from reenact.tracking.canonical import SIZE
from reenact.training import card, checkpoint, graph, manifest
from reenact.training.network import Portrait, lay, multiply_adds
from reenact.training.pairs import Sample
from reenact.training.samples import People, batch

KIND = "portrait"
_CALIBRATION = 48  # samples; more changed nothing
_COMPARED = 24
_LEAST_DB = {"float32": 70.0, "float16": 50.0, "int8": 38.0}  # of the finished picture against PyTorch's

Planes = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True, slots=True)
class Compared:
    """One form of the network against PyTorch, on held-out samples.

    psnr_db  of the finished pictures, inside the face; most: largest difference of flow (pixels), colour and
             detail (grey levels)
    """

    form: str
    bytes: int
    psnr_db: float
    most: tuple[float, float, float]


def export(source: Path, data: Sequence[Path], folder: Path, name: str) -> list[Compared]:
    """Writes the network of a checkpoint; data: packed people, for calibration (train) and comparison (held).

    The model card README.md of the folder gets its measured part (reenact.training.card).
    Raises as `export_network`.
    """
    rng = np.random.default_rng(0)
    train = People(data, "train")
    calibration = [train.draw(rng, 0.5) for _ in range(_CALIBRATION)]
    held = [s for rows in People(data, "held").judges(6).values() for s in rows]
    network = checkpoint.averaged(source)
    found = export_network(network, calibration, held[:: max(1, len(held) // _COMPARED)][:_COMPARED], folder, name)
    progress = checkpoint.load(source)[1]
    facts = {
        "widths": network.widths,
        "multiply_adds": multiply_adds(network, SIZE),
        "parameters": sum(v.numel() for v in network.state_dict().values()),
        "step": progress.best_step,
        "seconds": round(progress.seconds),
        "verdict": progress.best,
        "compared": [asdict(row) for row in found],
    }
    card.put(folder / "README.md", name, card.measured(network, data, facts, progress.threads))
    return found


def export_network(
    network: Portrait, calibration: Sequence[Sample], held: Sequence[Sample], folder: Path, name: str
) -> list[Compared]:
    """Writes NAME-int8.onnx, NAME-fp16.onnx and their manifest entries into folder; returns the comparison.

    Raises ModelError, and writes nothing, where a form differs too much from the network.
    """
    weights = {k: v.numpy() for k, v in network.state_dict().items()}
    whole = graph.build(weights, SIZE)
    forms = {
        "float32": whole,
        "float16": graph.build(weights, SIZE, half=True),
        "int8": graph.quantized(whole, [(s.picture[None], s.guides[None]) for s in calibration]),
    }
    found = [_compare(form, content, network, held) for form, content in forms.items()]
    for row in found:
        if row.psnr_db < _LEAST_DB[row.form]:
            raise ModelError(
                f"the {row.form} form differs from the network: {row.psnr_db:.1f} dB, expected at least "
                f"{_LEAST_DB[row.form]:.0f}; nothing was written"
            )
    _write(folder, name, SIZE, forms)
    return found


def _write(folder: Path, name: str, size: int, forms: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    inputs = (
        TensorSpec(
            "picture", "uint8", (1, 6, size, size), "base B, G, R; eye openings; mouth opening; what was pasted"
        ),
        TensorSpec("guides", "float32", (1, CHANNELS, size // 4, size // 4), "reenact.generation.guides"),
    )
    outputs = (
        TensorSpec(
            "flow", "float32", (1, 2, size // 4, size // 4), "pixels from which the base is to be taken, x and y"
        ),
        TensorSpec("colour", "float32", (1, 3, size // 4, size // 4), "grey levels to be added, B, G, R"),
        TensorSpec("detail", "float32", (1, 3, size, size), "grey levels to be added, B, G, R"),
    )
    entries = []
    for form, suffix in (("int8", "int8"), ("float16", "fp16")):
        path = folder / f"{name}-{suffix}.onnx"
        part = path.with_suffix(".part")
        part.write_bytes(forms[form])
        part.replace(path)
        gpu = None if form == "float16" else f"{name}-fp16"
        called = f"{name}-fp16" if form == "float16" else name
        entries.append(manifest.entry(called, KIND, path, inputs, outputs, graph.OPSET, gpu))
    manifest.write(folder, entries)


def _compare(form: str, content: bytes, network: Portrait, samples: Sequence[Sample]) -> Compared:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    error, count, most = 0.0, 0, np.zeros(3)
    for sample in samples:
        b = batch([sample])
        with torch.no_grad():
            wanted = network(b.picture, b.guides)
        got = session.run(
            ["flow", "colour", "detail"], {"picture": sample.picture[None], "guides": sample.guides[None]}
        )
        most = np.maximum(most, [float(np.abs(w.numpy() - g).max()) for w, g in zip(wanted, got, strict=True)])
        a = lay(b.picture, b.guides, wanted)
        z = lay(b.picture, b.guides, tuple(torch.from_numpy(g) for g in got))  # type: ignore[arg-type]
        inside = (b.weight > 0.5).expand_as(a)
        error += float(((a - z)[inside] ** 2).sum())
        count += int(inside.sum())
    psnr = 10 * np.log10(255**2 / max(error / max(count, 1), 1e-6))
    return Compared(form, len(content), float(psnr), (float(most[0]), float(most[1]), float(most[2])))
