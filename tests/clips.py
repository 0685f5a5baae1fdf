"""Short drivers cut from the built-in one."""

from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
from fakes import CANARY

from reenact import assets
from reenact.sources import VideoFile

BASE = Fraction(1, 30)


@cache
def pictures(count: int) -> tuple[np.ndarray, ...]:
    """The first pictures of the built-in driver, (480, 640, 3) uint8 BGR."""
    with VideoFile(assets.DRIVER) as video:
        frames = [video.read() for _ in range(count)]
    return tuple(frame.pixels for frame in frames if frame is not None)


def driver(
    path: Path, count: int = 12, pts: list[int] | None = None, without: range = range(0), sound: Path | None = None
) -> Path:
    """A clip of `count` pictures at the given times (in 1/30 s); those in `without` are the canary, no face.

    sound  a file whose first audio stream is copied into it
    """
    stamps = pts or list(range(count))
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=30, options={"crf": "16"})
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        stream.codec_context.time_base = stream.time_base = BASE
        source = None if sound is None else av.open(str(sound))
        copied = None if source is None else out.add_stream_from_template(source.streams.audio[0])
        for i, picture in enumerate(pictures(count)):
            if i in without:
                picture = np.full_like(picture, CANARY)
            frame = av.VideoFrame.from_ndarray(picture, "bgr24")
            frame.pts, frame.time_base = stamps[i], BASE
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if source is not None:
            for packet in source.demux(source.streams.audio[0]):
                if packet.dts is not None:
                    packet.stream = copied
                    out.mux(packet)
            source.close()
    return path
