"""Who agreed to be shown: the entry without which no target is played."""

import datetime
import getpass
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from reenact.errors import InputError, TargetError

KINDS = {
    "self": "I am the person shown",
    "agreement": "the person shown agreed; say how and when in the note",
    "public-domain": "a work in the public domain: a painting, a statue, an old film",
    "synthetic": "nobody: a drawn, rendered or generated head",
}
LONGEST_NOTE = 2000
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Consent:
    """The consent entry of a target.

    kind         one of KINDS
    note         who agreed, how and to what, in words; must not be empty for "agreement"
    date         ISO date of the entry
    recorded_by  login name of whoever made the entry
    agreement    name of the file that holds the agreement, a signed form or a recording of it; "" for none
    agreement_sha256   its SHA-256, hexadecimal
    """

    kind: str
    note: str
    date: str
    recorded_by: str
    agreement: str = ""
    agreement_sha256: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise TargetError(f"consent is {self.kind!r}: expected one of {', '.join(KINDS)}")
        if len(self.note) > LONGEST_NOTE:
            raise TargetError(f"the consent note has {len(self.note)} characters: shorten it to {LONGEST_NOTE}")
        if self.kind == "agreement" and not self.note.strip():
            raise TargetError(
                'consent "agreement" needs a note that says who agreed, how and when: give it with --note "..."'
            )
        if self.agreement and self.kind != "agreement":
            raise TargetError(f'the agreement {self.agreement} goes with consent "agreement", not {self.kind!r}')
        if bool(self.agreement) != bool(_SHA256.fullmatch(self.agreement_sha256)):
            raise TargetError(f"the agreement {self.agreement!r} has the hash {self.agreement_sha256!r}: no SHA-256")


def consent_today(kind: str, note: str = "", agreement: Path | None = None) -> Consent:
    """A consent entry made now by the person at the keyboard.

    agreement  a file that shows it: a signed form, a mail, a recording; InputError where it cannot be read
    """
    try:
        who = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user without a name
        who = "unknown"
    entry = Consent(kind, note.strip(), datetime.date.today().isoformat(), who)  # refused before a file is hashed
    if agreement is None:
        return entry
    return Consent(kind, entry.note, entry.date, who, agreement.name, _sha256(agreement))


def _sha256(path: Path) -> str:
    try:
        if not path.is_file():
            raise InputError(f"the agreement {path} is not there: expected a signed form or a recording, any file")
        if path.stat().st_size == 0:
            raise InputError(f"the agreement {path} is empty (0 bytes): expected a signed form or a recording")
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(
            f"the agreement {path} cannot be read ({reason}): give yourself the right to read it"
        ) from None


def how_to_consent(file: str) -> str:
    """The sentence that tells how to give consent for a file."""
    return f"{file} has no consent entry: say who agreed with --consent {'|'.join(KINDS)} (and --note in words)"
