"""The whole engine against what it should have made: exact truth of rendered people, and real clips driven by
themselves (reenact.bench.cases), in several variants at once (reenact.bench.variants)."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from reenact.bench.cases import Case, Cut, find_cases
from reenact.bench.machine import facts
from reenact.bench.regions import REGIONS, Face
from reenact.bench.runs import Moment, moments
from reenact.bench.scenes import Consent, opened
from reenact.bench.scores import FIGURES, Scorer, Scores, face_finder
from reenact.bench.variants import Make, choose
from reenact.config import GeneratorConfig, RetargetConfig
from reenact.errors import InputError

Progress = Callable[[str, int, int], None]  # what is being done, pictures done, of how many (0: not known)
LOSS = 0.1  # dB that no clip may lose in any region against the variant it is compared with


@dataclass(frozen=True, slots=True)
class Row:
    """One case.

    name, kind of reenact.bench.cases.Case;  frames  pictures compared
    faceless   those of them in which the driver showed no face
    scores     by variant
    """

    name: str
    kind: str
    frames: int
    faceless: int
    scores: Mapping[str, Scores]

    def gain(self, variant: str, over: str) -> dict[str, float]:
        """dB by region that a variant has over another."""
        return {name: self.scores[variant].region(name) - self.scores[over].region(name) for name in REGIONS}


@dataclass(frozen=True, slots=True)
class Measured:
    """asked: the options that were measured with, by name."""

    variants: tuple[str, ...]
    asked: Mapping[str, Any]
    rows: tuple[Row, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(row.kind for row in self.rows))

    def mean(self, kind: str, variant: str) -> Scores:
        """Over the cases of a kind; a figure that some case lacks is the mean of the others'."""
        seen = [row.scores[variant] for row in self.rows if row.kind == kind]
        return Scores(**{name: _mean([getattr(scores, name) for scores in seen]) for name in FIGURES})

    def losses(self, variant: str, over: str, most: float = LOSS) -> list[tuple[Row, str, float]]:
        """Where a variant is worse than another by more than `most` dB: row, region, dB (below zero)."""
        return [
            (row, region, gained)
            for row in self.rows
            for region, gained in row.gain(variant, over).items()
            if gained < -most
        ]

    def as_json(self) -> dict[str, Any]:
        means = {kind: {v: asdict(self.mean(kind, v)) for v in self.variants} for kind in self.kinds}
        rows = [
            {"name": r.name, "kind": r.kind, "frames": r.frames, "faceless": r.faceless}
            | {"scores": {v: asdict(s) for v, s in r.scores.items()}}
            for r in self.rows
        ]
        found = {"bench": "quality", "machine": facts(), **self.asked, "variants": list(self.variants)}
        return {**found, "mean": _finite(means), "rows": _finite(rows)}


class Watcher(Protocol):
    """Sees every moment of a case, with the truth's face where it shows one, and the case's row in the end."""

    def see(self, case: Case, moment: Moment, face: Face | None) -> None: ...

    def end(self, case: Case, row: Row) -> None: ...


def measure(
    paths: Sequence[Path] | Sequence[Case],
    retarget: RetargetConfig | None = None,
    generator: GeneratorConfig | None = None,
    *,
    variants: Mapping[str, Make | None] | None = None,
    cut: Cut | None = None,
    consent: Consent | None = None,
    watcher: Watcher | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Measured:
    """Drives and scores every case, after all of them have been checked.

    paths     folders with exact truth, clips, folders of either; or the cases that find_cases gave for them
    retarget  None: the neutral is the driver's first frame
    variants  of reenact.bench.variants.choose; None: all
    cut       which frames; with every second one, jitter and flicker are over steps of two
    consent   of the people shown, and its note, see reenact.open_target; None: see reenact.bench.scenes.opened
    Raises InputError and whatever opening a target and the stages raise.
    """
    retarget, generator = retarget or RetargetConfig(neutral="first"), generator or GeneratorConfig()
    cases = [path for path in paths if isinstance(path, Case)] or find_cases([Path(str(path)) for path in paths])
    variants, cut = variants or choose(), cut or Cut()
    rows = tuple(_row(case, variants, retarget, generator, cut, consent, watcher, progress) for case in cases)
    asked = {"neutral": retarget.neutral, "mouth": generator.mouth, "provider": generator.provider, **asdict(cut)}
    return Measured(tuple(variants), asked, rows)


def _row(
    case: Case,
    variants: Mapping[str, Make | None],
    retarget: RetargetConfig,
    generator: GeneratorConfig,
    cut: Cut,
    consent: Consent | None,
    watcher: Watcher | None,
    progress: Progress,
) -> Row:
    title = f"{case.name}, {case.kind}"
    progress(f"{title}: opening", 0, 0)
    faceless = 0
    with opened(case, cut, consent) as scene, face_finder() as find:
        total = case.count(cut, scene.source.rate * cut.every)
        scorer = Scorer(list(variants), find)
        stream = moments(
            scene, variants, retarget, generator, lambda done: progress(f"{title}: rendering", done, total)
        )
        for moment in stream:
            near = None if scene.near is None else scene.near(moment.frame, moment.track)
            if scene.near is not None and near is None:
                scorer.skip()
            else:
                scorer.add(moment.truth, moment.outputs, near)
            faceless += moment.track is None
            if watcher is not None:
                watcher.see(case, moment, scorer.face)
            progress(title, scorer.count, total)
        try:
            scores = scorer.scores()
        except InputError as error:
            raise InputError(f"{case.path}: {error}") from None
    row = Row(case.name, case.kind, scorer.count, faceless, scores)
    if watcher is not None:
        watcher.end(case, row)
    return row


def _mean(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _finite(value: Any) -> Any:
    """JSON has no NaN: null stands for it.  Six decimals are more than anything here is worth."""
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 6)
    return value


def save(measured: Measured, path: Path) -> None:
    """Writes the result as JSON, with the facts of the machine."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(measured.as_json(), indent=1, allow_nan=False) + "\n")
    part.replace(path)
