"""Batches: samples made by a thread ahead of the training, and the fixed ones that judge it."""

import queue
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from reenact.errors import InputError
from reenact.generation.guides import CHANNELS, GRID
from reenact.tracking.canonical import SIZE
from reenact.training.pack import list_packs, read_pack
from reenact.training.pairs import Pairs, Sample

_MIRRORED = np.array(
    [-1, 1, 1, 1, -1, -1, 1], np.float32
)  # the guides' signs in a mirror: x, and the turn about y and z
_AHEAD = 4  # batches made in advance
_PASTED = 0.75  # how often an open mouth is laid over what the network makes


class Batch(NamedTuple):
    """picture (n, 6, s, s) 0..255, guides (n, 7, s/4, s/4), truth (n, 3, s, s) 0..255, weight (n, 1, s, s) 0..1."""

    picture: Tensor
    guides: Tensor
    truth: Tensor
    weight: Tensor


class Draws(Protocol):
    """Whoever can be learnt from."""

    def draw(self, rng: np.random.Generator, real: float) -> Sample:
        """A random sample; `real` is the share of real people where there are rendered ones too."""
        ...


class People:
    """A data set's people of one split: `split` "train" or "held", `kinds` those of them that are taken."""

    def __init__(self, folders: Sequence[Path], split: str, kinds: Sequence[str] = ("real", "rendered")) -> None:
        self.pairs: dict[str, list[Pairs]] = {kind: [] for kind in kinds}
        for folder in folders:
            for path in list_packs(folder):
                pack = read_pack(path)
                if pack.person.split == split and pack.person.kind in self.pairs and len(pack.crops) > 1:
                    self.pairs[pack.person.kind].append(Pairs(pack))
        self.kinds = [kind for kind in kinds if self.pairs[kind]]
        if not self.kinds:
            raise InputError(f"no packed people of split {split!r} in {', '.join(map(str, folders))}")

    def draw(self, rng: np.random.Generator, real: float) -> Sample:
        """A random sample; `real` is the share of real people where both kinds are there."""
        kind = self.kinds[0] if len(self.kinds) == 1 else ("real" if rng.random() < real else "rendered")
        people = self.pairs[kind]
        # someone with more crops has more to teach, though not in proportion
        share = np.sqrt([len(p.pack.crops) for p in people])
        pairs = people[int(rng.choice(len(people), p=share / share.sum()))]
        reference = int(rng.choice(pairs.references()[:8]))
        wanted = int(rng.integers(len(pairs.pack.crops)))
        if pairs.gap[wanted] < 0.05 and rng.random() < 0.3:  # open mouths are few
            wanted = int(rng.choice(np.argsort(pairs.gap)[-max(1, len(pairs.gap) // 4) :]))
        return augmented(pairs.sample(reference, wanted, bool(rng.random() < _PASTED)), rng)

    def judges(self, each: int, pasted: bool = True) -> dict[str, list[Sample]]:
        """`each` fixed samples of every person, by name: the calmest crop as the picture, the others evenly chosen."""
        out: dict[str, list[Sample]] = {}
        for kind in self.kinds:
            for pairs in self.pairs[kind]:
                reference = pairs.references()[0]
                others = [i for i in range(len(pairs.pack.crops)) if i != reference]
                chosen = [others[int(i)] for i in np.linspace(0, len(others) - 1, min(each, len(others)))]
                out[f"{kind} {pairs.pack.person.name}"] = [pairs.sample(reference, w, pasted) for w in chosen]
        return out


def augmented(sample: Sample, rng: np.random.Generator) -> Sample:
    """The sample mirrored or not, in another light: the same for base and truth."""
    picture, guides, truth, weight = sample.picture, sample.guides, sample.truth, sample.weight
    if rng.random() < 0.5:
        picture, truth, weight = picture[..., ::-1], truth[..., ::-1], weight[..., ::-1]
        guides = guides[..., ::-1] * _MIRRORED[:, None, None]
    gamma = float(np.exp(rng.normal(0, 0.15)))
    gain = np.exp(rng.normal(0, 0.05, 3) + rng.normal(0, 0.08))
    curve = 255 * (np.arange(256) / 255) ** gamma * gain[:, None]
    table = np.clip(np.round(curve), 0, 255).astype(np.uint8)
    picture = picture.copy()
    changed = np.empty_like(truth)
    for c in range(3):
        picture[c], changed[c] = table[c][picture[c]], table[c][truth[c]]
    return Sample(picture, np.ascontiguousarray(guides), changed, np.ascontiguousarray(weight))


def batch(samples: Sequence[Sample]) -> Batch:
    """Stacked, as float32."""
    return Batch(
        torch.from_numpy(np.stack([s.picture for s in samples])).float(),
        torch.from_numpy(np.stack([s.guides for s in samples])),
        torch.from_numpy(np.stack([s.truth for s in samples])).float(),
        torch.from_numpy(np.stack([s.weight for s in samples])[:, None]).float() / 255,
    )


def batches(people: Draws, size: int, seed: int, real: float, start: int = 0) -> Iterator[Batch]:
    """Endless batches; number k is the same whatever came before, so that a resumed training misses nothing."""
    ready: queue.Queue[Batch] = queue.Queue(_AHEAD)
    over = threading.Event()

    def make() -> None:
        number = start
        while not over.is_set():
            rng = np.random.default_rng([seed, number])
            made = batch([people.draw(rng, real) for _ in range(size)])
            while not over.is_set():
                try:
                    ready.put(made, timeout=0.2)
                    break
                except queue.Full:
                    continue
            number += 1

    maker = threading.Thread(target=make, name="samples", daemon=True)
    maker.start()
    try:
        while True:
            yield ready.get()
    finally:
        over.set()
        maker.join(5)


def empty_inputs(count: int = 1) -> tuple[Tensor, Tensor]:
    """Inputs of the network's shapes, zeros."""
    return torch.zeros(count, 6, SIZE, SIZE), torch.zeros(count, CHANNELS, GRID, GRID)
