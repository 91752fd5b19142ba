"""Secrets at rest: slow hashes of the callers' passwords, sealed station passwords.

Source: OWASP password storage (argon2id), RFC 5869 (HKDF), Fernet specification.
"""

from __future__ import annotations

import base64
import hashlib

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hub.chiavi import keys_of
from hub.domain.errors import Misconfigured

# OWASP's second profile: a login is part of every SOAP call, so one check must stay near 20 ms and 19 MiB.
_TIME_COST, _MEMORY_KIB, _PARALLELISM = 2, 19 * 1024, 1

# The hash of a random text nobody keeps: an unknown caller costs as much as a known one.
DUMMY_HASH = "$argon2id$v=19$m=19456,t=2,p=1$INGHUDAboa5HQWEyxEQbPA$fN3HjiTOVSy/457R50O9Y5j+sqj08gK70BDXsq8+z7o"

_HKDF_SALT = b"pontepa/segreti/1"
_HKDF_INFO = b"password di stazione"


def _hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=_TIME_COST, memory_cost=_MEMORY_KIB, parallelism=_PARALLELISM)


def hash_password(clear: str) -> str:
    """Return the argon2id hash of a password, with its salt and parameters inside."""
    return _hasher().hash(clear)


def verify_password(hash: str, clear: str) -> bool:
    """Tell whether the password is the one of the hash; a damaged hash is nobody's. Costs about 20 ms either way."""
    try:
        return _hasher().verify(hash, clear)
    except (VerificationError, InvalidHashError):
        return False


def hash_elemento(password_stazione: str, codice_fiscale: str) -> str:
    """Return what proves that the intermediary let the caller ask for this ente: 64 hexadecimal digits.

    Source: pa-per-ente, authentication (1.4).

    >>> hash_elemento("password01", "12345678903")[:16]
    '498a23d818465542'
    """
    return hashlib.sha256(f"paaSILInviaCarrelloDovuti-{password_stazione}-{codice_fiscale}".encode()).hexdigest()


class Cassaforte:
    """Seals short secrets with a key derived from the first of PONTEPA_SECRET_KEY; opens with each of them."""

    def __init__(self, secret_key: str) -> None:
        if not secret_key:
            raise Misconfigured("PONTEPA_SECRET_KEY non valorizzata: impossibile cifrare i segreti")
        # Seven MiB, of which the process of flows has no use.
        from cryptography.fernet import Fernet, InvalidToken, MultiFernet
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        def fernet(key: str) -> Fernet:
            derived = HKDF(algorithm=SHA256(), length=32, salt=_HKDF_SALT, info=_HKDF_INFO).derive(key.encode())
            return Fernet(base64.urlsafe_b64encode(derived))

        each = [fernet(key) for key in keys_of(secret_key)]
        self._first, self._fernet = each[0], MultiFernet(each)
        self._invalid = InvalidToken

    def seal(self, clear: str) -> str:
        """Return the sealed text: ASCII, safe in a database column, different at every call."""
        return self._first.encrypt(clear.encode()).decode("ascii")

    def is_first(self, sealed: str) -> bool:
        """Whether a sealed text is of the key that seals now."""
        try:
            self._first.decrypt(sealed.encode())
        except self._invalid:
            return False
        return True

    def open(self, sealed: str) -> str:
        """Return the secret.

        Raises: Misconfigured when the text was sealed with none of the keys or was altered.
        """
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except self._invalid as error:
            raise Misconfigured(
                "segreto illeggibile: PONTEPA_SECRET_KEY non è quella di allora"
            ) from error
