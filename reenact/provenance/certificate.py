"""Certificates for Content Credentials: made here, or the user's own, checked.

What a signing certificate must have is in the C2PA specification 2.2, section 14.5.1: keyUsage digitalSignature, an
extended key usage (emailProtection is one), subject and authority key identifiers, and it must not be its own issuer.
"""

import datetime
import unicodedata
from typing import TYPE_CHECKING

from reenact.errors import InputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
    from cryptography.x509 import Certificate, CertificateBuilder, Name

LONGEST_NAME = 64  # X.520: upper bound of a common name
VALID_DAYS = 20 * 365  # no time stamp authority is asked, so a signature is worth nothing after its certificate's end


def check_subject(what: str, text: str) -> str:
    """The text without outer blanks; InputError unless it can stand in a certificate."""
    text = unicodedata.normalize("NFC", text.strip())
    if not text or len(text) > LONGEST_NAME or not text.isprintable():
        raise InputError(f"{what} is {text!r}: expected 1 to {LONGEST_NAME} printable characters")
    return text


def make_certificate(name: str, organisation: str, now: datetime.datetime) -> tuple[bytes, bytes]:
    """(private key, certificate chain) as PEM: an EC P-256 key, its certificate, and that of an issuer.

    The issuer exists for this one certificate: its key is forgotten before this function returns, so that nobody can
    ever issue another one in its name.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

    issuer_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer, subject = _name(f"issuer of {name}"[:LONGEST_NAME], organisation), _name(name, organisation)
    root = (
        _begin(issuer, issuer, issuer_key.public_key(), issuer_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )
    leaf = (
        _begin(subject, issuer, key.public_key(), issuer_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    )
    pem = serialization.Encoding.PEM
    chain = b"".join(_sign(builder, issuer_key).public_bytes(pem) for builder in (leaf, root))
    return (
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        chain,
    )


def _name(name: str, organisation: str) -> "Name":
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    parts = [(NameOID.ORGANIZATION_NAME, organisation), (NameOID.COMMON_NAME, name)]
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts])


def _begin(
    subject: "Name", issuer: "Name", key: "PublicKeyTypes", issuer_key: "PublicKeyTypes", now: datetime.datetime
) -> "CertificateBuilder":
    from cryptography import x509

    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)  # type: ignore[arg-type]
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))  # clocks differ
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)  # type: ignore[arg-type]
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key),  # type: ignore[arg-type]
            critical=False,
        )
    )


def _usage(*, signs_certificates: bool):  # type: ignore[no-untyped-def]
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _sign(builder: "CertificateBuilder", key: "PrivateKeyTypes") -> "Certificate":
    from cryptography.hazmat.primitives import hashes

    return builder.sign(key, hashes.SHA256())  # type: ignore[arg-type]


def read_chain(pem: bytes, where: str) -> "list[Certificate]":
    """The certificates of a PEM file, the signer's own first; InputError where there is none."""
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise InputError(
            f"{where} holds no certificate: expected a PEM file with -----BEGIN CERTIFICATE-----"
        ) from None


def check_complete(chain: "list[Certificate]", where: str) -> None:
    """Raises InputError unless the chain holds what issued its first certificate."""
    leaf = chain[0]
    if leaf.issuer != leaf.subject and not any(each.subject == leaf.issuer for each in chain[1:]):
        raise InputError(
            f"{where} lacks the certificate of the issuer, {leaf.issuer.rfc4514_string()}: append it to the file"
        )


def algorithm_of(key_pem: bytes, leaf: "Certificate", where: str) -> str:
    """The key's algorithm by its C2PA name; InputError unless it can sign and belongs to the certificate."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    try:
        key = serialization.load_pem_private_key(key_pem, None)
    except TypeError:
        raise InputError(
            f"the key {where} is locked with a passphrase: unlock a copy with `openssl pkcs8 -in KEY -out COPY`"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise InputError(
            f"{where} holds no private key: expected a PEM file with -----BEGIN PRIVATE KEY-----"
        ) from None
    if key.public_key() != leaf.public_key():
        raise InputError(f"the key {where} does not belong to the certificate of {subject_of(leaf)[0]}: give a pair")
    curves = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in curves:
        return curves[key.curve.name]
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 2048:
        return "ps256"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    raise InputError(
        f"the key {where} cannot sign credentials: expected EC P-256, P-384 or P-521, RSA 2048, or Ed25519"
    )


def subject_of(certificate: "Certificate") -> tuple[str, str]:
    """(common name, organisation) of a certificate's subject; an empty string for what it lacks."""
    from cryptography.x509.oid import NameOID

    def first(oid: "object") -> str:
        found = certificate.subject.get_attributes_for_oid(oid)  # type: ignore[arg-type]
        return str(found[0].value) if found else ""

    return first(NameOID.COMMON_NAME), first(NameOID.ORGANIZATION_NAME)
