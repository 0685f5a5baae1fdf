"""What pictures say by their watermark, as JSON values: it passes from the examining process to the asking one."""

from collections.abc import Iterable, Iterator
from typing import Any

from reenact.types import Pixels


def look_for(frames: Iterable[Pixels]) -> dict[str, Any]:
    """The fields of a reenact.provenance.verify.Mark for pictures of one video, or for one picture."""
    from reenact.provenance.watermark_payload import PRODUCT, SIGNER_BITS, UNSIGNED
    from reenact.provenance.watermark_search import find_watermark

    looked = 0

    def counted() -> Iterator[Pixels]:
        nonlocal looked
        for pixels in frames:
            looked += 1
            yield pixels

    found = find_watermark(counted())
    if found is None:
        return {"found": False, "frames": looked}
    payload = found.payload
    return {
        "found": True,
        "false_alarm": found.false_alarm,
        "frames": found.frames,
        "product": "reenact" if payload.product == PRODUCT else f"product {payload.product}",
        "version": f"{payload.version[0]}.{payload.version[1]}",
        "day": payload.day.isoformat(),
        "signer": "" if payload.signer == UNSIGNED else f"{payload.signer:0{SIGNER_BITS // 4}x}",
        "mirrored": found.mirrored,
    }
