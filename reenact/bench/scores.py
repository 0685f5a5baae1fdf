"""How far a video of a face is from another that shows the exact truth, picture by picture.

Landmarks are MediaPipe's face mesh with irises, found in each picture by itself.  Lengths are in percent of the
truth's distance between the outer eye corners.  Regions and sharpness: reenact.bench.regions; flicker:
reenact.bench.flicker.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields

import cv2
import numpy as np

from reenact.bench.flicker import PLACES, Steadiness
from reenact.bench.regions import CORNERS, FACE, REGIONS, SHARP, Compared, Face, gap, psnr
from reenact.errors import InputError
from reenact.tracking.topology import LEFT_IRIS, RIGHT_IRIS
from reenact.types import Floats, Pixels

Finder = Callable[[Pixels], Floats | None]  # (H, W, 3) uint8 BGR to (478, 2) float32 in pixels, None: no face

_ABOUT_FACE = 2.2  # eye distances from its middle that a face is looked for
_LIP_GAP, _LID_GAPS = (13, 14), ((159, 145), (386, 374))
_GAZES = ((int(RIGHT_IRIS[0]), 33, 133), (int(LEFT_IRIS[0]), 362, 263))


@dataclass(frozen=True, slots=True)
class Scores:
    """Over the pictures in which the truth shows a face.  Lower is better but for those of HIGHER_IS_BETTER; those of
    LIKE_TRUTH are ratios to the truth's own, 1 is like it.

    psnr_face         mean of the pictures' PSNRs inside the truth's face hull, grown by 4 pixels; 78.1 dB: exact copy
    ssim_face         mean SSIM of the grey pictures inside that hull
    l1_mouth, l1_eyes mean absolute difference, 0 to 255, in boxes around the truth's lips and eyes
    akd               mean distance of the 468 landmarks, percent
    lips, lids, gaze  error of the opening of lips and eyelids and of the irises' place, percent
    jitter            rms of the second time-difference of (output - truth) landmarks, percent
    untracked         share of those pictures in which the output shows no face, 0 to 1
    db_*              PSNR of the mean square error over all pictures: of the hull, the boxes about mouth and eyes, the
                      inside of lips that are open, and all that is outside the hull.  Unlike psnr_face it gives an
                      exact picture (the first of a clip that drives itself) no more weight than any other.
    sharp_*           energy of the Laplacian over the truth's: below 1 is softer
    flicker_*         change from picture to picture beyond motion, over the truth's: 0 is frozen, above 1 flickers
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
    db_face: float
    db_mouth: float
    db_inner_mouth: float
    db_eyes: float
    db_outside: float
    sharp_face: float
    sharp_mouth: float
    flicker_face: float
    flicker_mouth: float

    def region(self, name: str) -> float:
        """dB of one of reenact.bench.regions.REGIONS."""
        value: float = getattr(self, f"db_{name}")
        return value


FIGURES = tuple(field.name for field in fields(Scores))
HIGHER_IS_BETTER = FIGURES[:2] + tuple(f"db_{name}" for name in REGIONS)
LIKE_TRUTH = tuple(f"sharp_{name}" for name in SHARP) + tuple(f"flicker_{name}" for name in PLACES)
_OF_POINTS = ("akd", "lips", "lids", "gaze")


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
    scorer = Scorer(list(outputs), find)
    streams = {name: iter(pictures) for name, pictures in outputs.items()}
    count = 0
    for count, true in enumerate(truth, 1):
        shown = {}
        for name, stream in streams.items():
            picture = next(stream, None)
            if picture is None:
                raise InputError(f"{name} has {count - 1} pictures, the truth has more: expected as many")
            shown[name] = picture
        scorer.add(true, shown)
    for name, stream in streams.items():
        if next(stream, None) is not None:
            raise InputError(f"{name} has more pictures than the truth's {count}: expected as many")
    return scorer.scores()


class Scorer:
    """Scores several outputs against one truth, a moment at a time, and keeps no more than the moment before.

    names  of the outputs;  find  finds the points of a face
    face   the truth's in the moment added last, None where it shows none
    """

    def __init__(self, names: Sequence[str], find: Finder) -> None:
        self._find = find
        self._tallies = {name: _Tally() for name in names}
        self._steady = Steadiness()
        self._found: dict[str, tuple[Pixels, Floats | None]] = {}
        self._near: Floats | None = None
        self.count = 0
        self.face: Face | None = None

    def add(self, truth: Pixels, outputs: Mapping[str, Pixels], near: Floats | None = None) -> None:
        """The next moment; pictures must not be changed afterwards.  InputError where sizes differ.

        near  (n, 2 or 3) points of the face that is meant, pixels: it is looked for about there alone.  In the whole of
              a large picture a small face is missed now and then, and another person's taken for it.
        """
        self.count += 1
        self._near = near
        points = self._points(truth)
        self.face = None if points is None else Face(truth, points)
        if self.face is None:
            self._steady.skip()
        else:
            self._steady.add(self.face, truth)
        for name, tally in self._tallies.items():
            shown = outputs[name]
            if shown.shape != truth.shape:
                raise InputError(f"{name} is {_size(shown)}, the truth is {_size(truth)}: expected the same size")
            if self.face is None:
                tally.skip()
                continue
            if name not in self._found or self._found[name][0] is not shown:  # what is motionless is looked at once
                self._found[name] = (shown, self._points(shown))
            tally.add(self.face, shown, self._found[name][1])

    def skip(self) -> None:
        """The next moment, in which the truth is known to show no face."""
        self.count += 1
        self.face = None
        self._steady.skip()
        for tally in self._tallies.values():
            tally.skip()

    def _points(self, pixels: Pixels) -> Floats | None:
        if self._near is None:
            return self._find(pixels)
        height, width = pixels.shape[:2]
        x, y = self._near[:FACE, :2].mean(0)
        reach = max(8.0, _ABOUT_FACE * gap(self._near, CORNERS))
        left, top = max(0, int(x - reach)), max(0, int(y - reach))
        crop = pixels[top : max(top + 1, min(height, int(y + reach))), left : max(left + 1, min(width, int(x + reach)))]
        points = self._find(np.ascontiguousarray(crop)) if crop.size else None
        return None if points is None else points + np.array([left, top], np.float32)

    def scores(self) -> dict[str, Scores]:
        """So far, by output; InputError where the truth showed no face in any picture."""
        if not any(tally.rows for tally in self._tallies.values()):
            raise InputError(f"the truth shows no face in any of its {self.count} pictures: expected one to measure")
        return {name: tally.scores(self._steady) for name, tally in self._tallies.items()}


