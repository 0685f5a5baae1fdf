"""Content Credentials (C2PA): signing a finished file, in place, without network.

MP4, MOV, PNG and JPEG carry their manifest inside.  C2PA has no place for one in Matroska: there it lies beside the
file, NAME.c2pa for NAME.mkv, and holds the hash of the whole file.
"""

import contextlib
import hashlib
import io
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reenact.errors import InputError, SinkError
from reenact.provenance.identity import Identity
from reenact.provenance.library import load_c2pa
from reenact.provenance.record import Record, manifest

EMBEDDED = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
}
BESIDE = {".mkv": "video/x-matroska"}
_ROOM = 1 << 16  # bytes that a manifest needs at most, all but never more than a fifth of it
OFFLINE: dict[str, Any] = {  # nothing is fetched, whatever a file asks for; no thumbnails: they would show faces
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    "builder": {"thumbnail": {"enabled": False}},
}


def sidecar(path: Path) -> Path:
    """Where the credentials of a file lie whose format cannot hold them."""
    return path.with_suffix(".c2pa")


def sign_file(path: Path, record: Record, identity: Identity) -> None:
    """Signs a file in place: it is either signed and verified or, when SinkError is raised, as it was.

    Raises SinkError also for a format that cannot be signed.
    """
    place = path.resolve()  # a link stays a link
    ending = place.suffix.lower()
    if not place.is_file():
        raise SinkError(f"{path} cannot be signed: it is not a regular file")
    try:
        if ending in BESIDE:
            _sign_beside(place, record, identity)
        elif ending in EMBEDDED:
            _sign_inside(place, EMBEDDED[ending], record, identity)
        else:
            raise SinkError(f"{path} cannot be signed: credentials have no place in a {ending or 'nameless'} file")
    except OSError as error:
        raise SinkError(f"{path} could not be signed: {(error.strerror or str(error)).lower()}") from None


def _sign_inside(place: Path, media_type: str, record: Record, identity: Identity) -> None:
    size = place.stat().st_size
    free = shutil.disk_usage(place.parent).free
    if free < size + _ROOM:
        raise SinkError(f"{place} could not be signed: it takes {size + _ROOM} bytes for a moment, {free} are free")
    with _replacement(place) as new, place.open("rb") as source, new.open("w+b") as out:
        _sign(manifest(record, place.name), media_type, source, out, identity)
        out.flush()
        os.fsync(out.fileno())
        out.seek(0)
        _check(media_type, out, None)


def _sign_beside(place: Path, record: Record, identity: Identity) -> None:
    with place.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    definition = manifest(record, place.name)
    # the library would copy the whole recording to hash it: it takes a hash as well
    binding = {"alg": "sha256", "hash": list(digest), "name": "the whole file", "pad": []}
    definition["assertions"].insert(0, {"label": "c2pa.hash.data", "data": binding})
    media_type = BESIDE[place.suffix.lower()]
    signed = _sign(definition, media_type, io.BytesIO(b"\0"), io.BytesIO(), identity, embed=False)
    with place.open("rb") as file:
        _check(media_type, file, signed)
    with _replacement(sidecar(place)) as new:
        new.write_bytes(signed)


@contextlib.contextmanager
def _replacement(place: Path) -> Iterator[Path]:
    """A new file beside `place` that takes its place, with its mode, when the block ends well."""
    fd, name = tempfile.mkstemp(prefix=f".{place.name}.", suffix=".signing", dir=place.parent)
    os.close(fd)
    new = Path(name)
    try:
        yield new
        if place.exists():
            new.chmod(stat.S_IMODE(place.stat().st_mode))
        else:
            mask = os.umask(0)
            os.umask(mask)
            new.chmod(0o666 & ~mask)
        new.replace(place)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
        raise


def _sign(
    definition: dict[str, Any], media_type: str, source: Any, out: Any, identity: Identity, *, embed: bool = True
) -> bytes:
    c2pa = load_c2pa()
    try:
        info = c2pa.C2paSignerInfo(identity.algorithm.encode(), identity.chain, identity.key, None)
        with (
            c2pa.Signer.from_info(info) as signer,
            c2pa.Context.from_dict(OFFLINE) as context,
            c2pa.Builder(definition, context=context) as builder,
        ):
            if not embed:
                builder.set_no_embed()
            return bytes(builder.sign(signer, media_type, source, out))
    except c2pa.C2paError as error:
        raise SinkError(f"the file could not be signed: {error}") from None


def _check(media_type: str, file: Any, manifest_data: bytes | None) -> None:
    """Reads a signature back; SinkError unless it holds."""
    from reenact.provenance.reading import judge

    c2pa = load_c2pa()
    try:
        with (
            c2pa.Context.from_dict(OFFLINE) as context,
            c2pa.Reader(media_type, file, manifest_data, context) as reader,
        ):
            found = judge(json.loads(reader.json()))
    except c2pa.C2paError as error:
        raise SinkError(f"the file could not be signed: reading it back failed ({error})") from None
    if found.state != "valid":
        raise SinkError(f"the file could not be signed: reading it back says {', '.join(found.problems)}")


def try_out(identity: Identity) -> None:
    """Signs and reads back a picture of one grey pixel; InputError where that fails, SinkError without the library."""
    import cv2
    import numpy as np

    load_c2pa()
    ok, data = cv2.imencode(".png", np.full((1, 1), 128, np.uint8))
    out = io.BytesIO()
    actions = [{"action": "c2pa.created", "digitalSourceType": "http://c2pa.org/digitalsourcetype/empty"}]
    definition = {
        "claim_generator_info": [{"name": "reenact"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}}],
    }
    try:
        assert ok
        _sign(definition, "image/png", io.BytesIO(data.tobytes()), out, identity)
        out.seek(0)
        _check("image/png", out, None)
    except SinkError as error:
        reason = str(error).removeprefix("the file could not be signed: ")
        raise InputError(
            f"the certificate of {identity.name!r} cannot sign credentials ({reason}): it needs keyUsage "
            "digitalSignature, the extended key usage emailProtection or documentSigning, and both key identifiers"
        ) from None
