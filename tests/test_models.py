"""Model files: what the manifest says, what is refused, and where they run."""

import hashlib
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest

from reenact.errors import ModelError
from reenact.generation import gpulibraries
from reenact.generation.session import PROVIDERS, Session
from reenact.generation.weights import MANIFEST, find_model, list_models, models_folder, read_model

ROOT = Path(__file__).parent.parent


NAME, FILE = "portrait-256", "portrait-256-int8.onnx"


def inputs(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (1, 6, 256, 256), dtype=np.uint8)
    return {"picture": picture, "guides": rng.normal(0, 0.3, (1, 7, 64, 64)).astype(np.float32)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the models that may be damaged."""
    for name in (MANIFEST, *(e.path.name for e in list_models())):
        (tmp_path / name).write_bytes((models_folder() / name).read_bytes())
    return tmp_path


def change(folder: Path, old: str, new: str) -> None:
    text = (folder / MANIFEST).read_text("utf-8")
    assert old in text
    (folder / MANIFEST).write_text(text.replace(old, new, 1), "utf-8")


# The committed files


def test_every_model_in_the_manifest_is_there_and_runs() -> None:
    entries = list_models()
    assert {"portrait-256", "portrait-256-fp16"} <= {e.name for e in entries}
    for entry in entries:
        assert len(read_model(entry)) == entry.bytes < 8_000_000
        assert entry.licence
        Session(entry, "cpu")


def test_the_committed_models_are_sound() -> None:
    onnx = pytest.importorskip("onnx")
    for entry in list_models():
        model = onnx.load_model_from_string(read_model(entry))
        onnx.checker.check_model(model, full_check=True)
        assert model.opset_import[0].version == entry.opset == 20
        assert not [t for t in model.graph.initializer if t.external_data]


def test_both_forms_have_the_same_weights() -> None:
    """float16 and int8 of one training: what they answer is close, on a face's smooth picture."""
    rng = np.random.default_rng(1)
    given = inputs()
    given["picture"][0, :3] = cv2.GaussianBlur(rng.integers(0, 256, (256, 256, 3), np.uint8), (0, 0), 9).transpose(
        2, 0, 1
    )
    given["picture"][0, 3:] = 0
    given["guides"][:] = np.clip(given["guides"], 0, 0.3)
    whole, small = (Session(find_model(n), "cpu").run(given) for n in ("portrait-256-fp16", "portrait-256"))
    for a, b, most in zip(whole, small, (0.6, 6.0, 8.0), strict=True):
        assert np.abs(a).max() > 0
        assert np.abs(a - b).max() < most


# What is refused


@pytest.mark.parametrize("place", [0, 100, -1])
def test_a_changed_byte_is_refused(folder: Path, place: int) -> None:
    content = bytearray((folder / FILE).read_bytes())
    content[place] ^= 1
    (folder / FILE).write_bytes(content)
    with pytest.raises(ModelError, match=r"portrait-256-int8\.onnx.*changed or damaged, install reenact again"):
        Session(find_model(NAME, folder), "cpu")


@pytest.mark.parametrize("content", [b"", b"\0" * 662])
def test_a_file_cut_off_is_refused(folder: Path, content: bytes) -> None:
    (folder / FILE).write_bytes(content)
    with pytest.raises(ModelError, match=f"{len(content)} bytes"):
        read_model(find_model(NAME, folder))


def test_a_missing_file_is_refused(folder: Path) -> None:
    (folder / FILE).unlink()
    with pytest.raises(
        ModelError, match=r"portrait-256-int8\.onnx cannot be read: No such file.*install reenact again"
    ):
        Session(find_model(NAME, folder), "cpu")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('dtype = "uint8"', 'dtype = "float32"', "input"),
        ("shape = [1, 6, 256, 256]", "shape = [1, 4, 256, 256]", "input"),
        ("shape = [1, 6, 256, 256]", 'shape = [1, 6, "free", 256]', "input"),
        ("shape = [1, 6, 256, 256]", "shape = [6, 256, 256]", "input"),
        ('name = "guides"', 'name = "where"', "input"),
        ('name = "colour"', 'name = "light"', "output"),
    ],
)
def test_a_model_that_is_not_what_the_manifest_says_is_refused(folder: Path, old: str, new: str, what: str) -> None:
    change(folder, old, new)
    with pytest.raises(ModelError, match=rf"portrait-256 has the {what}s .*the manifest says"):
        Session(find_model(NAME, folder), "cpu")


