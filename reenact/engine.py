"""The stages joined: what a driver does, read from a frame, becomes a finished picture of the target.

    frame --read--> Reading --compose--> Composite

`read` is the tracker's half and `compose` the generator's: a file runs one after the other, a live loop
runs each in a thread of its own (see reenact.live).  A Reading holds numbers, not the driver's picture.
"""

import logging
from dataclasses import dataclass

from reenact.clock import Clock, MonotonicClock
from reenact.config import GateConfig
from reenact.easing import rest_motion
from reenact.errors import ReenactError
from reenact.gate import Gate, Untrusted, within_lips
from reenact.stages import Blender, Generator, Retargeter, Target, Tracker
from reenact.stats import Stats
from reenact.types import Composite, FaceTrack, Frame, InnerMouth, Motion, Pixels

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What was read of the driver in one frame; `motion` is None where the face cannot be read."""

    seq: int
    t_capture: float
    motion: Motion | None
    mouth: InnerMouth | None = None
    track: FaceTrack | None = None


class Engine:
    """One driver, one target.

    slate   (H, W, 3) uint8 BGR: the card shown when the engine cannot be trusted, of the target's size
    mouth   whether the driver's inner mouth is read at all (`--mouth driver` and `auto`)
    strict  True for files: what goes wrong is raised.  False for a live loop: it is logged and counted, a
            driver who cannot be read lets the target come to rest, and the slate stands in for a picture
            that cannot be trusted.
    at_once True for files: a face in the very first frame drives that frame
    The stages stay their owner's, who closes them.
    """

    def __init__(
        self,
        tracker: Tracker,
        retargeter: Retargeter,
        target: Target,
        generator: Generator,
        blender: Blender,
        *,
        slate: Pixels,
        mouth: bool = False,
        gate: GateConfig | None = None,
        strict: bool = False,
        at_once: bool = False,
        stats: Stats | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.tracker, self.retargeter, self.target = tracker, retargeter, target
        self.generator, self.blender = generator, blender
        self.clock = clock or MonotonicClock()
        self.stats = stats or Stats(self.clock)
        self.gate = Gate(slate, gate, at_once)
        self._mouth, self._strict = mouth, strict

    def read(self, frame: Frame) -> Reading:
        """The tracker's half: what the driver's face does in this frame.  Never raises unless strict."""
        try:
            return self._read(frame)
        except Exception as error:
            if self._strict:
                raise
            self._note("tracking", error)
            return Reading(frame.seq, frame.t_capture, None)

    def _read(self, frame: Frame) -> Reading:
        with self.stats.stage("track"):
            track = self.tracker.track(frame)
        if track is None:
            self.stats.count("no face")
            return Reading(frame.seq, frame.t_capture, None)
        with self.stats.stage("retarget"):
            motion = self.retargeter.retarget(track)
        mouth = None
        if self._mouth and motion is not None:
            with self.stats.stage("mouth"):
                mouth = self.tracker.inner_mouth(frame, track)
                if mouth is not None and not within_lips(mouth):
                    self._note("inner mouth", Untrusted("the inner mouth reaches beyond the lips"))
                    mouth = None
        return Reading(frame.seq, frame.t_capture, motion, mouth, track)

    def compose(self, reading: Reading, n: int, now: float) -> Composite:
        """The generator's half: the n-th moment of the target, moved as the reading says, or at rest.

        `now` is the gate's time in seconds: the clock's for a live loop, the frame's own for a file.
        Always gives a picture that may be shown; never raises unless strict.
        """
        try:
            return self._compose(reading, n, now)
        except Exception as error:
            if self._strict:
                if isinstance(error, ReenactError):
                    raise
                raise ReenactError(f"frame {reading.seq} could not be generated: {error}") from error
            self._note("generating", error)
            return self.gate.distrust(str(error) or type(error).__name__, reading.seq, reading.t_capture)

    def _compose(self, reading: Reading, n: int, now: float) -> Composite:
        steered = self.gate.steer(reading.motion, reading.mouth, reading.seq, reading.t_capture, now)
        with self.stats.stage("target"):
            shot = self.target.shot(n, steered.motion)
        if steered.motion is None or not shot.found:
            return self.gate.rest(shot, reading.seq, reading.t_capture)
        with self.stats.stage("generate"):
            patch = self.generator.generate(shot, steered.motion, steered.mouth)
        with self.stats.stage("blend"):
            composite = self.blender.blend(patch, shot)
        return self.gate.admit(steered.motion, patch, composite)

    def step(self, frame: Frame, n: int | None = None, now: float | None = None) -> Composite:
        """Both halves, one after the other; `n` is the frame's seq and `now` its t_capture unless given."""
        reading = self.read(frame)
        return self.compose(reading, frame.seq if n is None else n, frame.t_capture if now is None else now)

    def rehearse(self, frame: Frame | None = None) -> None:
        """Goes through every stage once, unseen: models load and kernels compile before they are waited for.

        frame  a picture to track; without it the tracker is left alone
        Raises what the stages raise.  The statistics and the gate know nothing of it.
        """
        if frame is not None:
            self.tracker.track(frame)
            self.tracker.reset()
        motion = rest_motion(0, 0.0)
        shot = self.target.shot(0, motion)
        self.blender.blend(self.generator.generate(shot, motion, None), shot)

    def recalibrate(self) -> None:
        """Takes the driver's neutral anew.  For the thread that calls `read`."""
        self.retargeter.calibrate()

    def _note(self, where: str, error: Exception) -> None:
        self.stats.count("faults")
        if self.stats.counted("faults") <= 10:  # a broken stage fails at every frame
            log.warning("%s failed: %s", where, error, exc_info=not isinstance(error, ReenactError))
