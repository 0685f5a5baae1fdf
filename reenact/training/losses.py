"""What a finished picture is told off for, and how good it is by region."""

import torch
from torch import Tensor
from torch.nn import functional as f

_EDGES, _LIKE_BASE, _SHARP, _SMALL = 0.5, 1.0, 0.05, 0.002  # weights of the terms beside the plain difference
_PARTS = 3.0  # how much more eyes and mouth count than skin
_CELL = 16  # pixels: over which sharpness is compared


def loss(out: Tensor, base: Tensor, truth: Tensor, weight: Tensor, detail: Tensor) -> Tensor:
    """One number.  out, base, truth (n, 3, s, s), 0..255; weight (n, 1, s, s), 0..1; detail (n, 3, s, s).

    Beside the difference and that of the edges: what makes the picture worse than the base was (a hinge on the
    smoothed differences), what is softer or harsher than the truth (Laplacian energy by cells), and paint itself.
    """
    total = weight.sum().clamp(min=1) * 3
    away, before = (out - truth).abs(), (base - truth).abs()
    worse = f.relu(_smooth(away) - _smooth(before))
    edges = sum((weight[..., 1:, 1:] * (_step(out, k) - _step(truth, k)).abs()).sum() for k in (-1, -2))
    sharp = (_energy(out, weight) - _energy(truth, weight)).abs().mean()
    plain = (weight * (away + _LIKE_BASE * worse + _SMALL * detail.abs())).sum()
    return (plain + _EDGES * edges) / total + _SHARP * 255 * sharp / 16


def importance(weight: Tensor, picture: Tensor) -> Tensor:
    """weight with eyes and mouth, and what is near them, counted more; picture as the network's."""
    parts = f.max_pool2d(f.max_pool2d(picture[:, 3:5].amax(1, keepdim=True) / 255, 8), 3, stride=1, padding=1)
    near = f.interpolate(f.avg_pool2d(parts, 3, stride=1, padding=1), scale_factor=8.0, mode="bilinear")
    return weight * (1 + (_PARTS - 1) * near)


def _smooth(x: Tensor) -> Tensor:
    return f.interpolate(f.avg_pool2d(x, 8), scale_factor=8.0, mode="nearest")


def _step(x: Tensor, axis: int) -> Tensor:
    d = x.diff(dim=axis)
    return d[..., 1:, :] if axis == -1 else d[..., 1:]


def laplacian(x: Tensor) -> Tensor:
    """Of the luma, (n, 1, s, s)."""
    luma = 0.114 * x[:, :1] + 0.587 * x[:, 1:2] + 0.299 * x[:, 2:]
    kernel = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]], dtype=x.dtype, device=x.device)
    return f.conv2d(luma, kernel[None, None], padding=1)


def _energy(x: Tensor, weight: Tensor) -> Tensor:
    """Root of the Laplacian's mean square in each cell, 0..1, the weight's share of the cell counted."""
    return torch.sqrt(f.avg_pool2d(weight.clamp(max=1) * laplacian(x) ** 2, _CELL) + 4.0) / 255


def regions(picture: Tensor, face: Tensor) -> dict[str, Tensor]:
    """Masks (n, 1, s, s) of 0 and 1: face, mouth, inner mouth, eyes, outside (of the face)."""
    eyes, mouth = picture[:, 3:4] > 127, picture[:, 4:5] > 127
    inside = face > 0.5
    around = f.interpolate(f.max_pool2d(f.max_pool2d(eyes.float(), 8), 3, 1, 1), scale_factor=8.0) > 0
    # the mouth's box is where the canonical crop has it, and whatever opens
    box = torch.zeros_like(face, dtype=torch.bool)
    size = face.shape[-1]
    box[..., int(0.52 * size) : int(0.86 * size), int(0.30 * size) : int(0.70 * size)] = True
    return {
        "face": inside,
        "mouth": (box | mouth) & inside,
        "inner mouth": mouth & inside,
        "eyes": around & inside,
        "outside": face <= 0,
    }


def squared(a: Tensor, b: Tensor, mask: Tensor) -> tuple[float, int]:
    """Sum of squared differences inside mask, and of how many values."""
    wide = mask.expand_as(a)
    return float(((a - b) ** 2)[wide].sum()), int(wide.sum())
