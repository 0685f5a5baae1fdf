"""Still pictures to files."""

from pathlib import Path

import cv2

from reenact.errors import InputError, SinkError
from reenact.sinks.outfile import OutFile
from reenact.types import Composite

_OPTIONS = {
    ".png": [cv2.IMWRITE_PNG_COMPRESSION, 3],
    ".jpg": [cv2.IMWRITE_JPEG_QUALITY, 95],
    ".jpeg": [cv2.IMWRITE_JPEG_QUALITY, 95],
}


class PictureWriter:
    """A Sink that writes one picture, .png or .jpg by the ending of `path`; a picture sent later takes its place.

    Each is written whole, under another name first.  Raises InputError for a path that cannot be written and an
    unknown ending, SinkError (send) when the disk is full.
    """

    def __init__(self, path: Path | str, size: tuple[int, int]) -> None:
        self.path, self.size = Path(path), size
        self.frames = 0
        self._closed = False
        if self.path.suffix.lower() not in _OPTIONS:
            raise InputError(f"{self.path} has the ending {self.path.suffix!r}: a picture needs .png or .jpg")
        OutFile(self.path).discard()  # says now what could not be written then

    def send(self, composite: Composite) -> None:
        if not isinstance(composite, Composite):
            raise TypeError(f"a PictureWriter takes a Composite, not {type(composite).__name__}")
        if self._closed:
            raise SinkError(f"{self.path} is closed: nothing more can be written")
        height, width = composite.pixels.shape[:2]
        if (width, height) != self.size:
            raise SinkError(f"a picture of {width}x{height} came, {self.path} is {self.size[0]}x{self.size[1]}")
        ending = self.path.suffix.lower()
        ok, data = cv2.imencode(ending, composite.pixels, _OPTIONS[ending])
        if not ok:
            raise SinkError(f"a picture of {width}x{height} cannot be encoded as {ending}")
        file = OutFile(self.path)
        try:
            file.write(data.tobytes())
        except OSError as error:
            file.discard()
            raise file.failure(error) from None
        file.keep()
        self.frames += 1

    def close(self) -> None:
        self._closed = True

    def __enter__(self) -> "PictureWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
