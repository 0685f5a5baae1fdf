"""Stand-ins for the stages: small, deterministic, and as faulty as a test asks them to be.

A fault plan is a dictionary from the number of a call to the name of a fault, or a function of the number.

Every driver picture is stamped with the canary: CANARY all over, CANARY_FACE where the face is.  Both are hues that
no stand-in's own picture and no skin has, so that a trace of them is known in an output of any size, mixed with other
pictures or not: see `shows_canary`.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache

import cv2
import numpy as np

from reenact.clock import Clock
from reenact.easing import rest_motion
from reenact.errors import DeviceError, NoPicture, SinkError
from reenact.gate import LIPS
from reenact.types import POINTS, Composite, FaceTrack, Frame, InnerMouth, Kind, Motion, Patch, Shot

CANARY, CANARY_FACE = (255, 0, 255), (0, 255, 0)
TRACE = 60  # grey levels by which a pixel must be too purple or too green: a quarter of a driver's pixel
SIZE = (64, 48)  # width, height of the output
Plan = Mapping[int, str] | Callable[[int], str] | None
TROUBLES = {"unplugged": "USB Cam is unplugged", "busy": "USB Cam is in use", "black": "USB Cam shows black pictures"}
TROUBLES["frozen"] = "USB Cam shows the same picture all the time"


def planned(plan: Plan, n: int) -> str:
    """The fault of call n, "" for none."""
    if plan is None:
        return ""
    return plan(n) if callable(plan) else plan.get(n, "")


@lru_cache
def _canary(width: int, height: int) -> np.ndarray:
    pixels = np.full((height, width, 3), CANARY, np.uint8)
    face = cv2.convexHull(np.round(_face(width, height)[:, :2]).astype(np.int32))
    cv2.fillConvexPoly(pixels, face, CANARY_FACE)
    return pixels


def canary_pixels(width: int = 80, height: int = 60) -> np.ndarray:
    """A driver's picture, the face in its middle."""
    return _canary(width, height).copy()


def canary_trace(pixels: np.ndarray) -> np.ndarray:
    """(H, W) bool: where (H, W, 3) BGR pixels show a trace of a driver's picture, background or face."""
    blue, green, red = (pixels[..., c].astype(np.int16) for c in range(3))
    trace: np.ndarray = (np.minimum(blue, red) - green > TRACE) | (green - np.maximum(blue, red) > TRACE)
    return trace


def shows_canary(pixels: np.ndarray) -> bool:
    """Whether they do anywhere."""
    return bool(canary_trace(pixels).any())


@lru_cache
def _face(width: int, height: int) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, POINTS, endpoint=False)
    points = np.zeros((POINTS, 3), np.float32)
    points[:, 0] = width / 2 + width / 3 * np.cos(angle)
    points[:, 1] = height / 2 + height / 3 * np.sin(angle)
    around = np.linspace(0, 2 * np.pi, len(LIPS), endpoint=False)
    points[list(LIPS), 0] = width / 2 + width / 9 * np.cos(around)
    points[list(LIPS), 1] = height * 0.6 + height / 14 * np.sin(around)
    return points


def face_points(width: int = 80, height: int = 60) -> np.ndarray:
    """478 points in the middle of a picture; those of the lips' outer edge form a small ellipse."""
    return _face(width, height).copy()


def motion(seq: int = 0, t_capture: float = 0.0, amount: float = 1.0) -> Motion:
    """A motion with a smile of `amount`."""
    rest = rest_motion(seq, t_capture)
    expression = np.full((POINTS, 3), 0.1 * amount, np.float32)
    return Motion(rest.rotation, rest.shift, 1.0, expression, rest.gaze, rest.lids, seq, t_capture)


