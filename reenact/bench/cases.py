"""What is measured on: folders with exact truth, and real clips, each driven by itself.

A folder holds `driver.mp4`, `target.png` and `target.mp4` (one person, at rest and in motion), and what an exact
engine would make of them: `truth_portrait.mp4`, the person in the photo doing what the driver does, and
`truth_video.mp4`, the target video with the driver's expression.  Frame i of each belongs to frame i of the driver.


A clip of one person is its own truth: its first frame with a face is the photo, the clip drives it, and what should
come out is the clip.  The frames before that one are left out.

As a video target a clip is driven by its own past: while it shows the frame 0.4 s after frame n, frame n, of its second
half, drives it, and what should come out is the face of frame n, moved to the other's place by a similarity in the
picture's plane, in the other's picture.  The bank holds mouths of the first half alone.  That truth is resampled and
ignores how far the head turned meanwhile: it ranks variants, and flatters none of them.
"""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from reenact.errors import InputError, SourceError
from reenact.types import Pixels

DRIVER, PHOTO, VIDEO = "driver.mp4", "target.png", "target.mp4"
PAIR = {"photo": (PHOTO, "truth_portrait.mp4"), "video": (VIDEO, "truth_video.mp4")}  # target, truth
SELF, SELF_VIDEO = "self", "self-video"
OF_CLIPS = (SELF, SELF_VIDEO)
KINDS = (*PAIR, *OF_CLIPS)
CLIPS = {".mp4", ".mkv", ".mov", ".avi", ".mpg", ".mpeg", ".webm"}
FEWEST = 3  # frames: jitter is a second difference


@dataclass(frozen=True, slots=True)
class Cut:
    """Which frames of every video: each `every`-th, of the first `seconds` (None: of all)."""

    every: int = 1
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.every < 1:
            raise InputError(f"every is {self.every}: expected 1 or more")
        if self.seconds is not None and self.seconds <= 0:
            raise InputError(f"seconds is {self.seconds}: expected more than 0")


@dataclass(frozen=True, slots=True)
class Case:
    """One measurement: `path` is the folder or the clip, `kind` one of KINDS, `frames` how many the videos have."""

    path: Path
    kind: str
    frames: int

    @property
    def name(self) -> str:
        return self.path.stem if self.kind in OF_CLIPS else self.path.name

    def count(self, cut: Cut, rate: float | None = None) -> int:
        """About how many frames will be compared."""
        frames = self.frames // 2 if self.kind == SELF_VIDEO else self.frames
        if rate is not None and cut.seconds is not None:
            frames = min(frames, int(cut.seconds * rate) + 1)
        return -(-frames // cut.every)


def clip_kinds(chosen: str) -> tuple[str, ...]:
    """Those of OF_CLIPS that "photo", "video" or "both" stand for; InputError for anything else."""
    kinds = {"photo": (SELF,), "video": (SELF_VIDEO,), "both": OF_CLIPS}
    if chosen not in kinds:
        raise InputError(f"a clip as {chosen!r}: expected one of {', '.join(kinds)}")
    return kinds[chosen]


def find_cases(paths: list[Path], clips: Sequence[str] = (SELF,)) -> list[Case]:
    """The cases of folders with exact truth, clips, and folders of either; all of them checked.  Raises InputError.

    clips  which of OF_CLIPS a clip is measured as
    """
    if not paths:
        raise InputError("no folder or clip was given: expected one at least")
    return list(itertools.chain.from_iterable(_found(path, clips) for path in paths))


def _found(path: Path, kinds: Sequence[str]) -> Iterator[Case]:
    if not path.exists():
        raise InputError(f"{path} does not exist: expected a folder with {DRIVER}, its targets and truths, or a clip")
    if path.is_file():
        count = check_clip(path)
        yield from (Case(path, kind, count) for kind in kinds)
        return
    if (path / DRIVER).is_file():
        count = check_folder(path)
        yield from (Case(path, kind, count) for kind in PAIR)
        return
    inside = sorted(path.iterdir())
    folders = [p for p in inside if (p / DRIVER).is_file()]
    clips = [p for p in inside if p.suffix.lower() in CLIPS and p.is_file()]
    if not folders and not clips:
        raise InputError(f"{path} holds neither {DRIVER} with its targets and truths nor any clips: nothing to measure")
    for each in (*folders, *clips):
        yield from _found(each, kinds)


def check_folder(folder: Path) -> int:
    """The number of pictures in each of the folder's videos; InputError where it is not as described above."""
    names = (DRIVER, *itertools.chain.from_iterable(PAIR.values()))
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise InputError(f"{folder} lacks {', '.join(missing)}: expected {', '.join(names)}")
    counts = {name: _count(folder / name) for name in names if name != PHOTO}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise InputError(f"{folder}: the videos differ in their number of frames ({listed}): expected the same of all")
    for target, truth in PAIR.values():
        sizes = [next(pictures(folder / name)).shape[1::-1] for name in (target, truth)]
        if sizes[0] != sizes[1]:
            one, other = (f"{width}x{height}" for width, height in sizes)
            raise InputError(f"{folder}: {target} is {one}, {truth} is {other}: expected the same size")
    return counts[DRIVER]


def check_clip(path: Path) -> int:
    """About how many frames a clip has; InputError where it is no video."""
    from reenact.sources import VideoFile

    with VideoFile(path) as video:
        count = video.frames or _count(path)
    if count < FEWEST:
        raise InputError(f"{path} has {count} frames: expected {FEWEST} at least")
    return count


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
