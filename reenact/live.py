"""The live loop: a camera drives the target for as long as it is asked to.

    capture --one-item slot--> tracker --one-item slot--> generator --one-item slot--> sink

Four threads, one a stage, so that picture n + 1 is tracked while picture n is generated and blended (both
sides release the GIL).  No slot holds more than one item and the newest wins: delay cannot grow, drops are
counted.  `run` keeps the calling thread for what must be there, the preview window and its keys.

The sink is paced: a new picture is sent as soon as it is there, at least 3/4 of a period after the one
before, and the last one again when nothing new has come for 1 1/2 periods.  A free-running grid of the same
rate would add half a period to every picture's age.
"""

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from reenact.config import LiveConfig
from reenact.engine import Engine, Reading
from reenact.errors import ReenactError
from reenact.gate import State
from reenact.slot import Slot
from reenact.stages import Sink, Source
from reenact.stats import LATENCY
from reenact.types import Composite, Frame, Kind

log = logging.getLogger(__name__)


SWITCH_S = 0.0002  # at Python's own 5 ms the tracker waits for the generator's Python code, and the other way round


class Live:
    """Runs an engine from a source into a sink.

    source, engine, sink   stay their owner's, who closes them; the source is closed here first, to wake its reader
    on_tick                called by `run` about once a period, in its own thread, with this object: preview and keys
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
        self._sent_at = self._began - self._period
        self._was_fresh = True
        self._over: float | None = None
        self.view: Frame | None = None  # the driver's newest picture, for the preview's corner alone
        self.last: Composite | None = None  # what the sink got last

    # What a key or another thread may ask for.

    def stop(self) -> None:
        """Ends the loop; may be called from any thread and from a signal handler."""
        self._ending.set()

    def recalibrate(self) -> None:
        """Takes the driver's neutral anew, from the next frames."""
        self._recalibrate.set()

    def toggle_slate(self) -> None:
        """The panic key: the slate at once, whatever the engine does, until called again."""
        if self._panic.is_set():
            self._panic.clear()
        else:
            self._panic.set()

    @property
    def seconds(self) -> float:
        """How long it has run, or ran."""
        return (self._over or self._clock.now()) - self._began

    @property
    def drops(self) -> int:
        """Pictures that were replaced by newer ones before they were used."""
        return self._frames.dropped + self._readings.dropped + self._composites.dropped

    # One turn of each thread.

    def capture_once(self) -> None:
        """Reads one picture into the slot."""
        try:
            frame = self.source.read()
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
        self._readings.put(self.engine.read(frame))

    def compose_once(self, wait_s: float) -> None:
        """Makes the next picture: of the newest reading, or of none once the last has become stale."""
        reading = self._readings.take(wait_s)
        now = self._clock.now()
        if reading is not None:
            self._newest = reading
        elif self._composed and now - self._newest.t_capture < self.engine.gate.config.stale_s:
            return  # a slow camera: what was sent last is still true
        else:
            reading = Reading(self._newest.seq, now, None)
        n = int((now - self._began) * self.engine.target.rate)
        self._composites.put(self.engine.compose(reading, n, now))
        self._composed = True
        if self._ended_source and self.engine.gate.state in (State.REST, State.SLATE):
            self._error = self._lost
            self._ending.set()

    def send_once(self, wait_s: float) -> None:
        """Sends a new picture, or the last one again when it is due; waits at most `wait_s` for a new one."""
        now = self._clock.now()
        early = self._sent_at + 0.75 * self._period - now
        if early > 0:
            self._clock.sleep(early)
        due = self._sent_at + (1.5 if self._was_fresh else 1.0) * self._period
        fresh = self._composites.take(min(wait_s, max(0.0, due - self._clock.now())))
        now = self._clock.now()
        picture = fresh or (self.last if now >= due else None)
        if picture is None:
            return
        if self._panic.is_set():
            picture = self.engine.gate.card(picture.seq, now)
        self.sink.send(picture)
        sent = self._clock.now()
        self.last = fresh or self.last
        self._sent_at, self._was_fresh = now, fresh is not None
        self.stats.count("sent")
        self.stats.count(f"sent {picture.kind.value}")
        self.stats.add("send", sent - now)
        if fresh is None:
            self.stats.count("sent again")
        elif picture.kind is Kind.LIVE:
            self.stats.add(LATENCY, sent - picture.t_capture)

    # The threads.

    def run(self, seconds: float | None = None) -> None:
        """Runs until `stop`, the end of the source, or for `seconds`; the last picture sent is the slate.

        Raises what ended it, if that was a lost device or a sink that takes nothing any more.
        """
        with _threads_of_its_own():
            self._run(seconds)
        if self._error is not None:
            raise self._error

    def _run(self, seconds: float | None) -> None:
        self._began = self._clock.now()
        threads = [
            threading.Thread(target=self._repeat, args=(turn,), name=name, daemon=True)
            for name, turn in (
                ("capture", self._capture_or_wait),
                ("track", lambda: self.track_once(self._period)),
                ("compose", lambda: self.compose_once(1.5 * self._period)),
                ("send", lambda: self.send_once(self._period)),
            )
        ]
        for thread in threads:
            thread.start()
        try:
            while not self._ending.wait(self._period):
                if self._on_tick is not None:
                    self._on_tick(self)
                if seconds is not None and self._clock.now() - self._began >= seconds:
                    break
        finally:
            self._end(threads)

    def _capture_or_wait(self) -> None:
        if self._ended_source:
            self._ending.wait(0.1)
        else:
            self.capture_once()

    def _repeat(self, turn: Callable[[], None]) -> None:
        try:
            while not self._ending.is_set():
                turn()
        except ReenactError as error:
            self._error = self._error or error
        except Exception as error:
            log.exception("a thread of the live loop ended")
            self._error = self._error or ReenactError(f"the live loop failed: {error}")
        finally:
            self._ending.set()

    def _end(self, threads: list[threading.Thread]) -> None:
        self._ending.set()
        self._over = self._clock.now()
        self.source.close()
        for slot in (self._frames, self._readings, self._composites):
            slot.close()
        deadline = self._clock.now() + self.config.stop_s
        for thread in reversed(threads):
            thread.join(max(0.05, deadline - self._clock.now()))
        if threads[-1].is_alive():
            log.warning("the sink did not return within %.1f s: the slate could not be sent", self.config.stop_s)
            return
        try:
            self.sink.send(self.engine.gate.card(self._newest.seq, self._clock.now()))
        except ReenactError as error:
            self._error = self._error or error


@contextmanager
def _threads_of_its_own() -> Iterator[None]:
    """Each stage has a thread: OpenCV's own would only take the cores from the other stages."""
    import cv2

    threads, interval = cv2.getNumThreads(), sys.getswitchinterval()
    cv2.setNumThreads(1)
    sys.setswitchinterval(SWITCH_S)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
        sys.setswitchinterval(interval)
