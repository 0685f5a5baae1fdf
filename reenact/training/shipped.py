"""The shipped network's weights, read back from its model file: where training on a target starts."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from reenact.errors import ModelError
from reenact.generation.weights import find_model, read_model
from reenact.training.network import Portrait


def shipped(name: str, folder: Path | None = None) -> Portrait:
    """The network of a model of the manifest, from its float16 form; ModelError where the file holds another one."""
    import onnx
    import torch
    from onnx import numpy_helper

    entry = find_model(name, folder)
    entry = entry if entry.on_gpu is None else find_model(entry.on_gpu, folder)
    graph = onnx.load_from_string(read_model(entry)).graph
    found: dict[str, npt.NDArray[Any]] = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    try:
        network = Portrait(tuple(len(found[f"{layer}.weight"]) for layer in ("stem", "down", "deeper")))  # type: ignore[arg-type]
        weights = {k: torch.from_numpy(found[k].astype(np.float32)) for k in network.state_dict()}
        network.load_state_dict(weights)
    except (KeyError, RuntimeError, ValueError) as error:
        raise ModelError(f"the model {entry.path.name} is not a network that can be trained on ({error})") from None
    network.eval()
    return network
