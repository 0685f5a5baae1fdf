"""A model's inputs and outputs at fixed addresses: nothing is copied, and a CUDA graph may replay the whole run."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reenact.errors import ModelError
from reenact.home import home

if TYPE_CHECKING:
    from reenact.generation.session import Session


PROVIDERS = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "cpu": "CPUExecutionProvider",
}


def provider_list(name: str, stream: int, engines: Path | None = None) -> list[Any]:
    """What ONNX Runtime is to be opened with: the provider asked for, and its options where it has any.

    stream   handle of the caller's CUDA stream, on which the model is then replayed as a CUDA graph, which wants
             inputs and outputs bound to fixed addresses; 0: the provider's own stream, no graph
    engines  where TensorRT keeps the engines it builds, minutes each; None: in the user's folder
    TensorRT leaves to CUDA what it cannot run.
    """
    on_stream = {"user_compute_stream": str(stream)} if stream else {}
    if name == "cuda" and stream:
        return [(PROVIDERS[name], on_stream | {"enable_cuda_graph": "1"})]
    if name != "tensorrt":
        return [PROVIDERS[name]]
    folder = engines or home() / "engines"
    folder.mkdir(parents=True, exist_ok=True)
    kept = {f"trt_{cache}_cache_{what}": v for cache in ("engine", "timing") for what, v in _cache(folder)}
    graph = {"trt_cuda_graph_enable": "True"} if stream else {}
    tensorrt = on_stream | kept | graph | {"trt_fp16_enable": "True"}
    return [(PROVIDERS[name], tensorrt), (PROVIDERS["cuda"], on_stream)]


def _cache(folder: Path) -> tuple[tuple[str, str], ...]:
    return ("enable", "True"), ("path", str(folder))


class Bound:
    """A session bound to memory that stays its owner's.

    addresses  of every input and output by name; shapes and dtypes are the manifest's, which must be fixed
    device     "cuda" or "cpu": where the addresses are
    `run` starts the model; on a device it does not wait for it.  ModelError where the provider fails.
    """

    def __init__(self, session: "Session", addresses: Mapping[str, int], device: str) -> None:
        specs = {s.name: s for s in (*session.entry.inputs, *session.entry.outputs)}
        if specs.keys() != addresses.keys():
            raise ValueError(f"addresses for {sorted(addresses)}, expected them for {sorted(specs)}")
        if any(size is None for spec in specs.values() for size in spec.shape):
            raise ModelError(f"the model {session.entry.name} has free shapes: only fixed ones can be bound to memory")
        self._session, self._addresses, self._device = session, dict(addresses), device
        self._made_for: Any = None
        self._binding: Any = None

    def run(self) -> None:
        raw = self._session.raw
        if raw is not self._made_for:  # a session is made anew after its provider failed
            self._binding, self._made_for = self._bind(raw), raw
        self._session.run_bound(self._binding)

    def _bind(self, raw: Any) -> Any:
        binding = raw.io_binding()
        entry = self._session.entry
        for bind, specs in ((binding.bind_input, entry.inputs), (binding.bind_output, entry.outputs)):
            for spec in specs:
                where = self._addresses[spec.name]
                bind(spec.name, self._device, 0, np.dtype(spec.dtype).type, list(spec.shape), where)
        return binding
