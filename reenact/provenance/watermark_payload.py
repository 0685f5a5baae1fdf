"""What the watermark says: 64 bits, see reenact.provenance.watermark for how they are carried."""

import datetime
from dataclasses import dataclass

from reenact.errors import InputError
from reenact.version import __version__

PRODUCT = 1  # of reenact; the other numbers are free
PRODUCT_BITS, MAJOR_BITS, MINOR_BITS, DAY_BITS, SIGNER_BITS = 4, 5, 7, 16, 32
BITS = PRODUCT_BITS + MAJOR_BITS + MINOR_BITS + DAY_BITS + SIGNER_BITS
FIRST_DAY = datetime.date(2020, 1, 1)
UNSIGNED = 0


@dataclass(frozen=True, slots=True)
class Payload:
    """Who made a picture, and when.

    product  1 to 15, PRODUCT for reenact
    version  (major, minor) of the product, up to (31, 127)
    day      of making, FIRST_DAY to 65,535 days later (year 2199)
    signer   the first SIGNER_BITS bits of the SHA-256 of the signing certificate (DER); UNSIGNED for none
    Raises InputError for what does not fit.
    """

    product: int
    version: tuple[int, int]
    day: datetime.date
    signer: int = UNSIGNED

    def __post_init__(self) -> None:
        days = (self.day - FIRST_DAY).days
        for name, value, lowest, bits in (
            ("product", self.product, 1, PRODUCT_BITS),
            ("major version", self.version[0], 0, MAJOR_BITS),
            ("minor version", self.version[1], 0, MINOR_BITS),
            (f"number of days since {FIRST_DAY}", days, 0, DAY_BITS),
            ("signer", self.signer, 0, SIGNER_BITS),
        ):
            if not lowest <= value < 1 << bits:
                raise InputError(f"the watermark's {name} is {value}: expected {lowest} to {(1 << bits) - 1}")

    def pack(self) -> int:
        """The 64 bits, product first."""
        packed = 0
        for value, bits in (
            (self.product, PRODUCT_BITS),
            (self.version[0], MAJOR_BITS),
            (self.version[1], MINOR_BITS),
            ((self.day - FIRST_DAY).days, DAY_BITS),
            (self.signer, SIGNER_BITS),
        ):
            packed = packed << bits | value
        return packed

    @staticmethod
    def unpack(packed: int) -> "Payload":
        """The payload of 64 bits; InputError for bits that no payload has."""
        fields = []
        for bits in (SIGNER_BITS, DAY_BITS, MINOR_BITS, MAJOR_BITS, PRODUCT_BITS):
            fields.append(packed & (1 << bits) - 1)
            packed >>= bits
        signer, days, minor, major, product = fields
        return Payload(product, (major, minor), FIRST_DAY + datetime.timedelta(days), signer)


def payload_today(signer: int = UNSIGNED, day: datetime.date | None = None) -> Payload:
    """What this version of reenact writes today (UTC)."""
    major, minor = (int(part) for part in __version__.split(".")[:2])
    return Payload(PRODUCT, (major, minor), day or datetime.datetime.now(datetime.UTC).date(), signer)
