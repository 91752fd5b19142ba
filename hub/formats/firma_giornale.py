"""The signature of the heads of the journal: Ed25519, so that who has the public key alone can verify.

The key is drawn from the first of the installation's PONTEPA_SECRET_KEY: there is no file to lose, and another secret
is another key. Source: RFC 8032.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hub.chiavi import keys_of
from hub.formats.gettoni_firmati import derive_key


class FirmaGiornale:
    """Signs with the key of this installation."""

    def __init__(self, secret_key: str) -> None:
        each = [
            Ed25519PrivateKey.from_private_bytes(derive_key(key, "giornale/firma")) for key in keys_of(secret_key)
        ]
        self._key = each[0]
        # 32 bytes each; the one that signs now is first.
        self.pubbliche = tuple(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) for key in each)
        self.pubblica = self.pubbliche[0]

    def sign(self, testo: bytes) -> bytes:
        """Return the signature, 64 bytes."""
        return self._key.sign(testo)


def is_signed_by(pubblica: bytes, firma: bytes, testo: bytes) -> bool:
    """Whether a signature of a text is that of a public key.

    >>> firma = FirmaGiornale("prova")
    >>> is_signed_by(firma.pubblica, firma.sign(b"x"), b"x"), is_signed_by(firma.pubblica, firma.sign(b"x"), b"y")
    (True, False)
    """
    try:
        Ed25519PublicKey.from_public_bytes(pubblica).verify(firma, testo)
    except (InvalidSignature, ValueError):
        return False
    return True


def pem_of(pubblica: bytes) -> str:
    """Return a public key as PEM, for `openssl pkeyutl`."""
    key = Ed25519PublicKey.from_public_bytes(pubblica)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
