"""The sound of another file, for a recording."""

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av

from reenact.config import MediaConfig
from reenact.errors import SourceError
from reenact.sources.header import read_header

_LEAD_S = 0.1  # what an encoder puts before the first sound; players skip it


class Sound:
    """The first audio stream of a file, added to a recording without decoding it.

    Time 0 of the recording is the first picture of that file, or, where it has none, its first sound.  A codec
    that the container cannot carry is encoded anew as AAC.  `note` says what is done: "copied", "encoded anew as
    AAC: ..." or "none: ...".  SourceError where the file itself cannot be read.
    """

    def __init__(self, path: Path, container_format: str) -> None:
        read_header(path, MediaConfig())
        try:
            self._file = av.open(f"file:{path}", container_options={"protocol_whitelist": "file"})
        except (av.FFmpegError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "unknown format"
            raise SourceError(f"{path} holds no sound that can be read ({reason})") from None
        self._stream = self._file.streams.audio[0] if self._file.streams.audio else None
        self.copied = False
        if self._stream is None:
            self.note = f"none: {path.name} has no sound"
            return
        self._origin = self._first_time()
        if self._stream.codec_context is None:
            raise SourceError(f"the sound of {path} is damaged, or coded in a way that is not known: leave it out")
        codec = self._stream.codec_context.name
        self.copied = _can_carry(self._stream, container_format)
        self.note = "copied" if self.copied else f"encoded anew as AAC: {container_format} cannot carry {codec}"

    def _first_time(self) -> Fraction:
        assert self._stream is not None
        pictures = [s for s in self._file.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
        first = pictures[0] if pictures else self._stream
        return Fraction((first.start_time or 0) * first.time_base)

    def attach(self, output: av.container.OutputContainer) -> None:
        """Adds the stream; must come before anything is written."""
        self._output = output
        if self._stream is None:
            self._packets: Iterator[tuple[Fraction, av.Packet]] = iter(())
        elif self.copied:
            self._out = output.add_stream_from_template(self._stream)
            self._packets = self._copies()
        else:
            self._out = output.add_stream("aac", rate=min(96000, self._stream.rate))
            self._out.layout = "mono" if self._stream.channels == 1 else "stereo"
            self._out.bit_rate = 192_000
            self._packets = self._encoded()
        self._next = next(self._packets, None)

    def write_until(self, seconds: float | Fraction) -> None:
        """Writes what sounds before `seconds` of the recording and was not written yet."""
        while self._next is not None and self._next[0] < seconds:
            self._output.mux(self._next[1])
            self._next = next(self._packets, None)

    def _copies(self) -> Iterator[tuple[Fraction, av.Packet]]:
        assert self._stream is not None
        base = self._stream.time_base
        shift = round(self._origin / base)
        try:
            for packet in self._file.demux(self._stream):
                if packet.pts is None:
                    continue  # the empty one at the end
                packet.pts -= shift
                packet.dts = packet.pts  # sound is never out of order
                begins = packet.pts * base
                if begins < -_LEAD_S:
                    continue
                packet.stream = self._out
                yield begins, packet
        except av.FFmpegError as error:
            self.note += f", but cut off where the file is damaged ({error.strerror})"

    def _encoded(self) -> Iterator[tuple[Fraction, av.Packet]]:
        rate = self._out.rate
        resampler = av.AudioResampler(format="fltp", layout=self._out.layout, rate=rate)
        given: int | None = None  # samples, the next one's place in the recording
        try:
            for decoded in self._file.decode(self._stream):
                if given is None:
                    given = round((Fraction((decoded.pts or 0) * decoded.time_base) - self._origin) * rate)
                for frame in resampler.resample(decoded):
                    begin, given = given, given + frame.samples
                    if begin < 0:
                        continue
                    frame.pts, frame.time_base = begin, Fraction(1, rate)
                    for packet in self._out.encode(frame):
                        yield Fraction(packet.pts * packet.time_base), packet
        except av.FFmpegError as error:
            self.note += f", but cut off where the file is damaged ({error.strerror})"
        for packet in self._out.encode(None):
            yield Fraction(packet.pts * packet.time_base), packet

    def close(self) -> None:
        self._next = None
        self._packets = iter(())
        self._file.close()


def _can_carry(stream: av.AudioStream, container_format: str) -> bool:
    """Whether the container takes the codec: only writing a header to nowhere tells for sure."""
    try:
        with av.open(io.BytesIO(), "w", format=container_format) as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
    except (av.FFmpegError, ValueError):
        return False
    return True
