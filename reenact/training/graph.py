"""The trained network as an ONNX graph, written node by node: the same file from the same weights, whatever PyTorch's
version, in float32 or float16, and its int8 form by static quantization (QDQ)."""

import logging
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from reenact.generation.guides import CHANNELS
from reenact.training.scales import COLOUR, DETAIL, FLOW, HEAD

OPSET = 20
Array = npt.NDArray[Any]


class _Graph:
    """Nodes and initializers as they are added; the last name is what the next node reads."""

    def __init__(self, weights: Mapping[str, Array], dtype: type) -> None:
        self._weights, self.dtype = weights, dtype
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: Any, dtype: type | None = None) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype or self.dtype), name))
        return name

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output

    def conv(self, x: str, layer: str, stride: int = 1, pad: int = 1) -> str:
        inputs = [x, *(self.constant(f"{layer}.{p}", self._weights[f"{layer}.{p}"]) for p in ("weight", "bias"))]
        return self.node("Conv", inputs, layer + "_out", strides=[stride] * 2, pads=[pad] * 4)

    def relu(self, x: str) -> str:
        return self.node("Relu", [x], x + "_relu")

    def add(self, a: str, b: str) -> str:
        return self.node("Add", [a, b], f"{a}_sum")

    def block(self, x: str, layer: str) -> str:
        return self.relu(self.add(self.conv(self.relu(self.conv(x, layer + ".first")), layer + ".second"), x))

    def twice(self, x: str) -> str:
        attributes = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return self.node("Resize", [x, "", "two"], x + "_wide", **attributes)


def build(weights: Mapping[str, Array], size: int, half: bool = False) -> bytes:
    """The network of reenact.training.network.Portrait with these weights at size x size, as an ONNX file.

    half  float16 inside; inputs and outputs are the same: picture uint8, guides and outputs float32
    """
    from onnx import TensorProto as T
    from onnx import helper as h

    grid = size // 4
    g = _Graph(weights, np.float16 if half else np.float32)
    inner = T.FLOAT16 if half else T.FLOAT
    g.constant("two", [1, 1, 2, 2], np.float32)
    g.constant("level", 1 / 255)
    g.constant("grey", 128, np.uint8)
    seen = g.node("DequantizeLinear", ["picture", "level", "grey"], "picture_unit")
    told = g.node("Cast", ["guides"], "guides_f", to=inner) if half else "guides"
    x = g.relu(g.add(g.conv(seen, "stem", 4, 1), g.conv(told, "told", 1, 0)))
    fine = g.relu(g.conv(x, "fine"))
    middle = g.relu(g.conv(fine, "down", 2))
    for k in range(2):
        middle = g.block(middle, f"middle.{k}")
    deep = g.relu(g.conv(middle, "deeper", 2))
    for k in range(2):
        deep = g.block(deep, f"deep.{k}")
    x = g.block(g.add(g.twice(g.conv(deep, "rise", 1, 0)), middle), "again")
    x = g.relu(g.conv(g.add(g.twice(g.conv(x, "top", 1, 0)), fine), "last"))
    g.constant("parts", [2, 3, HEAD - 5], np.int64)
    parts = ["flow_part", "colour_part", "paint"]
    g.nodes.append(h.make_node("Split", [g.conv(x, "head"), "parts"], parts, name="split", axis=1))
    spread = g.node("DepthToSpace", ["paint"], "paint_wide", blocksize=4, mode="CRD")
    for name, part, scale in (
        ("flow", "flow_part", FLOW),
        ("colour", "colour_part", COLOUR),
        ("detail", spread, DETAIL),
    ):
        scaled = name if not half else name + "_h"
        g.node("Mul", [part, g.constant(name + "_scale", scale)], scaled)
        if half:
            g.node("Cast", [scaled], name, to=T.FLOAT)
    graph = h.make_graph(
        g.nodes,
        f"portrait-{size}",
        [
            h.make_tensor_value_info("picture", T.UINT8, [1, 6, size, size]),
            h.make_tensor_value_info("guides", T.FLOAT, [1, CHANNELS, grid, grid]),
        ],
        [
            h.make_tensor_value_info("flow", T.FLOAT, [1, 2, grid, grid]),
            h.make_tensor_value_info("colour", T.FLOAT, [1, 3, grid, grid]),
            h.make_tensor_value_info("detail", T.FLOAT, [1, 3, size, size]),
        ],
        g.constants,
    )
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", OPSET)], ir_version=9, producer_name="reenact")
    content: bytes = model.SerializeToString(deterministic=True)
    return content


class _Feed:
    """Calibration samples for onnxruntime, one after the other."""

    def __init__(self, samples: Sequence[tuple[Array, Array]]) -> None:
        self._rest = iter(samples)

    def get_next(self) -> dict[str, Array] | None:
        found = next(self._rest, None)
        return None if found is None else {"picture": found[0], "guides": found[1]}


def quantized(content: bytes, samples: Sequence[tuple[Array, Array]]) -> bytes:
    """The int8 form (weights by channel, activations uint8) of a float32 file, calibrated on samples of
    picture (1, 6, s, s) uint8 and guides (1, 7, s/4, s/4) float32.  The two heads' results stay float: their small
    values are what is seen."""
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    feed = type("Feed", (_Feed, CalibrationDataReader), {})(samples)
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        before.write_bytes(content)
        logging.disable(logging.WARNING)  # advice about steps that this graph does not need
        quantize_static(
            before,
            after,
            feed,
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Relu", "Add", "Resize"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        logging.disable(logging.NOTSET)
        model = onnx.load(after)
    del model.metadata_props[:]
    whole: bytes = model.SerializeToString(deterministic=True)
    return whole
