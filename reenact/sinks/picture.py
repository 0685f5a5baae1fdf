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

    The last one gets its name with `close`; a `with` block that ends with an error leaves nothing behind, and what
    was there before as it was.  Raises InputError for a path that cannot be written and an unknown ending, SinkError
    (send, close) when the disk is full.
    """

    def __init__(self, path: Path | str, size: tuple[int, int]) -> None:
        self.path, self.size = Path(path), size
        self.frames = 0
        self._closed = False
        self._file: OutFile | None = None
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
        self._forget()
        self._file = file = OutFile(self.path)
        try:
            file.write(data.tobytes())
        except OSError as error:
            self._forget()
            raise file.failure(error) from None
        self.frames += 1

    def close(self) -> None:
        """Gives the last picture its name; SinkError, and no file, where that fails."""
        self._closed = True
        file, self._file = self._file, None
        if file is not None:
            file.keep()

    def _forget(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.discard()

    def __enter__(self) -> "PictureWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._forget()
        self.close()
