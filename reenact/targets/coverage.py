"""What a person has shown to the camera so far, of all that a target's bank and its training want to have seen.

Every frame counts for every goal it fits, whatever is asked for just then.  All is measured against the person's own
neutral face, taken while it is at rest at the beginning, with the head's pose removed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from reenact.config import CoverageConfig
from reenact.geometry import eye_distance, fit_similarity, rotation_vector
from reenact.retarget.calibration import find_neutral
from reenact.retarget.neutral import eye_opening, head_pose, head_shape, iris_place, mouth_gap
from reenact.tracking.topology import RIGID
from reenact.types import FaceTrack, Floats

_LONGEST_S = 0.1  # what one frame may count for: a slow camera's picture is one picture


@dataclass(frozen=True, slots=True)
class Doing:
    """What a face does, against its neutral.

    gap     of the inner lips, IOD;  opened  the same, less the neutral's
    width   of the mouth over the neutral's
    lids    opening of the narrower eye over its neutral's
    gaze    (along, across): where the eyes look, eye widths from where they rest; to the person's left, and down
    turn    (yaw, pitch) degrees from the neutral pose; to the person's left, and down
    """

    gap: float
    opened: float
    width: float
    lids: float
    gaze: tuple[float, float]
    turn: tuple[float, float]

    @property
    def ahead(self) -> bool:
        """Whether the head is about where it rests."""
        return abs(self.turn[0]) < 12 and abs(self.turn[1]) < 10

    @property
    def at_camera(self) -> bool:
        """Whether the eyes look about where they rest."""
        return abs(self.gaze[0]) < 0.08 and abs(self.gaze[1]) < 0.03


Fits = Callable[[Doing], bool]


@dataclass(frozen=True, slots=True)
class Goal:
    """Something to be seen for so many seconds, or, with `times`, so many times."""

    name: str
    fits: Fits
    seconds: float = 0.4
    times: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """Goals that one prompt asks for."""

    name: str
    prompt: str
    goals: tuple[Goal, ...]


# From clips of real people who talk: gaps to 0.2 to 0.38 IOD, widths of 0.66 to 1.3, eyes that look away move by 0.1 to
# 0.22 eye widths to the side and 0.03 to 0.12 up and down; lids shut fully still measure up to 0.35.
STEPS = (
    Step(
        "rest",
        "Look into the camera, lips together, face at rest",
        (
            Goal(
                "rest",
                lambda d: d.opened < 0.015 and d.lids > 0.75 and 0.94 < d.width < 1.06 and d.ahead and d.at_camera,
                seconds=1.0,
            ),
        ),
    ),
    Step(
        "vowels",
        "Say slowly: aah, eeh, eee, ohh, ooo",
        (
            Goal("aah", lambda d: d.opened > 0.17),
            Goal("eeh", lambda d: 0.07 < d.opened < 0.2 and d.width > 0.95),
            Goal("eee", lambda d: 0.03 < d.opened < 0.16 and d.width > 1.05),
            Goal("ohh", lambda d: d.opened > 0.09 and d.width < 0.96),
            Goal("ooo", lambda d: d.opened > 0.015 and d.width < 0.88),
        ),
    ),
    Step(
        "smile",
        "Smile broadly, with your teeth and without",
        (Goal("smile", lambda d: d.width > 1.1 and d.opened < 0.12, seconds=0.8),),
    ),
    Step("blink", "Blink slowly, a few times", (Goal("blink", lambda d: d.lids < 0.4, times=2),)),
    Step(
        "look",
        "Hold your head still and look to the left, right, up and down",
        (
            Goal("look left", lambda d: d.gaze[0] > 0.1 and d.ahead),
            Goal("look right", lambda d: d.gaze[0] < -0.1 and d.ahead),
            Goal("look up", lambda d: d.gaze[1] < -0.035 and d.lids > 0.5 and d.ahead),
            Goal("look down", lambda d: d.gaze[1] > 0.035 and d.lids > 0.3 and d.ahead),
        ),
    ),
    Step(
        "turn",
        "Turn your head slowly to the left, right, up and down",
        (
            Goal("turn left", lambda d: d.turn[0] > 14),
            Goal("turn right", lambda d: d.turn[0] < -14),
            Goal("turn up", lambda d: d.turn[1] < -8),
            Goal("turn down", lambda d: d.turn[1] > 8),
        ),
    ),
)


@dataclass
class _Tally:
    goal: Goal
    seconds: float = 0.0
    times: int = 0
    on: bool = False

    def count(self, fits: bool, seconds: float) -> None:
        if fits:
            self.seconds += seconds
            self.times += not self.on
        self.on = fits

    @property
    def share(self) -> float:
        had, wanted = (self.times, self.goal.times) if self.goal.times else (self.seconds, self.goal.seconds)
        return min(1.0, had / wanted * (1 + 1e-9))  # ten times 0.1 are not quite 1


@dataclass
class Coverage:
    """Adds up what tracks show; the person is the one whose neutral was taken."""

    config: CoverageConfig = field(default_factory=CoverageConfig)

    def __post_init__(self) -> None:
        self._tallies = {goal.name: _Tally(goal) for step in STEPS for goal in step.goals}
        self._gathered: list[tuple[FaceTrack, float, bool]] = []  # the seconds it lasted, and whether it is calm
        self._neutral: FaceTrack | None = None
        self._began: float | None = None
        self._last: float | None = None
        self.seen = 0  # frames that show the person
        self.iod = 0.0  # pixels, of the last of them

    @property
    def calibrated(self) -> bool:
        return self._neutral is not None

    @property
    def share(self) -> float:
        """Of all goals, 0 to 1."""
        return float(np.mean([tally.share for tally in self._tallies.values()]))

    @property
    def done(self) -> bool:
        return all(self.has(name) for name in self._tallies)

    def has(self, goal: str) -> bool:
        return self._tallies[goal].share >= 1.0

    def shares(self) -> dict[str, float]:
        """Each goal's share, 0 to 1, by name and in the order they are asked for."""
        return {name: tally.share for name, tally in self._tallies.items()}

    def missing(self, step: Step) -> list[str]:
        return [goal.name for goal in step.goals if not self.has(goal.name)]

    def add(self, track: FaceTrack | None, now: float) -> Doing | None:
        """A frame at `now` seconds; what its face does, None without one, of somebody else, or before the neutral."""
        since = 0.0 if self._last is None else min(max(0.0, now - self._last), _LONGEST_S)
        self._last = now
        if track is None or (self._neutral is not None and track.subject != self._neutral.subject):
            for tally in self._tallies.values():
                tally.on = False
            return None
        self.seen += 1
        self.iod = eye_distance(track.points)
        if self._neutral is None:
            return self._gather(track, now, since)
        return self._count(track, since)

    def _count(self, track: FaceTrack, since: float) -> Doing:
        doing = self._measure(track)
        for tally in self._tallies.values():
            tally.count(tally.goal.fits(doing), since)
        return doing

    def _gather(self, track: FaceTrack, now: float, since: float) -> Doing | None:
        """Takes the neutral from frames at rest, or after a while from whatever there was; they count too, then."""
        if self._gathered and track.subject != self._gathered[-1][0].subject:
            self._gathered, self._began = [], None
        self._began = now if self._began is None else self._began
        self._gathered.append((track, since, _calm(track.points)))
        calm = [t for t, _, at_rest in self._gathered if at_rest]
        if len(calm) < self.config.calibration_frames and now - self._began < self.config.calibrate_s:
            return None
        gathered, self._gathered = self._gathered, []
        self._neutral = find_neutral(calm or [t for t, _, _ in gathered])
        points = self._neutral.points
        self._iris, self._lids = iris_place(points), np.maximum(eye_opening(points), 0.05)
        self._gap, self._width = _mouth(points)
        return [self._count(t, s) for t, s, _ in gathered][-1]

    def _measure(self, track: FaceTrack) -> Doing:
        assert self._neutral is not None
        points = track.points
        gap, width = _mouth(points)
        gaze = (iris_place(points) - self._iris).mean(0)
        pose = fit_similarity(self._neutral.points[RIGID], points[RIGID])
        axes = head_pose(self._neutral.points).rotation
        pitch, yaw, _ = np.degrees(rotation_vector(axes.T @ pose.rotation @ axes))
        return Doing(
            gap,
            gap - self._gap,
            width / self._width,
            float((eye_opening(points) / self._lids).min()),
            (float(gaze[0]), float(gaze[1])),
            (-float(yaw), float(pitch)),
        )


def _mouth(points: Floats) -> tuple[float, float]:
    """Gap and width of the mouth, IOD, pose removed."""
    shape = head_shape(points)
    return mouth_gap(shape), float(np.linalg.norm(shape[61] - shape[291]))


def _calm(points: Floats) -> bool:
    """Lips about together, the head about to the front."""
    turn = np.abs(head_pose(points).rotation[:2, 2])
    return mouth_gap(points) < 0.05 and bool((turn < 0.35).all())
