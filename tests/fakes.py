"""Stand-ins for the stages: small, deterministic, and as faulty as a test asks them to be.

A fault plan is a dictionary from the number of a call to the name of a fault, or a function of the number.
Every driver picture is stamped with CANARY, face and background; no output may ever hold that colour.
"""

from collections.abc import Callable, Mapping

import numpy as np

from reenact.clock import Clock
from reenact.easing import rest_motion
from reenact.errors import DeviceError, SinkError
from reenact.gate import LIPS
from reenact.types import POINTS, Composite, FaceTrack, Frame, InnerMouth, Kind, Motion, Patch, Shot

CANARY = (255, 0, 255)
SIZE = (64, 48)  # width, height of the output
Plan = Mapping[int, str] | Callable[[int], str] | None


def planned(plan: Plan, n: int) -> str:
    """The fault of call n, "" for none."""
    if plan is None:
        return ""
    return plan(n) if callable(plan) else plan.get(n, "")


def canary_pixels(width: int = 80, height: int = 60) -> np.ndarray:
    return np.full((height, width, 3), CANARY, np.uint8)


def face_points(width: int = 80, height: int = 60) -> np.ndarray:
    """478 points in the middle of a picture; those of the lips' outer edge form a small ellipse."""
    angle = np.linspace(0, 2 * np.pi, POINTS, endpoint=False)
    points = np.zeros((POINTS, 3), np.float32)
    points[:, 0] = width / 2 + width / 3 * np.cos(angle)
    points[:, 1] = height / 2 + height / 3 * np.sin(angle)
    around = np.linspace(0, 2 * np.pi, len(LIPS), endpoint=False)
    points[list(LIPS), 0] = width / 2 + width / 9 * np.cos(around)
    points[list(LIPS), 1] = height * 0.6 + height / 14 * np.sin(around)
    return points


def motion(seq: int = 0, t_capture: float = 0.0, amount: float = 1.0) -> Motion:
    """A motion with a smile of `amount`."""
    rest = rest_motion(seq, t_capture)
    expression = np.full((POINTS, 3), 0.1 * amount, np.float32)
    return Motion(rest.rotation, rest.shift, 1.0, expression, rest.gaze, rest.lids, seq, t_capture)


class FakeSource:
    """Canary pictures, `frames` of them (None: without end).  Faults: "lost", "resized"."""

    def __init__(
        self, clock: Clock, frames: int | None = None, rate: float = 30.0, live: bool = True, faults: Plan = None
    ) -> None:
        self.size, self.rate, self.live = (80, 60), rate, live
        self._clock, self._frames, self._faults = clock, frames, faults
        self._seq = 0
        self.closed = False

    def read(self) -> Frame | None:
        if self.closed:
            raise DeviceError("the camera was closed")
        if self._seq == self._frames:
            return None
        fault = planned(self._faults, self._seq)
        if fault == "lost":
            raise DeviceError("the camera is gone")
        width, height = (120, 90) if fault == "resized" else self.size
        t = self._clock.now() if self.live else self._seq / self.rate
        frame = Frame(canary_pixels(width, height), self._seq, t)
        self._seq += 1
        return frame

    def close(self) -> None:
        self.closed = True


class FakeTracker:
    """A face in every picture.  Faults: "no face", "raises", "second face", "greedy mouth"."""

    def __init__(self, faults: Plan = None, mouth: bool = True) -> None:
        self._faults, self._mouth = faults, mouth
        self.subject = 0
        self.closed = False

    def track(self, frame: Frame) -> FaceTrack | None:
        fault = planned(self._faults, frame.seq)
        if fault == "raises":
            raise RuntimeError("the tracker broke")
        if fault == "no face":
            return None
        if fault == "second face":
            self.subject += 1
        height, width = frame.pixels.shape[:2]
        return FaceTrack(face_points(width, height), 0.9, self.subject, frame.seq, frame.t_capture)

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


class FakeTarget:
    """A grey gradient with a little of the moment's number in it.  Faults, by call: "raises", "resized"."""

    def __init__(self, kind: str = "photo", faults: Plan = None, size: tuple[int, int] = SIZE) -> None:
        self.name, self.kind, self.size, self.rate = "fake", kind, size, 25.0 if kind == "video" else 0.0
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
        ramp = np.linspace(20, 120, width, dtype=np.uint8)
        pixels = np.repeat(np.tile(ramp, (height, 1))[:, :, None], 3, axis=2)
        points = face_points(width, height)
        return Shot(pixels, points, pixels, points, n)

    def close(self) -> None:
        self.closed = True


class FakeGenerator:
    """A textured patch in the middle, brighter the stronger the expression.

    Faults, by call: "raises", "memory", "nan", "constant", "late".
    """

    def __init__(self, faults: Plan = None) -> None:
        self._faults, self._calls = faults, 0
        self.motions: list[Motion] = []
        self.mouths: list[InnerMouth | None] = []
        self.closed = False

    def generate(self, shot: Shot, motion: Motion, mouth: InnerMouth | None) -> Patch:
        fault = planned(self._faults, self._calls)
        self._calls += 1
        self.motions.append(motion)
        self.mouths.append(mouth)
        if fault == "raises":
            raise RuntimeError("the model broke")
        if fault == "memory":
            raise MemoryError
        noise = np.arange(32 * 32 * 3, dtype=np.uint32).reshape(32, 32, 3) * 37 % 90
        strength = np.abs(motion.expression).mean() * 1000
        pixels = np.clip(noise + 100 + strength, 0, 250).astype(np.uint8)
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
        x, y = (int(v) for v in np.nan_to_num(patch.matrix[:, 2]))
        part = out[y : y + 32, x : x + 32]
        part[:] = patch.pixels[: part.shape[0], : part.shape[1]]
        if fault == "resized":
            out = np.ascontiguousarray(out[:20])
        if fault == "grey":
            out[:] = 128
        seq = patch.seq - 1 if fault == "late" else patch.seq
        return Composite(out, seq, patch.t_capture, Kind.REST if fault == "rest" else Kind.LIVE)


class FakeSink:
    """Keeps what it is sent: kinds and seqs of all, pictures of the newest `keep`.  Faults, by call: "raises"."""

    def __init__(self, faults: Plan = None, keep: int = 8, look: Callable[[Composite], None] | None = None) -> None:
        self._faults, self._keep, self._look = faults, keep, look
        self.kinds: list[Kind] = []
        self.seqs: list[int] = []
        self.pictures: list[Composite] = []
        self.closed = 0

    def send(self, composite: Composite) -> None:
        if planned(self._faults, len(self.kinds)) == "raises":
            raise SinkError("the disk is full")
        if self._look is not None:
            self._look(composite)
        self.kinds.append(composite.kind)
        self.seqs.append(composite.seq)
        self.pictures = [*self.pictures, composite][-self._keep :]

    def close(self) -> None:
        self.closed += 1


def slate_pixels(size: tuple[int, int] = SIZE) -> np.ndarray:
    """A card that is not of one colour."""
    pixels = np.full((size[1], size[0], 3), 40, np.uint8)
    pixels[::2] = 60
    return pixels


def shows_canary(pixels: np.ndarray) -> bool:
    """Whether any pixel is close to the canary: blending and compression may shade it a little."""
    apart = np.abs(pixels.astype(np.int16) - np.array(CANARY, np.int16)).max(axis=2)
    return bool((apart < 60).any())
