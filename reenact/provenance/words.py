"""A verdict in plain words.  What a file says of itself is a stranger's text: it is cut and stripped of controls."""

import datetime
from typing import Any

from reenact.provenance.verify import Verdict
from reenact.targets.consent import KINDS

LONGEST = 300  # characters of one thing that a file says
_PROBLEMS = {
    "assertion.dataHash.mismatch": "the file was changed after it was signed",
    "assertion.bmffHash.mismatch": "picture or sound was changed after it was signed",
    "assertion.boxesHash.mismatch": "the file was changed after it was signed",
    "assertion.hashedURI.mismatch": "a statement was changed after it was signed",
    "assertion.missing": "a statement was taken out after it was signed",
    "claimSignature.mismatch": "the signature does not belong to the statements",
    "claimSignature.missing": "the signature was taken out",
    "claimSignature.outsideValidity": "it was signed outside the certificate's time",
    "signingCredential.expired": "the certificate's time is over",
    "signingCredential.invalid": "the certificate may not sign credentials",
    "signingCredential.ocsp.revoked": "the certificate was revoked",
    "claim.hardBindings.missing": "the credentials are not bound to this file: they may have been copied from another",
}


def in_words(verdict: Verdict) -> list[tuple[str, str]]:
    """(what it is about, sentence) from the most important on."""
    lines = [("credentials", _credentials(verdict))]
    if verdict.left:
        lines.append(("", verdict.left))
    said = verdict.credentials.rendering
    if said is not None:
        lines += _rendering(said, claimed=verdict.credentials.state != "valid")
    elif verdict.credentials.generator:
        lines.append(("made with", f"{clean(verdict.credentials.generator)}; nothing is said of a reenactment"))
    lines.append(("watermark", _watermark(verdict)))
    return [*lines, *(("note", remark) for remark in verdict.remarks)]


def clean(value: Any, longest: int = LONGEST) -> str:
    """A stranger's text in one line, without control characters, cut to a length."""
    text = "".join(c if c.isprintable() else " " for c in str(value)[: 2 * longest])
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _credentials(verdict: Verdict) -> str:
    found = verdict.credentials
    name = clean(found.signer or found.organisation or "somebody without a name", 80)
    if found.organisation and found.organisation != found.signer:
        name += f" ({clean(found.organisation, 80)})"
    if found.state == "none":
        return "none: a camera's pictures carry none" if found.place == "camera" else "none: the file is not signed"
    if found.state == "unexamined":
        return f"not looked for: {clean('; '.join(found.problems))}"
    if found.state == "unreadable":
        return f"there are some, but they could not be examined: {clean('; '.join(found.problems))}"
    if found.state == "broken":
        reasons = "; ".join(_PROBLEMS.get(code, clean(code)) for code in found.problems) or "they do not hold"
        by = f" (the signature claims to be from {name})" if found.signer else ""
        return f"BROKEN: {reasons}{by}; what it claims proves nothing"
    place = ", in a file beside this one" if found.place == "beside" else ""
    return f"valid, nothing was changed since it was signed by {name}: {_acquaintance(verdict)}{place}"


def _acquaintance(verdict: Verdict) -> str:
    if verdict.by is not None:
        since = "" if verdict.by.current else ", no longer in use"
        return f"a certificate of this machine{since}, known here"
    if verdict.credentials.trusted:
        return "vouched for by an issuer known here"
    return "nobody known here vouches for who that is"


def _rendering(said: dict[str, Any], *, claimed: bool) -> list[tuple[str, str]]:
    """What the record says; `claimed` where it cannot be relied on."""
    engine = _table(said.get("engine"))
    drawn = _text(said, "label")
    made = [_text(engine, "name"), _text(engine, "version"), _text(said, "command")]
    parts = [" ".join(filter(None, made)), _day(said.get("when")), _label(drawn, _text(said, "label_option"))]
    sentence = ", ".join(filter(None, parts)) or "nothing"
    lines = [("it claims" if claimed else "made with", sentence)]
    for each in _list(said.get("generators")):
        learnt = "learnt from examples" if each.get("trained") is True else "not learnt from examples"
        lines.append(("generator", f"{_text(each, 'name')}, {learnt}{_hash(each)}"))
    for each in _list(said.get("targets")):
        label = f"; visible label {'on' if each.get('label') is True else 'off'}" if drawn == "changed" else ""
        lines.append(("target", f'"{_text(each, "name")}", a {_text(each, "kind")}{_hash(each)}{label}'))
        lines.append(("consent", _consent(_table(each.get("consent")))))
    driver = _table(said.get("driver"))
    if driver:
        lines.append(
            ("driver", f"{_text(driver, 'what')}{_hash(driver)}; shown of it: {_text(driver, 'shown') or '?'}")
        )
    return lines


def _label(drawn: str, asked: str) -> str:
    if drawn == "changed":
        return "visible label on with some targets only"
    if drawn not in ("on", "off"):
        return ""
    return f"visible label {drawn}{' as asked for (--label off)' if drawn == asked == 'off' else ''}"


def _consent(entry: dict[str, Any]) -> str:
    kind = _text(entry, "kind")
    if not kind:
        return "nothing is said"
    words = f'"{_text(entry, "note")}"' if entry.get("note") else "no further words"
    if kind in KINDS and kind != "agreement":
        words = f"{KINDS[kind]}; {words}"
    form = ""
    if entry.get("agreement"):
        form = f"; shown by {_text(entry, 'agreement')}{_hash({'sha256': entry.get('agreement_sha256')})}"
    return f"{kind}: {words}, entered {_text(entry, 'date')} by {_text(entry, 'recorded_by')}{form}"


def _watermark(verdict: Verdict) -> str:
    mark = verdict.mark
    if not mark.found:
        return f"not found: {clean(mark.why)}" if mark.why else f"not found in {_pictures(mark.frames)}"
    by = "this machine's" if verdict.marker is not None else "not known here"
    signer = f", signer {clean(mark.signer, 16)} ({by})" if mark.signer else ""
    mirrored = ["mirrored"] if mark.mirrored else []
    chance = f"by chance at most once in {1 / max(mark.false_alarm, 1e-12):,.0f}"
    where = ", ".join([f"found in {_pictures(mark.frames)}", *mirrored, chance])
    return f"{where}: made with {clean(mark.product, 20)} {clean(mark.version, 20)} on {clean(mark.day, 20)}{signer}"


def _pictures(count: int) -> str:
    return "one picture" if count == 1 else f"{count} pictures"


def _day(value: Any) -> str:
    try:
        return f"on {datetime.datetime.fromisoformat(str(value)).date().isoformat()} by that machine's clock"
    except ValueError:
        return ""


def _hash(table: dict[str, Any]) -> str:
    digest = table.get("sha256")
    return f", SHA-256 {clean(digest, 64)}" if digest else ""


def _text(table: dict[str, Any], key: str) -> str:
    return clean(table.get(key, ""))


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[dict[str, Any]]:
    return [each for each in value[:8] if isinstance(each, dict)] if isinstance(value, list) else []
