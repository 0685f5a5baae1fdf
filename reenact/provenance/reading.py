"""Reading Content Credentials: what the C2PA library found, judged and cut down to what is of use here.

A file's credentials are a stranger's data: `read_credentials` belongs into a process of its own, see bounded.py.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from reenact.errors import SinkError
from reenact.provenance.record import LABEL

_BOUND = ("assertion.dataHash.match", "assertion.bmffHash.match", "assertion.boxesHash.match")
_HARMLESS = ("signingCredential.untrusted",)  # no list of trusted signers is shipped
_HEAD = 1 << 22  # bytes searched for the name of a manifest where the library gave up
LARGEST_PICTURE = 500_000_000  # bytes: the library keeps a JPEG or PNG in memory twice


@dataclass(frozen=True, slots=True)
class Credentials:
    """What was found.

    state     "none"; "valid": signed, and not a byte of the picture or its statements was changed since; "broken";
              "unreadable": there is something, but it could not be examined; "unexamined": this machine cannot
    trusted   the signer's certificate is one of those given as known
    signer, organisation, serial   of the certificate that signed last
    generator   the program that signed last, as it calls itself
    rendering   this program's own record (see record.Record.statement), None where there is none
    later       whether another program signed after this one
    problems    codes of C2PA 2.2, 15.2, or the library's own words
    place       "inside", "beside" (a .c2pa file), or "camera", whose pictures carry none
    """

    state: str
    trusted: bool = False
    signer: str = ""
    organisation: str = ""
    serial: str = ""
    generator: str = ""
    rendering: dict[str, Any] | None = None
    later: bool = False
    problems: tuple[str, ...] = field(default=())
    place: str = "inside"

    def to_dict(self) -> dict[str, Any]:
        """JSON values; `from_dict` turns them back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Credentials":
        """The same from JSON values."""
        return cls(**{**data, "problems": tuple(str(p) for p in data.get("problems", ()))})


def judge(report: dict[str, Any], place: str = "inside") -> Credentials:
    """Credentials from the library's report (`Reader.json`).

    Valid is only what is bound to the picture: a manifest without a matching hash of its file proves nothing.
    """
    manifests = report.get("manifests") or {}
    active = manifests.get(report.get("active_manifest")) or {}
    results = (report.get("validation_results") or {}).get("activeManifest") or {}
    passed = {entry.get("code") for entry in results.get("success") or []}
    problems = [str(entry.get("code")) for entry in results.get("failure") or []]
    problems = [code for code in dict.fromkeys(problems) if code not in _HARMLESS]
    state = "valid" if report.get("validation_state") in ("Valid", "Trusted") else "broken"
    if state == "valid" and not passed.intersection(_BOUND):
        state, problems = "broken", [*problems, "claim.hardBindings.missing"]
    if state == "broken" and not problems:
        statuses = [str(entry.get("code")) for entry in report.get("validation_status") or []]
        problems = [code for code in dict.fromkeys(statuses) if code not in _HARMLESS]
    signature = active.get("signature_info") or {}
    info = (active.get("claim_generator_info") or [{}])[0]
    own, later = _rendering(active), False
    if own is None:
        own = next((found for each in manifests.values() if (found := _rendering(each)) is not None), None)
        later = own is not None
    return Credentials(
        state,
        state == "valid" and report.get("validation_state") == "Trusted",
        str(signature.get("common_name") or ""),
        str(signature.get("issuer") or ""),
        str(signature.get("cert_serial_number") or ""),
        f"{info.get('name') or ''} {info.get('version') or ''}".strip(),
        own,
        later,
        tuple(problems),
        place,
    )


def _rendering(manifest: dict[str, Any]) -> dict[str, Any] | None:
    for assertion in manifest.get("assertions") or []:
        if assertion.get("label") == LABEL and isinstance(assertion.get("data"), dict):
            return dict(assertion["data"])
    return None


def read_credentials(path: Path, known: str = "", anchors: str = "") -> Credentials:
    """The credentials of a file, inside it or, where there are none, beside it.

    known, anchors  PEM certificates of issuers: of those who sign here, and of those the user trusts besides
    """
    from reenact.provenance.credentials import BESIDE, OFFLINE, sidecar
    from reenact.provenance.library import load_c2pa

    try:
        c2pa = load_c2pa()
    except SinkError as error:
        return Credentials("unexamined", problems=(str(error),))
    settings = dict(OFFLINE)
    if known or anchors:
        settings["trust"] = {"user_anchors": known + anchors}
    with c2pa.Context.from_dict(settings) as context:
        try:
            if not is_picture(path) or path.stat().st_size <= LARGEST_PICTURE:
                with path.open("rb") as file, c2pa.Reader(None, file, None, context) as reader:
                    return judge(json.loads(reader.json()))
        except c2pa.C2paError as error:
            if names_a_manifest(path):
                return Credentials("broken", problems=(str(error),))
        beside = sidecar(path)
        if beside == path or not beside.is_file():
            return Credentials("none")
        try:
            data = beside.read_bytes()
            with path.open("rb") as file, c2pa.Reader("application/octet-stream", file, data, context) as reader:
                found = judge(json.loads(reader.json()), "beside")
        except c2pa.C2paError as error:
            found = Credentials("broken", problems=(str(error),), place="beside")
        # of call.mp4 and call.mkv only one can be what call.c2pa is about
        return found if found.state == "valid" or path.suffix.lower() in BESIDE else Credentials("none")


def is_picture(path: Path) -> bool:
    """Whether a file begins as a JPEG or PNG does."""
    with path.open("rb") as file:
        head = file.read(8)
    return head[:2] == b"\xff\xd8" or head == b"\x89PNG\r\n\x1a\n"


def names_a_manifest(path: Path) -> bool:
    """Whether the file names a C2PA manifest store: a JUMBF superbox labelled c2pa."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return b"jumd" in head and b"c2pa" in head
