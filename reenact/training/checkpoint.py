"""A training's state on disk: numpy arrays by name, no pickle, written whole or not at all."""

import json
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from reenact.errors import InputError
from reenact.training.network import Portrait


@dataclass(slots=True)
class Progress:
    """How far a training is: steps, seconds on so many threads, the best judgement and its step, the history."""

    step: int = 0
    seconds: float = 0.0
    best: float = float("-inf")
    best_step: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    threads: int = 1


def save(path: Path, network: Portrait, progress: Progress, optimiser: torch.optim.Adam | None = None,
         average: dict[str, torch.Tensor] | None = None) -> None:  # fmt: skip
    """network, its moving average and Adam's moments; see `load`."""
    arrays = {f"net/{k}": v.detach().numpy() for k, v in network.state_dict().items()}
    arrays |= {f"mean/{k}": v.numpy() for k, v in (average or {}).items()}
    if optimiser is not None:
        for i, p in enumerate(optimiser.param_groups[0]["params"]):
            for name, value in optimiser.state.get(p, {}).items():
                arrays[f"adam/{i}/{name}"] = torch.as_tensor(value).numpy()
    said = {"widths": network.widths, "step": progress.step, "seconds": progress.seconds, "best": progress.best,
            "best_step": progress.best_step, "history": progress.history, "threads": progress.threads}  # fmt: skip
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, progress=np.array(json.dumps(said)), **arrays)
    part.replace(path)


def load(path: Path, optimiser_of: "Any | None" = None) -> tuple[Portrait, Progress, Any, dict[str, torch.Tensor]]:
    """network, progress, optimiser (made by optimiser_of(network), its moments restored; else None), average.

    Raises InputError for a file that is no checkpoint.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
        said = json.loads(str(arrays.pop("progress")))
        network = Portrait(tuple(said.pop("widths")))
        network.load_state_dict(_of(arrays, "net/"))
        progress = Progress(**said)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path} is not a checkpoint of this training ({error}): remove it to start anew") from error
    optimiser = None if optimiser_of is None else optimiser_of(network)
    if optimiser is not None:
        for i, p in enumerate(optimiser.param_groups[0]["params"]):
            state = _of(arrays, f"adam/{i}/")
            if state:
                optimiser.state[p] = state
    return network, progress, optimiser, _of(arrays, "mean/")


def _of(arrays: dict[str, Any], prefix: str) -> dict[str, torch.Tensor]:
    return {k[len(prefix) :]: torch.from_numpy(v.copy()) for k, v in arrays.items() if k.startswith(prefix)}


def averaged(path: Path) -> Portrait:
    """The network of a checkpoint's averaged weights: what is shown, exported and started from."""
    network, _, _, mean = load(path)
    network.load_state_dict(mean or network.state_dict())
    network.eval()
    return network
