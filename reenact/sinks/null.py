"""A sink for measurements."""

from collections import Counter

from reenact.errors import SinkError
from reenact.types import Composite, Kind


class NullSink:
    """A Sink that keeps nothing but counts: `frames` in all, `kinds` of each Kind, `last` the newest picture."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self.frames = 0
        self.kinds: Counter[Kind] = Counter()
        self.last: Composite | None = None
        self._closed = False

    def send(self, composite: Composite) -> None:
        if not isinstance(composite, Composite):
            raise TypeError(f"a NullSink takes a Composite, not {type(composite).__name__}")
        if self._closed:
            raise SinkError("the sink is closed: nothing more can be sent")
        height, width = composite.pixels.shape[:2]
        if (width, height) != self.size:
            raise SinkError(f"a picture of {width}x{height} came, the sink is {self.size[0]}x{self.size[1]}")
        self.frames += 1
        self.kinds[composite.kind] += 1
        self.last = composite

    def close(self) -> None:
        self._closed = True
