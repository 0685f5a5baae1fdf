"""ONNX Runtime, imported here only: sessions that run where they were asked to, or say why not."""

from typing import Any, Protocol

import numpy as np

from reenact.errors import ModelError
from reenact.generation import gpulibraries
from reenact.generation.binding import PROVIDERS, provider_list
from reenact.generation.weights import ModelEntry, TensorSpec, find_model, read_model

_REMEDY = {
    "tensorrt": "see whether nvidia-smi shows a GPU; then: pip install tensorrt",
    "cuda": "see whether nvidia-smi shows a GPU; then: pip install 'onnxruntime-gpu[cuda,cudnn]'",
    "coreml": "CoreML needs macOS and the onnxruntime package",
    "directml": "DirectML needs Windows and the onnxruntime-directml package",
}
_NUMPY = {"tensor(uint8)": "uint8", "tensor(float)": "float32", "tensor(float16)": "float16"}


class Runs(Protocol):
    """What a network needs: a Session, or a model in a process of its own (reenact.generation.modelworker)."""

    entry: ModelEntry
    provider: str

    def run(self, inputs: dict[str, Any]) -> list[Any]: ...


class Session:
    """One model, loaded from checked bytes, on one provider.

    provider  as in GeneratorConfig.provider: "auto" takes a GPU that works, else the CPU; any other name is
              what runs, or ModelError (with allow_cpu the CPU stands in)
    stream    handle of the CUDA stream that it shall work on, see reenact.generation.binding; 0: its own
    """

    def __init__(
        self, entry: ModelEntry, provider: str = "auto", *, allow_cpu: bool = False, threads: int = 1, stream: int = 0
    ) -> None:
        self.entry = entry
        self.provider = ""
        self._stream = stream
        self._session = self._open(provider, allow_cpu, threads)
        _check("input", self.entry.inputs, self._session.get_inputs(), self.entry)
        _check("output", self.entry.outputs, self._session.get_outputs(), self.entry)
        self._names = [spec.name for spec in self.entry.outputs]

    def run(self, inputs: dict[str, Any]) -> list[Any]:
        """The outputs in the manifest's order for inputs by name; ModelError where the provider fails."""
        try:
            result: list[Any] = self._session.run(self._names, inputs)
        except Exception as error:  # onnxruntime raises classes of its own, which differ by provider
            raise ModelError(f"the model {self.entry.name} failed on {self.provider}: {_first_line(error)}") from error
        return result

    @property
    def raw(self) -> Any:
        """ONNX Runtime's own session, to bind memory to; another object after it was made anew."""
        return self._session

    def run_bound(self, binding: Any) -> None:
        """Starts the model on bound memory and does not wait for a stream that is its caller's."""
        import onnxruntime

        options = onnxruntime.RunOptions()
        if self._stream:
            options.add_run_config_entry("disable_synchronize_execution_providers", "1")
        try:
            self._session.run_with_iobinding(binding, options)
        except Exception as error:  # see run
            raise ModelError(f"the model {self.entry.name} failed on {self.provider}: {_first_line(error)}") from error

    def _open(self, provider: str, allow_cpu: bool, threads: int) -> Any:
        import onnxruntime

        onnxruntime.set_default_logger_severity(4)  # what fails is told in the exception
        present = set(onnxruntime.get_available_providers())
        wanted = [n for n in ("cuda", "coreml", "directml") if PROVIDERS[n] in present] + ["cpu"]
        if provider != "auto":
            wanted = [provider] + (["cpu"] if allow_cpu and provider != "cpu" else [])
        reasons = []
        for name in wanted:
            if PROVIDERS[name] not in present:
                reasons.append(f"{name}: this onnxruntime has no {PROVIDERS[name]}; {_REMEDY.get(name, '')}")
                continue
            if library := gpulibraries.missing(name):
                reasons.append(f"{name}: {library} is missing; {gpulibraries.remedy(library)}")
                continue
            form = self._form(name)
            content = read_model(form)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            options.inter_op_num_threads = 1
            if name != "cpu":  # or the session falls back to the CPU and tells nobody
                options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
            try:
                session = onnxruntime.InferenceSession(content, options, providers=provider_list(name, self._stream))
            except Exception as error:  # see run
                reasons.append(f"{name}: {_first_line(error)}; {_REMEDY.get(name, 'install reenact again')}")
                continue
            if session.get_providers()[0] == PROVIDERS[name]:
                self.provider, self.entry = name, form
                return session
            reasons.append(f"{name}: its library did not load; {_REMEDY[name]}")
        raise ModelError(f"the model {self.entry.name} cannot run on {provider}: {' | '.join(reasons)}")

    def _form(self, provider: str) -> ModelEntry:
        """The file for that provider: of the same weights, int8 for the CPU and float16 for the others."""
        if provider == "cpu" or self.entry.on_gpu is None:
            return self.entry
        return find_model(self.entry.on_gpu, self.entry.path.parent)


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)[:300]


def _check(what: str, specs: tuple[TensorSpec, ...], found: list[Any], entry: ModelEntry) -> None:
    have = {f.name: (_NUMPY.get(f.type, f.type), f.shape) for f in found}
    want = {s.name: (s.dtype, s.shape) for s in specs}
    same = have.keys() == want.keys() and all(_fits(*have[n], *want[n]) for n in want)
    if not same:
        raise ModelError(f"the model {entry.name} has the {what}s {have}, the manifest says {want}")


def _fits(dtype: str, shape: list[Any], want_dtype: str, want: tuple[int | None, ...]) -> bool:
    sizes = [size if isinstance(size, int) else None for size in shape]
    return np.dtype(want_dtype).name == dtype and sizes == list(want)
