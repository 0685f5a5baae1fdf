"""When the sink gets a picture: a steady rate that adds no age.

A new picture goes out as soon as it is there, but no earlier than 3/4 of a period after the one before; the last
one goes out again when nothing new has come for 1 1/2 periods, and from then on each period.  A free-running grid
of the same rate would add half a period to every picture's age.
"""

_EARLIEST, _PATIENCE = 0.75, 1.5  # periods


class Pacer:
    """Says when; whoever asks does the waiting.

    period_s  of the sink, seconds; now: the clock's time, from which the first picture may go out at once
    """

    def __init__(self, period_s: float, now: float) -> None:
        self._period = period_s
        self._sent_at = now - period_s
        self._was_fresh = True

    @property
    def earliest(self) -> float:
        """Before this no picture goes out."""
        return self._sent_at + _EARLIEST * self._period

    @property
    def due(self) -> float:
        """From this time on the last picture goes out again if there is no new one."""
        return self._sent_at + (_PATIENCE if self._was_fresh else 1.0) * self._period

    def sent(self, now: float, fresh: bool) -> None:
        """Notes that a picture went out, a new one or the last once more."""
        self._sent_at, self._was_fresh = now, fresh
