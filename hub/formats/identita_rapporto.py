"""Who signs a report of conformance: a key and a certificate of somebody, or ones made on the spot.

Source: RFC 5280; FIPS 186-5 (RSA of 3072 bits: the report is read for years).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from hub.domain.conformita.rapporto import Firmatario
from hub.domain.errors import InvalidRequest
from hub.formats.certificati import impronta, read_certificato, read_der

_BITS = 3072
_VALIDO = timedelta(days=3653)


@dataclass(frozen=True, slots=True)
class Identita:
    """A key and its certificate, both PEM."""

    chiave: bytes = field(repr=False)
    certificato: bytes
    is_autofirmato: bool

    @property
    def firmatario(self) -> Firmatario:
        read = read_certificato(self.certificato.decode("ascii"))
        return Firmatario(read.soggetto, read.impronta, self.is_autofirmato)


def crea_identita(now: datetime) -> Identita:
    """Return a new key with a certificate that it signs itself: it proves a report whole, not whose it is."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "PontePA - rapporto di conformita")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _VALIDO)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Identita(private, certificate.public_bytes(serialization.Encoding.PEM), True)


def read_identita(chiave: bytes, certificato: bytes) -> Identita:
    """Return a key and its certificate. Raises: InvalidRequest (unreadable, protected, or not one of the other)."""
    try:
        key = serialization.load_pem_private_key(chiave, password=None)
        found = x509.load_pem_x509_certificate(certificato)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidRequest("chiave o certificato non si leggono: servono in PEM, la chiave senza password") from error
    read_certificato(certificato.decode("ascii", "replace"), signs=True)
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    mine, its = (one.public_bytes(serialization.Encoding.DER, public) for one in (key.public_key(), found.public_key()))
    if mine != its:
        raise InvalidRequest("la chiave non è quella del certificato")
    return Identita(chiave, certificato, found.issuer == found.subject)


def firmatario_of(der: bytes) -> Firmatario:
    """Return who a certificate inside a signed report names. Raises: InvalidRequest."""
    read = read_der(der)
    found = x509.load_der_x509_certificate(der)
    return Firmatario(read.soggetto, impronta(der), found.issuer == found.subject)


def impronta_of(certificato: bytes) -> str:
    """Return the fingerprint of a PEM certificate. Raises: InvalidRequest."""
    return read_certificato(certificato.decode("ascii", "replace")).impronta
