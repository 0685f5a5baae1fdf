"""Video files: H.264 at a quality that looks lossless, at the time stamps of the pictures."""

import contextlib
from fractions import Fraction
from pathlib import Path

import av
import cv2
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from reenact.config import RecorderConfig
from reenact.errors import InputError, SinkError
from reenact.sinks.livesound import LiveSound
from reenact.sinks.outfile import OutFile
from reenact.sinks.sound import Sound
from reenact.sources.microphone import Ear
from reenact.types import Composite, Pixels

_FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
_EXACT = int(Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP)
_LIVE_BASE = Fraction(1, 90000)
_FRAGMENT_S = 0.5  # what a crash may cost


class Recorder:
    """A Sink that writes a video, its container by the ending of `path`: .mp4, .m4v, .mov or .mkv.

    size        (width, height); an odd width or height is padded by one column or row, the last one repeated,
                since 4:2:0 chroma needs even ones
    time_base   seconds a tick (VideoFile.time_base): with MP4 and MOV a picture's time stamp is then
                t_capture / time_base exactly; Matroska rounds to its milliseconds.  Default 1/90000
    rate        frames/s, for the encoder's planning and for how long the last picture lasts
    audio       a file whose sound is copied, see Sound; trimmed to the pictures' length.  `sound` says what was done
    ear         live only: what sound is taken from, see LiveSound; sound_offset_s places it so much later
    fragmented  a live recording: time starts at the first picture, one sent again (same seq and t_capture) is
                the picture before lasting on, and the file, written under its own name, plays to within a second
                or two of the end even when the process is killed

    A picture with a time stamp not after the one before gets the next tick.  Colours are BT.709 for 1280 columns
    or 720 rows and more, BT.601 below, converted and tagged so (config.matrix chooses one of them).

    Raises InputError for a path that cannot be written and an unknown ending, SourceError for an audio file that
    cannot be read, SinkError (send, close) when the disk is full or lost; then nothing half-written is left,
    except that a fragmented recording keeps what it has.  With no picture sent there is no file.
    """

    def __init__(
        self,
        path: Path | str,
        size: tuple[int, int],
        *,
        time_base: Fraction | None = None,
        rate: float = 30.0,
        config: RecorderConfig | None = None,
        audio: Path | str | None = None,
        fragmented: bool = False,
        ear: Ear | None = None,
        sound_offset_s: float = 0.0,
    ) -> None:
        self.path, self.size, self.rate = Path(path), size, rate
        self.frames = 0
        self._config = config or RecorderConfig()
        self._live = fragmented
        self._base = time_base or _LIVE_BASE
        self._origin: float | None = None if fragmented else 0.0
        self._last: tuple[int, float] | None = None
        self._pts = -1
        self._reformatter = VideoReformatter()
        self._container: av.container.OutputContainer | None = None
        self._sound: Sound | LiveSound | None = None
        container_format = _FORMATS.get(self.path.suffix.lower())
        if container_format is None:
            known = ", ".join(_FORMATS)
            raise InputError(f"{self.path} has the ending {self.path.suffix!r}: a video needs one of {known}")
        if min(size) < 16 or max(size) > 16384:
            raise InputError(f"a video of {size[0]}x{size[1]} cannot be encoded: expected 16 to 16384 each way")
        if audio is not None:
            self._sound = Sound(Path(audio), container_format)
        elif ear is not None and fragmented:
            self._sound = LiveSound(ear, sound_offset_s)
        self._file: OutFile | None = None
        try:
            self._file = OutFile(self.path, direct=fragmented)
            self._open(self._file, container_format)
        except BaseException:
            self.discard()
            raise

    @property
    def sound(self) -> str:
        """What became of the sound: "none", "copied", "from the microphone", or a sentence."""
        return "none" if self._sound is None else self._sound.note

    def _open(self, file: OutFile, container_format: str) -> None:
        options = {}
        if self._live and container_format != "matroska":
            flags = "empty_moov+default_base_moof+frag_keyframe"
            if self._sound is not None:
                flags += "+delay_moov"  # else what the AAC encoder puts before the first sound shifts all by 21 ms
            options = {"movflags": flags, "frag_duration": str(int(_FRAGMENT_S * 1e6))}
        elif self._live:
            options = {"cluster_time_limit": str(int(_FRAGMENT_S * 1e3))}
        options["flush_packets"] = "1" if self._live else "-1"
        self._container = av.open(file, "w", format=container_format, options=options)
        stream = self._container.add_stream("libx264", rate=Fraction(self.rate).limit_denominator(100_000))
        stream.width, stream.height = (n + (n & 1) for n in self.size)
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(self._config.crf), "preset": self._config.preset}
        if self._live:  # no picture waits in the encoder, none is out of order
            gop = str(max(1, round(self.rate)))
            stream.options |= {"preset": self._config.live_preset, "tune": "zerolatency", "g": gop}
            stream.codec_context.thread_count = 1  # others take the cores from tracking and generating
        context = stream.codec_context
        context.time_base = stream.time_base = self._base
        wide = self.size[0] >= 1280 or self.size[1] >= 720
        matrix = self._config.matrix if self._config.matrix != "auto" else "bt709" if wide else "bt601"
        self._matrix = Colorspace.ITU709 if matrix == "bt709" else Colorspace.ITU601
        context.colorspace = 1 if matrix == "bt709" else 6
        context.color_range, context.color_primaries, context.color_trc = int(ColorRange.MPEG), 1, 1
        self._stream = stream
        if self._sound is not None:
            self._sound.attach(self._container)

    def send(self, composite: Composite) -> None:
        if not isinstance(composite, Composite):
            raise TypeError(f"a Recorder takes a Composite, not {type(composite).__name__}")
        if self._container is None or self._file is None:
            raise SinkError(f"{self.path} is closed: nothing more can be recorded")
        height, width = composite.pixels.shape[:2]
        if (width, height) != self.size:
            raise SinkError(f"a picture of {width}x{height} came, {self.path} is {self.size[0]}x{self.size[1]}")
        mark = (composite.seq, composite.t_capture)
        if self._live and mark == self._last:
            return
        self._last = mark
        if self._origin is None:
            self._origin = composite.t_capture
            if isinstance(self._sound, LiveSound):
                self._sound.begin(self._origin)
        pts = max(self._pts + 1, round((composite.t_capture - self._origin) / self._base))
        try:
            frame = self._convert(composite.pixels)
            frame.pts, frame.time_base = pts, self._base
            frame.duration = max(1, round(1 / (self.rate * self._base)))
            self._container.mux(self._stream.encode(frame))
            if self._sound is not None:
                self._sound.write_until(pts * self._base)
            self._file.check()
        except (OSError, av.FFmpegError) as error:
            raise self._fail(error) from None
        except SinkError:
            self.discard()
            raise
        self._pts = pts
        self.frames += 1

    def _convert(self, pixels: Pixels) -> av.VideoFrame:
        height, width = pixels.shape[:2]
        if width & 1 or height & 1:
            pixels = cv2.copyMakeBorder(pixels, 0, height & 1, 0, width & 1, cv2.BORDER_REPLICATE)
        return self._reformatter.reformat(
            av.VideoFrame.from_ndarray(pixels, "bgr24"),
            format="yuv420p",
            src_colorspace=self._matrix,
            dst_colorspace=self._matrix,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=_EXACT,
            threads=1,
        )

    def _fail(self, error: Exception) -> SinkError:
        assert self._file is not None
        failure = self._file.failure(error)
        self.discard()
        return failure

    def close(self) -> None:
        """Ends the file and gives it its name; SinkError when that could not be done."""
        container, file = self._container, self._file
        if container is None or file is None:
            return
        if self.frames == 0:
            self.discard()
            self.path.unlink(missing_ok=True) if self._live else None
            return
        try:
            container.mux(self._stream.encode(None))
            if self._sound is not None:
                self._sound.write_until(self._pts * self._base + 1 / self.rate)
            if isinstance(self._sound, LiveSound):
                self._sound.finish()
            container.close()
            file.check()
        except (OSError, av.FFmpegError) as error:
            raise self._fail(error) from None
        except SinkError:
            self.discard()
            raise
        self._release()
        file.keep()

    def discard(self) -> None:
        """Closes without keeping the file; a fragmented one stays as far as it was written."""
        if self._file is not None:
            self._file.discard()
        if self._container is not None:
            with contextlib.suppress(OSError, av.FFmpegError):
                self._container.close()
        self._release()

    def _release(self) -> None:
        self._container = self._file = None
        if self._sound is not None:
            self._sound.close()

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None or self._live:
            self.close()
        else:
            self.discard()
