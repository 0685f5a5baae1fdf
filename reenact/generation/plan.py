"""What is to be drawn for one picture, decided before a pixel is touched: points, patch, eyes and mouth.

Everything here is a few hundred numbers on the CPU, whatever draws them afterwards: reenact.generation.portrait on the
CPU, reenact.generation.gpu on the device.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from reenact.config import RetargetConfig
from reenact.errors import InputError
from reenact.generation.eyes import Eyeball, eyeballs
from reenact.generation.lids import LidEdges, lid_edges
from reenact.generation.meshwarp import with_rings
from reenact.generation.mouth import MouthPicture, from_driver
from reenact.geometry import eye_distance
from reenact.retarget.calibration import Retarget
from reenact.retarget.neutral import eye_opening, iris_place
from reenact.retarget.transfer import Driven, drive, drive_over
from reenact.targets.mouthbank import head_turn, lip_shape
from reenact.tracking.eyewhite import eye_white
from reenact.tracking.topology import INNER_LIPS, LEFT_EYE, OUTER_LIPS, OVAL, RIGHT_EYE
from reenact.types import POINTS, FaceTrack, Floats, InnerMouth, Motion, Pixels, Shot

if TYPE_CHECKING:
    from reenact.targets.mouthbank import MouthBank

Mask = npt.NDArray[np.uint8]

_REACH = 0.22  # IOD that the patch goes beyond the face's oval
_GROW, _FEATHER = 0.03, 0.10  # IOD: how far the mask goes beyond the oval, and over which width it fades
_STILL_LIDS, _STILL_LIPS = (0.012, 0.024), (0.004, 0.012)  # the same where less is seen
_EYE_POINTS = np.isin(np.arange(POINTS), np.concatenate([RIGHT_EYE, LEFT_EYE]))
_LIP_POINTS = np.isin(np.arange(POINTS), np.concatenate([INNER_LIPS, OUTER_LIPS]))
_STILL = (0.01, 0.02)  # IOD: displacements of a video's own points that are left out, and taken in full
_OPEN = (0.01, 0.025)  # IOD: gap of the lips from which the inner mouth begins to be drawn, and is in full
_GAZE = (0.01, 0.03)  # eye widths of gaze from which an eye begins to be redrawn, and is in full
_LID = (0.12, 0.3)  # the same for the lids, in neutral openings
_SHUT = (0.02, 0.07)  # height over width of an opening under which no eyeball is drawn, and in full
_FADE = 3  # frames over which one bank mouth passes into the next
_NEUTRAL_IOD = 100.0  # pixels that the neutral shape is shown at
_STEP = 64  # patch sizes are multiples, so that buffers and sessions seldom change shape
REGION_STEP = 4  # the region's fade is smooth: a quarter of the resolution draws it sixteen times faster


class DrivenTarget(Protocol):
    """What the generator needs of a target: kind, neutral shape (478, 3) in head axes, bank (None for photos)."""

    @property
    def kind(self) -> str: ...

    @property
    def neutral(self) -> Floats: ...

    @property
    def bank(self) -> "MouthBank | None": ...


@dataclass(frozen=True, slots=True, eq=False)
class EyeStroke:
    """An eyeball to be drawn: which eye (0 right, 1 left), its iris centre (2,) in eye widths, alpha 0..1.

    own, full  the base's iris centre (2,), and 0..1 whether all of the eyeball is drawn or only what an iris that
               moved from there changes
    """

    eye: int
    ball: Eyeball
    place: Floats
    weight: float
    own: Floats
    full: float


@dataclass(frozen=True, slots=True, eq=False)
class FacePlan:
    """One patch.

    points           (478, 3) float32: where the landmarks shall be, pixels of the output
    seen             the same with the lids where their edges are seen, see reenact.generation.lids
    origin, size     (x, y) and (width, height) of the patch in the output
    source, target   (VERTICES, 3) float32: the mesh in the texture and in the output
    eyes             those that are drawn anew
    mouths           one, or while one bank mouth passes into the next two: picture and share; none for shut lips
    mouth_weight     alpha 0..1 of the mouth
    """

    points: Floats
    seen: Floats
    origin: tuple[int, int]
    size: tuple[int, int]
    source: Floats
    target: Floats
    eyes: tuple[EyeStroke, ...]
    mouths: tuple[tuple[MouthPicture, float], ...]
    mouth_weight: float


class FacePlanner:
    """Plans the patches of one target, one after the other.

    mouth  the way the inner mouth is made, `auto` resolved: bank, driver or generated
    """

    def __init__(self, target: DrivenTarget, mouth: str, gains: RetargetConfig | None = None) -> None:
        self._gains = gains or RetargetConfig()
        self._neutral = target.neutral
        self._video = target.kind == "video"
        self._bank = target.bank
        self.mouth = _mouth_way(mouth, self._bank)
        self._own = Retarget(self._gains)  # a video's own motion from its neutral, where its shots do not tell
        self._own.calibrate(FaceTrack(self._neutral * np.float32(_NEUTRAL_IOD), 1.0, 0, 0, 0.0))
        self._balls: tuple[Eyeball, Eyeball] | None = None
        self._lids: LidEdges | None = None
        self._white: Floats | None = None
        self._prepared_for: Pixels | None = None
        self._entry: int | None = None
        self._before: int | None = None
        self._fade = 0

    def plan(self, shot: Shot, motion: Motion, mouth: InnerMouth | None) -> FacePlan:
        """The patch for a shot under a motion; mouth is the driver's, None where it is closed or not asked for."""
        self._prepare(shot)
        driven = self._drive(shot, motion)
        points = driven.points
        if self._video:
            points = _only_what_moves(shot.points, points)
        origin, size = _box(points, shot)
        assert self._lids is not None
        seen = self._lids.seen(points)
        closing = self._lids.openness(shot.texture_points) - self._lids.openness(points)
        source = with_rings(self._lids.seen(shot.texture_points, np.maximum(closing, 0)), shot.texture_points)
        mouths, weight = self._mouths(points, driven, mouth)
        eyes = tuple(self._eyes(points, driven, iris_place(shot.texture_points)))
        return FacePlan(points, seen, origin, size, source, with_rings(seen, shot.points), eyes, mouths, weight)

    def _prepare(self, shot: Shot) -> None:
        """Eyeballs and the eyes' white: of the photo, or of the video's best frame."""
        if self._balls is not None and (self._video or self._prepared_for is shot.texture):
            return
        picture, points = shot.texture, shot.texture_points
        if self._video and self._bank is not None and self._bank.eyes is not None:
            picture, points = self._bank.eyes.pixels, self._bank.eyes.points
        self._lids = lid_edges(picture, points)
        self._balls = eyeballs(picture, self._lids.seen(points))
        self._white = eye_white(picture, points)
        self._prepared_for = shot.texture

    def _drive(self, shot: Shot, motion: Motion) -> Driven:
        if not self._video:
            return drive(shot, self._neutral, motion, self._gains)
        own = shot.expression
        if own is None:
            told = self._own.retarget(FaceTrack(shot.points, 1.0, 0, shot.index, 0.0))
            assert told is not None  # its neutral is set
            own = told.expression
        return drive_over(shot, self._neutral, own, motion, self._gains)

    def _eyes(self, points: Floats, driven: Driven, own: Floats) -> Iterator[EyeStroke]:
        assert self._balls is not None
        for eye in range(2):
            full = float(_smoothstep(driven.lids[eye], *_LID))
            weight = max(full, float(_smoothstep(driven.gaze[eye], *_GAZE)))
            weight *= float(_smoothstep(eye_opening(points)[eye], *_SHUT))
            if weight > 0:
                yield EyeStroke(eye, self._balls[eye], driven.irises[eye], weight, own[eye], full)

    def _mouths(
        self, points: Floats, driven: Driven, mouth: InnerMouth | None
    ) -> tuple[tuple[tuple[MouthPicture, float], ...], float]:
        gap = float(np.linalg.norm(points[13, :2] - points[14, :2])) / max(eye_distance(points), 1.0)
        weight = float(_smoothstep(gap, *_OPEN))
        if weight == 0:
            self._entry = self._before = None
            return (), 0.0
        if self.mouth == "bank":
            return self._of_bank(points, driven), weight
        if self.mouth == "driver" and mouth is not None:
            return ((from_driver(mouth, self._white), 1.0),), weight
        return (), weight

    def _of_bank(self, points: Floats, driven: Driven) -> tuple[tuple[MouthPicture, float], ...]:
        """The nearest mouth of the bank, and for `_FADE` frames the one before it."""
        assert self._bank is not None
        entry = self._bank.nearest(lip_shape(driven.shape), head_turn(points), self._entry)
        if self._entry is None:
            self._before, self._fade = None, _FADE
        elif entry != self._entry:
            self._before, self._fade = self._entry, 0
        self._entry = entry
        self._fade = min(self._fade + 1, _FADE)
        if self._before is None or self._fade == _FADE:
            return ((self._from_bank(entry), 1.0),)
        share = self._fade / _FADE
        return (self._from_bank(entry), share), (self._from_bank(self._before), 1 - share)

    def _from_bank(self, entry: int) -> MouthPicture:
        assert self._bank is not None
        found = self._bank.mouths[entry]
        mask = np.full(found.pixels.shape[:2], 255, np.uint8)
        return MouthPicture(found.pixels, mask, found.ring, np.ones(3, np.float32))


