"""Training on one target's own video: minutes, held-out moments that decide, and a generator for its bundle.

Every eighth stretch of the video is never learnt from.  Training starts from the shipped network and stops when the
mouth of those stretches gets worse; what is better than the shipped network there is kept, else nothing changes.
"""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch

from reenact.config import GeneratorConfig
from reenact.errors import TargetError
from reenact.geometry import fit_similarity, rotation_vector
from reenact.targets.bundle import Bundle
from reenact.targets.generator import install_generator, models_of
from reenact.targets.library import OpenTarget, load_target
from reenact.tracking.topology import RIGID
from reenact.training.checkpoint import averaged
from reenact.training.export import export_network
from reenact.training.fit import BEST, Fit, FitConfig, Report
from reenact.training.judge import Score, finished, judge
from reenact.training.network import Portrait
from reenact.training.pack import Pack, Person, cut
from reenact.training.pairs import Pairs, Sample
from reenact.training.samples import augmented, batch
from reenact.training.shipped import shipped

_MOST = 360  # frames that are learnt from: spread over the video, a longer one repeats itself
_STRETCH = 8  # of consecutive frames, so that a held-out moment has no neighbour a frame away
_LEAST = 48  # frames with a face under which there is nothing to learn
_ALIKE = 0.12  # radians: a video's frame is driven where its head is, so references turn much the same way
_JUDGED = 24
_CALIBRATION = 32


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a training on one target brought, on the held-out moments: dB by region and sharpness.

    kept  False where the shipped network was no worse, and stays
    """

    base: Score
    before: Score
    after: Score
    steps: int
    seconds: float
    kept: bool


def train_on(
    bundle: Bundle, minutes: float, threads: int, report: Report, stop: Callable[[], bool]
) -> tuple[Outcome, Path]:
    """Trains a kept target and puts the generator into its bundle where it is better; returns the outcome and a sheet.

    The checkpoint lies beside the bundle until the training is over: an interrupted one goes on from there.
    """
    folder = bundle.folder.parent / f".training-{bundle.folder.name}"
    models = models_of(bundle)
    start = shipped(GeneratorConfig().model, models)
    config = FitConfig(minutes=minutes, threads=threads, rate=3e-4, warm_up=20, judge_every=40, patience=5, batch=8)
    with load_target(bundle.folder) as target:
        outcome, network = train_target(target, folder, start, config, report, stop)
        own = OwnFrames(target)
    sheet = bundle.folder.parent / f"{bundle.folder.name}-training.png"
    write_sheet(sheet, start, network, own.judges()[:: _JUDGED // 6])
    if outcome.kept:
        rng = np.random.default_rng(1)
        with tempfile.TemporaryDirectory() as made:
            calibration = [own.draw(rng, 1.0) for _ in range(_CALIBRATION)]
            export_network(network, calibration, own.judges(), Path(made), GeneratorConfig().model)
            install_generator(bundle, Path(made))
    if not stop():
        shutil.rmtree(folder, ignore_errors=True)
    return outcome, sheet


def write_sheet(path: Path, before: Portrait, after: Portrait, samples: list[Sample]) -> None:
    """base, before, after, truth; a row for each sample."""
    rows = []
    for sample in samples:
        b = batch([sample])
        with torch.no_grad():
            made = [finished(n, b.picture, b.guides) for n in (before, after)]
        shown = [b.picture[:, :3], *made, b.truth]
        rows.append(np.hstack([x[0].permute(1, 2, 0).byte().numpy() for x in shown]))
    cv2.imwrite(str(path), np.vstack(rows))


class OwnFrames:
    """A target's video as training samples: draws of learnt moments, and the held-out ones."""

    def __init__(self, target: OpenTarget) -> None:
        pack, index = _packed(target)
        self._pairs = Pairs(pack)
        stretch = np.arange(len(index)) // _STRETCH
        self.held = np.flatnonzero(stretch % 8 == 5)
        self.learnt = np.flatnonzero(stretch % 8 != 5)
        turns = [rotation_vector(fit_similarity(pack.points[0][RIGID], p[RIGID]).rotation) for p in pack.points]
        self._turns = np.stack(turns)

    def draw(self, rng: np.random.Generator, real: float) -> Sample:
        """A learnt moment driven from another of much the same head pose; open mouths more often than they are."""
        wanted = int(rng.choice(self.learnt))
        if self._pairs.gap[wanted] < 0.05 and rng.random() < 0.4:
            gaps = self._pairs.gap[self.learnt]
            wanted = int(rng.choice(self.learnt[np.argsort(gaps)[-max(1, len(gaps) // 4) :]]))
        return augmented(self._pairs.sample(self._reference(wanted, rng), wanted, True), rng)

    def judges(self) -> list[Sample]:
        """Held-out moments, each driven from a learnt one."""
        rng = np.random.default_rng(0)
        chosen = self.held[np.linspace(0, len(self.held) - 1, min(_JUDGED, len(self.held))).astype(int)]
        return [self._pairs.sample(self._reference(int(w), rng), int(w), True) for w in chosen]

    def _reference(self, wanted: int, rng: np.random.Generator) -> int:
        away = np.linalg.norm(self._turns[self.learnt] - self._turns[wanted], axis=1)
        away[np.abs(self.learnt - wanted) < _STRETCH] = np.inf
        near = np.flatnonzero(away < _ALIKE)
        return int(self.learnt[rng.choice(near) if len(near) else int(away.argmin())])


def train_target(
    target: OpenTarget, folder: Path, start: Portrait, config: FitConfig, report: Report, stop: Callable[[], bool]
) -> tuple[Outcome, Portrait]:
    """Trains for config.minutes at most, in folder (resumed where it holds a checkpoint); start is not changed.

    Raises TargetError for a photo, or a video with too few frames that show the face.
    """
    own = OwnFrames(target)
    samples = own.judges()
    before = judge(start, samples)
    first = Portrait(start.widths)
    first.load_state_dict(start.state_dict())
    fit = Fit(folder, own, {"real " + target.name: samples}, config, first)
    progress = fit.run(report, stop)
    best = averaged(folder / BEST) if (folder / BEST).is_file() else fit.averaged()
    after = judge(best, samples)
    outcome = Outcome(
        fit.base["real " + target.name], before, after, progress.step, progress.seconds, _better(before, after)
    )
    return outcome, best


def _better(before: Score, after: Score) -> bool:
    """Better on the whole face and no worse at the mouth."""
    return after.psnr["face"] > before.psnr["face"] and after.psnr["mouth"] >= before.psnr["mouth"]


def _packed(target: OpenTarget) -> tuple[Pack, npt.NDArray[np.int64]]:
    if target.kind != "video":
        raise TargetError(f"{target.name} is a photo: training needs a video, record one with `reenact target record`")
    usable = [n for n in range(target.bundle.frames) if target.shot(n, None).found]
    if len(usable) < _LEAST:
        raise TargetError(
            f"{target.name} shows a face in {len(usable)} frames: expected at least {_LEAST}, some seconds of video"
        )
    stretches = len(usable) // _STRETCH
    keep = np.unique(np.linspace(0, stretches - 1, min(stretches, _MOST // _STRETCH)).astype(int))
    index = np.concatenate([np.arange(s * _STRETCH, (s + 1) * _STRETCH) for s in keep])
    crops, points = [], []
    for i in index:
        shot = target.shot(usable[i], None)
        crop, placed = cut(shot.pixels, shot.points)
        crops.append(crop)
        points.append(placed)
    person = Person(target.name, "real", "train")
    pack = Pack(person, np.stack(crops), np.stack(points), index.astype(np.float32) / max(target.rate, 1.0))
    return pack, index
