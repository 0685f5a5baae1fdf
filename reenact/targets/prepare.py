"""From a picture or a video file to a bundle: tracked, layered, described."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import cv2
import numpy as np

from reenact.config import MediaConfig, TrackingConfig
from reenact.errors import SourceError
from reenact.targets import bundle as files
from reenact.targets.bundle import Bundle, Tracks
from reenact.targets.consent import Consent
from reenact.targets.frames import KEPT_BYTES, FrameWriter
from reenact.targets.layers import make_layers
from reenact.targets.ownface import OwnFace
from reenact.targets.steady import Bools, fill_gaps, steady
from reenact.types import POINTS, Floats, Frame, Pixels

LONG_SIDE = 1600  # pixels: larger pictures are scaled down to it, so that a moving head keeps up with 30 frames/s
SMALLEST_IOD = 24.0  # pixels between the outer eye corners: below it a face has no eyes and lips to move
RIVAL = 0.6  # a second face at least this large, of the first, makes it unclear who is meant
ENOUGH = 0.1  # of a video's frames must show the face

_TRACKING = TrackingConfig(smooth=False)  # the whole file is known: reenact.targets.steady smooths without delay

Progress = Callable[[str, int, int], None]
"""progress(what is being done, steps done, steps in all or 0 where that is unknown)"""


def silent(what: str, done: int, total: int) -> None:
    """A Progress that says nothing."""


def check_file(path: Path) -> None:
    """Raises SourceError unless the file is a picture or a video that can be opened."""
    from reenact.sources import open_media

    open_media(path).close()


def prepare(path: Path, folder: Path, name: str, consent: Consent, progress: Progress = silent) -> Bundle:
    """Makes a bundle of a picture or video file in an empty folder.

    Raises SourceError for a file that cannot be read or shows no face that can be used; OSError where the
    folder cannot be written.  What was decided on the way is in the bundle's `notes`.
    """
    from reenact.sources import PictureFile, open_media

    with closing(open_media(path)) as media:
        picture = media.read() if isinstance(media, PictureFile) else None
    if picture is not None:
        entry = _photo(picture.pixels, path, folder, name, consent, progress)
    else:
        entry = _video(path, folder, name, consent, progress)
    files.write_manifest(entry)
    return files.read_manifest(folder)


def _iod(points: Floats) -> float:
    return float(np.linalg.norm(points[33, :2] - points[263, :2]))


def _photo(pixels: Pixels, path: Path, folder: Path, name: str, consent: Consent, progress: Progress) -> Bundle:
    from reenact.retarget import neutral_shape

    notes: list[str] = []
    height, width = pixels.shape[:2]
    if max(width, height) > LONG_SIDE:
        scale = LONG_SIDE / max(width, height)
        smaller = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = cv2.resize(pixels, smaller, interpolation=cv2.INTER_AREA).astype(np.uint8)
        notes.append(f"scaled down from {width}x{height} to {smaller[0]}x{smaller[1]}")
    progress("finding the face", 0, 2)
    points = _only_face(pixels, path, notes)
    progress("separating head and background", 1, 2)
    layers = make_layers(pixels, points)
    files.write_picture(folder, files.PICTURE, pixels)
    if layers is None:
        notes.append("head and background could not be told apart: the whole picture bends with the head")
    else:
        files.write_picture(folder, files.MATTE, layers.matte)
        files.write_picture(folder, files.BACKGROUND, layers.background)
    files.write_tracks(folder, Tracks(points[None], np.ones(1, np.bool_), neutral_shape(points[None])))
    progress("done", 2, 2)
    size = (pixels.shape[1], pixels.shape[0])
    return Bundle(folder, name, "photo", size, 0.0, 1, path.name, files.sha256(path), consent, tuple(notes))


def _only_face(pixels: Pixels, path: Path, notes: list[str]) -> Floats:
    """The points of the face that is meant: the only one, or one clearly larger than any other."""
    points = _find(pixels)
    if points is None:
        raise SourceError(f"{path} shows no face that can be found: use a picture with one face, seen from the front")
    _check_size(_iod(points), path)
    rest = pixels.copy()
    x, y = (int(v) for v in points[:468, :2].mean(0))  # the whole head: an outline alone still looks like a face
    cv2.circle(rest, (x, y), int(1.3 * _iod(points)), tuple(float(v) for v in pixels.reshape(-1, 3).mean(0)), -1)
    other = _find(rest)
    if other is not None:
        if _iod(other) > RIVAL * _iod(points):
            raise SourceError(f"{path} shows two faces of about the same size: crop it so that only one is in it")
        notes.append("another, smaller face in the picture stays as it is")
    return points


def _find(pixels: Pixels) -> Floats | None:
    from reenact.tracking import FaceMeshTracker

    with closing(FaceMeshTracker(_TRACKING, still=True)) as tracker:
        track = tracker.track(Frame(pixels, 0, 0.0))
    return None if track is None else track.points


def _check_size(iod: float, path: Path) -> None:
    if iod < SMALLEST_IOD:
        raise SourceError(
            f"the face in {path} is too small: {iod:.0f} pixels between the outer eye corners, "
            f"expected {SMALLEST_IOD:.0f} or more; use a larger picture or crop to the face"
        )


def _video(path: Path, folder: Path, name: str, consent: Consent, progress: Progress) -> Bundle:
    suffix = path.suffix.lower() if path.suffix[1:].isalnum() and path.suffix.isascii() else ".bin"
    copy = folder / f"video{suffix}"
    shutil.copyfile(path, copy)
    raw, found, size, rate, notes = _track(copy, path, progress)
    points, usable = fill_gaps(raw, found, rate)
    points = steady(points, usable)
    from reenact.retarget import neutral_shape
    from reenact.targets.mouthbank import MouthBank

    if not usable.all():
        notes.append(f"{(~usable).sum()} of {len(usable)} frames show no face to drive and play as they are")
    neutral = neutral_shape(points[usable])
    own = OwnFace(copy, points, usable, neutral)
    pictures = own.reading(
        _pictures(copy, folder, len(points) * size[0] * size[1] * 3 > KEPT_BYTES, len(points), progress)
    )
    bank = MouthBank.build(pictures, points[usable])
    for _ in pictures:  # what the bank left unread must be read and stored all the same
        pass
    bank.save(folder / files.BANK)
    files.write_tracks(folder, Tracks(points, usable, neutral, own.weights))
    progress("done", len(points), len(points))
    return Bundle(
        folder, name, "video", size, float(rate), len(points), path.name, files.sha256(copy), consent, tuple(notes)
    )


def _track(copy: Path, path: Path, progress: Progress) -> tuple[Floats, Bools, tuple[int, int], float, list[str]]:
    """points (N, 478, 3), found (N,), size, rate and notes of a video; SourceError where no face can be used.

    Found is only the person seen in most frames: the consent is for one.
    """
    from reenact.sources import VideoFile
    from reenact.tracking import FaceMeshTracker

    points: list[Floats] = []
    subjects: list[int] = []
    with closing(VideoFile(copy, MediaConfig())) as source, closing(FaceMeshTracker(_TRACKING)) as tracker:
        while (frame := source.read()) is not None:
            track = tracker.track(frame)
            subjects.append(-1 if track is None else track.subject)
            points.append(np.zeros((POINTS, 3), np.float32) if track is None else track.points)
            progress("tracking the face", len(points), max(len(points), source.frames or 0))
        size, rate = source.size, source.rate
        notes = [f"the video {source.warning.removeprefix(str(copy)).strip()}"] if source.warning else []
    seen, counts = np.unique([s for s in subjects if s >= 0], return_counts=True)
    subject = int(seen[counts.argmax()]) if len(seen) else 0
    if len(seen) > 1:
        notes.append(f"{counts.sum() - counts.max()} frames may show somebody else and are left alone")
    raw, there = np.array(points, np.float32), np.array([s == subject for s in subjects], np.bool_)
    if not there.any():
        raise SourceError(f"{path} shows no face that can be found: use a video with one face, seen from the front")
    if there.mean() < ENOUGH:
        raise SourceError(
            f"{path} shows a face in only {there.sum()} of {len(there)} frames, expected {ENOUGH:.0%} or more: "
            "cut it to the part that shows the face"
        )
    _check_size(float(np.median([_iod(p) for p in raw[there]])), path)
    return raw, there, size, rate, notes


def _pictures(copy: Path, folder: Path, store: bool, total: int, progress: Progress) -> Iterator[Pixels]:
    """The video's frames once more; on the way they are stored one by one where `store` says so."""
    from reenact.sources import VideoFile

    with ExitStack() as stack:
        source = stack.enter_context(closing(VideoFile(copy, MediaConfig())))
        writer = None
        if store:
            writer = stack.enter_context(closing(FrameWriter(folder / files.FRAMES, folder / files.FRAME_ENDS)))
        for done in range(total):
            frame = source.read()
            if frame is None:
                raise SourceError(f"{copy.name} ended after {done} of its {total} frames when it was read again")
            if writer is not None:
                writer.add(frame.pixels)
            progress("gathering mouths", done + 1, total)
            yield frame.pixels
