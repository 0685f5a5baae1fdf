"""Who signs: a key and a certificate, kept for this user on this machine alone.

    identity/               readable by its owner only (mode 0700)
      key.pem               the private key (mode 0600); it never leaves this folder
      certificate.pem       the certificate and its issuer's
      former/*.pem          certificates used before, so that what they signed is still known here

The folder is in the data folder, see reenact.home.
"""

import contextlib
import datetime
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from reenact.errors import InputError, SinkError
from reenact.home import home
from reenact.provenance import certificate as certificates

KEY, CERTIFICATE, FORMER = "key.pem", "certificate.pem", "former"
NAME, ORGANISATION = "reenact user", "made on this machine"  # of a certificate nobody chose a name for: no login name
_MODES = os.name == "posix"


@dataclass(frozen=True, slots=True)
class Identity:
    """What signs.

    name, organisation   as in the certificate
    serial               the certificate's serial number, decimal, as readers of credentials show it
    fingerprint          SHA-256 of the certificate (DER), hexadecimal
    ends                 last moment of the certificate
    algorithm            es256, es384, es512, ps256 or ed25519
    key, chain           PEM; the chain begins with the certificate
    """

    name: str
    organisation: str
    serial: str
    fingerprint: str
    ends: datetime.datetime
    algorithm: str
    chain: bytes = field(repr=False)
    key: bytes = field(repr=False)

    @property
    def short_id(self) -> int:
        """The first 32 bits of the fingerprint: what fits into a watermark."""
        return int(self.fingerprint[:8], 16)


@dataclass(frozen=True, slots=True)
class Known:
    """A certificate that signed, or signs, on this machine: no key.

    issuers  PEM: what vouches for it, the certificate itself where it is its own issuer
    current  whether it is the one that signs now
    """

    name: str
    serial: str
    fingerprint: str
    issuers: str
    current: bool


def identity_folder() -> Path:
    return home() / "identity"


def load_identity() -> Identity | None:
    """The identity of this machine's user, None where none was made yet.

    Raises InputError for a key that others can read or replace, and for files that cannot be used.
    """
    folder = identity_folder()
    if not (folder / KEY).exists() and not (folder / CERTIFICATE).exists():
        return None
    return _identity(_read_key(folder), read_small(folder / CERTIFICATE), str(folder / KEY), str(folder / CERTIFICATE))


def ensure_identity(now: datetime.datetime | None = None) -> tuple[Identity, bool]:
    """The identity, made now where there was none; and whether it was made now.  Raises InputError, SinkError."""
    found = load_identity()
    return (found, False) if found is not None else (create_identity(now=now), True)


def create_identity(
    name: str = NAME, organisation: str = ORGANISATION, *, replace: bool = False, now: datetime.datetime | None = None
) -> Identity:
    """Makes a key and a certificate and keeps them.  InputError where there are some already, unless `replace`."""
    name = certificates.check_subject("the name", name)
    organisation = certificates.check_subject("the organisation", organisation)
    _check_free(replace)
    key, chain = certificates.make_certificate(name, organisation, now or datetime.datetime.now(datetime.UTC))
    return _keep(key, chain, replace)


def passing_identity(now: datetime.datetime | None = None) -> Identity:
    """An identity that is kept nowhere: for a trial."""
    key, chain = certificates.make_certificate(NAME, ORGANISATION, now or datetime.datetime.now(datetime.UTC))
    return _identity(key, chain, "in memory", "in memory")


def import_identity(key: Path, certificate: Path, *, replace: bool = False) -> Identity:
    """Takes the user's own key and certificate (PEM, the chain from the certificate up); both are copied.

    Raises InputError where they do not fit together, or where a trial signature shows that they cannot be used.
    """
    from reenact.provenance.credentials import try_out

    _check_free(replace)
    key_pem, chain = read_small(key), read_small(certificate)
    certificates.check_complete(certificates.read_chain(chain, str(certificate)), str(certificate))
    try_out(_identity(key_pem, chain, str(key), str(certificate)))
    return _keep(key_pem, chain, replace)


def known_certificates() -> list[Known]:
    """The certificates of this machine, the present one first; those that cannot be read are left out."""
    folder = identity_folder()
    found = []
    for path in [folder / CERTIFICATE, *sorted((folder / FORMER).glob("*.pem"))]:
        with contextlib.suppress(InputError):
            found.append(_known(read_small(path), path, path.name == CERTIFICATE))
    return found


