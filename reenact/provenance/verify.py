"""What a picture or video says about itself: its credentials, its watermark, and what follows from both.

Files are examined in a process of their own (bounded.py); no list of trusted signers is shipped and nothing is asked of
the network, so that a signer is either known here, vouched for by an issuer the user names, or nobody's acquaintance.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reenact.config import VerifyConfig
from reenact.errors import InputError, SourceError
from reenact.provenance.bounded import Bounded, Gave
from reenact.provenance.identity import Known, known_certificates
from reenact.provenance.pending import left
from reenact.provenance.reading import Credentials, names_a_manifest

if TYPE_CHECKING:
    from reenact.stages import Source
    from reenact.types import Pixels

FOUND, NOTHING, BROKEN = 0, 4, 5  # exit statuses


@dataclass(frozen=True, slots=True)
class Mark:
    """A watermark, or why there is none.

    false_alarm  upper bound of the probability that pictures without a mark would have given any answer
    frames       pictures looked at
    product, version, day, signer   what it says; the day as ISO date, the signer's short id in hexadecimal, "" for none
    mirrored     whether left and right are exchanged
    why          a sentence where it could not be looked for
    """

    found: bool
    false_alarm: float = 1.0
    frames: int = 0
    product: str = ""
    version: str = ""
    day: str = ""
    signer: str = ""
    mirrored: bool = False
    why: str = ""

    @property
    def confidence(self) -> float:
        """0..1: how sure it is that this is no chance."""
        return 1.0 - self.false_alarm if self.found else 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found in `what` (a file's or a camera's name).

    by      the certificate of this machine that signed, if one did
    marker  the certificate of this machine whose short id the watermark carries, if one does
    left    a sentence about a file whose recording was not brought to its end
    """

    what: str
    credentials: Credentials
    mark: Mark
    by: Known | None = None
    marker: Known | None = None
    left: str = ""
    remarks: tuple[str, ...] = field(default=())

    @property
    def status(self) -> int:
        """0 found and valid, 4 nothing found, 5 found but broken."""
        if self.credentials.state in ("broken", "unreadable"):
            return BROKEN
        return FOUND if self.credentials.state == "valid" or self.mark.found else NOTHING

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "what": self.what,
            "status": self.status,
            "verdict": {FOUND: "valid", NOTHING: "nothing found", BROKEN: "broken"}[self.status],
            "credentials": {**self.credentials.to_dict(), "known_here": self.by is not None},
            "watermark": {
                **asdict(self.mark),
                "confidence": self.mark.confidence,
                "known_here": self.marker is not None,
            },
            "unfinished": self.left,
            "remarks": list(self.remarks),
        }


def verify_file(
    path: Path, name: str = "", anchors: str = "", config: VerifyConfig | None = None, bounded: Bounded | None = None
) -> Verdict:
    """Examines a picture or video file.

    name     what to call it, the path unless given
    anchors  PEM certificates of issuers whom the user trusts
    bounded  the process to examine it with, one of its own unless given
    Raises SourceError for a file that cannot be read and for one that neither carries credentials nor is a picture or
    video.
    """
    config = config or VerifyConfig()
    _check_there(path)
    if bounded is None:
        with Bounded(config) as own:
            return verify_file(path, name, anchors, config, own)
    known = known_certificates()
    issuers = "".join(each.issuers for each in known)
    try:
        found = Credentials.from_dict(bounded.ask("credentials", path, known=issuers, anchors=anchors))
    except Gave as error:
        state = "unreadable" if names_a_manifest(path) else "none"
        found = Credentials(state, problems=(str(error),))
    try:
        mark = Mark(**bounded.ask("watermark", path, frames=config.frames))
    except Gave as error:
        if found.state == "none":
            raise SourceError(str(error) if str(path) in str(error) else f"{name or path}: {error}") from None
        mark = Mark(False, why=f"the pictures could not be looked at: {error}")
    unfinished = left(path)
    return _verdict(name or str(path), found, mark, known, "" if unfinished is None else unfinished.sentence)


def verify_camera(source: "Source", name: str, config: VerifyConfig | None = None) -> Verdict:
    """Looks for a watermark in what a camera shows just now; a camera's pictures carry no credentials."""
    from reenact.provenance.marks import look_for

    config = config or VerifyConfig()
    mark = Mark(**look_for(_pictures(source, config.frames)))
    return _verdict(name, Credentials("none", place="camera"), mark, known_certificates(), "")


def _pictures(source: "Source", count: int) -> "Iterable[Pixels]":
    for _ in range(count):
        frame = source.read()
        if frame is None:
            return
        yield frame.pixels


def _check_there(path: Path) -> None:
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder: give a picture or video file")
        if path.suffix.lower() == ".c2pa" and path.is_file():
            raise InputError(f"{path} holds credentials: give the file that it lies beside")
        with path.open("rb") as file:
            if path.is_file() and not file.read(1):
                raise SourceError(f"{path} is empty (0 bytes): give a picture or video file")
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({(error.strerror or str(error)).lower()})") from None
    if not path.is_file():
        raise InputError(f"{path} is not a regular file: give a picture or video file, a camera, or - for stdin")


def _verdict(what: str, found: Credentials, mark: Mark, known: list[Known], unfinished: str) -> Verdict:
    by = next((each for each in known if found.trusted and each.serial == found.serial), None)
    marker = next((each for each in known if mark.found and mark.signer and _same(each, mark.signer)), None)
    remarks = tuple(_remarks(found, mark, bool(unfinished)))
    return Verdict(what, found, mark, by, marker, unfinished, remarks)


def _same(known: Known, signer: str) -> bool:
    return known.fingerprint.startswith(signer)


def _remarks(found: Credentials, mark: Mark, unfinished: bool) -> Iterable[str]:
    """What credentials and watermark say of each other."""
    said = found.rendering if found.state == "valid" and found.rendering is not None else {}
    if said.get("watermark") is True and not mark.found:
        yield "the credentials speak of a watermark that was not found: the pictures were scaled or encoded anew before"
    signer = said.get("signer")
    if mark.found and isinstance(signer, str) and signer and mark.signer and signer != mark.signer:
        yield f"the watermark names another signer ({mark.signer}) than the credentials ({signer})"
    if mark.found and found.state == "none" and found.place != "camera" and not unfinished:
        yield "no credentials, but the watermark: the file was converted or recorded elsewhere, or could not be signed"
