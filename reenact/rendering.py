"""A driver's file drives a target into a file: one output picture for each of the driver's, at its time."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from reenact.assembly import open_engine
from reenact.config import FinishConfig, GeneratorConfig, RecorderConfig, RetargetConfig, TrackingConfig
from reenact.engine import Engine
from reenact.errors import InputError, SourceError
from reenact.stages import Sink, Source, Target
from reenact.stats import Stats
from reenact.types import FaceTrack, Frame

if TYPE_CHECKING:
    from reenact.provenance.signing import Signed
    from reenact.targets.library import OpenTarget

AUDIO = ("driver", "target", "none")
LOOK_AHEAD = 90  # frames looked through for the driver's neutral face: three seconds at 30 frames/s
Progress = Callable[[int, int | None], None]  # pictures done, of how many (None: not known)


@dataclass(frozen=True, slots=True)
class Rendered:
    """What `render` wrote.

    frames   pictures written; faceless: those of them in which the driver showed no face
    sound    "copied", "none", or a sentence about what was done
    warning  a sentence about damage in the driver's file, or ""
    signed   whose credentials the file carries, or why it carries none
    """

    frames: int
    faceless: int
    sound: str
    warning: str
    stats: Stats
    signed: "Signed"


def check_output(path: Path, *inputs: Path) -> None:
    """Raises InputError where nothing could be written to `path`, or where it is one of the inputs."""
    if path.is_dir():
        raise InputError(f"{path} is a folder: give the name of a file to write")
    if not path.parent.is_dir():
        raise InputError(f"{path} cannot be written, there is no folder {path.parent}: make it first")
    for source in inputs:
        if path.exists() and source.exists() and path.samefile(source):
            raise InputError(f"{path} is also an input: give another name for the output")


def render(
    driver: Path | str,
    target: "OpenTarget",
    output: Path | str,
    retarget: RetargetConfig | None = None,
    generator: GeneratorConfig | None = None,
    *,
    neutral: Path | None = None,
    audio: Path | None = None,
    recorder: RecorderConfig | None = None,
    finish: FinishConfig | None = None,
    progress: Progress | None = None,
) -> Rendered:
    """Drives an open target by a video or picture file and writes a video, or a picture for a `.png` or `.jpg`.

    retarget.neutral  "auto": the face most at rest in the first LOOK_AHEAD frames, which are read twice, so
                      that the first frame is driven already; "first": the first frame that shows a face
    neutral           a picture of the driver at rest, in place of those
    audio             a file whose sound is copied
    finish            the watermark and the visible label
    The file is signed, with this user's identity (reenact.provenance); where that fails it is kept unsigned.
    Raises SourceError when no frame of the driver shows a face, and whatever the stages raise; then no output
    is left behind.
    """
    from reenact.provenance.record import Ledger, driver_file
    from reenact.provenance.signing import signs
    from reenact.sources import open_media

    path, output = Path(driver), Path(output)
    check_output(output, path)
    retarget, generator = retarget or RetargetConfig(), generator or GeneratorConfig()
    tracking = TrackingConfig(smooth=False, views=True)  # CalmTracker does without delay what smoothing does with some
    told: list[Signed] = []
    ledger = Ledger("render", partial(driver_file, path), generator)
    with (
        open_media(path) as source,
        signs(output, ledger.from_now(), told.append),
        open_engine(target, retarget, generator, tracking=tracking, finish=finish) as engine,
    ):
        rest = find_rest(path, retarget, neutral)
        if rest is not None:
            engine.retargeter.calibrate(rest)
        ledger.add(engine.playing)
        ledger.finished_by(engine.finish)
        with _open_output(output, target, source, audio, recorder) as sink:
            faceless = _drive(engine, source, sink, progress)
            frames = engine.stats.counted("frames")
            if faceless == frames:
                raise SourceError(f"{path} shows no face in any of its {frames} frames: expected one that drives")
        sound, warning = getattr(sink, "sound", "none"), getattr(source, "warning", "")
    return Rendered(frames, faceless, sound, warning, engine.stats, told[0])


def _open_output(output: Path, target: Target, source: Source, audio: Path | None, recorder: RecorderConfig | None):  # type: ignore[no-untyped-def]
    from reenact.sinks import PictureWriter, Recorder

    if output.suffix.lower() in (".png", ".jpg", ".jpeg"):
        return PictureWriter(output, target.size)
    return Recorder(
        output,
        target.size,
        time_base=getattr(source, "time_base", None),
        rate=source.rate,
        config=recorder,
        audio=audio,
    )


def _drive(engine: Engine, source: Source, sink: Sink, progress: Progress | None) -> int:
    from reenact.tracking.calm import CalmTracker

    faceless = 0
    total: int | None = getattr(source, "frames", None)
    calm = CalmTracker(engine.tracker)
    engine.tracker = calm
    for frame in calm.frames(source):
        reading = engine.read(frame)
        faceless += reading.track is None
        composite = engine.compose(reading, frame.seq, frame.t_capture)
        with engine.stats.stage("write"):
            sink.send(composite)
        engine.stats.count("frames")
        if progress is not None:
            progress(frame.seq + 1, total)
    return faceless


def frames(source: Source) -> Iterator[Frame]:
    """Every frame of a file."""
    while (frame := source.read()) is not None:
        yield frame


def find_rest(driver: Path, retarget: RetargetConfig, picture: Path | None = None) -> FaceTrack | None:
    """The driver's neutral for a file: from a picture of it, or from the first frames; None leaves it to the first.

    It carries the subject id that a fresh tracker gives to the first face in the driver's file.
    """
    from reenact.retarget import find_neutral
    from reenact.sources import open_media

    if picture is not None:
        return _of_picture(picture)
    if retarget.neutral == "first":
        return None
    with open_media(driver) as source:
        tracks = _tracks(itertools.islice(frames(source), LOOK_AHEAD))
    if not tracks:
        return None
    first = tracks[0].subject
    return find_neutral([track for track in tracks if track.subject == first])


def _tracks(pictures: Iterator[Frame]) -> list[FaceTrack]:
    from reenact.tracking import FaceMeshTracker

    with FaceMeshTracker(TrackingConfig(views=True)) as tracker:
        return [track for frame in pictures if (track := tracker.track(frame)) is not None]


def _of_picture(path: Path) -> FaceTrack:
    from reenact.sources import read_picture
    from reenact.tracking import FaceMeshTracker

    # as every fresh tracker it calls its first subject 0
    with FaceMeshTracker(TrackingConfig(views=True), still=True) as tracker:
        track = tracker.track(Frame(read_picture(path), 0, 0.0))
    if track is None:
        raise SourceError(f"{path} shows no face: expected a picture of the driver with a neutral face")
    return track
