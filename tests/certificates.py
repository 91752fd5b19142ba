"""Keys and certificates drawn for the tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from hub.domain.credenziali import Certificato, Genere
from hub.formats.certificati import read_certificato
from hub.store import schema
from tests.world import World

LOCALHOST = x509.SubjectAlternativeName([x509.DNSName("localhost")])


@dataclass(frozen=True)
class Identity:
    """A private key with its certificate."""

    key: Any
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def thumbprint(self) -> bytes:
        return self.certificate.fingerprint(hashes.SHA1())

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def read(self) -> Certificato:
        return read_certificato(self.pem)

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Write certificate and key; return their paths."""
        paths = folder / f"{name}.pem", folder / f"{name}.key"
        paths[0].write_text(self.pem)
        paths[1].write_bytes(self.key_pem)
        return paths


@cache
def _key(kind: str, name: str) -> Any:
    if kind == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, int(kind.removeprefix("rsa")))


@cache
def make_identity(
    name: str = "Software House",
    kind: str = "rsa2048",
    *,
    begin: datetime | None = None,
    days: int = 365,
    issuer: Identity | None = None,
    serial: int | None = None,
) -> Identity:
    """Return the identity of a name, the same one each time; self-signed unless an issuer is given."""
    key = _key(kind, name)
    begin = begin or datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Prova"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(LOCALHOST, critical=False)
    )
    return Identity(key, builder.sign(issuer.key if issuer else key, hashes.SHA256()))


def pin(world: World, identity: Identity, genere: Genere = Genere.FIRMA, ente_id: int = 1, **values: Any) -> None:
    """Lay the certificate as a credential of an ente of the cast."""
    one = identity.read
    row = {
        "ente_id": ente_id, "genere": str(genere), "hash": "", "impronta": one.impronta, "certificato": one.der,
        "valido_dal": one.valido_dal, "valido_fino": one.valido_fino, "created_at": world.clock(),
    }  # fmt: skip
    world.lay(schema.credenziali, **(row | values))
