"""Model files: what the manifest says of them, and the bytes, checked before they are used."""

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reenact.errors import ModelError

MANIFEST = "manifest.toml"


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output: name, dtype as numpy calls it, shape with None for a size free at run time."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    values: str  # meaning and range, in words


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """What the manifest says of one model file; on_gpu names the form of the same weights that a GPU runs."""

    name: str
    kind: str
    path: Path
    sha256: str
    bytes: int
    licence: str
    opset: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    on_gpu: str | None = None


def models_folder() -> Path:
    """Where the models lie: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "models", package.parent / "models"):
        if (folder / MANIFEST).is_file():
            return folder
    raise ModelError(f"no {MANIFEST} in {package / 'models'}: the installation is not whole, install reenact again")


def list_models(folder: Path | None = None) -> tuple[ModelEntry, ...]:
    """All entries of the manifest; ModelError where it cannot be read."""
    folder = folder or models_folder()
    try:
        data = tomllib.loads((folder / MANIFEST).read_text("utf-8"))
        return tuple(_entry(name, table, folder) for name, table in data["models"].items())
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{folder / MANIFEST} cannot be used ({error}): install reenact again") from error


def find_model(name: str, folder: Path | None = None) -> ModelEntry:
    """The entry of that name; ModelError naming those that exist."""
    entries = list_models(folder)
    for entry in entries:
        if entry.name == name:
            return entry
    raise ModelError(f"no model is called {name!r}: expected one of {', '.join(e.name for e in entries)}")


def read_model(entry: ModelEntry) -> bytes:
    """The file's bytes, which are what the manifest says or else ModelError: these very bytes are to be loaded."""
    try:
        content = entry.path.read_bytes()
    except OSError as error:
        raise ModelError(f"the model {entry.path} cannot be read: {error.strerror}; install reenact again") from error
    if len(content) != entry.bytes or hashlib.sha256(content).hexdigest() != entry.sha256:
        raise ModelError(
            f"the model {entry.path} ({len(content)} bytes) is not the file of {entry.bytes} bytes that the manifest "
            "describes: it was changed or damaged, install reenact again"
        )
    return content


def _entry(name: str, table: dict[str, Any], folder: Path) -> ModelEntry:
    file = str(table["file"])
    if Path(file).name != file:
        raise ValueError(f"file {file!r} of model {name} is not a plain file name")
    return ModelEntry(
        name,
        str(table["kind"]),
        folder / file,
        str(table["sha256"]),
        int(table["bytes"]),
        str(table["licence"]),
        int(table["opset"]),
        tuple(_tensor(t) for t in table["inputs"]),
        tuple(_tensor(t) for t in table["outputs"]),
        str(table["on_gpu"]) if "on_gpu" in table else None,
    )


def _tensor(table: dict[str, Any]) -> TensorSpec:
    shape = tuple(None if size == "free" else int(size) for size in table["shape"])
    return TensorSpec(str(table["name"]), str(table["dtype"]), shape, str(table["values"]))
