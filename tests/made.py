"""Media made for the tests: small videos and pictures, and ways to damage them."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from reenact.sources.synthetic import numbered
from reenact.types import Composite, Kind


def picture(width: int = 96, height: int = 64, seed: int = 0) -> np.ndarray:
    """(height, width, 3) uint8 BGR, smooth and colourful, different in every corner."""
    coarse = np.random.default_rng(seed).integers(20, 236, (4, 6, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def composite(seq: int = 0, t: float = 0.0, size: tuple[int, int] = (64, 48), kind: Kind = Kind.LIVE) -> Composite:
    return Composite(numbered(size, seq), seq, t, kind)


def video(
    path: Path,
    pts: list[int] | int = 12,
    base: Fraction = Fraction(1, 25),
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    pixels: np.ndarray | None = None,
    sound: str | None = None,
    turn: tuple[float, bool, bool] | None = None,
    aspect: Fraction | None = None,
    rate: int = 25,
) -> Path:
    """Numbered pictures (or `pixels` again and again) at the given pts; sound: a codec, for one second."""
    stamps = list(range(pts)) if isinstance(pts, int) else pts
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        stream.codec_context.time_base = stream.time_base = base
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if codec == "libx264":
            stream.options = {"crf": "10"}
        if turn is not None:
            stream.set_display_rotation(turn[0], hflip=turn[1], vflip=turn[2])
        audio = out.add_stream(sound, rate=48000) if sound else None
        if audio is not None:
            audio.layout = "mono"
        for seq, stamp in enumerate(stamps):
            frame = av.VideoFrame.from_ndarray(numbered(size, seq) if pixels is None else pixels, "bgr24")
            frame.pts, frame.time_base = stamp, base
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if audio is not None:
            _tone(out, audio)
    return path


def tone(path: Path, codec: str) -> Path:
    """A file with one second of sound and no pictures."""
    with av.open(str(path), "w") as out:
        audio = out.add_stream(codec, rate=48000, layout="mono")
        _tone(out, audio)
    return path


def _tone(out: av.container.OutputContainer, audio: av.AudioStream) -> None:
    wave = (8000 * np.sin(np.arange(48000) * 2 * np.pi * 440 / 48000)).astype(np.int16)
    fmt = audio.codec_context.format.name
    resampler = av.AudioResampler(format=fmt, layout="mono", rate=48000)
    for start in range(0, 48000, 960):
        frame = av.AudioFrame.from_ndarray(wave[None, start : start + 960], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
        for part in resampler.resample(frame):
            out.mux(audio.encode(part))
    out.mux(audio.encode(None))


def packets(path: Path, kind: str = "audio") -> list[tuple[Fraction, bytes]]:
    """(time, data) of each packet of the file's first stream of a kind."""
    with av.open(str(path)) as file:
        stream = next(s for s in file.streams if s.type == kind)
        return [(p.pts * p.time_base, bytes(p)) for p in file.demux(stream) if p.pts is not None]


def gif(path: Path, frames: int = 3, size: tuple[int, int] = (32, 24)) -> Path:
    """A GIF of numbered grey pictures: picture n has the value 40 + 50 n."""
    with av.open(str(path), "w", format="gif") as out:
        stream = out.add_stream("gif", rate=10)
        stream.width, stream.height, stream.pix_fmt = *size, "rgb8"
        for n in range(frames):
            pixels = np.full((size[1], size[0], 3), 40 + 50 * n, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "bgr24").reformat(format="rgb8")))
        out.mux(stream.encode(None))
    return path


def with_exif(jpeg: bytes, orientation: int) -> bytes:
    """The JPEG with an Exif segment that holds nothing but the orientation."""
    tiff = b"MM\0\x2a\0\0\0\x08" + b"\0\x01" + b"\x01\x12\0\x03\0\0\0\x01" + bytes([0, orientation, 0, 0]) + bytes(4)
    body = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:]


def cmyk_jpeg(width: int, height: int, inverted: tuple[int, int, int, int]) -> bytes:
    """A baseline CMYK JPEG of one colour, given inverted as Adobe stores it (255 is no ink), written by hand.

    Every 8x8 block holds a DC coefficient alone: a quantiser of 1 makes it 8 * (value - 128).
    """
    bits = ""
    previous = [0, 0, 0, 0]
    for _ in range((width // 8) * (height // 8)):
        for c, value in enumerate(inverted):
            level = 8 * (value - 128)
            change, previous[c] = level - previous[c], level
            size = abs(change).bit_length()
            bits += f"{size:04b}" + (f"{change if change > 0 else change + (1 << size) - 1:0{size}b}" if size else "")
            bits += "0"  # end of block, the only AC code
    bits += "1" * (-len(bits) % 8)
    scan = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)).replace(b"\xff", b"\xff\0")

    def segment(marker: int, body: bytes) -> bytes:
        return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body

    dc = bytes([0]) + bytes([0, 0, 0, 12] + [0] * 12) + bytes(range(12))  # sizes 0 to 11, four bits each
    ac = bytes([0x10]) + bytes([1] + [0] * 15) + bytes([0])
    components = b"".join(bytes([c, 0x11, 0]) for c in (1, 2, 3, 4))
    return (
        b"\xff\xd8"
        + segment(0xEE, b"Adobe\0\x64\0\0\0\0\0")
        + segment(0xDB, bytes([0] + [1] * 64))
        + segment(0xC0, bytes([8, *height.to_bytes(2, "big"), *width.to_bytes(2, "big"), 4]) + components)
        + segment(0xC4, dc)
        + segment(0xC4, ac)
        + segment(0xDA, bytes([4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0]))
        + scan
        + b"\xff\xd9"
    )


def encoded(ending: str, pixels: np.ndarray, *options: int) -> bytes:
    ok, data = cv2.imencode(ending, pixels, list(options))
    assert ok
    return data.tobytes()
