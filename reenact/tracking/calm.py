"""Tracking of files: a few frames are looked ahead, so that jitter is calmed without any delay."""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from reenact.stages import Source, Tracker
from reenact.targets.steady import REACH, steady
from reenact.types import FaceTrack, Frame, InnerMouth


class CalmTracker:
    """A `Tracker` (reenact.stages) over another that smooths nothing itself; frames must come from `frames`.

    The points of each frame are calmed by those of REACH frames to either side that show the same subject
    (reenact.targets.steady).  The inner mouth is cut out by the frame's own.
    """

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._window: deque[tuple[int, FaceTrack | None]] = deque(maxlen=2 * REACH + 1)

    def frames(self, source: Source) -> Iterator[Frame]:
        """Every frame of a file, each tracked REACH frames before it is given out."""
        waiting: deque[Frame] = deque()
        while (frame := source.read()) is not None:
            self._window.append((frame.seq, self._tracker.track(frame)))
            waiting.append(frame)
            if len(waiting) > REACH:
                yield waiting.popleft()
        for seq in range(len(waiting)):
            yield waiting.popleft()
            if seq < len(waiting):  # the window moves on past the end
                self._window.append((-1, None))

    def track(self, frame: Frame) -> FaceTrack | None:
        own = self._raw(frame)
        if own is None:
            return None
        same = [t is not None and t.subject == own.subject for _, t in self._window]
        points = np.stack([t.points if t is not None else own.points for _, t in self._window])
        place = next(i for i, (seq, _) in enumerate(self._window) if seq == frame.seq)
        return replace(own, points=steady(points, np.array(same))[place])

    def inner_mouth(self, frame: Frame, track: FaceTrack) -> InnerMouth | None:
        own = self._raw(frame)
        return None if own is None else self._tracker.inner_mouth(frame, own)

    def reset(self) -> None:
        self._window.clear()
        self._tracker.reset()

    def close(self) -> None:
        self._tracker.close()

    def _raw(self, frame: Frame) -> FaceTrack | None:
        for seq, track in self._window:
            if seq == frame.seq:
                return track
        raise ValueError(f"frame {frame.seq} was not looked ahead to: frames must come from CalmTracker.frames")
