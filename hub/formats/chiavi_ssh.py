"""Keys of SSH as a configuration writes them. Source: RFC 4253 (6.6), RFC 5656 (3.1), RFC 8709; OpenSSH, sshd(8)."""

from __future__ import annotations

import re

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
    load_ssh_public_key,
)

_KINDS = re.compile(r"(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|ssh-rsa) [A-Za-z0-9+/]+={0,2}( .*)?")
_Privata = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey


def is_chiave_host(text: str) -> bool:
    """Say whether a text is a public key that a server may show: kind and base64, a comment may follow.

    >>> is_chiave_host("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl sportello")
    True
    >>> is_chiave_host("ssh-ed25519 AAAA"), is_chiave_host("SHA256:uNiVztksCsDhcc0u9e8BrJQXVUpKZIDTMczCvj3tD2s")
    (False, False)
    """
    if _KINDS.fullmatch(text) is None:
        return False
    try:
        load_ssh_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


def is_chiave_privata(text: str) -> bool:
    """Say whether a text is a private key without a passphrase, of a kind that servers take.

    >>> is_chiave_privata("-----BEGIN OPENSSH PRIVATE KEY-----")
    False
    """
    return _load(text) is not None


def openssh_di(text: str) -> str:
    """Return a private key in OpenSSH's own form, which every library reads, whatever form it was written in.

    Raises: ValueError (no private key that servers take).
    """
    key = _load(text)
    if key is None:
        raise ValueError("not a private key without passphrase")
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode("ascii")


def _load(text: str) -> _Privata | None:
    for load in (load_ssh_private_key, load_pem_private_key):
        try:
            key = load(text.encode(), None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue  # of the other form, or sealed with a passphrase
        return key if isinstance(key, (RSAPrivateKey, EllipticCurvePrivateKey, Ed25519PrivateKey)) else None
    return None
