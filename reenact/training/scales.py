"""What the network's outputs of 1 mean: shared by the network and its ONNX form, which needs no PyTorch."""

FLOW = 4.0  # pixels of the canonical crop
COLOUR = 40.0  # grey levels
DETAIL = 40.0  # grey levels
HEAD = 2 + 3 + 48  # channels: flow, colour, and detail of 4 x 4 pixels
