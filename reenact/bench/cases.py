"""What is measured on: folders with exact truth, and real clips, each driven by itself.

A folder holds `driver.mp4`, `target.png` and `target.mp4` (one person, at rest and in motion), and what an exact
engine would make of them: `truth_portrait.mp4`, the person in the photo doing what the driver does, and
`truth_video.mp4`, the target video with the driver's expression.  Frame i of each belongs to frame i of the driver.

Outputs go through a file as `reenact render` writes it and are read back as the truth is.

A clip of one person is its own truth: its first frame with a face is the photo, the clip drives it, and what should
come out is the clip.  The frames before that one are left out.  No codec comes in between.
"""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import cv2
import numpy as np

from reenact.bench.scores import face_finder
from reenact.errors import InputError, SourceError
from reenact.stages import Source
from reenact.types import Frame, Pixels

if TYPE_CHECKING:
    from reenact.targets.library import OpenTarget

DRIVER, PHOTO, VIDEO = "driver.mp4", "target.png", "target.mp4"
PAIR = {"photo": (PHOTO, "truth_portrait.mp4"), "video": (VIDEO, "truth_video.mp4")}  # target, truth
SELF = "self"
KINDS = (*PAIR, SELF)
CLIPS = {".mp4", ".mkv", ".mov", ".avi", ".mpg", ".mpeg", ".webm"}
_LOOK = 90  # frames of a clip that are searched for the first face
_FEWEST = 3  # frames: jitter is a second difference

Consent = tuple[str, str]  # kind and note, see reenact.targets.consent
OWN = ("self", "measured against the very clip it was taken from, not kept")


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


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A case, opened.

    source, again  the driver; and it once more, from its beginning
    truth, still   the truth's picture and the target as it is for each of the source's frames, asked for in their order
    coded          the truth is a file of its own, so what is made is compared as a file too
    """

    source: "Thinned"
    again: "Callable[[], Thinned]"
    target: "OpenTarget"
    truth: Callable[[Frame], Pixels]
    still: Callable[[Frame], Pixels]
    coded: bool


@dataclass(frozen=True, slots=True)
class Case:
    """One measurement: `path` is the folder or the clip, `kind` one of KINDS, `frames` how many the videos have."""

    path: Path
    kind: str
    frames: int

    @property
    def name(self) -> str:
        return self.path.stem if self.kind == SELF else self.path.name

    def count(self, cut: Cut, rate: float | None = None) -> int:
        """About how many frames will be compared."""
        frames = self.frames if rate is None or cut.seconds is None else min(self.frames, int(cut.seconds * rate) + 1)
        return -(-frames // cut.every)

    @contextmanager
    def opened(self, cut: Cut, consent: Consent | None = None) -> Iterator[Scene]:
        """consent  of the person shown; None: a rendered one in a folder, a clip's own"""
        with ExitStack() as stack:
            yield _clip(self, cut, consent, stack) if self.kind == SELF else _pair(self, cut, consent, stack)


def find_cases(paths: list[Path]) -> list[Case]:
    """The cases of folders with exact truth, clips, and folders of either; all of them checked.  Raises InputError."""
    if not paths:
        raise InputError("no folder or clip was given: expected one at least")
    return list(itertools.chain.from_iterable(_found(path) for path in paths))


def _found(path: Path) -> Iterator[Case]:
    if not path.exists():
        raise InputError(f"{path} does not exist: expected a folder with {DRIVER}, its targets and truths, or a clip")
    if path.is_file():
        yield Case(path, SELF, check_clip(path))
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
        yield from _found(each)


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
    if count < _FEWEST:
        raise InputError(f"{path} has {count} frames: expected {_FEWEST} at least")
    return count


def _pair(case: Case, cut: Cut, consent: Consent | None, stack: ExitStack) -> Scene:
    from reenact.sources import VideoFile
    from reenact.targets.library import open_target

    target, truth = (case.path / name for name in PAIR[case.kind])
    shown = open_target(target, *(consent or ("synthetic", "")))
    stack.callback(shown.close)

    def source() -> Thinned:
        return stack.enter_context(closing(Thinned(VideoFile(case.path / DRIVER), cut)))

    def following(path: Path) -> Callable[[Frame], Pixels]:
        every = pictures(path) if path.suffix != ".png" else itertools.repeat(next(pictures(path)))
        chosen = itertools.islice(every, 0, None, cut.every)

        def of(frame: Frame) -> Pixels:
            picture = next(chosen, None)
            if picture is None:
                raise InputError(f"{path} ends before the driver's frame {frame.seq}")
            return fitted(picture, shown.size)

        return of

    return Scene(source(), source, shown, following(truth), following(target), coded=True)


def _clip(case: Case, cut: Cut, consent: Consent | None, stack: ExitStack) -> Scene:
    from reenact.sources import VideoFile
    from reenact.targets.library import open_target

    def source() -> Thinned:
        return stack.enter_context(closing(Thinned(VideoFile(case.path), cut)))

    thinned = source()
    first = thinned.first_face()
    if first is None:
        raise SourceError(f"{case.path} shows no face in its first {_LOOK} frames: expected a clip of one person")
    place = Path(stack.enter_context(TemporaryDirectory(prefix="reenact-bench-"))) / f"{case.name}.png"
    cv2.imwrite(str(place), first.pixels)
    shown = open_target(place, *(consent or OWN))
    stack.callback(shown.close)
    still = shown.shot(0, None).pixels
    return Scene(
        thinned, source, shown, lambda frame: fitted(frame.pixels, shown.size), lambda frame: still, coded=False
    )


class Thinned:
    """A Source (reenact.stages): a video's frames as the cut has them, numbered anew; it closes the video.

    A frame's own number in the video is `begins_at` + `every` times its seq.
    """

    live = False

    def __init__(self, video: Source, cut: Cut) -> None:
        self._video, self.every, self._seconds = video, cut.every, cut.seconds
        self.size, self.rate = video.size, video.rate / cut.every
        self.begins_at = 0
        self._began: float | None = None
        self._pending: Frame | None = None
        self._given = self._read = 0

    def first_face(self) -> Frame | None:
        """Goes to the first frame with a face, which `read` gives next; None where none comes soon."""
        with face_finder() as find:
            while self._read < _LOOK and (frame := self._next()) is not None:
                if find(frame.pixels) is not None:
                    self._pending, self.begins_at = frame, self._read - 1
                    return frame
        return None

    def read(self) -> Frame | None:
        frame, self._pending = self._pending or self._next(), None
        if self._given == 0 and frame is not None:
            self._began = frame.t_capture
        for _ in range(self.every - 1 if self._given else 0):
            frame = self._next() if frame is not None else None
        if frame is None:
            return None
        time = frame.t_capture - (self._began or 0.0)
        if self._seconds is not None and time >= self._seconds:
            return None
        seq, self._given = self._given, self._given + 1
        return Frame(frame.pixels, seq, time)

    def _next(self) -> Frame | None:
        frame = self._video.read()
        self._read += frame is not None
        return frame

    def close(self) -> None:
        self._video.close()


def fitted(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """The picture at the target's size (width, height): a large photo is scaled down when it is prepared."""
    if pixels.shape[1::-1] == size:
        return pixels
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


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
