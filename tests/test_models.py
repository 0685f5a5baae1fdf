"""Model files: what the manifest says, what is refused, and where they run."""

import hashlib
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from reenact.errors import ModelError
from reenact.generation.session import PROVIDERS, Session
from reenact.generation.weights import MANIFEST, find_model, list_models, models_folder, read_model
from reenact.training import plain

ROOT = Path(__file__).parent.parent


def inputs(height: int = 6, width: int = 10, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {n: rng.integers(0, 256, (1, c, height, width), dtype=np.uint8) for n, c in CHANNELS}


CHANNELS = (("base", 3), ("layer", 4), ("region", 1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the models that may be damaged."""
    for name in (MANIFEST, plain.FILE):
        (tmp_path / name).write_bytes((models_folder() / name).read_bytes())
    return tmp_path


def change(folder: Path, old: str, new: str) -> None:
    text = (folder / MANIFEST).read_text("utf-8")
    assert old in text
    (folder / MANIFEST).write_text(text.replace(old, new, 1), "utf-8")


# The committed files


def test_the_committed_model_is_the_one_that_is_built() -> None:
    pytest.importorskip("onnx")
    content = plain.build()
    assert (ROOT / "models" / plain.FILE).read_bytes() == content
    assert (ROOT / "models" / MANIFEST).read_text("utf-8") == plain.manifest(content)


def test_what_is_built_is_a_sound_model() -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load_model_from_string(plain.build())
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version == plain.OPSET


def test_writing_them_gives_the_committed_files(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    plain.main(tmp_path)
    for name in (MANIFEST, plain.FILE):
        assert (tmp_path / name).read_bytes() == (ROOT / "models" / name).read_bytes()


def test_every_model_in_the_manifest_is_there_and_runs() -> None:
    entries = list_models()
    assert "portrait" in {e.name for e in entries}
    for entry in entries:
        assert len(read_model(entry)) == entry.bytes
        assert entry.licence
        Session(entry, "cpu")


# What it computes


@pytest.mark.parametrize("size", [(1, 1), (6, 10), (64, 128), (65, 31)])
def test_the_plain_model_lays_the_layer_over_the_base(size: tuple[int, int]) -> None:
    session = Session(find_model("portrait"), "cpu")
    given = inputs(*size)
    picture, mask = session.run(given)
    base, layer, region = (given[n].astype(np.float64) for n, _ in CHANNELS)
    exact = base + (layer[:, :3] - base) * layer[:, 3:] / 255
    assert picture.dtype == mask.dtype == np.uint8
    assert np.abs(picture - exact).max() <= 0.501
    assert np.array_equal(mask, np.maximum(region, layer[:, 3:]).astype(np.uint8))


def test_no_layer_changes_nothing_and_a_full_one_all() -> None:
    session = Session(find_model("portrait"), "cpu")
    given = inputs(40, 40)
    given["layer"][:, 3] = 0
    assert np.array_equal(session.run(given)[0], given["base"])
    given["layer"][:, 3] = 255
    assert np.array_equal(session.run(given)[0], given["layer"][:, :3])


# What is refused


@pytest.mark.parametrize("place", [0, 100, -1])
def test_a_changed_byte_is_refused(folder: Path, place: int) -> None:
    content = bytearray((folder / plain.FILE).read_bytes())
    content[place] ^= 1
    (folder / plain.FILE).write_bytes(content)
    with pytest.raises(ModelError, match=r"portrait-plain\.onnx.*changed or damaged, install reenact again"):
        Session(find_model("portrait", folder), "cpu")


@pytest.mark.parametrize("content", [b"", b"\0" * 662])
def test_a_file_cut_off_is_refused(folder: Path, content: bytes) -> None:
    (folder / plain.FILE).write_bytes(content)
    with pytest.raises(ModelError, match=f"{len(content)} bytes"):
        read_model(find_model("portrait", folder))


def test_a_missing_file_is_refused(folder: Path) -> None:
    (folder / plain.FILE).unlink()
    with pytest.raises(ModelError, match=r"portrait-plain\.onnx cannot be read: No such file.*install reenact again"):
        Session(find_model("portrait", folder), "cpu")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('dtype = "uint8"', 'dtype = "float32"', "input"),
        ('shape = [1, 3, "free", "free"]', 'shape = [1, 4, "free", "free"]', "input"),
        ('shape = [1, 3, "free", "free"]', 'shape = [1, 3, 256, "free"]', "input"),
        ('shape = [1, 3, "free", "free"]', 'shape = [3, "free", "free"]', "input"),
        ('name = "region"', 'name = "where"', "input"),
        ('name = "mask"', 'name = "alpha"', "output"),
    ],
)
def test_a_model_that_is_not_what_the_manifest_says_is_refused(folder: Path, old: str, new: str, what: str) -> None:
    change(folder, old, new)
    with pytest.raises(ModelError, match=rf"portrait has the {what}s .*the manifest says"):
        Session(find_model("portrait", folder), "cpu")


def test_an_output_of_another_type_is_refused(folder: Path) -> None:
    before, _, after = (folder / MANIFEST).read_text("utf-8").partition('name = "picture"\ndtype = "uint8"')
    (folder / MANIFEST).write_text(before + 'name = "picture"\ndtype = "float16"' + after, "utf-8")
    with pytest.raises(ModelError, match="portrait has the outputs"):
        Session(find_model("portrait", folder), "cpu")


def test_bytes_that_are_no_model_are_refused(folder: Path) -> None:
    junk = b"not a model"
    (folder / plain.FILE).write_bytes(junk)
    entry = replace(find_model("portrait", folder), bytes=len(junk), sha256=hashlib.sha256(junk).hexdigest())
    with pytest.raises(ModelError, match=r"portrait cannot run on cpu: cpu: .*install reenact again"):
        Session(entry, "cpu")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("sha256", "sha255"),
        ('file = "portrait-plain.onnx"', 'file = "../portrait-plain.onnx"'),
        ('file = "portrait-plain.onnx"', 'file = "/etc/passwd"'),
        ("bytes = ", 'bytes = "many" # '),
        ('"free"', '"any"'),
        ("[models.portrait]", "[models.portrait"),
        ("[models.portrait]", "[model.portrait]"),
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
    entry = find_model("portrait")
    table = tomllib.loads((models_folder() / MANIFEST).read_text("utf-8"))["models"]["portrait"]
    assert (entry.kind, entry.sha256, entry.opset) == ("portrait", table["sha256"], table["opset"])
    assert [(s.name, s.dtype, s.shape) for s in entry.inputs] == [(n, "uint8", (1, c, None, None)) for n, c in CHANNELS]
    assert all(s.values for s in entry.inputs + entry.outputs)


# Where it runs


def only(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """A machine whose onnxruntime has these providers and no others."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [PROVIDERS[n] for n in names])


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
    with pytest.raises(ModelError, match=f"portrait cannot run on {provider}: .*{remedy}"):
        Session(find_model("portrait"), provider)
    session = Session(find_model("portrait"), provider, allow_cpu=True)
    assert session.provider == "cpu"
    assert session.run(inputs())[0].shape == (1, 3, 6, 10)


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
    with pytest.raises(ModelError, match=r"cannot run on cuda: cuda: .*install NVIDIA's driver") as told:
        Session(find_model("portrait"), "cuda")
    assert "\n" not in str(told.value)
    assert ("libcudart" in str(told.value)) != silently
    assert Session(find_model("portrait"), "cuda", allow_cpu=True).provider == "cpu"
    assert Session(find_model("portrait"), "auto").provider == "cpu"


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
    assert Session(find_model("portrait"), "auto", threads=3).provider == "cuda"
    providers, threads, options = asked[0]
    assert (len(asked), providers, threads) == (1, ["CUDAExecutionProvider"], 3)
    assert options.get_session_config_entry("session.disable_cpu_ep_fallback") == "1"


def test_wrong_inputs_are_a_model_error_in_one_line() -> None:
    session = Session(find_model("portrait"), "cpu")
    given = inputs()
    given["base"] = given["base"].astype(np.float32)
    with pytest.raises(ModelError, match="portrait failed on cpu") as told:
        session.run(given)
    assert "\n" not in str(told.value)
