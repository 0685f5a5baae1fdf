"""Tracking every second picture: the motion of those between is carried on from the two before."""

from reenact.easing import carry_on
from reenact.reading import Reading


class Skipping:
    """Remembers what was tracked, for the thread that tracks.

    A picture is left out only while the face is followed: one that is lost is looked for in every picture.
    """

    def __init__(self) -> None:
        self._before: Reading | None = None
        self._last: Reading | None = None
        self._tracked = False  # whether the picture before was

    def tracked(self, reading: Reading) -> Reading:
        """Notes what was read of a picture, and gives it back."""
        self._before, self._last, self._tracked = self._last, reading, True
        return reading

    def instead(self, seq: int, t_capture: float) -> Reading | None:
        """What stands in for a picture that need not be tracked; None where it must be."""
        if not self._tracked or self._last is None or self._last.motion is None:
            return None
        self._tracked = False
        before = self._last if self._before is None else self._before
        motion = carry_on(before.motion or self._last.motion, self._last.motion, seq, t_capture)
        return Reading(seq, t_capture, motion, self._last.mouth, self._last.track)