def _known(chain: bytes, path: Path, current: bool) -> Known:
    from cryptography.hazmat.primitives import hashes, serialization

    leaf, *issuers = certificates.read_chain(chain, str(path))
    pem = "".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in issuers or [leaf])
    name = certificates.subject_of(leaf)[0]
    return Known(name, str(leaf.serial_number), leaf.fingerprint(hashes.SHA256()).hex(), pem, current)


def _identity(key: bytes, chain: bytes, key_place: str, chain_place: str) -> Identity:
    from cryptography.hazmat.primitives import hashes

    leaf = certificates.read_chain(chain, chain_place)[0]
    algorithm = certificates.algorithm_of(key, leaf, key_place)
    name, organisation = certificates.subject_of(leaf)
    fingerprint = leaf.fingerprint(hashes.SHA256()).hex()
    return Identity(
        name, organisation, str(leaf.serial_number), fingerprint, leaf.not_valid_after_utc, algorithm, chain, key
    )


def _check_free(replace: bool) -> None:
    folder = identity_folder()
    if not replace and ((folder / KEY).exists() or (folder / CERTIFICATE).exists()):
        raise InputError(f"there is an identity in {folder} already: keep it, or replace it with --force")


def read_small(path: Path) -> bytes:
    """A PEM file's content; InputError where it cannot be read or is too large to be one."""
    try:
        if path.stat().st_size > 1_000_000:
            raise InputError(f"{path} has {path.stat().st_size} bytes: expected a PEM file of a few kilobytes")
        return path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"{path} cannot be read ({reason}): expected a PEM file") from None


def _read_key(folder: Path) -> bytes:
    """The private key; InputError where anybody else could read it or put another in its place."""
    path = folder / KEY
    try:
        with path.open("rb") as file:
            if _MODES:
                _check_mode(path, os.fstat(file.fileno()), 0o077, "read", "600")
                _check_mode(folder, folder.stat(), 0o022, "changed", "700")
            return file.read(1_000_000)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"the signing key {path} cannot be read ({reason}): make another with --force") from None


def _check_mode(path: Path, status: os.stat_result, forbidden: int, may: str, right: str) -> None:
    mode = stat.S_IMODE(status.st_mode)
    if mode & forbidden:
        raise InputError(f"{path} can be {may} by others (mode {mode:04o}), so nothing is signed: chmod {right} {path}")
    if status.st_uid not in (os.geteuid(), 0):
        raise InputError(f"{path} belongs to another user, so nothing is signed: make an identity of your own")


def _keep(key: bytes, chain: bytes, replace: bool) -> Identity:
    """Puts both into the folder, all or nothing; with `replace` the former certificate is kept, its key is not."""
    place = identity_folder()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".identity-", dir=place.parent) as temporary:
            new = Path(temporary) / "new"
            new.mkdir(mode=0o700)
            (new / FORMER).mkdir(mode=0o700)
            _write(new / KEY, key, 0o600)
            _write(new / CERTIFICATE, chain, 0o644)
            _keep_former(place, new / FORMER)
            _put(new, place, Path(temporary) / "old", replace)
    except OSError as error:
        raise SinkError(f"the identity cannot be written to {place}: {error.strerror or error}") from None
    found = load_identity()
    if found is None:
        raise SinkError(f"the identity cannot be written to {place}: try again")
    return found


def _put(new: Path, place: Path, aside: Path, replace: bool) -> None:
    if (place / KEY).exists() and not replace:
        return  # another process made one a moment ago: that one holds
    if place.exists():
        place.rename(aside)
    try:
        new.rename(place)
    except OSError:
        if aside.exists():
            aside.rename(place)
            raise
        if not (place / KEY).exists():
            raise


def _keep_former(place: Path, former: Path) -> None:
    for path in (place / FORMER).glob("*.pem"):
        shutil.copyfile(path, former / path.name)
    with contextlib.suppress(InputError):
        chain = read_small(place / CERTIFICATE)
        known = _known(chain, place / CERTIFICATE, False)
        _write(former / f"{known.fingerprint[:16]}.pem", chain, 0o644)


def _write(path: Path, data: bytes, mode: int) -> None:
    """A new file that is never, not even for a moment, more open than `mode`."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
