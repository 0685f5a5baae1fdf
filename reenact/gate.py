"""The gate: what may be shown.

    REST  --3 good frames-->  LIVE  --driver lost-->  HOLD (0.5 s)  --ease, 1 s-->  REST
      any state  --the engine cannot be trusted-->  SLATE  --3 verified pictures-->  REST

The driver cannot be read (no face, left the picture, camera gone): the last motion is held, then eased
back to rest.  The engine cannot be trusted (a stage raised, a patch that is constant, not finite or of
another frame): a plain card, until it works again.  The kind LIVE is given to nothing but a composite
that was verified.  The driver's picture is not among the things that the gate, or anything behind it,
is ever handed: there is no branch that could let it through.
"""

from dataclasses import dataclass, replace
from enum import Enum

import cv2
import numpy as np

from reenact.config import GateConfig
from reenact.easing import ease, rest_motion, restamp, smoothstep
from reenact.errors import ReenactError
from reenact.fitting import fitted
from reenact.types import Composite, InnerMouth, Kind, Motion, Patch, Pixels, Shot, check_pixels

# Outer edge of the lips in the MediaPipe face mesh, and the face's outline.
LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
LIPS_OF_FACE = 0.3  # the lips' area is at most this part of the face's hull; a wide open mouth has 0.15
SAMPLE = 8  # every 8th pixel each way is looked at: 0.03 ms for a patch of 512 x 512
ENOUGH = 16  # sampled pixels of a mask; a smaller one may well be of one colour


class Untrusted(ReenactError):
    """A stage's result is not what was asked for, so it must not be shown."""


class State(Enum):
    """Where the gate is; LEAVING is the way from HOLD to REST and is shown as HOLD."""

    REST = "rest"
    LIVE = "live"
    HOLD = "hold"
    LEAVING = "leaving"
    SLATE = "slate"


@dataclass(frozen=True, slots=True)
class Steered:
    """What to generate next: nothing but the target at rest where `motion` is None."""

    motion: Motion | None
    mouth: InnerMouth | None


class Gate:
    """Decides, picture by picture, what is generated (`steer`) and what is shown (`admit`, `rest`, `distrust`).

    slate    (H, W, 3) uint8 BGR, the card, of the output's size
    at_once  True for files: a face in the very first frame is LIVE in that frame, without easing
    Not thread safe: it belongs to the thread that generates.
    """

    def __init__(self, slate: Pixels, config: GateConfig | None = None, at_once: bool = False) -> None:
        check_pixels("slate", slate)
        self._slate = slate
        self.config = config or GateConfig()
        self._at_once = at_once
        self._state = State.REST
        self._since = 0.0  # when the present state or easing began
        self._good = 0  # good frames one after the other
        self._trusted = 0  # verified composites one after the other, in SLATE
        self._started = False
        self._from: Motion = rest_motion(0, 0.0)  # where the present easing began
        self._shown: Motion = self._from
        self._mouth: InnerMouth | None = None
        self.reason = ""  # why the slate is shown, or was last

    @property
    def state(self) -> State:
        return self._state

    def steer(self, motion: Motion | None, mouth: InnerMouth | None, seq: int, t_capture: float, now: float) -> Steered:
        """The motion to generate for this frame.

        motion, mouth   what was read of the driver; None for a driver who cannot be read
        seq, t_capture  of the frame
        now             seconds: the clock's for a live loop, the frame's own time for a file
        """
        good = motion is not None and _is_sound(motion)
        self._good = self._good + 1 if good else 0
        first = self._at_once and not self._started
        self._started = True
        enough = 1 if first else self.config.good_frames
        if self._state is State.SLATE:
            return Steered(rest_motion(seq, t_capture), None)  # a picture to prove itself on
        self._advance(good, self._good >= enough, now, instant=first)
        if self._state is State.REST:
            self._mouth = None
            return Steered(None, None)
        age = now - self._since
        if self._state is State.LIVE:
            assert motion is not None
            self._shown = ease(self._from, motion, smoothstep(_part(age, self.config.ease_in_s)))
            self._mouth = mouth
        elif self._state is State.LEAVING:
            rest = rest_motion(seq, t_capture)
            self._shown = ease(self._from, rest, smoothstep(_part(age, self.config.ease_s)))
        return Steered(restamp(self._shown, seq, t_capture), self._mouth)

    def _advance(self, good: bool, back: bool, now: float, instant: bool) -> None:
        if self._state is State.LIVE:
            if not good:
                self._enter(State.HOLD, now)
        elif back:
            start = rest_motion(0, 0.0) if self._state is State.REST else self._shown
            self._enter(State.LIVE, now - self.config.ease_in_s if instant else now)
            self._from = start
        elif self._state is State.HOLD and now - self._since >= self.config.hold_s:
            self._enter(State.LEAVING, now)
        elif self._state is State.LEAVING and now - self._since >= self.config.ease_s:
            self._enter(State.REST, now)

    def _enter(self, state: State, now: float) -> None:
        self._state, self._since, self._from = state, now, self._shown

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of every picture that leaves the gate."""
        return self._slate.shape[1], self._slate.shape[0]

    def admit(
        self, motion: Motion, patch: Patch, composite: Composite, size: tuple[int, int] | None = None
    ) -> Composite:
        """The composite as it may be shown; raises Untrusted when it is not the picture of this motion.

        size  (width, height) that it was made at, where that is not the output's: it is then fitted into the output
        """
        verify(motion, patch, composite, size or self.size)
        if self._state is not State.SLATE:
            kind = Kind.LIVE if self._state is State.LIVE else Kind.HOLD
            return replace(composite, pixels=fitted(composite.pixels, self.size), kind=kind)
        self._trusted += 1
        if self._trusted >= self.config.good_frames:
            self._state = State.REST
        return self.card(motion.seq, motion.t_capture)

    def rest(self, shot: Shot, seq: int, t_capture: float, size: tuple[int, int] | None = None) -> Composite:
        """The target as it is, nothing of a driver in it; the slate while the engine is not trusted.

        size  see admit
        """
        width, height = size or self.size
        if shot.pixels.shape[:2] != (height, width):
            got = f"{shot.pixels.shape[1]}x{shot.pixels.shape[0]}"
            raise Untrusted(f"the target's picture is {got}, expected {width}x{height}")
        if self._state is State.SLATE:
            return self.card(seq, t_capture)
        pixels = fitted(shot.pixels, self.size)
        return Composite(pixels.copy() if pixels is shot.pixels else pixels, seq, t_capture, Kind.REST)

    def distrust(self, reason: str, seq: int, t_capture: float) -> Composite:
        """The slate, and nothing else until the engine has proved itself again."""
        self._state, self._trusted, self._good = State.SLATE, 0, 0
        self._shown, self._mouth, self.reason = rest_motion(seq, t_capture), None, reason
        return self.card(seq, t_capture)

    def card(self, seq: int, t_capture: float) -> Composite:
        """The slate, for the panic key and the end of a run; the gate's state stays as it is."""
        return Composite(self._slate.copy(), seq, t_capture, Kind.SLATE)


