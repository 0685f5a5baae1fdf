"""Writes pictures into a v4l2loopback device as a webcam would deliver them: for measurements, on Linux.

Structures: the kernel's videodev2.h.
"""

import os
import struct
from pathlib import Path

import cv2

from reenact.errors import DeviceError
from reenact.types import Pixels

_S_FMT = 0xC0D05605  # _IOWR('V', 5, struct v4l2_format), 208 bytes
_OUTPUT, _FIELD_NONE, _SRGB = 2, 1, 8
_YUYV = struct.unpack("<I", b"YUYV")[0]


class LoopbackWriter:
    """The writing end of a device; size (width, height), even numbers.  DeviceError where it cannot be written to."""

    def __init__(self, path: Path | str, size: tuple[int, int]) -> None:
        import fcntl  # Linux only

        self.path, self.size = Path(path), size
        width, height = size
        try:
            self._file = os.open(self.path, os.O_RDWR)
        except OSError as error:
            raise DeviceError(f"{self.path} cannot be written to: {error.strerror}; is v4l2loopback loaded?") from error
        pixels = (width, height, _YUYV, _FIELD_NONE, 2 * width, 2 * width * height, _SRGB)
        asked = struct.pack("=I4x7I", _OUTPUT, *pixels).ljust(208, b"\0")
        try:
            got = struct.unpack_from("=II", fcntl.ioctl(self._file, _S_FMT, asked), 8)
        except OSError as error:
            os.close(self._file)
            raise DeviceError(
                f"{self.path} takes no pictures ({error.strerror}): expected a loopback device"
            ) from error
        if got != size:
            os.close(self._file)
            raise DeviceError(f"{self.path} is set to {got[0]}x{got[1]}, not {width}x{height}: another program has it")

    def write(self, pixels: Pixels) -> None:
        """One picture, (H, W, 3) uint8 BGR of the writer's size."""
        os.write(self._file, cv2.cvtColor(pixels, cv2.COLOR_BGR2YUV_YUYV).tobytes())

    def close(self) -> None:
        """May be called twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