class FakeSource:
    """Canary pictures, `frames` of them (None: without end); faults by the number of the call.

    "lost": gone for good; "unplugged", "busy", "black", "frozen": no picture and the trouble of TROUBLES, as a source
    that mends itself says it; "dark": a black picture that nobody noticed; "resized".
    """

    def __init__(
        self, clock: Clock, frames: int | None = None, rate: float = 30.0, live: bool = True, faults: Plan = None
    ) -> None:
        self.size, self.rate, self.live = (80, 60), rate, live
        self._clock, self._frames, self._faults = clock, frames, faults
        self._seq = self._calls = 0
        self.trouble = ""
        self.closed = False

    def read(self) -> Frame | None:
        if self.closed:
            raise DeviceError("the camera was closed")
        if self._seq == self._frames:
            return None
        fault = planned(self._faults, self._calls)
        self._calls += 1
        self.trouble = TROUBLES.get(fault, "")
        if self.trouble:
            raise NoPicture(self.trouble)
        if fault == "lost":
            raise DeviceError("the camera is gone")
        width, height = (120, 90) if fault == "resized" else self.size
        pixels = np.zeros((height, width, 3), np.uint8) if fault == "dark" else canary_pixels(width, height)
        t = self._clock.now() if self.live else self._seq / self.rate
        frame = Frame(pixels, self._seq, t)
        self._seq += 1
        return frame

    def close(self) -> None:
        self.closed = True


class FakeTracker:
    """A face in every picture that is not black.

    Faults, by the picture's seq: "no face", "raises", "another face" (somebody else is followed), "greedy mouth".
    """

    def __init__(self, faults: Plan = None, mouth: bool = True) -> None:
        self._faults, self._mouth = faults, mouth
        self.subject = 0
        self.tracked: list[int] = []
        self.closed = False

    def track(self, frame: Frame) -> FaceTrack | None:
        fault = planned(self._faults, frame.seq)
        self.tracked.append(frame.seq)
        if fault == "raises":
            raise RuntimeError("the tracker broke")
        if fault == "no face" or not frame.pixels[0, 0].any():
            return None
        if fault == "another face":
            self.subject += 1
        height, width = frame.pixels.shape[:2]
        return FaceTrack(_face(width, height), 0.9, self.subject, frame.seq, frame.t_capture)

    def inner_mouth(self, frame: Frame, track: FaceTrack) -> InnerMouth | None:
        if planned(self._faults, frame.seq) != "greedy mouth":
            return None  # a closed mouth: with none shown, no canary at all may be seen
        mask = np.full(frame.pixels.shape[:2], 255, np.uint8)
        return InnerMouth(frame.pixels.copy(), mask, track.points[:, :2].copy(), np.zeros(3, np.float32))

    def reset(self) -> None:
        self.subject += 1

    def close(self) -> None:
        self.closed = True


class FakeRetargeter:
    """Ready after `calibration` tracks.  Faults, by the frame's seq: "raises", "nan"."""

    def __init__(self, calibration: int = 0, faults: Plan = None) -> None:
        self._wanted, self._left, self._faults = calibration, calibration, faults
        self._subject: int | None = None
        self.calibrations = 0

    @property
    def ready(self) -> bool:
        return self._left <= 0

    def calibrate(self, track: FaceTrack | None = None) -> None:
        self.calibrations += 1
        self._left = 0 if track is not None else self._wanted

    def retarget(self, track: FaceTrack) -> Motion | None:
        fault = planned(self._faults, track.seq)
        if fault == "raises":
            raise RuntimeError("the retargeter broke")
        if self._subject not in (None, track.subject):
            self.calibrate()
        self._subject = track.subject
        if self._left > 0:
            self._left -= 1
            return None
        made = motion(track.seq, track.t_capture)
        if fault == "nan":
            made.gaze[:] = np.nan
        return made


@lru_cache
def _ramp(width: int, height: int) -> np.ndarray:
    return np.repeat(np.tile(np.linspace(20, 120, width, dtype=np.uint8), (height, 1))[:, :, None], 3, axis=2)


class FakeTarget:
    """A grey gradient.  Faults, by call: "raises", "resized"."""

    def __init__(
        self, kind: str = "photo", faults: Plan = None, size: tuple[int, int] = SIZE, name: str = "fake"
    ) -> None:
        self.name, self.kind, self.size, self.rate = name, kind, size, 25.0 if kind == "video" else 0.0
        self._faults, self._calls = faults, 0
        self.moments: list[int] = []
        self.closed = False

    def shot(self, n: int, motion: Motion | None) -> Shot:
        fault = planned(self._faults, self._calls)
        self._calls += 1
        if fault == "raises":
            raise OSError("the target's file is gone")
        self.moments.append(n)
        width, height = (32, 32) if fault == "resized" else self.size
        pixels, points = _ramp(width, height), _face(width, height)
        return Shot(pixels, points, pixels, points, n)

    def close(self) -> None:
        self.closed = True