def test_an_output_of_another_type_is_refused(folder: Path) -> None:
    before, _, after = (folder / MANIFEST).read_text("utf-8").partition('name = "flow"\ndtype = "float32"')
    (folder / MANIFEST).write_text(before + 'name = "flow"\ndtype = "float16"' + after, "utf-8")
    with pytest.raises(ModelError, match="portrait-256 has the outputs"):
        Session(find_model(NAME, folder), "cpu")


def test_bytes_that_are_no_model_are_refused(folder: Path) -> None:
    junk = b"not a model"
    (folder / FILE).write_bytes(junk)
    entry = replace(find_model(NAME, folder), bytes=len(junk), sha256=hashlib.sha256(junk).hexdigest())
    with pytest.raises(ModelError, match=r"portrait-256 cannot run on cpu: cpu: .*install reenact again"):
        Session(entry, "cpu")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("sha256", "sha255"),
        ('file = "portrait-256-int8.onnx"', 'file = "../portrait-256-int8.onnx"'),
        ('file = "portrait-256-int8.onnx"', 'file = "/etc/passwd"'),
        ("bytes = ", 'bytes = "many" # '),
        ("shape = [1, 6, 256, 256]", 'shape = [1, 6, "any", 256]'),
        ("[models.portrait-256]", "[models.portrait-256"),
        ("[models.portrait-256]", "[model.portrait-256]"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused(folder: Path, old: str, new: str) -> None:
    change(folder, old, new)
    with pytest.raises(ModelError, match=r"manifest\.toml cannot be used.*install reenact again"):
        list_models(folder)


def test_no_manifest_and_an_unknown_name_are_refused(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ModelError, match=r"'landscape': expected one of portrait"):
        find_model("landscape", folder)
    (folder / MANIFEST).unlink()
    with pytest.raises(ModelError, match=r"manifest\.toml cannot be used"):
        list_models(folder)


def test_the_manifest_says_what_is_in_it() -> None:
    entry = find_model(NAME)
    table = tomllib.loads((models_folder() / MANIFEST).read_text("utf-8"))["models"][NAME]
    assert (entry.kind, entry.sha256, entry.opset) == ("portrait", table["sha256"], table["opset"])
    assert entry.on_gpu == "portrait-256-fp16"
    wanted = [("picture", "uint8", (1, 6, 256, 256)), ("guides", "float32", (1, 7, 64, 64))]
    assert [(s.name, s.dtype, s.shape) for s in entry.inputs] == wanted
    assert all(s.values for s in entry.inputs + entry.outputs)


# Where it runs


def only(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """A machine whose onnxruntime has these providers and no others."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [PROVIDERS[n] for n in names])
    monkeypatch.setattr(gpulibraries, "missing", lambda _: "")  # as far as files go


@pytest.mark.parametrize(
    ("provider", "remedy"),
    [
        ("cuda", r"pip install 'onnxruntime-gpu\[cuda,cudnn\]'"),
        ("tensorrt", "pip install tensorrt"),
        ("coreml", "needs macOS"),
        ("directml", "onnxruntime-directml"),
    ],
)
def test_a_provider_that_is_not_there_names_the_remedy(provider: str, remedy: str, monkeypatch) -> None:
    only(monkeypatch, "cpu")
    with pytest.raises(ModelError, match=f"portrait-256[a-z0-9-]* cannot run on {provider}: .*{remedy}"):
        Session(find_model(NAME), provider)
    session = Session(find_model(NAME), provider, allow_cpu=True)
    assert session.provider == "cpu"
    assert session.run(inputs())[2].shape == (1, 3, 256, 256)


def failing_on(monkeypatch: pytest.MonkeyPatch, *names: str, silently: bool = False) -> None:
    """The providers are listed, but a session on them fails, or falls back to the CPU and tells nobody."""
    only(monkeypatch, *names, "cpu")
    real = onnxruntime.InferenceSession
    asked = {PROVIDERS[n] for n in names}

    def opened(content, options, providers):
        if asked & set(providers):
            if silently:
                return real(content, onnxruntime.SessionOptions(), providers=["CPUExecutionProvider"])
            raise RuntimeError("libcudart.so.13: cannot open shared object file\nand more")
        return real(content, options, providers=providers)

    monkeypatch.setattr(onnxruntime, "InferenceSession", opened)


@pytest.mark.parametrize("silently", [False, True])
def test_a_machine_without_a_driver_says_so_or_takes_the_cpu_where_it_may(silently: bool, monkeypatch) -> None:
    failing_on(monkeypatch, "cuda", silently=silently)
    with pytest.raises(ModelError, match=r"cannot run on cuda: cuda: .*see whether nvidia-smi shows a GPU") as told:
        Session(find_model(NAME), "cuda")
    assert "\n" not in str(told.value)
    assert ("libcudart" in str(told.value)) != silently
    assert Session(find_model(NAME), "cuda", allow_cpu=True).provider == "cpu"
    assert Session(find_model(NAME), "auto").provider == "cpu"


@pytest.mark.parametrize(
    ("library", "remedy"),
    [
        ("libcublasLt.so.13", "pip install 'onnxruntime-gpu[cuda,cudnn]'"),
        ("libcudnn.so.9", "pip install 'onnxruntime-gpu[cuda,cudnn]'"),
        ("libcuda.so.1", "install NVIDIA's driver (on Debian: sudo apt-get install nvidia-driver)"),
        ("libnvinfer.so.10", "pip install tensorrt"),
    ],
)
def test_a_missing_library_is_named_with_the_command_that_brings_it(library: str, remedy: str, monkeypatch) -> None:
    only(monkeypatch, "cpu", "cuda")
    monkeypatch.setattr(gpulibraries, "missing", lambda provider: library if provider == "cuda" else "")
    with pytest.raises(ModelError, match="cannot run on cuda: cuda: ") as told:
        Session(find_model(NAME), "cuda")
    assert f"{library} is missing; {remedy}" in str(told.value)
    assert Session(find_model(NAME), "auto").provider == "cpu"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux says which library is missing")
def test_libraries_are_really_looked_for(monkeypatch) -> None:
    if PROVIDERS["cuda"] not in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime is built without CUDA")
    loaded = []

    def load(name, *_):
        loaded.append(name)
        if name.endswith("libonnxruntime_providers_cuda.so"):
            raise OSError("libcurand.so.10: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(gpulibraries.ctypes, "CDLL", load)
    assert gpulibraries.missing("cuda") == "libcurand.so.10"
    assert Path(loaded[-1]).is_file()
    assert gpulibraries.missing("cpu") == ""
    assert gpulibraries.missing("directml") == ""


def test_auto_takes_a_gpu_that_works(monkeypatch) -> None:
    only(monkeypatch, "cpu", "cuda", "tensorrt")
    real, asked = onnxruntime.InferenceSession, []

    class Opened:
        def __init__(self, content, options, providers) -> None:
            self._session, self._providers = real(content, providers=["CPUExecutionProvider"]), providers
            asked.append((providers, options.intra_op_num_threads, options))
            self.get_inputs, self.get_outputs = self._session.get_inputs, self._session.get_outputs

        def get_providers(self):
            return self._providers

    monkeypatch.setattr(onnxruntime, "InferenceSession", Opened)
    session = Session(find_model(NAME), "auto", threads=3)
    assert (session.provider, session.entry.name) == ("cuda", "portrait-256-fp16")
    providers, threads, options = asked[0]
    assert (len(asked), providers, threads) == (1, ["CUDAExecutionProvider"], 3)
    assert options.get_session_config_entry("session.disable_cpu_ep_fallback") == "1"


def test_wrong_inputs_are_a_model_error_in_one_line() -> None:
    session = Session(find_model(NAME), "cpu")
    given = inputs()
    given["picture"] = given["picture"].astype(np.float32)
    with pytest.raises(ModelError, match="portrait-256 failed on cpu") as told:
        session.run(given)
    assert "\n" not in str(told.value)
