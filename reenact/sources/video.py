"""Videos from files, through PyAV."""

import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from reenact.config import MediaConfig
from reenact.errors import SourceError
from reenact.sources.header import read_header
from reenact.sources.picture import upright
from reenact.types import Frame, Pixels

# Rounded arithmetic and chroma at full resolution: without them a round trip through yuv420p is 1.5 grey levels
# too dark.  It takes 4.5 ms instead of 0.3 at 1280x720, where encoding takes 15.
_EXACT = int(Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT)
_LISTS = ("hls", "applehttp", "concat", "dash", "image2", "sdp", "rtsp", "webvtt", "imf")  # these open other files
_ROTATIONS = {  # display matrix (a, b, c, d) -> Exif orientation
    (1, 0, 0, 1): 1,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, 1, -1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, -1, 1, 0): 8,
}


class VideoFile:
    """A video (or an animated GIF), each frame as stored, upright, 8-bit BGR.

    - `Frame.t_capture` is the frame's presentation time in seconds after that of the first frame, exactly
      `(pts - start_time) * time_base`: a variable rate stays variable.
    - `time_base` (Fraction, seconds), `start_time` (pts of the first frame, in time_base) let a recorder write
      the same time stamps.
    - `rate` is the mean; `frames` the number the file promises, or None.
    - The display matrix and the shape of the pixels are applied once: `size` is what a player shows.  Deeper
      samples and other chroma become 8-bit BGR; untagged colour is BT.709 from 1280 columns or 577 rows on, else
      BT.601 (as players guess).  High dynamic range is not tone-mapped.
    - A damaged or cut-off video gives the frames that decode and then ends, with `damaged` True and `warning`
      a sentence about it.  SourceError where not one frame decodes.
    """

    live = False

    def __init__(self, path: Path | str, config: MediaConfig | None = None) -> None:
        self.path = Path(path)
        config = config or MediaConfig()
        header = read_header(self.path, config)
        if header.kind not in ("", "gif"):
            raise SourceError(f"{self.path} is a picture ({header.kind.upper()}): expected a video")
        self.damaged = False
        self.warning = ""
        self._lock = threading.Lock()
        self._reformatter = VideoReformatter()
        self._seq = 0
        self._last_pts: int | None = None
        self._container = _open(self.path, config)
        try:
            self._begin(config)
        except BaseException:
            self.close()
            raise

    def _begin(self, config: MediaConfig) -> None:
        streams = [s for s in self._container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
        if not streams:
            sound = "holds sound but no pictures" if self._container.streams.audio else "holds no pictures"
            raise SourceError(f"{self.path} {sound}: expected a video")
        self._stream = streams[0]
        if self._stream.codec_context is None:
            raise SourceError(f"{self.path} is damaged, or coded in a way that is not known: convert it to H.264")
        _check_pixels(self.path, self._stream.width, self._stream.height, config)
        self._stream.thread_type = "AUTO"
        self.time_base: Fraction = self._stream.time_base
        rate = self._stream.average_rate or self._stream.guessed_rate or Fraction(25)
        self.rate = float(rate)
        self._step = max(1, round(1 / (rate * self.time_base)))  # pts for a frame that has none
        self._decoded = self._decode()
        self._first = next(self._decoded, None)
        if self._first is None:
            raise SourceError(f"{self.path} is damaged: not one of its frames can be decoded")
        _check_pixels(self.path, self._first.width, self._first.height, config)
        self._orientation = _orientation(self._first)
        self._stored = _square_pixels(self._first, self._stream.sample_aspect_ratio)
        self.size = self._stored[::-1] if self._orientation >= 5 else self._stored
        self.start_time: int = self._first.pts or 0
        self.frames = self._stream.frames or self._estimate()

    def _estimate(self) -> int | None:
        duration = self._stream.duration
        if duration:
            return max(1, round(float(duration * self.time_base) * self.rate))
        if self._container.duration:
            return max(1, int(self._container.duration / av.time_base * self.rate + 0.5))
        return None

    def read(self) -> Frame | None:
        with self._lock:
            frame = self._first
            self._first = None
            if frame is None:
                frame = next(self._decoded, None)
            if frame is None:
                return None
            pts = frame.pts
            if pts is None:
                pts = self.start_time if self._last_pts is None else self._last_pts + self._step
            self._last_pts = pts
            seq, self._seq = self._seq, self._seq + 1
            time = float((pts - self.start_time) * self.time_base)
            return Frame(upright(self._to_bgr(frame), self._orientation), seq, time)

    def _to_bgr(self, frame: av.VideoFrame) -> Pixels:
        wide = self._stored[0] >= 1280 or self._stored[1] > 576
        guessed = Colorspace.ITU709 if frame.colorspace == 2 and wide else None
        width, height = self._stored
        if frame.format.name in ("bgra", "rgba", "argb", "abgr"):  # a GIF: what is transparent lies over white
            bgra = frame.reformat(width=width, height=height, format="bgra").to_ndarray()
            return np.where(bgra[:, :, 3:] > 127, bgra[:, :, :3], np.uint8(255)).astype(np.uint8)
        bgr = self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format="bgr24",
            src_colorspace=guessed,
            dst_color_range=ColorRange.JPEG,
            interpolation=_EXACT,
            threads=1,
        )
        return np.asarray(bgr.to_ndarray(), np.uint8)

    def _decode(self) -> Iterator[av.VideoFrame]:
        """The frames that decode; notes damage and ends where the file cannot be read on."""
        promised, given = self._stream.frames, 0
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:
                self._note(f"cannot be read beyond frame {given} ({error.strerror})")
                return
            if packet is None:
                break
            try:
                decoded = packet.decode()
            except av.FFmpegError:
                self._note("holds data that cannot be decoded, some frames are missing")
                continue
            for frame in decoded:
                if frame.is_corrupt:
                    self._note("holds damaged frames, they are left out")
                    continue
                given += 1
                yield frame
        if given < promised - 1:  # containers miscount by one
            self._note(f"is cut off: {given} of {promised} frames could be read")

    def _note(self, what: str) -> None:
        self.damaged = True
        self.warning = self.warning or f"{self.path} {what}"

    def close(self) -> None:
        with self._lock:
            self._first = None
            self._decoded = iter(())
            self._container.close()

    def __enter__(self) -> "VideoFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _open(path: Path, config: MediaConfig) -> av.container.InputContainer:
    # "file:" and the white list: a text that is a play list must not open other files or addresses.
    # max_pixels: opening decodes a first frame of some formats to learn what they are.
    options = {"protocol_whitelist": "file"}
    limit = {"max_pixels": str(config.max_pixels)}
    try:
        try:
            container = av.open(f"file:{path}", container_options=options, stream_options=[limit])
        except ValueError:  # MPEG program streams and the like show their streams too late for it
            container = av.open(f"file:{path}", container_options=options)
    except (av.FFmpegError, UnicodeDecodeError) as error:
        with path.open("rb") as file:
            head = file.read(64)
        if head[4:8] == b"ftyp":
            raise SourceError(f"{path} is damaged or cut off: its index is missing, record or fetch it again") from None
        reason = getattr(error, "strerror", None) or "unknown format"
        raise SourceError(f"{path} is not a video that can be read ({reason}): expected MP4, MKV or the like") from None
    if any(name in _LISTS for name in container.format.name.split(",")):
        container.close()
        raise SourceError(f"{path} is a list of other files ({container.format.name}): give the video itself")
    return container


def _check_pixels(path: Path, width: int, height: int, config: MediaConfig) -> None:
    if width * height > config.max_pixels:
        raise SourceError(
            f"{path} is {width}x{height}, more than the limit of {config.max_pixels} pixels: make it smaller"
        )


def _orientation(frame: av.VideoFrame) -> int:
    """The Exif orientation of a frame's display matrix; an angle that is no multiple of 90 degrees is ignored."""
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return 1
    matrix = np.rint(np.frombuffer(bytes(data), np.int32) / 65536).astype(int).tolist()  # 16.16 fixed point
    return _ROTATIONS.get((matrix[0], matrix[1], matrix[3], matrix[4]), 1)


def _square_pixels(frame: av.VideoFrame, aspect: Fraction | None) -> tuple[int, int]:
    """(width, height) as stored, the width stretched where the pixels are not square."""
    width, height = frame.width, frame.height
    if aspect and Fraction(1, 4) < aspect < 4 and aspect != 1:
        width = max(2, 2 * round(width * aspect / 2))
    return width, height
