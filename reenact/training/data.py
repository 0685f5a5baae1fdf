"""Makes a data set of packed people: from real clips, and from a renderer; resumable, the same for the same seed."""

import csv
import multiprocessing
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from reenact.config import TrackingConfig
from reenact.errors import InputError, ReenactError
from reenact.training.dataclips import Hands, choose, read_clip
from reenact.training.pack import Person, cut, list_packs, person_of, write_pack
from reenact.training.rendering.camera import taken
from reenact.training.rendering.people import RenderConfig, shots, somebody
from reenact.training.rendering.renderer import load_renderer
from reenact.types import Frame

CLIPS = (".mp4", ".mkv", ".mpg", ".mov", ".avi", ".webm")
_FEWEST = 8  # crops that are still somebody to learn from
_RENDERED_QUALITY = 80  # of the JPEGs: three hundred people take 41 MB, with 92 as for real clips 60
_FIRST = 100_000  # small numbers are the people of the pairs that judge: they must not have been seen
_HELD = 10  # every tenth rendered person is never trained on

Report = Callable[[str, int, int], None]  # what is being done, done, of how many
_TRAITS = {
    "apparent_skin": "skin",
    "apparent_age": "age",
    "glasses": "glasses",
    "facial_hair": "beard",
    "grade": "origin",  # how well it is documented where the clip comes from
}


def pack_clips(clips: Path, manifest: Path | None, held: Sequence[str], out: Path, report: Report) -> list[str]:
    """Packs every clip of a folder into out/NAME.npz, those there already left as they are; returns what was left out
    and why.

    manifest  a CSV with the columns id, identity, licence, source_repo, grade and what is seen of the person
              (apparent_skin, apparent_age, glasses, facial_hair); a split other than train judges only
    held      ids or identities that judge and are never trained on
    """
    found = sorted(p for p in clips.iterdir() if p.suffix.lower() in CLIPS)
    if not found:
        raise InputError(f"{clips} holds no clips: expected files ending in {', '.join(CLIPS)}")
    rows = {} if manifest is None else _rows(manifest)
    out.mkdir(parents=True, exist_ok=True)
    left = []
    for k, clip in enumerate(found):
        report(f"clip {clip.stem}", k, len(found))
        place = out / f"{clip.stem}.npz"
        if place.exists():
            continue
        row = rows.get(clip.stem, {})
        identity = row.get("identity") or clip.stem
        judges = clip.stem in held or identity in held or row.get("split", "train") != "train"
        traits = {ours: row[theirs] for theirs, ours in _TRAITS.items() if row.get(theirs)}
        person = Person(
            identity, "real", "held" if judges else "train", row.get("source_repo", ""), row.get("licence", ""), traits
        )
        try:
            seen = read_clip(clip)
        except ReenactError as error:
            left.append(f"{clip.name}: {error}")
            continue
        with Hands() as hidden:
            keep = choose(seen, hidden)
        if len(keep) < _FEWEST:
            left.append(f"{clip.name}: a face large enough and unhidden is in {len(keep)} pictures, expected {_FEWEST}")
            continue
        crops, points, times = (
            [seen.crops[i] for i in keep],
            [seen.points[i] for i in keep],
            [seen.times[i] for i in keep],
        )
        write_pack(place, person, crops, points, times)
    return left


def pack_rendered(
    renderer: Path,
    people: int,
    seed: int,
    config: RenderConfig,
    out: Path,
    report: Report,
    share: tuple[int, int] = (0, 1),
) -> None:
    """Renders so many people into out/rNNNNNN.npz, those there already left as they are; seed is the first's.

    share  (k, n): only every n-th of them, from the k-th on, for processes side by side
    Raises InputError where people are there already that were rendered otherwise.
    """
    module = load_renderer(renderer)
    model = module.HeadModel()
    out.mkdir(parents=True, exist_ok=True)
    mine = range(share[0], people, share[1])
    for done, number in enumerate(mine):
        report("rendered people", done, len(mine))
        place = _place(out, seed + number)
        if not place.exists():
            _pack_one(module, model, seed + number, config, place)
        elif (before := person_of(place).source) != config.said():
            raise InputError(f"{place} was {before!r}, now it would be {config.said()!r}: use another folder")
    report("rendered people", len(mine), len(mine))


def render_side_by_side(
    renderer: Path, people: int, seed: int, config: RenderConfig, out: Path, report: Report, processes: int
) -> None:
    """`pack_rendered` in so many processes; an error or an interrupt in one ends them all, whole files stay."""
    if processes == 1:
        pack_rendered(renderer, people, seed, config, out, report)
        return
    load_renderer(renderer)  # what is wrong with it is told before anything starts
    out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        work = [
            pool.submit(pack_rendered, renderer, people, seed, config, out, _silent, (k, processes))
            for k in range(processes)
        ]
        try:
            while waiting := [w for w in work if not w.done()]:
                report("rendered people", sum(_place(out, seed + n).exists() for n in range(people)), people)
                wait(waiting, timeout=1.0, return_when=FIRST_EXCEPTION)
        except BaseException:
            for process in multiprocessing.active_children():
                process.terminate()
                process.join()
            for number in range(people):  # of one that was ended while it wrote
                _place(out, seed + number).with_suffix(".part").unlink(missing_ok=True)
            raise
        for w in work:
            w.result()


def _silent(what: str, done: int, total: int) -> None:
    """A report that tells nobody."""


def _place(out: Path, seed: int) -> Path:
    return out / f"r{_FIRST + seed:06}.npz"


def _pack_one(module: ModuleType, model: Any, seed: int, config: RenderConfig, place: Path) -> None:
    from reenact.tracking import FaceMeshTracker

    number = _FIRST + seed
    who = somebody(module, model, number, config)
    rng = np.random.default_rng([number, 29])
    crops, points = [], []
    with FaceMeshTracker(TrackingConfig(smooth=False), still=True) as tracker:
        for k, picture in enumerate(shots(module, model, who, number, config.shots)):
            track = tracker.track(Frame(picture, k, k / 30))
            if track is None:
                continue
            crop, placed = cut(picture, track.points)
            crops.append(crop if who.camera is None else taken(crop, who.camera, rng))
            points.append(placed)
    if len(crops) < 2:
        raise InputError(f"in the pictures of rendered person {number} no face is found: the renderer draws none")
    split = "held" if number % _HELD == _HELD - 1 else "train"
    person = Person(place.stem, "rendered", split, config.said(), "MIT", who.traits)
    write_pack(place, person, crops, points, [k / 30 for k in range(len(crops))], _RENDERED_QUALITY)


def _rows(manifest: Path) -> dict[str, dict[str, str]]:
    try:
        with manifest.open(newline="", encoding="utf-8") as file:
            return {row["id"]: row for row in csv.DictReader(file)}
    except (OSError, KeyError, csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{manifest} cannot be used ({error}): expected a CSV file with a column id") from None


def count_traits(folders: Sequence[Path]) -> dict[str, Counter[str]]:
    """How many people of each kind, split and trait a data set holds, by name of the trait: for the model card.

    Clips of one identity count once.
    """
    people = {}
    for folder in folders:
        for path in list_packs(folder):
            person = person_of(path)
            people[person.kind, person.name] = person
    counts: dict[str, Counter[str]] = {"kind": Counter(), "split": Counter()}
    for person in people.values():
        counts["kind"][person.kind] += 1
        counts["split"][f"{person.kind} {person.split}"] += 1
        for trait, value in person.traits.items():
            counts.setdefault(trait, Counter())[f"{person.kind}: {value}"] += 1
    return counts
