"""Sound that is heard while it is recorded, beside pictures that were seen at the same time.

A picture takes its time from the camera to the output, sound next to none.  In the recording each picture stands at
the time at which it was captured, each sample at the time at which it was heard: the delay, which differs from picture
to picture, is taken out exactly.
"""

from fractions import Fraction

import av
import numpy as np

from reenact.sources.microphone import Ear, Samples

_APART_S = 0.04  # a block this far from where the samples so far put it is set right: a gap, or clocks that drift
_LATE_S = 0.5  # sound so far behind the pictures does not come any more: silence takes its place


class LiveSound:
    """What an `Ear` hears, as AAC beside the pictures of a live Recorder; the ear stays its owner's.

    offset_s  seconds by which the sound is placed later than it was heard: what the camera itself delays
    """

    def __init__(self, ear: Ear, offset_s: float = 0.0) -> None:
        self._ear, self._offset = ear, offset_s
        self._origin: float | None = None
        self._given = 0  # samples written so far
        self._waiting: list[tuple[int, Samples]] = []  # place of the first sample, samples
        self.note = "from the microphone"
        self.copied = False

    def begin(self, origin: float) -> None:
        """The clock's time that is the recording's 0; what was heard before is left out."""
        self._origin = origin

    def attach(self, output: av.container.OutputContainer) -> None:
        """Adds the stream; must come before anything is written."""
        self._output = output
        self._out = output.add_stream("aac", rate=self._ear.rate)
        self._out.layout = "mono" if self._ear.channels == 1 else "stereo"
        self._out.bit_rate = 128_000
        self._layout = self._out.layout.name

    def write_until(self, seconds: float | Fraction) -> None:
        """Writes what was heard so far and before `seconds` of the recording; silence where nothing came."""
        if self._origin is None:
            return
        rate = self._ear.rate
        for block in self._ear.take():
            place = round((block.t_heard + self._offset - self._origin) * rate)
            self._waiting.append((place, block.samples))
        end = round(float(seconds) * rate)
        while self._waiting and self._waiting[0][0] < end:
            place, samples = self._waiting.pop(0)
            self._place(place, samples)
        late = end - round(_LATE_S * rate)
        if self._given < late:
            self._write(np.zeros((late - self._given, self._ear.channels), np.float32))

    def _place(self, place: int, samples: Samples) -> None:
        apart = place - self._given
        if abs(apart) > _APART_S * self._ear.rate or self._given == 0:
            if apart > 0:
                self._write(np.zeros((apart, self._ear.channels), np.float32))
            else:
                samples = samples[-apart:]
        if len(samples):
            self._write(samples)

    def _write(self, samples: Samples) -> None:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout=self._layout)
        frame.sample_rate, frame.pts, frame.time_base = self._ear.rate, self._given, Fraction(1, self._ear.rate)
        self._given += len(samples)
        self._output.mux(self._out.encode(frame))

    def finish(self) -> None:
        """Writes what the encoder still holds."""
        self._output.mux(self._out.encode(None))

    def close(self) -> None:
        self._waiting = []
