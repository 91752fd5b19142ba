"""X.509 certificates that are believed as they are (pinned): PEM <-> words. Source: RFC 5280, RFC 7468."""

from __future__ import annotations

import base64
import hashlib
import warnings

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from hub.domain.credenziali import Certificato
from hub.domain.errors import InvalidRequest

# A certificate with a long chain of names stays below 8 KiB; the rest is not one certificate.
SIZE_MAX_BYTES = 16 * 1024
_RSA_BITS_MIN = 2048
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_PEM_BEGIN = "-----BEGIN CERTIFICATE-----"

# A certificate of nobody, whose key was thrown away: a signature by a stranger is verified with it, in the same time.
DECOY = base64.b64decode(
    "MIICeTCCAWGgAwIBAgIBATANBgkqhkiG9w0BAQsFADAAMB4XDTAwMDEwMTAwMDAwMFoXDTAwMDEwMjAwMDAwMFowADCCASIwDQYJKoZIhvcN"
    "AQEBBQADggEPADCCAQoCggEBAJISiS0qLLL19VZbldK+cmW35W63K8YL9EKG7htUIFSqi29v2eBuqj5k+SMKCQkrGF9k12q59fv54ABPE6BF"
    "xRDghw81wu0nChZwpyTLFDzrpgwto7yH6oNj17naHjj2dlmg8XcOfTilh/D11RR3I/ReefxgkraqmUepL6pGKbI8uymX2GTp1o87yxkmJ8B1"
    "ByvHs99I8qZquRh1KnsJyI5x0aJ0zJ8fXquCSz0yhH56rwwoptyAXbjWCL1TuubR+/bqIq/CgpTTvz6BX7b1zWUEWox6e5qoF4oLYRcB3ViE"
    "PwyEwO+AmdL+OENNHX7a1dPhPCzhgza4RCzCg8rQ6RkCAwEAATANBgkqhkiG9w0BAQsFAAOCAQEAbwFU/3xugFG12WGiMba46cnyPD7/keom"
    "wf3cirB+oOaTjd5i1Rb/+LFejNmMG4vIF/ZBSq9JvQEnUtdFp6Qyzjn8vQu1jUyXIP1Tp7mGL7G6YhYsSpRN7zvhYGZQXJ4MPCZUlNCYwn4J"
    "kQw+U0uuAwkE52TFn3SquClb0l8daNxNvLUZ0DKHx/PRDDXkQR1MHhVi69EsJzeJKQUf0VQly1u4UxQshsxBLu8fVszxSnGkDCvE1e3jef4U"
    "TxIeieyb5BTe0mf7jzfUR5E7be2BF9KlkvI1jn1WjeX32OosQ7xZfYs6HAgSvCVNkSpcW49udQ2ohu+GZ8DD86R8gHP1MQ=="
)


def impronta(der: bytes) -> str:
    """Return the fingerprint of a certificate: SHA-256 of its DER, 64 hexadecimal digits."""
    return hashlib.sha256(der).hexdigest()


def read_certificato(text: str, *, signs: bool = False) -> Certificato:
    """Return the one certificate of a PEM text. `signs`: its key must be one that XML signatures use.

    Raises: InvalidRequest (not one PEM certificate, a key too weak or of an unknown kind).
    """
    if len(text) > SIZE_MAX_BYTES or text.count(_PEM_BEGIN) != 1 or "PRIVATE KEY" in text:
        raise InvalidRequest("serve un solo certificato X.509 in formato PEM, senza la chiave privata")
    try:
        with warnings.catch_warnings():
            # Serial numbers that newer rules forbid are in use; the certificate is compared byte by byte.
            warnings.simplefilter("ignore")
            found = x509.load_pem_x509_certificate(text.encode())
            key = found.public_key()
            read = _words(found)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidRequest("il certificato non si legge: serve X.509 in formato PEM") from error
    is_strong = (isinstance(key, RSAPublicKey) and key.key_size >= _RSA_BITS_MIN) or (
        isinstance(key, EllipticCurvePublicKey) and key.curve.name in _CURVES
    )
    if not is_strong and (signs or not isinstance(key, Ed25519PublicKey)):
        raise InvalidRequest("la chiave del certificato non è ammessa: RSA da 2048 bit, o EC P-256, P-384, P-521")
    return read


def read_der(der: bytes) -> Certificato:
    """Return a certificate that somebody has shown; whether its key is strong is not judged.

    Raises: InvalidRequest (it cannot be read).
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _words(x509.load_der_x509_certificate(der))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidRequest("il certificato non si legge") from error


def _words(found: x509.Certificate) -> Certificato:
    """Raises: ValueError (a name that cannot be read)."""
    der = found.public_bytes(Encoding.DER)
    names = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Certificato(
        der,
        impronta(der),
        found.subject.rfc4514_string(),
        found.not_valid_before_utc,
        found.not_valid_after_utc,
        str(names[0].value) if names else "",
    )


def render_pem(der: bytes) -> str:
    """Return the PEM text of a certificate that was read before."""
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode("ascii")


def thumbprint(der: bytes) -> bytes:
    """Return the SHA-1 of a certificate: a name to look it up by, never a proof. Source: WS-Security 1.1."""
    return hashlib.sha1(der, usedforsecurity=False).digest()


def serial_of(der: bytes) -> int:
    """Return the serial number of a certificate that was read before."""
    return x509.load_der_x509_certificate(der).serial_number
