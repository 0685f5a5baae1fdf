"""Who agreed to be shown: the entry without which no target is played."""

import datetime
import getpass
from dataclasses import dataclass

from reenact.errors import TargetError

KINDS = {
    "self": "I am the person shown",
    "agreement": "the person shown agreed; say how and when in the note",
    "public-domain": "a work in the public domain: a painting, a statue, an old film",
    "synthetic": "nobody: a drawn, rendered or generated head",
}
LONGEST_NOTE = 2000


@dataclass(frozen=True, slots=True)
class Consent:
    """The consent entry of a target.

    kind         one of KINDS
    note         who agreed, how and to what, in words; must not be empty for "agreement"
    date         ISO date of the entry
    recorded_by  login name of whoever made the entry
    """

    kind: str
    note: str
    date: str
    recorded_by: str

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise TargetError(f"consent is {self.kind!r}: expected one of {', '.join(KINDS)}")
        if len(self.note) > LONGEST_NOTE:
            raise TargetError(f"the consent note has {len(self.note)} characters: shorten it to {LONGEST_NOTE}")
        if self.kind == "agreement" and not self.note.strip():
            raise TargetError(
                'consent "agreement" needs a note that says who agreed, how and when: give it with --note "..."'
            )


def consent_today(kind: str, note: str = "") -> Consent:
    """A consent entry made now by the person at the keyboard."""
    try:
        who = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user without a name
        who = "unknown"
    return Consent(kind, note.strip(), datetime.date.today().isoformat(), who)


def how_to_consent(file: str) -> str:
    """The sentence that tells how to give consent for a file."""
    return f"{file} has no consent entry: say who agreed with --consent {'|'.join(KINDS)} (and --note in words)"
