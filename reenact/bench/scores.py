"""How far a video of a face is from another that shows the exact truth, picture by picture.

Landmarks are MediaPipe's face mesh with irises, found in each picture by itself.  Lengths are in percent of the
truth's distance between the outer eye corners.  SSIM: Wang, Bovik, Sheikh, Simoncelli, 2004, with their 11x11
Gaussian of 1.5 pixels and their constants.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from reenact.errors import InputError
from reenact.tracking.topology import LEFT_IRIS, RIGHT_IRIS
from reenact.types import Floats, Pixels

Finder = Callable[[Pixels], Floats | None]  # (H, W, 3) uint8 BGR to (478, 2) float32 in pixels, None: no face

FACE = 468  # points of the face; the irises follow
CORNERS = (33, 263)
LIPS = [13, 14, 78, 308, 61, 291, 0, 17]
RIGHT_EYE, LEFT_EYE = [33, 133, 159, 145], [362, 263, 386, 374]
_LIP_GAP, _LID_GAPS = (13, 14), ((159, 145), (386, 374))
_GAZES = ((int(RIGHT_IRIS[0]), 33, 133), (int(LEFT_IRIS[0]), 362, 263))
_ABOUT_LIPS, _ABOUT_EYES = 12, 8  # percent of the eye distance around them
_GROW = np.ones((9, 9), np.uint8)
_LEAST = 1e-3  # mean square error of an exact copy: 78.1 dB
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


@dataclass(frozen=True, slots=True)
class Scores:
    """Means over the pictures in which the truth shows a face; lower is better but for the first two.

    psnr_face         dB inside the truth's face hull, grown by 4 pixels; 78.1 is an exact copy
    ssim_face         mean SSIM of the grey pictures inside that hull
    l1_mouth, l1_eyes mean absolute difference, 0 to 255, in boxes around the truth's lips and eyes
    akd               mean distance of the 468 landmarks, percent
    lips, lids, gaze  error of the opening of lips and eyelids and of the irises' place, percent
    jitter            rms of the second time-difference of (output - truth) landmarks, percent
    untracked         share of those pictures in which the output shows no face, 0 to 1
    A figure that no picture has is NaN.
    """

    psnr_face: float
    ssim_face: float
    l1_mouth: float
    l1_eyes: float
    akd: float
    lips: float
    lids: float
    gaze: float
    jitter: float
    untracked: float


FIGURES = tuple(field.name for field in fields(Scores))
HIGHER_IS_BETTER = FIGURES[:2]
_PER_PICTURE = FIGURES[:8]


@contextmanager
def face_finder() -> Iterator[Finder]:
    """Finds the face's points in one picture at a time, without any memory of the one before."""
    from mediapipe.python.solutions.face_mesh import FaceMesh  # one second to import

    with FaceMesh(static_image_mode=True, refine_landmarks=True, max_num_faces=1) as mesh:

        def find(pixels: Pixels) -> Floats | None:
            faces = mesh.process(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)).multi_face_landmarks
            if not faces:
                return None
            height, width = pixels.shape[:2]
            return np.array([(p.x * width, p.y * height) for p in faces[0].landmark], np.float32)

        yield find


def score(truth: Iterable[Pixels], outputs: Mapping[str, Iterable[Pixels]], find: Finder) -> dict[str, Scores]:
    """The scores of each output, all of them read once, side by side with the truth.

    Raises InputError where numbers or sizes of the pictures differ, or where the truth never shows a face.
    """
    tallies = {name: _Tally() for name in outputs}
    streams = {name: iter(pictures) for name, pictures in outputs.items()}
    still: dict[str, tuple[Pixels, Floats | None]] = {}
    count = 0
    for count, true in enumerate(truth, 1):
        points = find(true)
        face = None if points is None else _Face(true, points)
        for name, stream in streams.items():
            shown = next(stream, None)
            if shown is None:
                raise InputError(f"{name} has {count - 1} pictures, the truth has more: expected as many")
            if shown.shape != true.shape:
                raise InputError(f"{name} is {_size(shown)}, the truth is {_size(true)}: expected the same size")
            if face is None:
                tallies[name].skip()
                continue
            if name not in still or still[name][0] is not shown:  # a motionless output is looked at once
                still[name] = (shown, find(shown))
            tallies[name].add(face, shown, still[name][1])
    for name, stream in streams.items():
        if next(stream, None) is not None:
            raise InputError(f"{name} has more pictures than the truth's {count}: expected as many")
    if not any(tally.rows for tally in tallies.values()):
        raise InputError(f"the truth shows no face in any of its {count} pictures: expected one to measure")
    return {name: tally.scores() for name, tally in tallies.items()}


