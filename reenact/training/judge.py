"""How good a network is on people it never saw: by region, in sharpness, and against the base it started from."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reenact.training.losses import laplacian, regions, squared
from reenact.training.network import Portrait, lay
from reenact.training.pairs import Sample
from reenact.training.samples import batch

REGIONS = ("face", "mouth", "inner mouth", "eyes", "outside")
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Score:
    """Of one person.  psnr: dB by region; sharpness: Laplacian energy over the truth's, face and mouth."""

    psnr: dict[str, float]
    sharp: dict[str, float]


def judge(network: Portrait | None, samples: list[Sample]) -> Score:
    """The network's score on one person's samples; of the base itself for None."""
    error = dict.fromkeys(REGIONS, 0.0)
    count = dict.fromkeys(REGIONS, 0)
    energy = {r: np.zeros(2) for r in ("face", "mouth")}
    for k in range(0, len(samples), _AT_ONCE):
        b = batch(samples[k : k + _AT_ONCE])
        with torch.no_grad():
            out = b.picture[:, :3] if network is None else finished(network, b.picture, b.guides)
        for name, mask in regions(b.picture, b.weight).items():
            e, n = squared(out, b.truth, mask)
            error[name] += e
            count[name] += n
            if name in energy:
                energy[name] += [float((laplacian(x) ** 2)[mask].sum()) for x in (out, b.truth)]
    psnr = {r: float(10 * np.log10(255**2 / max(error[r] / max(count[r], 1), 1e-3))) for r in REGIONS if count[r]}
    sharp = {r: float(np.sqrt(e[0] / max(e[1], 1e-9))) for r, e in energy.items()}
    return Score(psnr, sharp)


def finished(network: Portrait, picture: Tensor, guides: Tensor) -> Tensor:
    """What is shown: rounded to whole levels, 0 to 255."""
    return lay(picture, guides, network(picture, guides)).round().clamp(0, 255)


def gains(network: Portrait, judges: dict[str, list[Sample]], base: dict[str, Score]) -> dict[str, dict[str, float]]:
    """dB over the base by person and region, and the sharpness of face and mouth (truth 1)."""
    out = {}
    for name, samples in judges.items():
        score = judge(network, samples)
        out[name] = {r: score.psnr[r] - base[name].psnr[r] for r in score.psnr}
        out[name] |= {f"sharp {r}": v for r, v in score.sharp.items()}
    return out


def verdict(gained: dict[str, dict[str, float]]) -> float:
    """One number, the higher the better: the mean gain of mouth, eyes and face, losses counted three times."""
    rows = [g[r] for g in gained.values() for r in ("face", "mouth", "eyes") if r in g]
    return float(np.mean([v if v >= 0 else 3 * v for v in rows]))
