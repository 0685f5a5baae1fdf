"""The stages joined: what a driver does, read from a frame, becomes a finished picture of the target.

    frame --read--> Reading --compose--> Composite

`read` is the tracker's half and `compose` the generator's: a file runs one after the other, a live loop
runs each in a thread of its own (see reenact.live).  A Reading holds numbers, not the driver's picture.
"""

import logging
from collections.abc import Callable
from dataclasses import replace

from reenact.clock import Clock, MonotonicClock
from reenact.config import GateConfig
from reenact.easing import rest_motion
from reenact.errors import ReenactError
from reenact.finish import Finish
from reenact.fitting import fitted
from reenact.gains import Gains
from reenact.gate import Gate, Steered, Untrusted, within_lips
from reenact.ladder import Rung
from reenact.playing import EVERY_SECOND, HALF_SIZE, Playing
from reenact.reading import Reading
from reenact.skipping import Skipping
from reenact.stages import Blender, Generator, Painter, Retargeter, Target, Tracker
from reenact.stats import Stats
from reenact.types import Composite, Frame, Kind, Motion, Pixels

__all__ = ["Engine", "Reading"]

log = logging.getLogger(__name__)


class Engine:
    """One driver, one target at a time.

    slate    (H, W, 3) uint8 BGR: the card shown when the engine cannot be trusted; its size is the output's
    mouth    whether the driver's inner mouth is read at all (`--mouth driver` and `auto`)
    strict   True for files: what goes wrong is raised.  False for a live loop: it is logged and counted, a
             driver who cannot be read lets the target come to rest, and the slate stands in for a picture
             that cannot be trusted.
    at_once  True for files: a face in the very first frame drives that frame
    gains    how strongly the driver drives; may be replaced while it runs
    smaller  the same target at a part of its size, for `leave_out`
    label    whether the visible label is drawn on the target's pictures
    finish   puts label and watermark on every picture, the slate too; None leaves them bare
    on_play  may be set: told of every further target before it is shown
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
        gains: Gains | None = None,
        smaller: Playing | None = None,
        label: bool = False,
        finish: Finish | None = None,
    ) -> None:
        self.tracker, self.retargeter = tracker, retargeter
        self.playing = Playing(target, generator, blender, mouth, smaller, label)
        self.clock = clock or MonotonicClock()
        self.stats = stats or Stats(self.clock)
        self.finish = finish
        self.gate = Gate(slate if finish is None else finish(slate.copy()), gate, at_once)
        self.gains = gains or Gains()
        self._strict = strict
        self._left_out: frozenset[str] = frozenset()
        self._skipping = Skipping()
        self.on_play: Callable[[Playing], None] | None = None

    @property
    def target(self) -> Target:
        return self.playing.target

    @property
    def generator(self) -> Generator:
        return self.playing.generator

    @property
    def blender(self) -> Blender:
        return self.playing.blender

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """What can be left out on a slow machine, what is least missed first; see reenact.ladder."""
        extras = [Rung(f"without {extra}", "compose") for extra in self.playing.extras]
        half = [Rung(HALF_SIZE, "compose")] if self.playing.smaller is not None else []
        return (*extras, Rung(EVERY_SECOND, "track"), *half)

    def leave_out(self, names: frozenset[str]) -> None:
        """Goes on without what these rungs name, and with all others; from any thread, for the next pictures."""
        self._left_out = names
        self.playing.leave_out(frozenset(extra for extra in self.playing.extras if f"without {extra}" in names))

    def play(self, playing: Playing) -> Playing:
        """Shows another target from the next picture on; gives the one before.  For the thread that calls `compose`."""
        if self.on_play is not None:
            self.on_play(playing)
        before, self.playing = self.playing, playing
        self.leave_out(self._left_out)
        return before

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
        if EVERY_SECOND in self._left_out:
            instead = self._skipping.instead(frame.seq, frame.t_capture)
            if instead is not None:
                self.stats.count("not tracked")
                return instead
        return self._skipping.tracked(self._track(frame))

    def _track(self, frame: Frame) -> Reading:
        with self.stats.stage("track"):
            track = self.tracker.track(frame)
        if track is None:
            self.stats.count("no face")
            return Reading(frame.seq, frame.t_capture, None)
        with self.stats.stage("retarget"):
            motion = self.retargeter.retarget(track)
        mouth = None
        if self.playing.mouth and motion is not None:
            with self.stats.stage("mouth"):
                mouth = self.tracker.inner_mouth(frame, track)
                if mouth is not None and not within_lips(mouth):
                    self._note("inner mouth", Untrusted("the inner mouth reaches beyond the lips"))
                    mouth = None
        if track.view is not None:  # what goes on to where pictures are made holds no picture of the driver
            track = replace(track, view=None)
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
        motion = None if reading.motion is None else self.gains(reading.motion)
        steered = self.gate.steer(motion, reading.mouth, reading.seq, reading.t_capture, now)
        composite = self._paint(self._chosen(), steered, reading, n)
        if self.finish is not None and composite.kind is not Kind.SLATE:  # the slate was finished when it was drawn
            with self.stats.stage("mark"):
                self.finish(composite.pixels, self.playing.label)
        return composite

    def _chosen(self) -> Playing:
        """What plays the target, at its size or at half of it."""
        half = self.playing.smaller if HALF_SIZE in self._left_out else None
        return half or self.playing

    def _paint(self, playing: Playing, steered: Steered, reading: Reading, n: int) -> Composite:
        generator, mouth = playing.generator, steered.mouth if playing.mouth else None
        if steered.motion is not None and isinstance(generator, Painter):
            with self.stats.stage("paint"):
                painted = generator.paint(n, steered.motion, mouth)
            if painted is not None:
                return self.gate.admit(steered.motion, *painted, playing.target.size)
        with self.stats.stage("target"):
            shot = playing.target.shot(n, steered.motion)
        if steered.motion is None or not shot.found:
            return self.gate.rest(shot, reading.seq, reading.t_capture, playing.target.size)
        with self.stats.stage("generate"):
            patch = generator.generate(shot, steered.motion, mouth)
        with self.stats.stage("blend"):
            composite = playing.blender.blend(patch, shot)
        return self.gate.admit(steered.motion, patch, composite, playing.target.size)

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
        rehearse(self.playing)

    def draft(self, motion: Motion) -> Composite:
        """One picture of the target so moved, without what is left out, not to be shown: the work that `compose` has.

        Raises what the stages raise.  The statistics and the gate know nothing of it.
        """
        playing = self._chosen()
        composite = _made(playing, motion)
        pixels = fitted(composite.pixels, self.gate.size)
        if self.finish is not None:
            self.finish(pixels, self.playing.label)
        return replace(composite, pixels=pixels)

    def recalibrate(self) -> None:
        """Takes the driver's neutral anew.  For the thread that calls `read`."""
        self.retargeter.calibrate()

    def _note(self, where: str, error: Exception) -> None:
        self.stats.count("faults")
        if self.stats.counted("faults") <= 10:  # a broken stage fails at every frame
            log.warning("%s failed: %s", where, error, exc_info=not isinstance(error, ReenactError))


def rehearse(playing: Playing) -> None:
    """Makes one picture of a target, unseen, and one at half its size.  Raises what the stages raise."""
    for one in (playing, playing.smaller):
        if one is not None:
            _made(one, rest_motion(0, 0.0))


def _made(playing: Playing, motion: Motion) -> Composite:
    generator = playing.generator
    painted = generator.paint(0, motion, None) if isinstance(generator, Painter) else None
    if painted is not None:
        return painted[1]
    shot = playing.target.shot(0, motion)
    return playing.blender.blend(generator.generate(shot, motion, None), shot)
