"""A network of kind `portrait` small enough for numba's simulator: one convolution for each output."""

from pathlib import Path

import numpy as np
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

from reenact.generation.guides import CHANNELS
from reenact.generation.weights import TensorSpec
from reenact.training import manifest

NAME = "small"


def write(folder: Path, size: int) -> Path:
    """The model and its manifest in `folder`; flow of a pixel or two, colour and detail of some ten grey levels."""
    rng = np.random.default_rng(5)
    n = size // 4
    weights = {
        "flow_w": rng.normal(0, 0.01, (2, 6, 4, 4)),
        "colour_w": rng.normal(0, 0.08, (3, 6, 4, 4)),
        "detail_w": rng.normal(0, 0.05, (3, 6, 3, 3)),
        "told_w": rng.normal(0, 4.0, (3, CHANNELS, 1, 1)),
    }
    nodes = [
        h.make_node("Cast", ["picture"], ["picture_f"], to=T.FLOAT),
        h.make_node("Sub", ["picture_f", "grey"], ["centred"]),
        h.make_node("Conv", ["centred", "flow_w"], ["flow"], strides=[4, 4]),
        h.make_node("Conv", ["centred", "colour_w"], ["tint"], strides=[4, 4]),
        h.make_node("Conv", ["guides", "told_w"], ["told"]),
        h.make_node("Add", ["tint", "told"], ["colour"]),
        h.make_node("Conv", ["centred", "detail_w"], ["detail"], pads=[1, 1, 1, 1]),
    ]
    shapes = {
        "picture": ("uint8", (1, 6, size, size)),
        "guides": ("float32", (1, CHANNELS, n, n)),
        "flow": ("float32", (1, 2, n, n)),
        "colour": ("float32", (1, 3, n, n)),
        "detail": ("float32", (1, 3, size, size)),
    }
    specs = [TensorSpec(name, dtype, shape, "") for name, (dtype, shape) in shapes.items()]
    values = [
        h.make_tensor_value_info(s.name, T.UINT8 if s.dtype == "uint8" else T.FLOAT, list(s.shape)) for s in specs
    ]
    constants = [numpy_helper.from_array(w.astype(np.float32), name) for name, w in weights.items()]
    constants.append(numpy_helper.from_array(np.float32(128), "grey"))
    graph = h.make_graph(nodes, NAME, values[:2], values[2:], constants)
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 20)], ir_version=9)
    path = folder / "small.onnx"
    path.write_bytes(model.SerializeToString(deterministic=True))
    manifest.write(folder, [manifest.entry(NAME, "portrait", path, specs[:2], specs[2:], 20)])
    return folder