def verify(motion: Motion, patch: Patch, composite: Composite, size: tuple[int, int]) -> None:
    """Raises Untrusted unless patch and composite can be the picture of `motion`, `size` (width, height) large."""
    for name, got in (("patch", patch.seq), ("composite", composite.seq)):
        if got != motion.seq:
            raise Untrusted(f"the {name} is of frame {got}, expected {motion.seq}")
    if composite.kind is not Kind.LIVE:
        raise Untrusted(f"the blender gave a {composite.kind.value} picture, expected a live one")
    if composite.pixels.shape[:2] != size[::-1]:
        height, width = composite.pixels.shape[:2]
        raise Untrusted(f"the composite is {width}x{height}, expected {size[0]}x{size[1]}")
    if not np.isfinite(patch.matrix).all():
        raise Untrusted("the patch's place in the picture is not finite")
    inside = patch.pixels[::SAMPLE, ::SAMPLE][patch.mask[::SAMPLE, ::SAMPLE] > 0]
    if len(inside) >= ENOUGH and (inside == inside[0]).all():
        raise Untrusted("the patch is of one colour")
    seen = composite.pixels[::SAMPLE, ::SAMPLE].reshape(-1, 3)
    if len(seen) >= ENOUGH and (seen == seen[0]).all():
        raise Untrusted("the composite is of one colour")


def within_lips(mouth: InnerMouth) -> bool:
    """Whether an inner mouth shows nothing but what is inside the lips' outer edge, and those are a mouth's size.

    A second look at what the tracker promises, because this is the one part of the driver that may be shown.
    """
    lips = mouth.points[list(LIPS)]
    face = cv2.convexHull(np.ascontiguousarray(mouth.points))
    if cv2.contourArea(np.ascontiguousarray(lips)) > LIPS_OF_FACE * cv2.contourArea(face):
        return False
    allowed = np.zeros(mouth.mask.shape, np.uint8)
    cv2.fillPoly(allowed, [np.round(lips).astype(np.int32)], 255)
    allowed = cv2.dilate(allowed, np.ones((5, 5), np.uint8))  # rounding, and the width of the edge itself
    return not bool((mouth.mask[allowed == 0] > 0).any())


def _is_sound(motion: Motion) -> bool:
    arrays = (motion.rotation, motion.shift, motion.gaze, motion.lids)
    if not all(np.isfinite(a).all() for a in arrays):
        return False
    return bool(np.abs(motion.rotation @ motion.rotation.T - np.eye(3)).max() < 0.01)


def _part(age: float, whole: float) -> float:
    return 1.0 if whole <= 0 else age / whole