class _Face:
    """One picture of the truth and the places where it is compared."""

    def __init__(self, pixels: Pixels, points: Floats) -> None:
        self.pixels, self.points = pixels, points
        self.unit = _gap(points, CORNERS) / 100
        hull = np.zeros(pixels.shape[:2], np.uint8)
        cv2.fillConvexPoly(hull, cv2.convexHull(points[:FACE].astype(np.int32)), 255)
        self.hull = cv2.dilate(hull, _GROW) > 0
        self.lips = self._box(LIPS, _ABOUT_LIPS * self.unit)
        self.eyes = [self._box(eye, _ABOUT_EYES * self.unit) for eye in (RIGHT_EYE, LEFT_EYE)]

    def _box(self, which: list[int], grow: float) -> tuple[slice, slice]:
        height, width = self.pixels.shape[:2]
        (x0, y0), (x1, y1) = self.points[which].min(0), self.points[which].max(0)
        rows = slice(max(0, int(y0 - grow)), min(height, int(y1 + grow) + 1))
        return rows, slice(max(0, int(x0 - grow)), min(width, int(x1 + grow) + 1))

    def compare_pixels(self, shown: Pixels) -> dict[str, float]:
        apart = self.pixels.astype(np.float32) - shown.astype(np.float32)
        square = float((apart[self.hull] ** 2).mean())
        return {
            "psnr_face": float(10 * np.log10(255**2 / max(square, _LEAST))),
            "ssim_face": float(_ssim(self.pixels, shown)[self.hull].mean()),
            "l1_mouth": float(np.abs(apart[self.lips]).mean()),
            "l1_eyes": float(np.mean([np.abs(apart[eye]).mean() for eye in self.eyes])),
        }

    def compare_points(self, shown: Floats) -> dict[str, float]:
        true = self.points

        def gaps(*pairs: tuple[int, int]) -> float:
            return float(np.mean([abs(_gap(shown, pair) - _gap(true, pair)) for pair in pairs])) / self.unit

        irises = [np.linalg.norm(_iris(shown, *eye) - _iris(true, *eye)) for eye in _GAZES]
        return {
            "akd": float(np.linalg.norm(self.apart(shown), axis=1).mean()),
            "lips": gaps(_LIP_GAP),
            "lids": gaps(*_LID_GAPS),
            "gaze": float(np.mean(irises)) / self.unit,
        }

    def apart(self, shown: Floats) -> Floats:
        """(468, 2) float32: how far each point of the face is from the truth's, percent."""
        return ((shown[:FACE] - self.points[:FACE]) / self.unit).astype(np.float32)


class _Tally:
    """What has been seen of one output."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self._apart: list[Floats | None] = []
        self._lost = 0

    def skip(self) -> None:
        self._apart.append(None)

    def add(self, face: _Face, shown: Pixels, points: Floats | None) -> None:
        row = face.compare_pixels(shown)
        if points is None:
            self._lost += 1
            self._apart.append(None)
        else:
            row |= face.compare_points(points)
            self._apart.append(face.apart(points))
        self.rows.append(row)

    def scores(self) -> Scores:
        values = {name: [row[name] for row in self.rows if name in row] for name in _PER_PICTURE}
        means = {name: float(np.mean(seen)) if seen else float("nan") for name, seen in values.items()}
        return Scores(**means, jitter=self._jitter(), untracked=self._lost / len(self.rows))

    def _jitter(self) -> float:
        """Only where three pictures in a row have their points."""
        triples = zip(self._apart, self._apart[1:], self._apart[2:], strict=False)
        shakes = [c - 2 * b + a for a, b, c in triples if a is not None and b is not None and c is not None]
        return float(np.sqrt(np.mean(np.square(shakes)))) if shakes else float("nan")


def _gap(points: Floats, pair: tuple[int, int]) -> float:
    return float(np.linalg.norm(points[pair[0]] - points[pair[1]]))


def _iris(points: Floats, centre: int, one: int, other: int) -> Floats:
    """The iris from the middle between its eye's corners, pixels."""
    return points[centre] - (points[one] + points[other]) / 2  # type: ignore[no-any-return]


def _ssim(one: Pixels, other: Pixels) -> npt.NDArray[np.float32]:
    """(H, W) float32: the SSIM of the grey pictures around each pixel."""
    a, b = (cv2.cvtColor(p, cv2.COLOR_BGR2GRAY).astype(np.float32) for p in (one, other))
    mean_a, mean_b = _smooth(a), _smooth(b)
    var_a, var_b = _smooth(a * a) - mean_a**2, _smooth(b * b) - mean_b**2
    together = _smooth(a * b) - mean_a * mean_b
    alike = (2 * mean_a * mean_b + _C1) * (2 * together + _C2)
    return alike / ((mean_a**2 + mean_b**2 + _C1) * (var_a + var_b + _C2))  # type: ignore[no-any-return]


def _smooth(plane: Any) -> Any:
    return cv2.GaussianBlur(plane, (11, 11), 1.5)


def _size(pixels: Pixels) -> str:
    return f"{pixels.shape[1]}x{pixels.shape[0]}"
