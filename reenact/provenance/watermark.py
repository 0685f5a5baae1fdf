"""The watermark: 64 bits in the luma of every output picture.

    Payload --code--> 576 signs --waves of a tile--> pattern --weighted by contrast--> picture
    picture --normalise--> spectrum --pilot waves--> scale and place --signs--> Payload

The same pattern goes into every picture of a run: it does not flicker, an encoder codes it once, and it adds up over
pictures of one video, while what the pictures themselves show does not.  docs/watermark.md has the figures.
"""

import numpy as np

from reenact.config import WatermarkConfig
from reenact.provenance.watermark_code import encode
from reenact.provenance.watermark_kernel import BENDS, UNIT, add_tile
from reenact.provenance.watermark_payload import Payload
from reenact.provenance.watermark_tile import tile, tile_side
from reenact.types import Pixels, check_pixels

_UNIT = 32  # strength is counted in 1/32 grey levels
# Grey levels: in smooth places, and where a picture is busiest.  Rounded to whole ones 1.9 is 42.4 dB all over.
_WEAKEST, _STRONGEST = 0.6, 1.9
_SMOOTH, _GAIN = 1.0, 1.2  # grey levels: of the mean bend up to which a place is smooth; for each one more


class Watermarker:
    """Marks pictures of one size.

    size     (width, height), pixels
    payload  what the mark says, see payload_today
    Nothing is allocated per picture.  Below about 128 pixels each way it is marked, but cannot be read.
    """

    def __init__(self, size: tuple[int, int], payload: Payload, config: WatermarkConfig | None = None) -> None:
        self.size, self.payload = size, payload
        strength = (config or WatermarkConfig()).strength
        side = tile_side(size)
        waves = np.clip(np.rint(UNIT * tile(side, encode(payload.pack(), side))), -127, 127)
        self._tile = np.ascontiguousarray(np.repeat(waves.astype(np.int8), 3, axis=1))
        self._weakest, self._strongest = (round(_UNIT * strength * value) for value in (_WEAKEST, _STRONGEST))
        self._smooth, self._gain = round(BENDS * _SMOOTH), round(256 * _UNIT * strength * _GAIN / BENDS)

    def mark(self, pixels: Pixels, out: Pixels | None = None) -> Pixels:
        """Marks (H, W, 3) uint8 BGR, in place unless `out`, of the same shape, takes the result; returns it.

        Raises TypeError or ValueError for pixels of another type or size.
        """
        check_pixels("pixels", pixels)
        if pixels.shape[:2] != self.size[::-1]:
            height, width = pixels.shape[:2]
            raise ValueError(f"pixels are {width}x{height}, expected {self.size[0]}x{self.size[1]}")
        if out is None:
            out = pixels
        else:
            check_pixels("out", out)
            np.copyto(out, pixels, casting="no")
        height, width = self.size[::-1]
        add_tile(out.reshape(height, 3 * width), self._tile, self._weakest, self._strongest, self._smooth, self._gain)
        return out
