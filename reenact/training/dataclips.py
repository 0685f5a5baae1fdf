"""Real clips as training data: which of a clip's pictures are worth learning from.

Neighbouring pictures of a clip are nearly the same, most of them of a calm face.  Kept are those that differ the most
in mouth, lids, gaze, brows and pose (farthest-point sampling: Gonzalez 1985), sharp, and without a hand on the face.
The tracker's score cannot tell a hand: it was 0.97 and more on faces half covered.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from reenact.config import MediaConfig, TrackingConfig
from reenact.errors import InputError
from reenact.geometry import eye_distance, fit_similarity, rotation_vector
from reenact.retarget.neutral import eye_opening, iris_place
from reenact.tracking.topology import BROWS, INNER_LIPS, OUTER_LIPS, OVAL, RIGID, face_model
from reenact.training.pack import CROP, cut
from reenact.types import Floats, Frame, Pixels

_LEAST_IOD = 60.0  # pixels: smaller faces teach blur
_LEAST_SHARP = 0.55  # of the clip's median: less is a picture that motion has blurred
_LEAST, _MOST = 40, 80  # crops of a clip
_ALIKE = 0.02  # features nearer than this are the same picture to a learner, unless too few are left
_LIPS, _LIDS, _GAZE, _BROWS, _TURN = 1.5, 0.5, 0.6, 1.5, 0.4  # a blink, a glance, a frown, 20 degrees: as a word

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """A clip's faces: crops (CROP, CROP, 3) uint8 BGR, points (478, 3) in them, times in seconds, sharpness."""

    crops: list[Pixels]
    points: list[Floats]
    times: list[float]
    sharp: list[float]


def read_clip(clip: Path) -> Seen:
    """Every picture of a clip in which a face is found, as crops.  Raises InputError where none is large enough."""
    from reenact.sources import open_media
    from reenact.tracking import FaceMeshTracker

    with open_media(clip, MediaConfig()) as source, FaceMeshTracker(TrackingConfig(smooth=False)) as tracker:
        return see(_frames(source), tracker)


def see(frames: Iterable[Frame], tracker: Any) -> Seen:
    """The large enough faces that a tracker finds in frames.  Raises InputError where there is none."""
    seen, largest = Seen([], [], [], []), 0.0
    for frame in frames:
        track = tracker.track(frame)
        if track is None:
            continue
        largest = max(largest, eye_distance(track.points))
        if eye_distance(track.points) >= _LEAST_IOD:
            crop, points = cut(frame.pixels, track.points)
            seen.crops.append(crop)
            seen.points.append(points)
            seen.times.append(frame.t_capture)
            seen.sharp.append(sharpness(crop, points))
    if not seen.crops:
        raise InputError(
            f"the largest face has {largest:.0f} pixels between the outer eye corners, expected {_LEAST_IOD:.0f}"
            if largest
            else "no face was found"
        )
    return seen


def choose(seen: Seen, hidden: Callable[[Pixels, Floats], bool], least: int = _LEAST, most: int = _MOST) -> list[int]:
    """Numbers of the crops to keep, in order: sharp ones that differ the most and of which `hidden` says no.

    There are `least` to `most` where the clip has so many.
    """
    usable = np.flatnonzero(np.array(seen.sharp) >= _LEAST_SHARP * np.median(seen.sharp))
    shape = features([seen.points[i] for i in usable])
    chosen: list[int] = []
    far = np.full(len(usable), np.inf)
    following = int(np.linalg.norm(shape - np.median(shape, axis=0), axis=1).argmin())
    while len(chosen) < most and far[following] > (_ALIKE if len(chosen) >= least else 0.0):
        i = int(usable[following])
        if hidden(seen.crops[i], seen.points[i]):
            far[following] = 0.0
        else:
            chosen.append(i)
            far = np.minimum(far, np.linalg.norm(shape - shape[following], axis=1))
        following = int(far.argmax())
    return sorted(chosen)


def features(points: Sequence[Floats]) -> Floats:
    """(n, f): what tells expressions and poses apart, in IOD of the face; a distance of 0.1 is a spoken vowel."""
    mean = face_model().mean
    rows = []
    for p in points:
        fit = fit_similarity(p[RIGID], mean[RIGID])
        still = fit.apply(p)
        still = still / eye_distance(still)
        lips, brows = still[[*INNER_LIPS, *OUTER_LIPS], :2], still[BROWS, 1:2]
        parts = [
            _LIPS * lips / np.sqrt(len(lips)),
            _BROWS * brows / np.sqrt(len(brows)),
            _LIDS * eye_opening(p),
            _GAZE * iris_place(p) / np.sqrt(2),
            _TURN * rotation_vector(fit.rotation),
        ]
        rows.append(np.concatenate([np.ravel(part) for part in parts]))
    return np.array(rows, np.float32)


def sharpness(crop: Pixels, points: Floats) -> float:
    """Mean size of the Laplacian in a crop's face, grey levels."""
    mask = np.zeros((CROP, CROP), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.round(points[OVAL, :2]).astype(np.int32)), 255)
    fine = cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), cv2.CV_32F)
    return float(cv2.mean(cv2.absdiff(fine, 0.0), mask)[0])


class Hands:
    """Says of a crop whether a hand is on the face.  MediaPipe's light hand model, from inside its wheel.

    Of 43 crops with a hand 42 were found, of 120 without one none; the larger model found 18.
    """

    def __init__(self) -> None:
        from mediapipe.python.solutions.hands import Hands as Finder

        self._finder = Finder(static_image_mode=True, max_num_hands=2, model_complexity=0)

    def __call__(self, crop: Pixels, points: Floats) -> bool:
        found = self._finder.process(cv2.cvtColor(crop, cv2.COLOR_BGR2RGB)).multi_hand_landmarks or []
        face = cv2.convexHull(points[OVAL, :2].astype(np.float32))
        return any(
            cv2.pointPolygonTest(face, (p.x * CROP, p.y * CROP), False) > 0 for hand in found for p in hand.landmark
        )

    def close(self) -> None:
        """May be called twice."""
        if self._finder is not None:
            self._finder.close()
            self._finder = None

    def __enter__(self) -> "Hands":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _frames(source: Any) -> Iterable[Frame]:
    while (frame := source.read()) is not None:
        yield frame
