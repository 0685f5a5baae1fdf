"""Cases opened: the driver's frames, the target, and beside each frame what it should become.

A folder's outputs go through a file as `reenact render` writes it and are read back as the truth is.  A clip's own are
compared as they are: no codec comes in between.
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

from reenact.bench.cases import DRIVER, FEWEST, PAIR, SELF, SELF_VIDEO, Case, Cut, pictures
from reenact.bench.scores import face_finder
from reenact.errors import InputError, SourceError
from reenact.geometry import eye_distance
from reenact.stages import Source
from reenact.tracking.topology import OVAL, RIGID
from reenact.types import POINTS, FaceTrack, Floats, Frame, Pixels, Shot

if TYPE_CHECKING:
    from reenact.targets.library import OpenTarget

LAG_S = 0.4  # long enough for another mouth, short enough for much the same head pose
_LOOK = 90  # frames of a clip that are searched for the first face
_SEAM = 0.04  # IOD: width of the fade about a face that was moved

Consent = tuple[str, str]  # kind and note, see reenact.targets.consent
OWN = ("self", "measured against the very clip it was taken from, not kept")


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A case, opened.

    source, again  the driver; and it once more, from its beginning
    truth, still   the truth's picture and the target as it is for each of the source's frames, asked for in their order
    number         which moment of the target a frame drives
    rest           the driver's neutral face, where it cannot be taken as asked for: a clip's second half begins anyhow
    near           where the truth's face is to be looked for; None where that is all of the picture
    coded          the truth is a file of its own, so what is made is compared as a file too
    """

    source: "Thinned"
    again: "Callable[[], Thinned]"
    target: "OpenTarget"
    truth: Callable[[Frame], Pixels]
    still: Callable[[Frame], Pixels]
    number: Callable[[Frame], int]
    coded: bool
    rest: FaceTrack | None = None
    near: Callable[[Frame, FaceTrack | None], Floats | None] | None = None


@contextmanager
def opened(case: Case, cut: Cut, consent: Consent | None = None) -> Iterator[Scene]:
    """consent  of the person shown; None: a rendered one in a folder, a clip's own"""
    opens = {SELF: _clip, SELF_VIDEO: _clip_as_video}.get(case.kind, _pair)
    with ExitStack() as stack:
        yield opens(case, cut, consent, stack)


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

    number = _numbered(cut)
    return Scene(source(), source, shown, following(truth), following(target), number, coded=True)


def _numbered(cut: Cut, begin: int = 0) -> Callable[[Frame], int]:
    return lambda frame: begin + frame.seq * cut.every


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

    def truth(frame: Frame) -> Pixels:
        return fitted(frame.pixels, shown.size)

    def near(frame: Frame, track: FaceTrack | None) -> Floats | None:
        scale = np.array(shown.size, np.float32) / np.array(thinned.size, np.float32)
        return None if track is None else track.points[:, :2] * scale

    return Scene(thinned, source, shown, truth, lambda frame: still, _numbered(cut), coded=False, near=near)


def _clip_as_video(case: Case, cut: Cut, consent: Consent | None, stack: ExitStack) -> Scene:
    from reenact.retarget import find_neutral
    from reenact.sources import VideoFile
    from reenact.targets.library import open_target
    from reenact.targets.mouthbank import MouthBank
    from reenact.targets.video import VideoTarget

    shown = open_target(case.path, *(consent or OWN))
    stack.callback(shown.close)
    assert isinstance(shown, VideoTarget)
    half, lag = shown.frames // 2, max(1, round(LAG_S * shown.rate))
    last = shown.frames - lag
    if last - half < FEWEST * cut.every:
        raise InputError(f"{case.path} has {shown.frames} frames: too few to drive its second half by {LAG_S} s before")
    first = [shot for n in range(half) if (shot := shown.shot(n, None)).found]
    points = np.stack([shot.points for shot in first]) if first else np.zeros((0, POINTS, 3), np.float32)
    shown.bank = MouthBank.build((shot.pixels for shot in first), points)

    def source() -> Thinned:
        return stack.enter_context(closing(Thinned(VideoFile(case.path), cut, range(half, last))))

    number = _numbered(cut, half)

    def still(frame: Frame) -> Pixels:
        return shown.shot(number(frame) + lag, None).pixels

    def truth(frame: Frame) -> Pixels:
        return face_moved(shown.shot(number(frame), None), shown.shot(number(frame) + lag, None))

    def near(frame: Frame, track: FaceTrack | None) -> Floats | None:
        shot = shown.shot(number(frame) + lag, None)
        return shot.points if track is not None and shot.found else None

    tracks = [FaceTrack(shot.points, 1.0, 0, shot.index, 0.0) for shot in first]  # 0: a fresh tracker's first face
    return Scene(
        source(),
        source,
        shown,
        truth,
        still,
        lambda frame: number(frame) + lag,
        coded=False,
        rest=find_neutral(tracks) if tracks else None,
        near=near,
    )


def face_moved(face: Shot, place: Shot) -> Pixels:
    """The picture of `place` with the face of `face` in its place, moved by the similarity of their skulls' points."""
    matrix, _ = cv2.estimateAffinePartial2D(face.points[RIGID, :2], place.points[RIGID, :2], method=cv2.LMEDS)
    height, width = place.pixels.shape[:2]
    moved = cv2.warpAffine(face.pixels, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    points = face.points[OVAL, :2] @ matrix[:, :2].T + matrix[:, 2]
    mask = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.round(points * 16).astype(np.int32)), 255, cv2.LINE_AA, 4)
    soft = max(3, round(_SEAM * eye_distance(place.points))) | 1
    alpha = cv2.blur(cv2.dilate(mask, np.ones((soft, soft), np.uint8)), (soft, soft))[..., None] / np.float32(255)
    return np.asarray(np.round(moved * alpha + place.pixels * (1 - alpha)), np.uint8)


class Thinned:
    """A Source (reenact.stages): a video's frames as the cut has them, numbered anew; it closes the video.

    within  the video's frames that are there at all; None: all
    """

    live = False

    def __init__(self, video: Source, cut: Cut, within: range | None = None) -> None:
        self._video, self.every, self._seconds = video, cut.every, cut.seconds
        self.size, self.rate = video.size, video.rate / cut.every
        self._within = within
        self._began: float | None = None
        self._pending: Frame | None = None
        self._given = self._read = 0

    def first_face(self) -> Frame | None:
        """Goes to the first frame with a face, which `read` gives next; None where none comes soon."""
        with face_finder() as find:
            while self._read < _LOOK and (frame := self._next()) is not None:
                if find(frame.pixels) is not None:
                    self._pending = frame
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
        while self._within is not None and frame is not None and self._read < self._within.start:
            self._read += 1
            frame = self._video.read()
        if frame is None or (self._within is not None and self._read >= self._within.stop):
            return None
        self._read += 1
        return frame

    def close(self) -> None:
        self._video.close()


def fitted(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """The picture at the target's size (width, height): a large photo is scaled down when it is prepared."""
    if pixels.shape[1::-1] == size:
        return pixels
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
