"""What a file is and how large its picture, from its first bytes: nothing is decoded, its name is not looked at.

Layouts: JPEG (ITU T.81, annex B; orientation: Exif 2.3, tag 0x0112), PNG (W3C, IHDR and eXIf), GIF89a,
WebP (RFC 9649), BMP (BITMAPINFOHEADER).
"""

import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reenact.config import MediaConfig
from reenact.errors import SourceError

_MOST_CHUNKS = 1_000_000
_HEAD = 1 << 20  # bytes read to find the size; profiles and thumbnails stand before it in a JPEG


@dataclass(frozen=True, slots=True)
class Header:
    """kind: "jpeg", "png", "gif", "webp", "bmp", or "" for anything else; width, height as stored (0 where kind is "").

    orientation: Exif 1 to 8, 1 is upright.
    """

    kind: str
    width: int = 0
    height: int = 0
    orientation: int = 1


def read_header(path: Path, config: MediaConfig) -> Header:
    """The header of a file that is there, readable, not empty and within config's limits; SourceError otherwise."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise SourceError(f"{path} is a folder: give a picture or video file")
        if not stat.S_ISREG(status.st_mode):
            raise SourceError(f"{path} is not a regular file: give a picture or video file")
        with path.open("rb") as file:
            data = file.read(_HEAD)
    except FileNotFoundError:
        raise SourceError(f"{path} does not exist: check the name of the file") from None
    except PermissionError:
        raise SourceError(f"{path} cannot be read, permission denied: give yourself the right to read it") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {os.strerror(error.errno or 0)}") from None
    if not data:
        raise SourceError(f"{path} is empty (0 bytes): give a picture or video file")
    if status.st_size > config.max_bytes:
        raise SourceError(f"{path} has {status.st_size} bytes, the limit is {config.max_bytes}: cut or compress it")
    try:
        header = parse_header(data)
    except (struct.error, IndexError):
        raise SourceError(f"{path} ends within its header: it is cut off or damaged") from None
    if header.width * header.height > config.max_pixels:
        size = f"{header.width}x{header.height}"
        raise SourceError(f"{path} is {size}, more than the limit of {config.max_pixels} pixels: make it smaller")
    return header


def parse_header(data: bytes) -> Header:
    """The header in a file's first bytes; struct.error or IndexError when they end too early."""
    if data[:3] == b"\xff\xd8\xff":
        return _jpeg(data)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        width, height = struct.unpack_from(">II", data, 16)
        return Header("png", width, height, _png_orientation(data))
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return Header("gif", *struct.unpack_from("<HH", data, 6))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    if data[:2] == b"BM" and data[14:18] in (b"\x28\0\0\0", b"\x6c\0\0\0", b"\x7c\0\0\0"):
        width, height = struct.unpack_from("<ii", data, 18)
        return Header("bmp", abs(width), abs(height))
    return Header("")


def _jpeg(data: bytes) -> Header:
    at, orientation = 2, 1
    while True:
        while data[at] != 0xFF or data[at + 1] in (0xFF, 0x00):  # fill bytes and, in careless files, rubbish
            at += 1
        marker = data[at + 1]
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:  # these have no length
            at += 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a start of frame
            height, width = struct.unpack_from(">HH", data, at + 5)
            return Header("jpeg", width, height, orientation)
        if marker == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
            orientation = _exif(data[at + 10 : at + 2 + length])
        at += 2 + max(2, length)


def _chunks(data: bytes, at: int, order: str) -> Iterator[tuple[bytes, bytes]]:
    """(name, content) of the chunks of a PNG (length, name, content, check sum) or a RIFF (name, length, content)."""
    while at + 8 <= len(data):
        if order == ">":
            (length,), name = struct.unpack_from(">I", data, at), data[at + 4 : at + 8]
            step = 12 + length
        else:
            name, (length,) = data[at : at + 4], struct.unpack_from("<I", data, at + 4)
            step = 8 + length + (length & 1)
        yield name, data[at + 8 : at + 8 + length]
        at += step


def is_whole(data: bytes, kind: str) -> bool:
    """Whether a JPEG or PNG has its end, and a PNG's chunks add up; other kinds count as whole.

    libjpeg and libpng fill what is missing with grey and go on, and OpenCV reserves the gigabytes that a damaged
    chunk asks for.  A PNG's chunks are named in letters: gigabytes of zeros would be read as empty chunks.
    """
    if kind == "jpeg":
        return data.rfind(b"\xff\xd9") > data.rfind(b"\xff\xda")
    if kind == "png":
        at = 8
        for n, (name, content) in enumerate(_chunks(data, 8, ">")):
            if n > _MOST_CHUNKS or not name.isalpha():
                return False
            at += 12 + len(content)
            if name == b"IEND":
                return at <= len(data)
            if data[at - 12 - len(content) : at - 8 - len(content)] != len(content).to_bytes(4, "big"):
                return False
        return False
    return True


def _png_orientation(data: bytes) -> int:
    return next((_exif(content) for name, content in _chunks(data, 8, ">") if name == b"eXIf"), 1)


def _webp(data: bytes) -> Header:
    width = height = 0
    orientation = 1
    for name, content in _chunks(data, 12, "<"):
        if name == b"VP8X":
            width = 1 + int.from_bytes(content[4:7], "little")
            height = 1 + int.from_bytes(content[7:10], "little")
        elif name == b"VP8L" and not width:
            (bits,) = struct.unpack_from("<I", content, 1)
            width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        elif name == b"VP8 " and not width:
            width, height = (v & 0x3FFF for v in struct.unpack_from("<HH", content, 6))
        elif name == b"EXIF":
            orientation = _exif(content.removeprefix(b"Exif\0\0"))
    if not width:
        raise IndexError
    return Header("webp", width, height, orientation)


def _exif(tiff: bytes) -> int:
    """The orientation in a TIFF structure; 1 where it has none or is damaged."""
    try:
        order = {b"II": "<", b"MM": ">"}[tiff[:2]]
        (directory,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, directory)
        for i in range(count):
            tag, kind, n, value = struct.unpack_from(order + "HHIH", tiff, directory + 2 + 12 * i)
            if (tag, kind, n) == (0x0112, 3, 1):
                return int(value) if 1 <= value <= 8 else 1
    except (KeyError, struct.error):
        pass
    return 1
