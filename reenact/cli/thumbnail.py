"""A target's picture in a terminal: two pixels a character, one above the other."""

from typing import TYPE_CHECKING

import cv2
from rich.style import Style
from rich.text import Text

if TYPE_CHECKING:
    from reenact.targets.bundle import Bundle
    from reenact.types import Pixels

COLUMNS, ROWS = 48, 18  # at most


def thumbnail(bundle: "Bundle") -> Text:
    """The photo, or the video's first frame.  Raises what reading them raises."""
    from reenact.sources import VideoFile
    from reenact.targets.bundle import PICTURE, damaged, read_layer

    if bundle.kind == "photo":
        return half_blocks(read_layer(bundle, PICTURE, 3))
    with VideoFile(bundle.video) as video:
        frame = video.read()
    if frame is None:
        raise damaged(bundle.folder, f"{bundle.video.name} shows nothing")
    return half_blocks(frame.pixels)


def half_blocks(pixels: "Pixels") -> Text:
    """(H, W, 3) uint8 BGR as coloured characters, at most COLUMNS wide and ROWS high."""
    height, width = pixels.shape[:2]
    scale = min(COLUMNS / width, 2 * ROWS / height)
    size = (max(1, round(width * scale)), 2 * max(1, round(height * scale / 2)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    text = Text()
    for upper, lower in zip(small[::2], small[1::2], strict=True):
        for above, below in zip(upper, lower, strict=True):
            text.append("\u2580", Style(color=_colour(above), bgcolor=_colour(below)))
        text.append("\n")
    return text


def _colour(bgr: "Pixels") -> str:
    blue, green, red = (int(v) for v in bgr)
    return f"#{red:02x}{green:02x}{blue:02x}"
