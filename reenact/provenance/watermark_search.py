"""Finding the watermark in pictures that were compressed, scaled, cropped or mirrored on their way."""

from collections.abc import Iterable
from dataclasses import dataclass

from reenact.provenance.watermark_payload import Payload
from reenact.types import Pixels


@dataclass(frozen=True, slots=True)
class Found:
    """A watermark that was read.

    payload      what it says; its checksum holds
    false_alarm  upper bound of the probability that pictures without a mark would have given any answer at all
    frames       how many pictures were looked at until it could be read
    scale        size of the picture over that when it was marked: 0.5 for half size
    mirrored     whether left and right are exchanged
    """

    payload: Payload
    false_alarm: float
    frames: int
    scale: float
    mirrored: bool


def find_watermark(frames: Iterable[Pixels]) -> Found | None:
    """Reads the mark from pictures of one video, or from a single one; None where none can be read.

    frames  each (H, W, 3) uint8 BGR, all of one size (another size starts anew); as many are taken as are needed
            for an answer, all of them where there is none.  30 of one scene are plenty
    A second or so for the pictures that answer at once, some seconds for those that do not.
    Raises TypeError or ValueError for what is no picture.
    """
    raise NotImplementedError
