"""The watermark: 64 bits in the luma of every output picture."""

from reenact.config import WatermarkConfig
from reenact.provenance.watermark_payload import Payload
from reenact.types import Pixels


class Watermarker:
    """Marks pictures of one size.

    size     (width, height), pixels
    payload  what the mark says, see payload_today
    Nothing is allocated per picture.  Raises InputError for a picture too small to be marked (MIN_SIDE).
    """

    def __init__(self, size: tuple[int, int], payload: Payload, config: WatermarkConfig | None = None) -> None:
        raise NotImplementedError

    def mark(self, pixels: Pixels, out: Pixels | None = None) -> Pixels:
        """Marks (H, W, 3) uint8 BGR, in place unless `out`, of the same shape, takes the result; returns it.

        Raises TypeError or ValueError for pixels of another type or size.
        """
        raise NotImplementedError