_NOISE = np.repeat((np.arange(32 * 32) * 37 % 90).reshape(32, 32, 1), 3, axis=2).astype(np.float32) + 100


class FakeGenerator:
    """A textured grey patch in the middle, brighter the stronger the expression.

    Faults, by call: "raises", "memory", "nan", "constant", "late".  `extras` can be left out, see `left_out`.
    """

    def __init__(self, faults: Plan = None, extras: tuple[str, ...] = ()) -> None:
        self._faults, self._calls = faults, 0
        self.extras, self.left_out = extras, frozenset[str]()
        self.motions: list[Motion] = []
        self.mouths: list[InnerMouth | None] = []
        self.closed = False

    def leave_out(self, extras: frozenset[str]) -> None:
        self.left_out = extras

    def generate(self, shot: Shot, motion: Motion, mouth: InnerMouth | None) -> Patch:
        fault = planned(self._faults, self._calls)
        self._calls += 1
        for kept, new in ((self.motions, motion), (self.mouths, mouth)):
            kept.append(new)
            del kept[:-500]
        if fault == "raises":
            raise RuntimeError("the model broke")
        if fault == "memory":
            raise MemoryError
        pixels = np.minimum(_NOISE + 1000 * abs(float(motion.expression[0, 0])), 250).astype(np.uint8)
        matrix = np.array([[1.0, 0, 8], [0, 1.0, 8]])
        if fault == "nan":
            matrix[0, 2] = np.nan
        if fault == "constant":
            pixels[:] = 0
        if mouth is not None:  # a generator that shows what it is given
            pixels[:8, :8] = mouth.pixels[30:38, 36:44]
        seq = motion.seq - 1 if fault == "late" else motion.seq
        return Patch(pixels, np.full((32, 32), 255, np.uint8), matrix, seq, motion.t_capture)

    def close(self) -> None:
        self.closed = True


class FakeBlender:
    """Pastes.  Faults, by call: "raises", "resized", "grey", "late", "rest"."""

    def __init__(self, faults: Plan = None) -> None:
        self._faults, self._calls = faults, 0

    def blend(self, patch: Patch, shot: Shot) -> Composite:
        fault = planned(self._faults, self._calls)
        self._calls += 1
        if fault == "raises":
            raise RuntimeError("the blender broke")
        out = shot.pixels.copy()
        x, y = (0 if np.isnan(v) else int(v) for v in patch.matrix[:, 2])
        part = out[y : y + 32, x : x + 32]
        part[:] = patch.pixels[: part.shape[0], : part.shape[1]]
        if fault == "resized":
            out = np.ascontiguousarray(out[:20])
        if fault == "grey":
            out[:] = 128
        seq = patch.seq - 1 if fault == "late" else patch.seq
        return Composite(out, seq, patch.t_capture, Kind.REST if fault == "rest" else Kind.LIVE)


class FakeSink:
    """Keeps what it is sent: kinds and seqs of all, pictures of the newest `keep`.

    Faults, by call: "raises"; "slow": takes a third of a second of `clock`.
    """

    def __init__(
        self,
        faults: Plan = None,
        keep: int = 8,
        look: Callable[[Composite], None] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._faults, self._keep, self._look, self._clock = faults, keep, look, clock
        self.kinds: list[Kind] = []
        self.seqs: list[int] = []
        self.pictures: list[Composite] = []
        self.closed = 0

    def send(self, composite: Composite) -> None:
        fault = planned(self._faults, len(self.kinds))
        if fault == "raises":
            raise SinkError("the disk is full")
        if fault == "slow":
            assert self._clock is not None
            self._clock.sleep(0.33)
        if self._look is not None:
            self._look(composite)
        self.kinds.append(composite.kind)
        self.seqs.append(composite.seq)
        self.pictures = [*self.pictures, composite][-self._keep :]

    def close(self) -> None:
        self.closed += 1


@lru_cache
def _slate(size: tuple[int, int]) -> np.ndarray:
    pixels = np.full((size[1], size[0], 3), 40, np.uint8)
    pixels[::2] = 60
    return pixels


def slate_pixels(size: tuple[int, int] = SIZE) -> np.ndarray:
    """A card that is not of one colour."""
    return _slate(size).copy()
