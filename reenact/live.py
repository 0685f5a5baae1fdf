"""The live loop: a camera drives the target for as long as it is asked to.

    capture --one-item slot--> tracker --one-item slot--> generator --one-item slot--> sink

Four threads, one a stage, so that picture n + 1 is tracked while picture n is generated and blended (both
sides release the GIL).  No slot holds more than one item and the newest wins: delay cannot grow, drops are
counted.  `run` keeps the calling thread for what must be there, the preview window and its keys.

What goes to the sink and when is reenact.sending's, what is left out on a slow machine reenact.ladder's.
"""

import logging
import threading
from collections.abc import Callable

from reenact.config import LiveConfig
from reenact.crew import Crew, cores_shared
from reenact.engine import Engine, Reading
from reenact.errors import NoPicture, ReenactError
from reenact.gate import State
from reenact.ladder import Ladder
from reenact.playing import Playing
from reenact.sending import Sender
from reenact.slot import Slot
from reenact.stages import SelfMending, Sink, Source
from reenact.trial import Trial
from reenact.types import Composite, Frame, Kind

log = logging.getLogger(__name__)


class Live:
    """Runs an engine from a source into a sink.

    source, engine, sink   stay their owner's, who closes them; the source is closed here first, to wake its reader
    on_tick                called by `run` about once a period, in its own thread, with this object: preview and keys
    ladder                 what is left out now; None with config.adapt off
    Each thread does nothing but repeat one of `capture_once`, `track_once`, `compose_once`, `send_once`.
    Set OPENBLAS_NUM_THREADS=1 before numpy is imported, as the command line does: on two cores the retargeter's
    small matrices took 12 ms in BLAS's threads and 0.7 without.
    """

    def __init__(
        self,
        source: Source,
        engine: Engine,
        sink: Sink,
        config: LiveConfig | None = None,
        on_tick: "Callable[[Live], None] | None" = None,
    ) -> None:
        self.source, self.engine, self.sink = source, engine, sink
        self.config = config or LiveConfig()
        self.stats = engine.stats
        self._clock = engine.clock
        self._period = 1.0 / self.config.rate
        self._frames: Slot[Frame] = Slot()
        self._readings: Slot[Reading] = Slot()
        self._composites: Slot[Composite] = Slot()
        self._wanted: Slot[tuple[Playing, threading.Event]] = Slot()
        self._ending = threading.Event()
        self._recalibrate = threading.Event()
        self._panic = threading.Event()
        self._on_tick = on_tick
        self._error: ReenactError | None = None  # why the loop must end
        self._lost: ReenactError | None = None  # why there are no pictures any more
        self._ended_source = False
        self._began = self._clock.now()
        self._newest = Reading(0, self._began, None)  # the newest that was composed
        self._composed = False
        self._made_at = self._began  # when the last picture was finished, or found to be true still
        self._sender = Sender(self._composites, engine.gate, self.stats, self._clock, self._period, self.config.stuck_s)
        self.ladder: Ladder | None = None
        if self.config.adapt:
            self.ladder = Ladder(max(self._period, 1.0 / max(source.rate, 1.0)), engine.rungs)
        self._over: float | None = None
        self.view: Frame | None = None  # the driver's newest picture, for the preview's corner alone

    # What a key or another thread may ask for.

    def stop(self) -> None:
        """Ends the loop; may be called from any thread and from a signal handler."""
        self._ending.set()

    @property
    def ending(self) -> bool:
        return self._ending.is_set()

    def recalibrate(self) -> None:
        """Takes the driver's neutral anew, from the next frames."""
        self._recalibrate.set()

    def toggle_slate(self) -> None:
        """The panic key: the slate at once, whatever the engine does, until called again."""
        if self._panic.is_set():
            self._panic.clear()
        else:
            self._panic.set()

    def show(self, playing: Playing) -> threading.Event:
        """Shows another target with the next picture; set once the one before is no longer in use."""
        changed = threading.Event()
        self._wanted.put((playing, changed))
        return changed

    @property
    def seconds(self) -> float:
        """How long it has run, or ran."""
        return (self._over or self._clock.now()) - self._began

    @property
    def last(self) -> Composite | None:
        """What the sink got last."""
        return self._sender.last

    @property
    def drops(self) -> int:
        """Pictures that were replaced by newer ones before they were used."""
        return sum(self.dropped.values())

    @property
    def dropped(self) -> dict[str, int]:
        """The same by who made them: the pictures of the camera, the tracker and the generator."""
        return {
            "camera": self._frames.dropped,
            "tracker": self._readings.dropped,
            "generator": self._composites.dropped,
        }

    @property
    def trouble(self) -> str:
        """What is wrong with camera or output just now, in words; "" while all is well."""
        ends = (self.source, self.sink)
        wrong = [end.trouble for end in ends if isinstance(end, SelfMending) and end.trouble]
        return "; ".join(wrong if self._lost is None else [str(self._lost), *wrong])

    @property
    def slow(self) -> str:
        """What is left out because the machine is too slow, in words; "" while nothing is."""
        return "" if self.ladder is None else self.ladder.note

    # One turn of each thread.

    def capture_once(self) -> None:
        """Reads one picture into the slot."""
        try:
            frame = self.source.read()
        except NoPicture:
            self.stats.count("no picture")
            return
        except ReenactError as error:
            self._ended_source = True
            if not self._ending.is_set():
                self._lost = error
                log.warning("%s", error)
            return
        if frame is None:
            self._ended_source = True
            return
        self.stats.count("captured")
        self.view = frame
        self._frames.put(frame)

    def track_once(self, wait_s: float) -> None:
        """Reads the driver's motion from the newest picture, if one comes in time."""
        frame = self._frames.take(wait_s)
        if frame is None:
            return
        if self._recalibrate.is_set():
            self._recalibrate.clear()
            self.engine.recalibrate()
        began = self._clock.now()
        reading = self.engine.read(frame)
        if reading.track is not None:
            self._observe("track", began)
        self._readings.put(reading)

    def compose_once(self, wait_s: float) -> None:
        """Makes the next picture: of the newest reading, or of none once the last has become stale."""
        reading = self._readings.take(wait_s)
        now = self._clock.now()
        self._change()
        if reading is not None:
            self._newest = reading
        elif self._composed and now - self._newest.t_capture < self.engine.gate.config.stale_s:
            self._made_at = now
            return  # a slow camera: what was sent last is still true
        else:
            reading = Reading(self._newest.seq, now, None)
        n = int((now - self._began) * self.engine.target.rate)
        composite = self.engine.compose(reading, n, now)
        if composite.kind in (Kind.LIVE, Kind.HOLD):
            self._observe("compose", now)
        self._composites.put(composite)
        self._composed, self._made_at = True, self._clock.now()
        if self._ended_source and self.engine.gate.state in (State.REST, State.SLATE):
            self._error = self._lost
            self._ending.set()

    def _change(self) -> None:
        wanted = self._wanted.take(0)
        if wanted is not None:
            self.engine.play(wanted[0])
            if self.ladder is not None:
                self.ladder.offer(self.engine.rungs)
                self.engine.leave_out(self.ladder.left_out)
            wanted[1].set()

    def _observe(self, thread: str, began: float) -> None:
        now = self._clock.now()
        if self.ladder is not None and self.ladder.observe(thread, now - began, now):
            self.engine.leave_out(self.ladder.left_out)
            self.stats.count("settings changed")

    def send_once(self, wait_s: float) -> None:
        """Sends a new picture, or the last one again when it is due; waits at most `wait_s` for a new one."""
        self._sender.turn(self.sink, wait_s, self._made_at, self._panic.is_set())

    # The threads.

    def try_out(self, together: bool = True) -> None:
        """Leaves out what this machine is too slow for, found by a trial of a second or two; for before `run`.

        together  as reenact.trial.Trial takes it
        Without it that is found by the first pictures, which come too late.  Raises what the stages raise.
        """
        if self.ladder is None:
            return
        period = self.ladder.period_s
        with cores_shared():
            costs = Trial(self.engine, self.source.size, period, self.ladder.config, together=together).costs
            if self.ladder.begin(costs):
                self.stats.count("settings changed", len(self.ladder.left_out))
        self.engine.leave_out(self.ladder.left_out)

    def run(self, seconds: float | None = None) -> None:
        """Runs until `stop`, the end of the source, or for `seconds`; the last picture sent is the slate.

        Raises what ended it, if that was a lost device or a sink that takes nothing any more.
        """
        turns = {
            "capture": self._capture_or_wait,
            "track": lambda: self.track_once(self._period),
            "compose": lambda: self.compose_once(1.5 * self._period),
            "send": lambda: self.send_once(self._period),
        }
        crew = Crew(turns, self._ending, self._clock)
        with cores_shared():
            self._began = self._made_at = self._clock.now()
            crew.start()
            try:
                self._wait(seconds)
            finally:
                self._end(crew)
        error = crew.error or self._error
        if error is not None:
            raise error

    def _wait(self, seconds: float | None) -> None:
        while not self._ending.wait(self._period):
            if self._on_tick is not None:
                self._on_tick(self)
            if seconds is not None and self._clock.now() - self._began >= seconds:
                break

    def _capture_or_wait(self) -> None:
        if self._ended_source:
            self._ending.wait(0.1)
        else:
            self.capture_once()

    def _end(self, crew: Crew) -> None:
        """The slate first: whoever watches need not wait for a generator that hangs."""
        self._ending.set()
        self._over = self._clock.now()
        deadline = self._over + self.config.stop_s
        for slot in (self._frames, self._readings, self._composites, self._wanted):
            slot.close()
        if crew.ended("send", deadline):
            try:
                self.sink.send(self.engine.gate.card(self._newest.seq, self._clock.now()))
            except ReenactError as error:
                self._error = self._error or error
        else:
            log.warning("the sink did not return within %.1f s: the slate could not be sent", self.config.stop_s)
        self.source.close()
        crew.all_ended(deadline)
