"""The target's face under the driver's motion: mesh warp, eyes and mouth, and the ONNX model over them."""

from reenact.generation.portrait import PortraitGenerator

__all__ = ["PortraitGenerator"]
