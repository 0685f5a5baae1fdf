"""What the user is told about signatures while files are written."""

from typing import TYPE_CHECKING

from reenact.cli.console import tell

if TYPE_CHECKING:
    from reenact.provenance.signing import Signed


def tell_signed(signed: "Signed") -> None:
    """Whose credentials a file carries, or why none; and, the first time, that an identity was made."""
    if signed.first:
        tell(
            "a certificate was made to sign what is rendered here, without a name; "
            'choose yours with: reenact identity create --name "..." --force'
        )
    tell(signed.sentence)


def tell_left() -> None:
    """Files whose writing was cut off the last time, once."""
    from reenact.provenance import pending

    for entry in pending.tell_left():
        tell(entry.sentence)
