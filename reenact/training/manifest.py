"""Entries of models/manifest.toml: what a model file is, written beside it."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from reenact.generation.weights import MANIFEST, ModelEntry, TensorSpec, list_models

_HEAD = "# What each model file is; reenact loads none that differs.  See README.md beside this file."


def entry(
    name: str,
    kind: str,
    path: Path,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    opset: int,
    on_gpu: str | None = None,
) -> ModelEntry:
    """The entry of a file as it lies there now."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return ModelEntry(
        name, kind, path, digest, len(content), "Apache-2.0", opset, tuple(inputs), tuple(outputs), on_gpu
    )


def write(folder: Path, entries: Sequence[ModelEntry]) -> None:
    """Puts entries into the folder's manifest, in place of those of the same names; the others stay."""
    kept = list_models(folder) if (folder / MANIFEST).is_file() else ()
    names = {e.name for e in entries}
    lines = [_HEAD]
    for each in [*(e for e in kept if e.name not in names), *entries]:
        lines += ["", *_table(each)]
    part = folder / (MANIFEST + ".part")
    part.write_text("\n".join(lines) + "\n", "utf-8")
    part.replace(folder / MANIFEST)


def _table(each: ModelEntry) -> list[str]:
    lines = [
        f"[models.{each.name}]",
        f'file = "{each.path.name}"',
        f'kind = "{each.kind}"',
        f'sha256 = "{each.sha256}"',
        f"bytes = {each.bytes}",
        f'licence = "{each.licence}"',
        f"opset = {each.opset}",
    ]
    if each.on_gpu is not None:
        lines.append(f'on_gpu = "{each.on_gpu}"')
    for side, specs in (("inputs", each.inputs), ("outputs", each.outputs)):
        for spec in specs:
            shape = ", ".join('"free"' if size is None else str(size) for size in spec.shape)
            lines += ["", f"[[models.{each.name}.{side}]]", f'name = "{spec.name}"', f'dtype = "{spec.dtype}"']
            lines += [f"shape = [{shape}]", f'values = "{spec.values}"']
    return lines
