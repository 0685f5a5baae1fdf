"""A target recorded in front of the camera, led from prompt to prompt until all is covered."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from reenact.config import CoverageConfig
from reenact.errors import DeviceError, NoPicture, SourceError
from reenact.stages import Source, Tracker
from reenact.targets.coverage import STEPS, Coverage, Step
from reenact.targets.footage import Footage
from reenact.types import FaceTrack, Frame

LEAST = 48  # frames that show the person: fewer are no target to train on


@dataclass(frozen=True, slots=True)
class Stand:
    """How a recording stands, for whoever shows it.

    prompt   what the person is asked to do;  missing  what of it has not been seen yet
    hint     what is in the way just now, "" for nothing
    share    of all that is wanted, 0 to 1;  shares  the same of each goal, by name
    seconds  since the first frame
    """

    prompt: str
    missing: tuple[str, ...]
    hint: str
    share: float
    shares: dict[str, float]
    seconds: float


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded.

    frames    in the file;  seen  those of them that show the person
    shares    of each goal, 0 to 1
    warning   why it ended early, if something was wrong, or ""
    """

    path: Path
    frames: int
    seen: int
    seconds: float
    shares: dict[str, float]
    warning: str

    @property
    def missing(self) -> list[str]:
        return [name for name, share in self.shares.items() if share < 1.0]


Show = Callable[[Frame | None, FaceTrack | None, Stand], bool]
"""show(frame, its face, how it stands) -> whether to go on; without a frame while the camera has none"""


class Course:
    """Which prompt is shown: each until its goals are met, or until nothing came of it for `patience_s` seconds."""

    def __init__(self, coverage: Coverage, patience_s: float) -> None:
        self._coverage, self._patience_s = coverage, patience_s
        self._place = 0
        self._best = -1.0
        self._since: float | None = None

    @property
    def over(self) -> bool:
        return self._place >= len(STEPS)

    @property
    def step(self) -> Step:
        return STEPS[min(self._place, len(STEPS) - 1)]

    def at(self, now: float) -> None:
        """Goes on to where one is at `now` seconds."""
        if self._since is None:
            self._since = now
        while not self.over:
            shares = self._coverage.shares()
            reached = sum(shares[goal.name] for goal in self.step.goals)
            if reached > self._best + 1e-6:
                self._best, self._since = reached, now
            waited = now - self._since >= self._patience_s
            # without a neutral nothing else can be measured
            if self._coverage.missing(self.step) and not (waited and self._coverage.calibrated):
                return
            self._place, self._best, self._since = self._place + 1, -1.0, now


def record(
    source: Source,
    tracker: Tracker,
    path: Path,
    show: Show = lambda frame, track, stand: True,
    config: CoverageConfig | None = None,
) -> Recorded:
    """Records a source into an MP4 file until all is covered, all prompts are through, or `show` gives False.

    source, tracker  stay their owner's
    Raises SourceError, and leaves no file, where the person was seen in fewer than LEAST frames; DeviceError where
    the camera was lost with too little recorded; SinkError where the file cannot be written.
    """
    config = config or CoverageConfig()
    coverage = Coverage(config)
    with Footage(path, source.size, source.rate) as footage:
        seconds, warning = _run(source, tracker, footage, coverage, show, config)
        if coverage.seen < LEAST:  # what is raised here discards the footage
            if warning:
                raise DeviceError(f"{warning}; {footage.frames} frames are too few to keep")
            raise SourceError(
                f"the recording shows one person in {coverage.seen} of {footage.frames} frames, expected at least "
                f"{LEAST}: sit in front of the camera, in the light, and record again"
            )
    return Recorded(path, footage.frames, coverage.seen, seconds, coverage.shares(), warning)


def _run(
    source: Source, tracker: Tracker, footage: Footage, coverage: Coverage, show: Show, config: CoverageConfig
) -> tuple[float, str]:
    """Seconds recorded, and why it ended early or ""."""
    course = Course(coverage, config.patience_s)
    began: float | None = None
    seconds = 0.0
    while True:
        frame, trouble = None, ""
        try:
            frame = source.read()
        except NoPicture as error:
            trouble = str(error)
        except DeviceError as error:
            return seconds, str(error)
        track = None
        if frame is not None:
            began = frame.t_capture if began is None else began
            seconds = frame.t_capture - began
            track = tracker.track(frame)
            footage.add(frame)
            known = coverage.add(track, frame.t_capture) is not None or not coverage.calibrated
            course.at(frame.t_capture)
            trouble = _hint(frame, track, known, coverage, config)
        elif not trouble:
            return seconds, ""  # a file is at its end
        stand = Stand(
            course.step.prompt,
            tuple(coverage.missing(course.step)),
            trouble,
            coverage.share,
            coverage.shares(),
            seconds,
        )
        if not show(frame, track, stand) or coverage.done or course.over or seconds >= config.most_s:
            return seconds, ""


def _hint(frame: Frame, track: FaceTrack | None, known: bool, coverage: Coverage, config: CoverageConfig) -> str:
    if track is None:
        return "your face cannot be seen: look into the camera"
    if not known:
        return "somebody else is in the picture: only you should be"
    if coverage.iod < config.near_px:
        return "come nearer to the camera"
    x, y = (int(v) for v in track.points[:468, :2].mean(0))
    reach = max(2, int(coverage.iod))
    face = frame.pixels[max(0, y - reach) : y + reach, max(0, x - reach) : x + reach]
    if face.size and face.mean() < config.dark_level:
        return "it is dark: turn on a light in front of you"
    if not coverage.calibrated:
        return "hold still, lips together"
    return ""
