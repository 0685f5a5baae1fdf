"""Keys: readable by their owner alone, made once, replaced without a gap, and refused where others could use them."""

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from signed import signed

from reenact.cli import main
from reenact.doctor import CHECKS, Finding, State, examine, parts
from reenact.errors import InputError, SinkError
from reenact.provenance import identity as home_of
from reenact.provenance.certificate import make_certificate
from reenact.provenance.identity import (
    create_identity,
    ensure_identity,
    identity_folder,
    import_identity,
    known_certificates,
    load_identity,
)
from reenact.provenance.reading import read_credentials

posix = pytest.mark.skipif(os.name != "posix", reason="modes of files")
NOW = datetime.now(UTC)
PEM = serialization.Encoding.PEM


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REENACT_HOME", str(tmp_path / "home"))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@posix
def test_the_key_is_its_owner_s_alone_whatever_the_umask() -> None:
    before = os.umask(0)
    try:
        create_identity("Ada")
    finally:
        os.umask(before)
    assert mode(identity_folder()) == 0o700
    assert mode(identity_folder() / "key.pem") == 0o600
    assert sorted(p.name for p in identity_folder().parent.iterdir()) == ["identity"]


@posix
@pytest.mark.parametrize("loose", [0o604, 0o640, 0o644, 0o660, 0o666])
def test_a_key_that_others_can_read_signs_nothing(loose: int) -> None:
    create_identity("Ada")
    key = identity_folder() / "key.pem"
    key.chmod(loose)
    with pytest.raises(InputError, match=rf"can be read by others \(mode 0{loose:o}\).*chmod 600") as caught:
        load_identity()
    assert "\n" not in str(caught.value)
    key.chmod(0o400)
    assert load_identity() is not None


@posix
def test_a_folder_in_which_others_can_put_a_key_signs_nothing() -> None:
    create_identity("Ada")
    identity_folder().chmod(0o770)
    with pytest.raises(InputError, match=r"can be changed by others.*chmod 700"):
        load_identity()


def test_first_use_makes_one_that_names_nobody_and_then_keeps_it() -> None:
    assert load_identity() is None
    first, new = ensure_identity()
    again, newer = ensure_identity()
    assert (new, newer) == (True, False)
    assert (first.name, first.fingerprint, first.key) == ("reenact user", again.fingerprint, again.key)
    assert first.short_id == int(first.fingerprint[:8], 16)
    assert b"PRIVATE" not in first.chain
    assert "PRIVATE" not in repr(first)


def test_the_name_is_the_user_s() -> None:
    made = create_identity("Ada Löve", "Übungen e. V.")
    assert (made.name, made.organisation, made.algorithm) == ("Ada Löve", "Übungen e. V.", "es256")
    assert load_identity() == made
    for name in ("", "  ", "x" * 65, "a\nb", "\x1b[31m"):
        with pytest.raises(InputError, match="expected 1 to 64 printable"):
            create_identity(name, replace=True)
    assert load_identity() == made


def test_the_issuer_s_key_is_forgotten_and_the_certificate_is_what_c2pa_asks_for() -> None:
    key, chain = make_certificate("Ada", "Home", NOW)
    leaf, issuer = x509.load_pem_x509_certificates(chain)
    assert key.count(b"PRIVATE KEY-----") == 2  # one key: its beginning and its end
    assert serialization.load_pem_private_key(key, None).public_key() == leaf.public_key() != issuer.public_key()
    leaf.verify_directly_issued_by(issuer)
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_cert_sign) == (True, False)
    extended = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(extended) == [ExtendedKeyUsageOID.EMAIL_PROTECTION]
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_one_is_replaced_only_when_asked_and_what_it_signed_stays_known(tmp_path: Path) -> None:
    first = create_identity("Ada")
    with pytest.raises(InputError, match="already: keep it, or replace it with --force"):
        create_identity("Bea")
    file = signed(tmp_path / "a.png")
    second = create_identity("Bea", replace=True)
    third = create_identity("Cleo", replace=True)
    assert load_identity() == third
    known = known_certificates()
    assert known[0].name == "Cleo"
    assert {k.fingerprint for k in known} == {i.fingerprint for i in (first, second, third)}
    assert [k.current for k in known] == [True, False, False]
    assert not any(first.key in p.read_bytes() for p in identity_folder().rglob("*.pem"))
    found = read_credentials(file, "".join(k.issuers for k in known))
    assert (found.state, found.trusted, found.serial) == ("valid", True, first.serial)


def test_a_failure_leaves_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    before = create_identity("Ada")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(home_of, "_write", full)
    with pytest.raises(SinkError, match="No space left"):
        create_identity("Bea", replace=True)
    assert [p.name for p in identity_folder().parent.iterdir()] == ["identity"]
    assert load_identity() == before


