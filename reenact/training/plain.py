"""The untrained `portrait` graph: lays eyes and mouth over the warped face and passes the mask on.

    python -m reenact.training.plain models/

It has the contract of the trained network, which adds a residual inside the mask; see models/README.md.
"""

import hashlib
import sys
from pathlib import Path
from typing import Any

OPSET = 20
FILE = "portrait-plain.onnx"
_IMAGE = "uint8"


def build() -> bytes:
    """The ONNX file: picture = base + (layer - base) * alpha / 255, mask = max(region, alpha)."""
    from onnx import TensorProto as T
    from onnx import helper as h

    nodes = [
        h.make_node("Split", ["layer", "parts"], ["colour", "alpha"], axis=1),
        h.make_node("Cast", ["base"], ["base_f"], to=T.FLOAT),
        h.make_node("Cast", ["colour"], ["colour_f"], to=T.FLOAT),
        h.make_node("Cast", ["alpha"], ["alpha_f"], to=T.FLOAT),
        h.make_node("Mul", ["alpha_f", "scale"], ["share"]),
        h.make_node("Sub", ["colour_f", "base_f"], ["difference"]),
        h.make_node("Mul", ["difference", "share"], ["added"]),
        h.make_node("Add", ["base_f", "added"], ["sum"]),
        h.make_node("Round", ["sum"], ["rounded"]),
        h.make_node("Cast", ["rounded"], ["picture"], to=T.UINT8),
        h.make_node("Max", ["region", "alpha"], ["mask"]),
    ]
    graph = h.make_graph(
        nodes,
        "portrait-plain",
        [_planes(n, c) for n, c in (("base", 3), ("layer", 4), ("region", 1))],
        [_planes(n, c) for n, c in (("picture", 3), ("mask", 1))],
        [h.make_tensor("parts", T.INT64, [2], [3, 1]), h.make_tensor("scale", T.FLOAT, [], [1 / 255])],
    )
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", OPSET)], ir_version=9, producer_name="reenact")
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _planes(name: str, channels: int) -> Any:
    """A tensor of whole planes: with interleaved bytes each operator that meets alpha is ten times slower."""
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, TensorProto.UINT8, [1, channels, "height", "width"])


def manifest(content: bytes) -> str:
    """models/manifest.toml for that file."""
    tensors = {
        "inputs": (
            ("base", 3, "BGR, 0 to 255: the target's texture warped to the driven mesh"),
            ("layer", 4, "BGRA, straight alpha: eyes and inner mouth drawn over it"),
            ("region", 1, "where the face may change: 0 nowhere, 255 freely"),
        ),
        "outputs": (
            ("picture", 3, "BGR, 0 to 255: the finished face"),
            ("mask", 1, "what of it is to be taken: 0 nothing, 255 all"),
        ),
    }
    lines = [
        "# What each model file is; reenact loads none that differs.  See README.md beside this file.",
        "",
        "[models.portrait]",
        f'file = "{FILE}"',
        'kind = "portrait"',
        f'sha256 = "{hashlib.sha256(content).hexdigest()}"',
        f"bytes = {len(content)}",
        'licence = "Apache-2.0"',
        f"opset = {OPSET}",
    ]
    for side, rows in tensors.items():
        for name, channels, values in rows:
            lines += ["", f"[[models.portrait.{side}]]", f'name = "{name}"', f'dtype = "{_IMAGE}"']
            lines += [f'shape = [1, {channels}, "free", "free"]', f'values = "{values}"']
    return "\n".join(lines) + "\n"


def main(folder: Path) -> None:
    content = build()
    (folder / FILE).write_bytes(content)
    (folder / "manifest.toml").write_text(manifest(content), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
