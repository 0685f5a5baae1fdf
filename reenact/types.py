"""What flows through the engine, stage by stage.  Every type checks itself when it is made.

Pixels are (H, W, 3) uint8, BGR, C-contiguous.  Points are (478, 3) float32 in pixels of their
picture: x to the right, y down, z away from the camera, z in the same unit as x (MediaPipe face
mesh with irises).  Times are seconds.  IOD stands for the distance between the outer eye corners,
landmarks 33 and 263, of the face in question.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

POINTS = 478  # MediaPipe face mesh: 468 of the face, then 5 for each iris

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def _check(name: str, value: Any, dtype: type, shape: tuple[int | None, ...]) -> None:
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name} is {type(value).__name__}, expected a numpy array of {np.dtype(dtype).name}")
    if value.dtype != dtype:
        raise TypeError(f"{name} has dtype {value.dtype}, expected {np.dtype(dtype).name}")
    fits = len(value.shape) == len(shape) and all(b is None or a == b for a, b in zip(value.shape, shape, strict=False))
    if not fits or 0 in value.shape:
        want = "(" + ", ".join("n" if n is None else str(n) for n in shape) + ")"
        raise ValueError(f"{name} has shape {value.shape}, expected {want}")


def check_pixels(name: str, value: Any) -> None:
    """Raises TypeError or ValueError unless value is (H, W, 3) uint8 and contiguous."""
    _check(name, value, np.uint8, (None, None, 3))
    if not value.flags.c_contiguous:
        raise ValueError(f"{name} is not C-contiguous: pass numpy.ascontiguousarray(...)")


def check_points(name: str, value: Any) -> None:
    """Raises TypeError or ValueError unless value is (478, 3) float32 and finite."""
    _check(name, value, np.float32, (POINTS, 3))
    if not np.isfinite(value).all():
        raise ValueError(f"{name} holds values that are not finite")


class Kind(Enum):
    """What a finished picture shows, see reenact.gate."""

    LIVE = "live"  # the target, driven
    HOLD = "hold"  # the target, last motion held: the driver cannot be read just now
    REST = "rest"  # the target as prepared
    SLATE = "slate"  # a plain card: the engine cannot be trusted just now


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a source.

    pixels     (H, W, 3) uint8 BGR
    seq        number of the picture in its source, from 0, rising by one for each picture delivered
    t_capture  live sources: the clock's seconds when the picture arrived; files: its presentation time
    """

    pixels: Pixels
    seq: int
    t_capture: float

    def __post_init__(self) -> None:
        check_pixels("Frame.pixels", self.pixels)


@dataclass(frozen=True, slots=True, eq=False)
class FaceView:
    """The tracked face, upright and small, for measuring how its skin moved; read by the retargeter, shown nowhere.

    grey    (h, w) uint8
    matrix  (2, 3) float64: pixels of the frame to pixels of `grey`
    """

    grey: npt.NDArray[np.uint8]
    matrix: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        _check("FaceView.grey", self.grey, np.uint8, (None, None))
        _check("FaceView.matrix", self.matrix, np.float64, (2, 3))


@dataclass(frozen=True, slots=True, eq=False)
class FaceTrack:
    """The followed face in one Frame.

    points   (478, 3) float32, pixels of the frame
    score    0..1: how much this is a face; below TrackingConfig.min_score the tracker gives None instead
    subject  id of the person followed; changes when another face takes over
    view     the face's picture, None where it was not asked for: motion is then read from the points alone
    """

    points: Floats
    score: float
    subject: int
    seq: int
    t_capture: float
    view: FaceView | None = None

    def __post_init__(self) -> None:
        check_points("FaceTrack.points", self.points)
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"FaceTrack.score is {self.score}, expected 0 to 1")


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """What the driver's face does, against the driver's own neutral face.

    rotation    (3, 3) float32: the head's rotation from the neutral pose
    shift       (2,) float32: how far the head moved in the picture, in units of the neutral IOD
    scale       apparent size of the head over that of the neutral (nearer is larger)
    expression  (478, 3) float32: displacement from the neutral, head motion removed, in the neutral
                head's own axes, in units of the IOD
    gaze        (2, 2) float32: right and left eye (the person's own: landmarks 33.. and 362..): the iris
                centre's shift from its neutral place along and across the line of the eye's corners,
                in units of that eye's width
    lids        (2,) float32: opening of each eye over its neutral opening; 0 is closed
    seq, t_capture   of the Frame it was read from
    """

    rotation: Floats
    shift: Floats
    scale: float
    expression: Floats
    gaze: Floats
    lids: Floats
    seq: int
    t_capture: float

    def __post_init__(self) -> None:
        _check("Motion.rotation", self.rotation, np.float32, (3, 3))
        _check("Motion.shift", self.shift, np.float32, (2,))
        check_points("Motion.expression", self.expression)
        _check("Motion.gaze", self.gaze, np.float32, (2, 2))
        _check("Motion.lids", self.lids, np.float32, (2,))
        if not (np.isfinite(self.scale) and self.scale > 0):
            raise ValueError(f"Motion.scale is {self.scale}, expected a positive number")


