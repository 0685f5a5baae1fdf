"""What a picture says about itself: signed credentials, a watermark, a visible label, and how to read them."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reenact.provenance.watermark import Watermarker
    from reenact.provenance.watermark_payload import SIGNER_BITS, Payload, payload_today
    from reenact.provenance.watermark_search import Found, find_watermark

__all__ = ["SIGNER_BITS", "Found", "Payload", "Watermarker", "find_watermark", "payload_today"]

_HOMES = {
    "SIGNER_BITS": "watermark_payload",
    "Found": "watermark_search",
    "Payload": "watermark_payload",
    "Watermarker": "watermark",
    "find_watermark": "watermark_search",
    "payload_today": "watermark_payload",
}


def __getattr__(name: str) -> Any:
    """Each name is imported when it is first used: importing the package does no work."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'reenact.provenance' has no attribute {name!r}")
    return getattr(importlib.import_module(f"reenact.provenance.{home}"), name)