def _mouth_way(wanted: str, bank: "MouthBank | None") -> str:
    usable = bank is not None and bank.has_open_mouths
    if wanted == "auto":
        return "bank" if usable else "driver"
    if wanted == "bank" and not usable:
        raise InputError("--mouth bank: this target's own frames show no open mouth; use auto or driver")
    return wanted


def _only_what_moves(own: Floats, wanted: Floats) -> Floats:
    """The wanted points, small displacements from the frame's own left out: (478, 3)"""
    moved = wanted - own
    size = np.linalg.norm(moved[:, :2], axis=1) / max(eye_distance(own), 1.0)
    weight = _smoothstep(size, *_STILL)
    weight = np.where(_EYE_POINTS, _smoothstep(size, *_STILL_LIDS), weight)
    weight = np.where(_LIP_POINTS, _smoothstep(size, *_STILL_LIPS), weight)[:, None]
    return (own + weight * moved).astype(np.float32)


def _smoothstep(value: "float | Floats", low: float, high: float) -> Floats:
    t = np.clip((np.asarray(value) - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t))


def _box(points: Floats, shot: Shot) -> tuple[tuple[int, int], tuple[int, int]]:
    """Origin (x, y) and size (width, height) of the patch: the moved face and its own place, inside the picture."""
    height, width = shot.pixels.shape[:2]
    both = np.concatenate([points[OVAL, :2], shot.points[OVAL, :2]])
    reach = _REACH * eye_distance(shot.points)
    span = both.max(0) - both.min(0) + 2 * reach
    size = [min(int(-(-s // _STEP)) * _STEP, limit) for s, limit in zip(span, (width, height), strict=True)]
    middle = (both.max(0) + both.min(0)) / 2
    x, y = (
        int(np.clip(round(float(m) - s / 2), 0, limit - s))
        for m, s, limit in zip(middle, size, (width, height), strict=True)
    )
    return (x, y), (size[0], size[1])


def region(points: Floats, own: Floats, origin: tuple[int, int], size: tuple[int, int]) -> Mask:
    """Where the face may change, (h, w) uint8: the oval as it is and as it shall be, fading out at its edge."""
    full: Mask = cv2.resize(coarse_region(points, own, origin, size), size, interpolation=cv2.INTER_LINEAR)
    return full


def coarse_region(points: Floats, own: Floats, origin: tuple[int, int], size: tuple[int, int]) -> Mask:
    """The same at 1 / REGION_STEP of the resolution, (ceil(h / 4), ceil(w / 4)) uint8."""
    iod = eye_distance(own)
    hull = cv2.convexHull(np.concatenate([points[OVAL, :2], own[OVAL, :2]]).astype(np.float32))[:, 0]
    middle = hull.mean(0)
    arm = hull - middle
    hull = middle + arm * (1 + _GROW * iod / np.maximum(np.linalg.norm(arm, axis=1, keepdims=True), 1.0))
    small = REGION_STEP
    mask = np.zeros((-(-size[1] // small), -(-size[0] // small)), np.uint8)
    corner = (hull - np.array(origin)) / small
    cv2.fillConvexPoly(mask, np.round(corner * 16).astype(np.int32), 255, lineType=cv2.LINE_AA, shift=4)
    width = max(3, int(_FEATHER * iod / small) | 1)
    faded: Mask = cv2.blur(cv2.erode(mask, np.ones((width // 2 * 2 + 1,) * 2, np.uint8)), (width, width))
    return faded