@dataclass(frozen=True, slots=True, eq=False)
class InnerMouth:
    """The inside of the driver's open mouth: the one part of the driver's picture that may be shown.

    pixels  (h, w, 3) uint8 BGR, zero everywhere outside the lips' inner edge
    mask    (h, w) uint8, 255 inside
    points  (478, 2) float32, the driver's landmarks in pixels of this crop
    white   (3,) float32 BGR, colour of the driver's eye whites: the light on the face, for matching brightness
    """

    pixels: Pixels
    mask: npt.NDArray[np.uint8]
    points: Floats
    white: Floats

    def __post_init__(self) -> None:
        check_pixels("InnerMouth.pixels", self.pixels)
        _check("InnerMouth.mask", self.mask, np.uint8, self.pixels.shape[:2])
        _check("InnerMouth.points", self.points, np.float32, (POINTS, 2))
        _check("InnerMouth.white", self.white, np.float32, (3,))
        if self.pixels[self.mask == 0].any():
            raise ValueError("InnerMouth.pixels is not zero outside its mask: only the inner mouth may pass")


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """The target at one moment, its own expression untouched.

    pixels          (H, W, 3) uint8 BGR: the video's frame, or the photo with the head moved
    points          (478, 3) float32: the target's own face in `pixels`
    texture         (H, W, 3) uint8 BGR: the picture to sample the face from (video: `pixels` itself;
                    photo: the picture as prepared)
    texture_points  (478, 3) float32: the target's own face in `texture`
    index           which frame of the target this is; 0 for a photo
    found           False where the target shows no face just now: it is then shown as it is, `points`
                    are those of the nearest frame that has one
    expression      (478, 3) float32: what the face does there already, as Motion.expression; None where only its
                    points tell
    """

    pixels: Pixels
    points: Floats
    texture: Pixels
    texture_points: Floats
    index: int
    found: bool = True
    expression: Floats | None = None

    def __post_init__(self) -> None:
        if self.expression is not None:
            check_points("Shot.expression", self.expression)
        check_pixels("Shot.pixels", self.pixels)
        check_pixels("Shot.texture", self.texture)
        check_points("Shot.points", self.points)
        check_points("Shot.texture_points", self.texture_points)


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A generated face, not yet in its picture.

    pixels  (h, w, 3) uint8 BGR
    mask    (h, w) uint8: 0 leaves the target as it is, 255 takes the patch, between is a feather
    matrix  (2, 3) float64: patch pixel coordinates to output pixel coordinates
    seq     of the Frame whose motion it shows
    matched True: the colours are the target's own already, the seam needs no correction
    """

    pixels: Pixels
    mask: npt.NDArray[np.uint8]
    matrix: npt.NDArray[np.float64]
    seq: int
    t_capture: float
    matched: bool = False

    def __post_init__(self) -> None:
        check_pixels("Patch.pixels", self.pixels)
        _check("Patch.mask", self.mask, np.uint8, self.pixels.shape[:2])
        _check("Patch.matrix", self.matrix, np.float64, (2, 3))


@dataclass(frozen=True, slots=True, eq=False)
class Composite:
    """A finished output picture, the only thing a Sink accepts; made by the blender and the gate alone."""

    pixels: Pixels
    seq: int
    t_capture: float
    kind: Kind

    def __post_init__(self) -> None:
        check_pixels("Composite.pixels", self.pixels)
        if not isinstance(self.kind, Kind):
            raise TypeError(f"Composite.kind is {self.kind!r}, expected a reenact.types.Kind")
