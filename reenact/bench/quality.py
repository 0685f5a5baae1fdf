"""The whole engine, as `reenact render` runs it, against videos of what it should have made.

A folder holds `driver.mp4`, `target.png` and `target.mp4` (one person, at rest and in motion), and what an exact
engine would make of them: `truth_portrait.mp4`, the person in the photo doing what the driver does, and
`truth_video.mp4`, the target video with the driver's expression.  Frame i of each belongs to frame i of the driver.
The baseline is what doing nothing gives: the photo motionless, the target video as it is.
"""

import itertools
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np

from reenact.bench.machine import facts
from reenact.bench.scores import FIGURES, Scores, face_finder, score
from reenact.config import GeneratorConfig, RetargetConfig
from reenact.errors import InputError, SourceError
from reenact.rendering import render
from reenact.types import Pixels

Progress = Callable[[str, int, int], None]  # what is being done, pictures done, of how many (0: not known)

DRIVER, PHOTO, VIDEO = "driver.mp4", "target.png", "target.mp4"
KINDS = {"photo": (PHOTO, "truth_portrait.mp4"), "video": (VIDEO, "truth_video.mp4")}  # target, truth
WAYS = ("baseline", "engine")


@dataclass(frozen=True, slots=True)
class Row:
    """One folder and kind of target.

    frames     pictures compared; faceless: those of them in which the driver showed no face
    baseline   the target as it is; engine: what was rendered
    """

    folder: str
    kind: str
    frames: int
    faceless: int
    baseline: Scores
    engine: Scores


@dataclass(frozen=True, slots=True)
class Measured:
    neutral: str
    mouth: str
    provider: str
    rows: tuple[Row, ...]

    def mean(self, kind: str, way: str) -> Scores:
        """Over the folders; a figure that some folder lacks is the mean of the others'."""
        seen: list[Scores] = [getattr(row, way) for row in self.rows if row.kind == kind]
        return Scores(**{name: _mean([getattr(scores, name) for scores in seen]) for name in FIGURES})

    def as_json(self) -> dict[str, Any]:
        means = {kind: {way: asdict(self.mean(kind, way)) for way in WAYS} for kind in KINDS}
        asked = {"neutral": self.neutral, "mouth": self.mouth, "provider": self.provider}
        rows = [asdict(row) for row in self.rows]
        return {"bench": "quality", "machine": facts(), **asked, "mean": _finite(means), "rows": _finite(rows)}


def check_folder(folder: Path) -> int:
    """The number of pictures in each of the folder's videos; InputError where it is not as described above."""
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "does not exist"
        raise InputError(f"{folder} {what}: expected a folder with {DRIVER}, its targets and their truths")
    names = (DRIVER, *itertools.chain.from_iterable(KINDS.values()))
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise InputError(f"{folder} lacks {', '.join(missing)}: expected {', '.join(names)}")
    counts = {name: _count(folder / name) for name in names if name != PHOTO}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise InputError(f"{folder}: the videos differ in their number of frames ({listed}): expected the same of all")
    for target, truth in KINDS.values():
        sizes = [next(pictures(folder / name)).shape[1::-1] for name in (target, truth)]
        if sizes[0] != sizes[1]:
            one, other = (f"{width}x{height}" for width, height in sizes)
            raise InputError(f"{folder}: {target} is {one}, {truth} is {other}: expected the same size")
    return counts[DRIVER]


def measure(
    folders: Sequence[Path],
    retarget: RetargetConfig | None = None,
    generator: GeneratorConfig | None = None,
    *,
    consent: tuple[str, str] = ("synthetic", ""),
    progress: Progress = lambda what, done, total: None,
) -> Measured:
    """Renders and scores every folder, after all of them have been checked.

    retarget  None: the neutral is the driver's first frame
    consent   of the people in the targets, and its note: see reenact.open_target
    Raises InputError and whatever opening a target and rendering raise.
    """
    retarget, generator = retarget or RetargetConfig(neutral="first"), generator or GeneratorConfig()
    if not folders:
        raise InputError("no folder was given: expected one at least")
    frames = [check_folder(folder) for folder in folders]
    rows = [
        _row(folder, kind, count, retarget, generator, consent, progress)
        for folder, count in zip(folders, frames, strict=True)
        for kind in KINDS
    ]
    return Measured(retarget.neutral, generator.mouth, generator.provider, tuple(rows))


def _row(
    folder: Path,
    kind: str,
    frames: int,
    retarget: RetargetConfig,
    generator: GeneratorConfig,
    consent: tuple[str, str],
    progress: Progress,
) -> Row:
    from reenact.targets.library import open_target

    target, truth = (folder / name for name in KINDS[kind])
    title = f"{folder.name}, {kind}"
    with TemporaryDirectory(prefix="reenact-bench-") as place:
        output = Path(place) / "output.mp4"
        progress(f"{title}: opening", 0, 0)
        with open_target(target, *consent) as shown:
            done = render(
                folder / DRIVER,
                shown,
                output,
                retarget,
                generator,
                progress=lambda done, total: progress(f"{title}: rendering", done, total or frames),
            )
        told = _told(pictures(truth), lambda done: progress(f"{title}: scoring", done, frames))
        still = itertools.repeat(next(pictures(target)), frames) if kind == "photo" else pictures(target)
        with face_finder() as find, _about(folder):
            scores = score(told, {"baseline": still, "engine": pictures(output)}, find)
    return Row(folder.name, kind, frames, done.faceless, scores["baseline"], scores["engine"])


def pictures(path: Path) -> Iterator[Pixels]:
    """Every frame of a video, or the one of a picture, (H, W, 3) uint8 BGR as OpenCV decodes it."""
    if path.suffix == ".png":
        found = cv2.imdecode(np.frombuffer(path.read_bytes() or b"\0", np.uint8), cv2.IMREAD_COLOR)
        if found is None:
            raise SourceError(f"{path} cannot be decoded: expected a PNG picture")
        yield found
        return
    with _capture(path) as capture:
        while (read := capture.read())[0]:
            yield read[1]


@contextmanager
def _capture(path: Path) -> Iterator[cv2.VideoCapture]:
    capture = cv2.VideoCapture(str(path))
    try:
        if not capture.isOpened():
            raise SourceError(f"{path} cannot be decoded: expected a video")
        yield capture
    finally:
        capture.release()


def _count(path: Path) -> int:
    """Frames that really decode; what the file says of itself may be wrong."""
    with _capture(path) as capture:
        count = 0
        while capture.grab():
            count += 1
    if not count:
        raise SourceError(f"{path} holds no frame that can be decoded: expected a video")
    return count


def _told(stream: Iterator[Pixels], tell: Callable[[int], None]) -> Iterator[Pixels]:
    for done, picture in enumerate(stream, 1):
        yield picture
        tell(done)


@contextmanager
def _about(folder: Path) -> Iterator[None]:
    """Says in which folder something does not fit."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{folder}: {error}") from None


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
    path.write_text(json.dumps(measured.as_json(), indent=1, allow_nan=False) + "\n")
