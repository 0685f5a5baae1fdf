"""Whose mark a picture carries: the short id of this user's certificate."""

from reenact.errors import ReenactError
from reenact.provenance.identity import load_identity
from reenact.provenance.watermark_payload import UNSIGNED


def known_signer() -> int:
    """The signer of a watermark made now: UNSIGNED for a user who has no identity, or one that cannot be used."""
    try:
        identity = load_identity()
    except ReenactError:
        return UNSIGNED
    return UNSIGNED if identity is None else identity.short_id
