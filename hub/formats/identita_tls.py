"""The client certificate of a station with its private key: PEM texts <-> a TLS context. Source: RFC 5280, RFC 7468.

The certificate comes first in its text, what stands between it and the authority behind it.
"""

from __future__ import annotations

import ssl
import tempfile
import warnings

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from hub.domain.credenziali import Certificato, IdentitaTls
from hub.domain.errors import InvalidRequest, Misconfigured
from hub.formats.certificati import read_der

# A chain of four with long names; a key of 8192 bits.
CERTIFICATO_MAX, CHIAVE_MAX = 32 * 1024, 16 * 1024


def read_catena(pem: str) -> Certificato:
    """Return the first certificate of a PEM text, when all that is in it can be read.

    Raises: InvalidRequest.
    """
    if "PRIVATE KEY" in pem:
        raise InvalidRequest("il certificato va senza la chiave privata, che ha il suo posto")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            chain = x509.load_pem_x509_certificates(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidRequest("il certificato non si legge: serve X.509 in formato PEM") from error
    return read_der(chain[0].public_bytes(Encoding.DER))


def check_chiave(pem: str, chiave: str) -> None:
    """Raises: InvalidRequest (the key cannot be read, is encrypted, or is not that of the certificate)."""
    try:
        key = load_pem_private_key(chiave.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidRequest("la chiave privata non si legge: serve in formato PEM, senza frase segreta") from error
    certificate = x509.load_der_x509_certificate(read_catena(pem).der)
    shape = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*shape) != certificate.public_key().public_bytes(*shape):
        raise InvalidRequest("la chiave privata non è quella del certificato")


def build_contesto(identita: IdentitaTls | None) -> ssl.SSLContext:
    """Return the context of a client that believes the system's authorities and shows this identity.

    Raises: Misconfigured (the two do not belong together).
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if identita is None:
        return context
    # The library reads files only. This one has no reader but its owner, and is gone at once.
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(identita.chiave.strip() + "\n" + identita.certificato.strip() + "\n")
        file.flush()
        try:
            context.load_cert_chain(file.name)
        except (ssl.SSLError, OSError) as error:
            raise Misconfigured("il certificato della stazione e la sua chiave non si accordano") from error
    return context
