"""What happens to a picture between who made it and who looks at it: coding, scaling, cutting, mirroring."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import av
import cv2
import numpy as np

from reenact.types import Pixels

Frames = list[Pixels]
RATE = 30  # frames/s
_CALL = {"deadline": "realtime", "cpu-used": "6", "error-resilient": "1", "lag-in-frames": "0"}  # as a call sets libvpx
_FIRST_CUT = (37, 61)  # rows, columns: no multiple of anything


@dataclass(frozen=True, slots=True)
class Attack:
    """One way; `on` gives the frames that arrive."""

    name: str
    on: Callable[[Sequence[Pixels]], Frames]


def attacks(size: tuple[int, int]) -> list[Attack]:
    """What pictures of size (width, height) go through: the same for all sizes but for a call's bit rates."""
    pixels = size[0] * size[1]
    calls = (2000, 1000) if pixels > 600_000 else (500,) if pixels > 200_000 else (250,)  # kbit/s
    small = 500 if pixels > 600_000 else 250
    return [
        Attack("none", list),
        Attack("H.264 CRF 23", lambda frames: h264(frames, 23)),
        Attack("H.264 CRF 28", lambda frames: h264(frames, 28)),
        Attack("half size", lambda frames: scaled(frames, 0.5)),
        Attack("cut to 90 %", lambda frames: cut(frames, 0.9)),
        Attack("cut to 50 %", lambda frames: cut(frames, 0.5)),
        *(Attack(f"VP8 {rate} kbit/s", partial(vp8, bits_per_s=1000 * rate)) for rate in calls),
        Attack(f"half size, VP8 {small} kbit/s", lambda frames: vp8(scaled(frames, 0.5), 1000 * small)),
        Attack("half size, H.264 CRF 28", lambda frames: h264(scaled(frames, 0.5), 28)),
        Attack("cut to 90 %, H.264 CRF 28", lambda frames: h264(cut(frames, 0.9), 28)),
        Attack("cut to 50 %, H.264 CRF 28", lambda frames: h264(cut(frames, 0.5), 28)),
        Attack("mirrored, H.264 CRF 28", lambda frames: h264(mirrored(frames), 28)),
        Attack("JPEG quality 50", lambda frames: [jpeg(frame, 50) for frame in frames]),
        Attack("brighter, gamma 1.5", lambda frames: [gamma(frame, 1.5) for frame in frames]),
    ]


def h264(frames: Sequence[Pixels], crf: int) -> Frames:
    """x264, preset medium."""
    return coded(frames, "libx264", {"crf": str(crf), "preset": "medium"}, None)


def vp8(frames: Sequence[Pixels], bits_per_s: int) -> Frames:
    """libvpx as a video call uses it."""
    return coded(frames, "libvpx", _CALL, bits_per_s)


def coded(frames: Sequence[Pixels], codec: str, options: dict[str, str], bits_per_s: int | None) -> Frames:
    """Encoded and decoded again, in memory; an odd width or height loses a column or row."""
    height, width = (length // 2 * 2 for length in frames[0].shape[:2])
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as out:
        stream = out.add_stream(codec, rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        if bits_per_s is not None:
            stream.bit_rate = bits_per_s
        for frame in frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame[:height, :width]), "bgr24")))
        out.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as back:
        return [np.ascontiguousarray(frame.to_ndarray(format="bgr24")) for frame in back.decode(video=0)]


def scaled(frames: Sequence[Pixels], factor: float) -> Frames:
    """At another size, averaged down."""
    return [cv2.resize(frame, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA) for frame in frames]


def cut(frames: Sequence[Pixels], part: float) -> Frames:
    """A part of each side, from somewhere near a corner."""
    height, width = (round(part * length) for length in frames[0].shape[:2])
    rows, columns = (
        min(first, length - left)
        for first, length, left in zip(_FIRST_CUT, frames[0].shape[:2], (height, width), strict=True)
    )
    return [np.ascontiguousarray(frame[rows : rows + height, columns : columns + width]) for frame in frames]


def mirrored(frames: Sequence[Pixels]) -> Frames:
    """Left and right exchanged, as a call shows one's own picture."""
    return [np.ascontiguousarray(frame[:, ::-1]) for frame in frames]


def jpeg(frame: Pixels, quality: int) -> Pixels:
    """A JPEG file and back."""
    _, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def gamma(frame: Pixels, value: float) -> Pixels:
    """Brighter for more than 1."""
    table = 255.0 * (np.arange(256) / 255.0) ** (1.0 / value)
    return np.asarray(cv2.LUT(frame, np.rint(table).astype(np.uint8)), np.uint8)
