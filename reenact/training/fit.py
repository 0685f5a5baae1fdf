"""Training of the `portrait` network: resumable, judged on people it never sees, stopped when it gets no better."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch

from reenact.errors import InputError
from reenact.training import checkpoint
from reenact.training.checkpoint import Progress
from reenact.training.judge import Score, finished, gains, judge, verdict
from reenact.training.losses import importance, loss
from reenact.training.network import WIDTHS, Portrait, lay
from reenact.training.pairs import Sample
from reenact.training.samples import Draws, batch, batches

LAST, BEST = "last.npz", "best.npz"
_CLIP = 0.5  # of the gradient's norm
_KEEP = 0.998  # of the moving average of the weights, at each step


@dataclass(frozen=True, slots=True)
class FitConfig:
    """One training run.

    real      share of real people in a batch where the data set has both
    minutes   of training, over all resumed runs
    patience  judgements without a better one after which it stops
    """

    batch: int = 16
    rate: float = 8e-4
    warm_up: int = 100
    minutes: float = 60.0
    judge_every: int = 200
    patience: int = 12
    real: float = 0.5
    seed: int = 0
    threads: int = 2
    widths: tuple[int, int, int] = field(default=WIDTHS[256])

    def __post_init__(self) -> None:
        if self.batch < 1 or self.minutes <= 0 or self.judge_every < 1 or self.patience < 1:
            raise InputError("batch, minutes, judge_every and patience are to be positive")
        if not 0 <= self.real <= 1:
            raise InputError(f"real is {self.real}: expected 0 to 1")


Report = Callable[[str, Progress], None]  # a line to show, and how far it is


class Fit:
    """A training in a folder that holds its checkpoints, its contact sheets and its history.

    people   who is learnt from
    judges   samples of others by name, or of moments never learnt from: they decide which state is kept
    start    a network to start from where the folder holds no checkpoint yet
    """

    def __init__(
        self,
        folder: Path,
        people: Draws,
        judges: dict[str, list[Sample]],
        config: FitConfig,
        start: Portrait | None = None,
    ) -> None:
        self.folder, self.people, self.judges, self.config = folder, people, judges, config
        folder.mkdir(parents=True, exist_ok=True)
        torch.set_num_threads(config.threads)
        torch.manual_seed(config.seed)
        self.base: dict[str, Score] = {name: judge(None, samples) for name, samples in judges.items()}
        last = folder / LAST
        self.average: dict[str, torch.Tensor] = {}
        if last.is_file():
            self.network, self.progress, self.optimiser, self.average = checkpoint.load(last, self._adam)
        else:
            self.network = Portrait(config.widths) if start is None else start
            self.progress, self.optimiser = Progress(), self._adam(self.network)
        self._shown = Portrait(self.network.widths).eval()

    def run(self, report: Report, stop: Callable[[], bool] = lambda: False) -> Progress:
        """Trains until the minutes are over, nothing gets better, or `stop()`; what was reached is saved."""
        began, spent = time.monotonic(), self.progress.seconds
        self.progress.threads = self.config.threads
        source = batches(self.people, self.config.batch, self.config.seed, self.config.real, self.progress.step)
        try:
            for made in source:
                if self._over() or stop():
                    break
                value = self._step(made.picture, made.guides, made.truth, made.weight)
                self.progress.step += 1
                self.progress.seconds = spent + time.monotonic() - began
                report(f"loss {value:.3f}", self.progress)
                if self.progress.step % self.config.judge_every == 0:
                    report(self._judge(), self.progress)
        finally:
            source.close()  # type: ignore[attr-defined]
            self._save(LAST)
        return self.progress

    def _adam(self, network: Portrait) -> torch.optim.Adam:
        return torch.optim.Adam(network.parameters(), lr=self.config.rate, betas=(0.9, 0.98))

    def _over(self) -> bool:
        late = self.progress.step - self.progress.best_step > self.config.patience * self.config.judge_every
        return self.progress.seconds >= self.config.minutes * 60 or late

    def _step(self, picture: torch.Tensor, guides: torch.Tensor, truth: torch.Tensor, weight: torch.Tensor) -> float:
        """One step; the rate warms up, then falls with the time that is left (cosine)."""
        spent = min(1.0, self.progress.seconds / (60 * self.config.minutes))
        rate = self.config.rate * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * spent)))
        for group in self.optimiser.param_groups:
            group["lr"] = rate * min(1.0, (self.progress.step + 1) / self.config.warm_up)
        self.network.train()
        answer = self.network(picture, guides)
        out = lay(picture, guides, answer)
        value = loss(out, picture[:, :3], truth, importance(weight, picture), answer[2])
        self.optimiser.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), _CLIP)
        self.optimiser.step()
        keep = min(_KEEP, (1 + self.progress.step) / (10 + self.progress.step))
        for name, now in self.network.state_dict().items():
            mean = self.average.setdefault(name, now.detach().clone())
            mean.mul_(keep).add_(now.detach(), alpha=1 - keep)
        return float(value.detach())

    def averaged(self) -> Portrait:
        """The network of the averaged weights: what is judged, kept and exported."""
        shown: Portrait = self._shown
        shown.load_state_dict(self.average or self.network.state_dict())
        return shown

    def _judge(self) -> str:
        network = self.averaged()
        gained = gains(network, self.judges, self.base)
        score = verdict(gained)
        entry = {
            "step": self.progress.step,
            "minutes": round(self.progress.seconds / 60, 2),
            "verdict": round(score, 4),
        }
        self.progress.history.append(entry | {"people": gained})
        better = score > self.progress.best
        if better:
            self.progress.best, self.progress.best_step = score, self.progress.step
            self._save(BEST)
        self._save(LAST)
        self.sheet(self.folder / "sheet.png")
        return f"{_told(gained)}  verdict {score:+.3f}{' *' if better else ''}"

    def _save(self, name: str) -> None:
        checkpoint.save(self.folder / name, self.network, self.progress, self.optimiser, self.average)

    def sheet(self, path: Path) -> None:
        """A contact sheet: base, network, truth and ten times the difference made, two samples of each person."""
        rows = []
        for samples in self.judges.values():
            chosen = samples[len(samples) // 4 :: max(1, len(samples) // 2)][:2]
            rows += [_row(self.averaged(), sample) for sample in chosen]
        cv2.imwrite(str(path), np.vstack(rows))


def _told(gained: dict[str, dict[str, float]]) -> str:
    """The means over people of each kind, in a line."""
    parts = []
    for kind in ("real", "rendered"):
        rows = [g for name, g in gained.items() if name.startswith(kind + " ")]
        if rows:
            mean = {k: float(np.mean([r[k] for r in rows if k in r])) for k in rows[0]}
            parts.append(
                f"{kind}: face {mean['face']:+.2f} mouth {mean['mouth']:+.2f} eyes {mean['eyes']:+.2f} dB, "
                f"sharp {mean['sharp face']:.2f} / {mean['sharp mouth']:.2f}"
            )
    return "; ".join(parts)


def _row(network: Portrait, sample: Sample) -> np.ndarray:  # type: ignore[type-arg]
    b = batch([sample])
    with torch.no_grad():
        out = finished(network, b.picture, b.guides)
    base, truth, over = b.picture[:, :3], b.truth, b.picture[:, 5:6] / 255
    out = out * (1 - over) + truth * over
    shown = [base, out, truth, (out - base) * 5 + 128]
    return np.hstack([x[0].permute(1, 2, 0).clamp(0, 255).byte().numpy() for x in shown])