class _Tally:
    """What has been seen of one output."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self._apart: list[Floats | None] = []
        self._lost = 0
        self._squares = dict.fromkeys(REGIONS, 0.0)
        self._counts = dict.fromkeys(REGIONS, 0)
        self._energy = {name: [0.0, 0.0] for name in SHARP}  # the output's, the truth's
        self._steady = Steadiness()

    def skip(self) -> None:
        self._apart.append(None)
        self._steady.skip()

    def add(self, face: Face, shown: Pixels, points: Floats | None) -> None:
        seen = face.compare(shown)
        self._pool(face, seen)
        self._steady.add(face, shown)
        row = {
            "psnr_face": psnr(seen.squares["face"], seen.counts["face"]),
            "ssim_face": seen.ssim,
            "l1_mouth": seen.l1_mouth,
            "l1_eyes": seen.l1_eyes,
        }
        if points is None:
            self._lost += 1
            self._apart.append(None)
        else:
            row |= _compare_points(face, points)
            self._apart.append(_apart(face, points))
        self.rows.append(row)

    def _pool(self, face: Face, seen: Compared) -> None:
        for name in REGIONS:
            self._squares[name] += seen.squares[name]
            self._counts[name] += seen.counts[name]
        for name in SHARP:
            self._energy[name][0] += seen.energy[name]
            self._energy[name][1] += face.energy[name]

    def scores(self, truth: Steadiness) -> Scores:
        names = ("psnr_face", "ssim_face", "l1_mouth", "l1_eyes", *_OF_POINTS)
        values = {name: [row[name] for row in self.rows if name in row] for name in names}
        figures = {name: float(np.mean(seen)) if seen else float("nan") for name, seen in values.items()}
        figures |= {f"db_{name}": psnr(self._squares[name], self._counts[name]) for name in REGIONS}
        figures |= {f"sharp_{name}": _ratio(*self._energy[name]) for name in SHARP}
        figures |= {f"flicker_{name}": _ratio(self._steady.totals[name], truth.totals[name]) for name in PLACES}
        return Scores(**figures, jitter=self._jitter(), untracked=self._lost / len(self.rows))

    def _jitter(self) -> float:
        """Only where three pictures in a row have their points."""
        triples = zip(self._apart, self._apart[1:], self._apart[2:], strict=False)
        shakes = [c - 2 * b + a for a, b, c in triples if a is not None and b is not None and c is not None]
        return float(np.sqrt(np.mean(np.square(shakes)))) if shakes else float("nan")


def _compare_points(face: Face, shown: Floats) -> dict[str, float]:
    true = face.points

    def gaps(*pairs: tuple[int, int]) -> float:
        return float(np.mean([abs(gap(shown, pair) - gap(true, pair)) for pair in pairs])) / face.unit

    irises = [np.linalg.norm(_iris(shown, *eye) - _iris(true, *eye)) for eye in _GAZES]
    return {
        "akd": float(np.linalg.norm(_apart(face, shown), axis=1).mean()),
        "lips": gaps(_LIP_GAP),
        "lids": gaps(*_LID_GAPS),
        "gaze": float(np.mean(irises)) / face.unit,
    }


def _apart(face: Face, shown: Floats) -> Floats:
    """(468, 2) float32: how far each point of the face is from the truth's, percent."""
    return ((shown[:FACE] - face.points[:FACE]) / face.unit).astype(np.float32)


def _ratio(shown: float, true: float) -> float:
    """NaN where the truth has nothing of it: a motionless one has no flicker to compare with."""
    return shown / true if true > 0 else float("nan")


def _iris(points: Floats, centre: int, one: int, other: int) -> Floats:
    """The iris from the middle between its eye's corners, pixels."""
    return points[centre] - (points[one] + points[other]) / 2  # type: ignore[no-any-return]


def _size(pixels: Pixels) -> str:
    return f"{pixels.shape[1]}x{pixels.shape[0]}"
