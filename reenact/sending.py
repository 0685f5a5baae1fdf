"""The sink's half of the live loop: a new picture when there is one, the last one again when there is none."""

from reenact.clock import Clock
from reenact.gate import Gate
from reenact.pacing import Pacer
from reenact.slot import Slot
from reenact.stages import Sink
from reenact.stats import LATENCY, Stats
from reenact.types import Composite, Kind


class Sender:
    """Sends what comes into a slot, paced; for one thread.

    stuck_s  with no picture made for so long the slate takes the place of the last one
    last     what the sink got last
    """

    def __init__(
        self, composites: Slot[Composite], gate: Gate, stats: Stats, clock: Clock, period_s: float, stuck_s: float
    ) -> None:
        self._composites, self._gate = composites, gate
        self._stats, self._clock, self._stuck_s = stats, clock, stuck_s
        self._pacer = Pacer(period_s, clock.now())
        self._latest: Composite | None = None  # what was made last
        self.last: Composite | None = None

    def turn(self, sink: Sink, wait_s: float, made_at: float, slate: bool) -> None:
        """Sends one picture to the sink, if one is due within `wait_s`.

        made_at  the clock's time at which a picture was made last, or found to be true still
        slate    whether the slate is asked for in place of whatever there is
        """
        early = self._pacer.earliest - self._clock.now()
        if early > 0:
            self._clock.sleep(early)
        due = self._pacer.due
        fresh = self._composites.take(min(wait_s, max(0.0, due - self._clock.now())))
        now = self._clock.now()
        self._latest = fresh or self._latest
        picture = fresh or (self._latest if now >= due else None)
        if picture is None:
            return
        if slate or (fresh is None and now - made_at > self._stuck_s):
            picture = self._gate.card(picture.seq, now)
        sink.send(picture)
        sent = self._clock.now()
        self.last = picture
        self._pacer.sent(now, fresh is not None)
        self._stats.count("sent")
        self._stats.count(f"sent {picture.kind.value}")
        self._stats.add("send", sent - now)
        if fresh is None:
            self._stats.count("sent again")
        elif picture.kind is Kind.LIVE and not getattr(sink, "trouble", ""):  # SelfMending: it was dropped then
            written = getattr(sink, "written_at", None) or sent  # Acknowledging: when it really was written
            self._stats.add(LATENCY, written - picture.t_capture)
