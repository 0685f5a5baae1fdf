"""The video that a target is recorded into: the camera's own pictures, of the person who agreed to be the target.

This is no Sink (reenact.stages): nothing that is shown to others goes through it.
"""

import contextlib
from fractions import Fraction
from pathlib import Path

import av
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from reenact.config import RecorderConfig
from reenact.errors import SinkError
from reenact.sinks.outfile import OutFile
from reenact.types import Frame

_BASE = Fraction(1, 90000)
_EXACT = int(Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP)


class Footage:
    """Writes frames into an MP4 file at their own times; it is there, whole, after `close`.

    size  (width, height) of the frames; an odd last column or row is left out
    Raises InputError for a path that cannot be written, SinkError (add, close) where the disk is full or lost; then,
    and after `discard`, nothing is left of it.
    """

    def __init__(self, path: Path, size: tuple[int, int], rate: float, config: RecorderConfig | None = None) -> None:
        config = config or RecorderConfig()
        self.path, self.size = path, (size[0] & ~1, size[1] & ~1)
        self.frames = 0
        self._origin: float | None = None
        self._pts = -1
        self._step = max(1, round(1 / (max(rate, 1.0) * _BASE)))
        self._reformatter = VideoReformatter()
        wide = self.size[0] >= 1280 or self.size[1] >= 720
        self._matrix = Colorspace.ITU709 if wide else Colorspace.ITU601
        self._file = OutFile(path)
        self._container: av.container.OutputContainer | None = av.open(self._file, "w", format="mp4")
        stream = self._container.add_stream("libx264", rate=Fraction(rate).limit_denominator(100_000))
        stream.width, stream.height = self.size
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(config.crf), "preset": config.live_preset}
        context = stream.codec_context
        context.time_base = stream.time_base = _BASE
        context.colorspace = 1 if wide else 6
        context.color_range, context.color_primaries, context.color_trc = int(ColorRange.MPEG), 1, 1
        self._stream = stream

    def add(self, frame: Frame) -> None:
        """The next frame; one of another size (a camera that came back otherwise) is left out."""
        width, height = self.size
        if self._container is None:
            raise SinkError(f"{self.path} is closed: nothing more can be recorded")
        if (frame.pixels.shape[1] & ~1, frame.pixels.shape[0] & ~1) != self.size:
            return
        if self._origin is None:
            self._origin = frame.t_capture
        self._pts = max(self._pts + 1, round((frame.t_capture - self._origin) / _BASE))
        try:
            picture = self._reformatter.reformat(
                av.VideoFrame.from_ndarray(frame.pixels[:height, :width].copy(), "bgr24"),
                format="yuv420p",
                src_colorspace=self._matrix,
                dst_colorspace=self._matrix,
                src_color_range=ColorRange.JPEG,
                dst_color_range=ColorRange.MPEG,
                interpolation=_EXACT,
                threads=1,
            )
            picture.pts, picture.time_base, picture.duration = self._pts, _BASE, self._step
            self._container.mux(self._stream.encode(picture))
            self._file.check()
        except (OSError, av.FFmpegError, SinkError) as error:
            raise self._fail(error) from None
        self.frames += 1

    def close(self) -> None:
        """Ends the file and gives it its name; without a frame there is none."""
        if self._container is None:
            return
        if self.frames == 0:
            self.discard()
            return
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
            self._file.check()
        except (OSError, av.FFmpegError, SinkError) as error:
            raise self._fail(error) from None
        self._container = None
        self._file.keep()

    def discard(self) -> None:
        """Closes and keeps nothing."""
        self._file.discard()
        container, self._container = self._container, None
        if container is not None:
            with contextlib.suppress(OSError, av.FFmpegError):  # the disk may be full
                container.close()

    def _fail(self, error: Exception) -> SinkError:
        failure = error if isinstance(error, SinkError) else self._file.failure(error)
        self.discard()
        return failure

    def __enter__(self) -> "Footage":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()
