"""The last thing that happens to a picture before a sink may have it: the visible label, then the watermark.

Every kind of picture passes here, the target at rest and the slate too.  The label is drawn first, so that the mark
lies over it as over all else.
"""

import datetime

import numpy as np

from reenact.config import FinishConfig
from reenact.provenance.label import Label
from reenact.provenance.watermark import Watermarker
from reenact.provenance.watermark_payload import UNSIGNED, payload_today
from reenact.types import Pixels


class Finish:
    """Labels and marks pictures of one size, in place.

    size    (width, height), pixels
    signer  what the watermark says of who made them: the short id of a certificate, UNSIGNED for nobody's
    day     that the watermark says, today (UTC) unless given
    watermark  whether the pictures are marked; label: what was asked for, one of reenact.config.LABELS
    """

    def __init__(
        self,
        size: tuple[int, int],
        config: FinishConfig | None = None,
        *,
        signer: int = UNSIGNED,
        day: datetime.date | None = None,
    ) -> None:
        config = config or FinishConfig()
        self.watermark, self.label, self.signer = config.watermark, config.label, signer
        self._label = Label(size, config.language)
        self._marker = Watermarker(size, payload_today(signer, day)) if config.watermark else None
        self(np.zeros((size[1], size[0], 3), np.uint8), True)  # compiled before anybody waits for a picture

    def __call__(self, pixels: Pixels, label: bool = False) -> Pixels:
        """(H, W, 3) uint8 BGR, changed and returned; `label`: whether the visible one is drawn."""
        if label:
            self._label.draw(pixels)
        return pixels if self._marker is None else self._marker.mark(pixels)
