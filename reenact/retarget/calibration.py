"""The driver against the driver's own neutral: calibration and relative motion."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from reenact.config import RetargetConfig
from reenact.geometry import fit_similarity
from reenact.retarget.neutral import Resting, eye_opening, head_pose, iris_place, mouth_gap
from reenact.retarget.population import as_average_person
from reenact.retarget.skin import Skin
from reenact.tracking.topology import RIGID
from reenact.types import FaceTrack, Floats, Motion

# Opening of the driver's eye over its neutral, as the mesh has it, and what it stands for: a shut eye is tracked at 0.2
# to 0.5 of the neutral opening (real ones at 0.1 to 0.33), and what is wide open hardly shows.
_TRACKED = (0.38, 0.65, 0.88, 1.0, 1.5)
_MEANT = (0.0, 0.55, 0.93, 1.0, 1.3)
_WINK = (0.65, 0.9)  # of the neutral opening: an eye more open than that takes no part in what the other one does

_GAZE_NOISE = 0.04  # eye widths: the mesh's irises stray so far about where the eyes look


def find_neutral(tracks: Sequence[FaceTrack]) -> FaceTrack:
    """The track that shows the driver most at rest: lips together, eyes open, head as usual.

    Its points are the mean over the frames most like it, so that one frame's noise does not become
    an expression for the rest of the run.  Raises ValueError if there are no tracks.
    """
    if not tracks:
        raise ValueError("no tracks were given: expected at least one")
    points = np.stack([t.points for t in tracks])
    gaps = np.array([mouth_gap(p) for p in points])
    lids = np.array([eye_opening(p).mean() for p in points])
    turn = np.array([head_pose(p).rotation for p in points])
    middle = np.median(turn, axis=0)
    unrest = (
        4.0 * (gaps - gaps.min())
        + 2.0 * np.abs(lids - np.median(lids)) / max(float(np.median(lids)), 1e-3)
        + np.linalg.norm(turn - middle, axis=(1, 2))
    )
    best = int(np.argmin(unrest))
    near = np.flatnonzero(unrest <= unrest[best] + 0.05)
    return replace(tracks[best], points=_mean_face(points[near], points[best]))


def _mean_face(points: Floats, reference: Floats) -> Floats:
    """Mean of faces (n, 478, 3), each laid over the reference's skull."""
    aligned = [fit_similarity(p[RIGID], reference[RIGID]).apply(p) for p in points]
    mean: Floats = np.mean(aligned, axis=0).astype(np.float32)
    return mean


class Retarget:
    """A `Retargeter` (reenact.stages): tracks of one driver to Motion against that driver's neutral face."""

    def __init__(self, config: RetargetConfig | None = None) -> None:
        self._config = config or RetargetConfig()
        self._gathered: list[FaceTrack] = []
        self._subject: int | None = None
        self.calibrate()

    def calibrate(self, track: FaceTrack | None = None) -> None:
        """Takes track as the neutral, or gathers one from the next good frames."""
        self._gathered = []
        self.ready = False
        if track is not None:
            self._subject = track.subject
            self._set(track)

    def retarget(self, track: FaceTrack) -> Motion | None:
        if self._subject is not None and track.subject != self._subject:
            self.calibrate()
        self._subject = track.subject
        if not self.ready and not self._gather(track):
            return None
        return self._motion(track)

    def _gather(self, track: FaceTrack) -> bool:
        self._gathered.append(track)
        wanted = 1 if self._config.neutral == "first" else self._config.calibration_frames
        if len(self._gathered) < wanted:
            return False
        self._set(find_neutral(self._gathered))
        self._gathered = []
        return True

    def _set(self, neutral: FaceTrack) -> None:
        points = neutral.points.astype(np.float64)
        self._resting = Resting(points)
        self._lids = np.maximum(eye_opening(points), 0.05)
        self._iris = iris_place(points)
        self._skin = None if neutral.view is None else Skin(neutral.view, neutral.points)
        self.ready = True

    def _motion(self, track: FaceTrack) -> Motion:
        found = self._resting.relative(track.points)
        motion = Motion(
            rotation=found.turn.astype(np.float32),
            shift=found.shift.astype(np.float32),
            scale=found.scale,
            expression=found.expression.astype(np.float32),
            gaze=_gaze(iris_place(found.unturned) - self._iris),
            lids=_openness(eye_opening(found.unturned) / self._lids),
            seq=track.seq,
            t_capture=track.t_capture,
        )
        measured = None
        if self._skin is not None and track.view is not None:
            measured = self._skin.measure(track.view, track.points)
        return as_average_person(motion, measured)


def _gaze(shift: Floats) -> Floats:
    """What both eyes do, of the shift (2, 2) of each.

    They look the same way, so half the noise goes; small shifts, mostly noise, are shrunk (the Wiener gain of a shift
    of that size).
    """
    both = shift.mean(0, keepdims=True)
    size = float((both**2).sum())
    return np.repeat(both * np.float32(size / (size + _GAZE_NOISE**2)), 2, axis=0)


def _openness(ratio: Floats) -> Floats:
    """Opening over the neutral's, shut eyes at 0: (2,) float32.

    Lids go together but for winks, and that of the two eyes which is tracked as more shut is the one to believe.
    """
    apart = np.clip((_WINK[1] - ratio) / (_WINK[1] - _WINK[0]), 0, 1)
    together = ratio + apart * (ratio.min() - ratio)
    return np.interp(together, _TRACKED, _MEANT).astype(np.float32)
