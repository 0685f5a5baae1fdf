"""The `portrait` network, PyTorch: what it looks at, and how its answer is laid over the base picture.

    picture (n, 6, s, s)  ---stem, stride 4--->  grid s/4  --->  s/8  --->  s/16  ---and back, skips added--->  s/4
    guides  (n, 7, s/4, s/4) --------------------^                                    |
                                     flow (n, 2, s/4, s/4) pixels, colour (n, 3, s/4, s/4), detail (n, 3, s, s) levels

A network that paints softens what was sharp, so it paints last: `flow` moves the base's own pixels, `colour` changes
light where there is little detail to lose, and only `detail` is at full resolution.  All three are multiplied by the
gate, which is zero off the face and where the base is right already, and by what was not pasted into the mouth.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as f

from reenact.generation.guides import CHANNELS, GATE
from reenact.training.scales import COLOUR, DETAIL, FLOW, HEAD

WIDTHS = {256: (32, 48, 64), 512: (64, 96, 128)}


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return f.relu(x + self.second(f.relu(self.first(x))))


class Portrait(nn.Module):
    """widths: channels at a quarter, an eighth and a sixteenth of the resolution, multiples of 16 (others are slow)."""

    def __init__(self, widths: tuple[int, int, int] = WIDTHS[256]) -> None:
        super().__init__()
        a, b, c = widths
        self.widths = widths
        self.stem = nn.Conv2d(6, a, 6, stride=4, padding=1)
        self.told = nn.Conv2d(CHANNELS, a, 1)
        self.fine = nn.Conv2d(a, a, 3, padding=1)
        self.down = nn.Conv2d(a, b, 3, stride=2, padding=1)
        self.middle = nn.Sequential(_Block(b), _Block(b))
        self.deeper = nn.Conv2d(b, c, 3, stride=2, padding=1)
        self.deep = nn.Sequential(_Block(c), _Block(c))
        self.rise = nn.Conv2d(c, b, 1)
        self.again = _Block(b)
        self.top = nn.Conv2d(b, a, 1)
        self.last = nn.Conv2d(a, a, 3, padding=1)
        self.head = nn.Conv2d(a, HEAD, 3, padding=1)
        nn.init.normal_(self.head.weight, std=1e-3)  # a small start: the base as it is, yet no dead gradient
        assert self.head.bias is not None
        nn.init.zeros_(self.head.bias)

    def forward(self, picture: Tensor, guides: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """picture (n, 6, s, s) 0..255 and guides (n, 7, s/4, s/4) float -> flow, colour, detail."""
        x = f.relu(self.stem((picture - 128) * (1 / 255)) + self.told(guides))
        fine = f.relu(self.fine(x))
        middle = self.middle(f.relu(self.down(fine)))
        deep = self.deep(f.relu(self.deeper(middle)))
        x = self.again(f.interpolate(self.rise(deep), scale_factor=2.0, mode="nearest") + middle)
        x = f.relu(self.last(f.interpolate(self.top(x), scale_factor=2.0, mode="nearest") + fine))
        answer = self.head(x)
        detail = f.pixel_shuffle(answer[:, 5:], 4)
        return answer[:, :2] * FLOW, answer[:, 2:5] * COLOUR, detail * DETAIL


def lay(picture: Tensor, guides: Tensor, answer: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """The finished picture (n, 3, s, s), 0..255, as reenact.generation.network.lay makes it."""
    flow, colour, detail = answer
    size = picture.shape[-1]
    gate = f.interpolate(guides[:, GATE : GATE + 1], size=size, mode="bilinear", align_corners=False)
    free = gate * (1 - picture[:, 5:6] / 255)
    moved = f.interpolate(flow, size=size, mode="bilinear", align_corners=False) * free
    line = (torch.arange(size, dtype=picture.dtype, device=picture.device) + 0.5) * (2 / size) - 1
    here = torch.stack(torch.meshgrid(line, line, indexing="xy"), -1)
    place = here[None] + moved.permute(0, 2, 3, 1) * (2 / size)
    base = f.grid_sample(picture[:, :3], place, mode="bicubic", padding_mode="border", align_corners=False)
    tone = f.interpolate(colour, size=size, mode="bilinear", align_corners=False)
    return base + free * (tone + detail)


def multiply_adds(network: Portrait, size: int) -> int:
    """Multiply-adds of one run at size x size."""
    total = 0

    def count(layer: Any, _: Any, out: Tensor) -> None:
        nonlocal total
        total += out[0].numel() * layer.weight[0].numel()

    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, nn.Conv2d)]
    with torch.no_grad():
        network(torch.zeros(1, 6, size, size), torch.zeros(1, CHANNELS, size // 4, size // 4))
    for hook in hooks:
        hook.remove()
    return total