def test_a_rename_that_fails_brings_the_old_one_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = create_identity("Ada")
    rename = Path.rename

    def broken(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", broken)
    with pytest.raises(SinkError, match="Input/output error"):
        create_identity("Bea", replace=True)
    assert load_identity() == before


def test_of_two_processes_at_their_first_use_one_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other makes its identity after this one has looked and before it puts its own in place."""
    check = home_of._check_free
    others = []

    def overtaken(replace: bool) -> None:
        check(replace)
        monkeypatch.setattr(home_of, "_check_free", check)
        others.append(create_identity("the other"))

    monkeypatch.setattr(home_of, "_check_free", overtaken)
    assert ensure_identity() == (others[0], True)
    assert load_identity() == others[0]


def own(
    tmp_path: Path,
    key: "ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None" = None,
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.EMAIL_PROTECTION,
    issuer: bool = True,
    days: int = 300,
) -> tuple[Path, Path]:
    """(key, certificate) as an issuer gives them out."""
    root = ec.generate_private_key(ec.SECP384R1())
    key = key or ec.generate_private_key(ec.SECP384R1())

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def certificate(subject: str, public, ca: bool) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("Issuer"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(400))
            .not_valid_after(NOW + timedelta(days))
            .add_extension(x509.BasicConstraints(ca, 0 if ca else None), True)
            .add_extension(x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()), False)
        )
        if not ca:
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), False)
        return builder.sign(root, hashes.SHA384())

    chain = certificate("Bea", key.public_key(), False).public_bytes(PEM)
    if issuer:
        chain += certificate("Issuer", root.public_key(), True).public_bytes(PEM)
    (tmp_path / "own.pem").write_bytes(
        key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (tmp_path / "chain.pem").write_bytes(chain)
    return tmp_path / "own.pem", tmp_path / "chain.pem"


@pytest.mark.parametrize("kind", ["es384", "ps256"])
def test_the_user_s_own_certificate_signs(tmp_path: Path, kind: str) -> None:
    key = rsa.generate_private_key(65537, 2048) if kind == "ps256" else None
    imported = import_identity(*own(tmp_path, key))
    assert (imported.name, imported.algorithm) == ("Bea", kind)
    file = signed(tmp_path / "a.png")
    found = read_credentials(file, "".join(k.issuers for k in known_certificates()))
    assert (found.state, found.trusted, found.signer) == ("valid", True, "Bea")
    if os.name == "posix":
        assert mode(identity_folder() / "key.pem") == 0o600


def test_what_cannot_sign_is_not_taken(tmp_path: Path) -> None:
    key, chain = own(tmp_path)
    (tmp_path / "other").mkdir()
    other, _ = own(tmp_path / "other")
    locked = tmp_path / "locked.pem"
    secret = serialization.load_pem_private_key(key.read_bytes(), None)
    locked.write_bytes(
        secret.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x"))
    )
    small = tmp_path / "small.pem"
    weak = ec.generate_private_key(ec.SECP192R1())
    small.write_bytes(weak.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    cases = [
        (other, chain, "does not belong to the certificate of Bea"),
        (locked, chain, "locked with a passphrase: unlock a copy with `openssl"),
        (chain, chain, "holds no private key"),
        (key, key, "holds no certificate"),
        (small, chain, "does not belong"),
        (tmp_path / "none.pem", chain, "cannot be read"),
        (key, tmp_path, "cannot be read"),
    ]
    for this, that, sentence in cases:
        with pytest.raises(InputError, match=sentence) as caught:
            import_identity(this, that)
        assert "\n" not in str(caught.value)
    assert load_identity() is None
    assert not identity_folder().exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"purpose": ExtendedKeyUsageOID.SERVER_AUTH}, "certificate of 'Bea' cannot sign credentials"),
        ({"issuer": False}, "lacks the certificate of the issuer, CN=Issuer: append it"),
        ({"days": -5}, "certificate of 'Bea' cannot sign credentials"),
    ],
)
def test_a_trial_signature_finds_what_a_certificate_lacks(tmp_path: Path, changes: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        import_identity(*own(tmp_path, **changes))
    assert load_identity() is None


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["identity"]) == 0
    assert "no identity yet" in capsys.readouterr().out
    assert main(["identity", "create", "--name", "Ada", "--organisation", "Home"]) == 0
    made = load_identity()
    assert made is not None
    assert main(["identity", "show"]) == 0
    shown = capsys.readouterr().out
    for words in ("Ada", "Home", made.fingerprint, f"{made.short_id:08x}", "reenact verify --trust"):
        assert words in shown
    assert main(["identity", "create"]) == 2
    assert "--force" in capsys.readouterr().err
    key, chain = own(tmp_path)
    assert main(["identity", "import", "--key", str(key), "--certificate", str(chain), "--force"]) == 0
    assert "Bea" in capsys.readouterr().out
    assert load_identity().name == "Bea"  # type: ignore[union-attr]


@posix
def test_the_doctor_tries_to_sign_and_makes_no_identity_for_that() -> None:
    found = parts.signing()[0]
    assert (found.state, "one is made with the first file" in found.seen) == (State.OK, True)
    assert load_identity() is None
    create_identity("Ada")
    assert parts.signing()[0].seen.endswith("signs as Ada")
    (identity_folder() / "key.pem").chmod(0o644)
    told = _examined("signing")[0]
    assert (told.state, told.step[:9]) == (State.MISSING, "chmod 600")


def _examined(part: str) -> list[Finding]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reenact.doctor.CHECKS", {part: CHECKS[part]})
        return list(examine())
