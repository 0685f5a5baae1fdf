"""Still pictures from files."""

from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from reenact.config import MediaConfig
from reenact.errors import SourceError
from reenact.sources.header import Header, is_whole, read_header
from reenact.types import Frame, Pixels


def read_picture(path: Path | str, config: MediaConfig | None = None) -> Pixels:
    """The picture in a JPEG, PNG, GIF, WebP or BMP file, upright, as (H, W, 3) uint8 BGR.

    What a file is is read from its content, not its name, and its size is checked against config before
    anything is decoded.  The Exif orientation is applied once.  CMYK is converted without its profile, 16 bits
    a channel are rounded to 8, what is transparent is laid over white, and of an animation the first picture
    is taken.  Raises SourceError with one sentence for anything else.
    """
    path = Path(path)
    config = config or MediaConfig()
    header = read_header(path, config)
    if not header.kind:
        raise SourceError(f"{path} is not a picture that can be read: expected JPEG, PNG, GIF, WebP or BMP")
    stored = _decode_gif(path) if header.kind == "gif" else _decode(path, header)
    return upright(_to_bgr(stored), header.orientation)


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """pixels (H, W, 3) turned and mirrored as the Exif orientation 1 to 8 asks; contiguous."""
    if orientation >= 5:  # 5 to 8: rows and columns are exchanged
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _decode(path: Path, header: Header) -> npt.NDArray[np.generic]:
    data = path.read_bytes()
    if not is_whole(data, header.kind):
        raise SourceError(f"{path} is cut off or damaged: fetch the {header.kind.upper()} file again")
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)  # applies no orientation
    except cv2.error:
        pixels = None
    if pixels is None:
        raise SourceError(f"{path} is damaged: its {header.kind.upper()} data cannot be decoded")
    return pixels  # type: ignore[no-any-return]


def _decode_gif(path: Path) -> npt.NDArray[np.generic]:
    try:
        with av.open(f"file:{path}", format="gif") as container:
            for frame in container.decode(video=0):
                bgra: npt.NDArray[np.uint8] = frame.to_ndarray(format="bgra")
                return bgra
    except av.FFmpegError:
        pass
    raise SourceError(f"{path} is damaged: its GIF data cannot be decoded")


def _to_bgr(stored: npt.NDArray[np.generic]) -> Pixels:
    if stored.dtype == np.uint16:
        stored = ((stored.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if stored.dtype != np.uint8:
        raise SourceError(f"a picture with {stored.dtype} samples cannot be used: expected 8 or 16 bits a channel")
    if stored.ndim == 2:
        return cv2.cvtColor(stored, cv2.COLOR_GRAY2BGR)  # type: ignore[no-any-return]
    if stored.shape[2] == 4:
        colour, alpha = stored[:, :, :3].astype(np.uint16), stored[:, :, 3:].astype(np.uint16)
        over: npt.NDArray[np.uint16] = colour * alpha + 255 * (255 - alpha)  # at most 255 * 255
        return ((over + 127) // 255).astype(np.uint8)
    return np.ascontiguousarray(stored, np.uint8)


class PictureFile:
    """A picture as a source: the same frame `repeat` times (None: for ever), `rate` of them a second."""

    live = False

    def __init__(
        self, path: Path | str, config: MediaConfig | None = None, *, repeat: int | None = 1, rate: float = 25.0
    ) -> None:
        if rate <= 0 or (repeat is not None and repeat < 1):
            raise ValueError(f"repeat={repeat}, rate={rate}: expected a repeat of 1 or more and a positive rate")
        self.path = Path(path)
        self.rate = rate
        self.frames = repeat
        self._pixels: Pixels | None = read_picture(path, config)
        self.size = (self._pixels.shape[1], self._pixels.shape[0])
        self._seq = 0

    def read(self) -> Frame | None:
        pixels, seq = self._pixels, self._seq
        if pixels is None or (self.frames is not None and seq >= self.frames):
            return None
        self._seq = seq + 1
        return Frame(pixels.copy(), seq, seq / self.rate)

    def close(self) -> None:
        self._pixels = None

    def __enter__(self) -> "PictureFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
