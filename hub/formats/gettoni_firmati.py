"""Signed tokens (JWT): what each one may be used for, until when, and for whom.

Source: flows, 1.1 (authorizationToken) and 1.5 (download); pa-per-ente, 4.1 (pollingToken); RFC 8725 (one key and one
algorithm for each use, so that a token of one use is no token for another).
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from hub.chiavi import keys_of

# The longest of ours is below 1 KiB; what is longer is not worth a signature check.
TOKEN_MAX = 4096
_REQUIRED = ["sub", "aud", "iat", "exp", "jti"]


@dataclass(frozen=True, slots=True)
class Uso:
    """A use of tokens: `name` chooses the key, `audience` stands in the token, `algorithm` is HS256 or HS512."""

    name: str
    audience: str
    algorithm: str = "HS512"


@dataclass(frozen=True, slots=True)
class Autorizzazione:
    """What an authorizationToken allows: one upload for one request of one ente. `jti` is the token's own id."""

    request_token: str
    cod_ipa_ente: str
    jti: str


@dataclass(frozen=True, slots=True)
class Scarico:
    """What a download token allows: one file of one ente. `tipo`: the kind of flow; `file`: path under the archive."""

    tipo: str
    cod_ipa_ente: str
    file: str


UPLOAD = Uso("flussi/upload", "pontepa:flussi:upload")
DOWNLOAD = Uso("flussi/download", "pontepa:flussi:download")
AVVISO = Uso("avviso", "pontepa:avviso")
# A notice is printed, kept and paid long after. Source: pa-per-ente, paaSILImportaDovuto, `urlFileAvviso`.
AVVISO_TTL = timedelta(days=2 * 365)
UPLOAD_TTL = timedelta(hours=1)
DOWNLOAD_TTL = timedelta(hours=2)
_TIPO_UPLOAD = "FLUSSI_IMPORT"


def derive_key(secret: str, purpose: str, digest: str = "sha256") -> bytes:
    """Return the key of one purpose, derived from one of the installation's: no purpose can sign for another."""
    return hmac.new(secret.encode(), b"pontepa/" + purpose.encode(), digest).digest()


def sign(secret: str, uso: Uso, claims: dict[str, Any], now: datetime, ttl: timedelta) -> str:
    """Return a token for a use, good until `now` + `ttl`; `sub` must be among the claims."""
    times = {"aud": uso.audience, "iat": now, "exp": now + ttl}
    key = _key(keys_of(secret)[0], uso)
    return jwt.encode({"jti": uuid.uuid4().hex} | claims | times, key, algorithm=uso.algorithm)


def read(secret: str, uso: Uso, token: str, now: datetime) -> dict[str, Any] | None:
    """Return the claims; None when the token is forged, malformed, expired or made for another use."""
    if len(token) > TOKEN_MAX:
        return None
    try:
        claims = _claims(keys_of(secret), uso, token)
        expires_at = datetime.fromtimestamp(int(claims["exp"]), UTC)
    except (jwt.InvalidTokenError, TypeError, ValueError, OverflowError, OSError):
        return None
    return claims if now < expires_at else None


def _claims(keys: Sequence[str], uso: Uso, token: str) -> dict[str, Any]:
    """Raises: InvalidTokenError."""
    key, *others = keys
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            _key(key, uso),
            algorithms=[uso.algorithm],
            audience=uso.audience,
            # The instants are judged by the caller, with the clock of the hub.
            options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False},
        )
    except jwt.InvalidSignatureError:
        if not others:
            raise
        return _claims(others, uso, token)
    return claims


def autorizzazione_token(secret: str, what: Autorizzazione, now: datetime) -> str:
    """Return the authorizationToken of an upload: HS512, one hour.

    Shape: claims sub (requestToken), ente, type (FLUSSI_IMPORT), importPath (null), kind (ws), jti, iat, exp, aud.
    """
    claims = {
        "sub": what.request_token,
        "ente": what.cod_ipa_ente,
        "type": _TIPO_UPLOAD,
        "importPath": None,
        "kind": "ws",
        "jti": what.jti,
    }
    return sign(secret, UPLOAD, claims, now, UPLOAD_TTL)


def read_autorizzazione(secret: str, token: str, now: datetime) -> Autorizzazione | None:
    """Return what an authorizationToken allows; None when it allows nothing. That it is used once the rows must say."""
    claims = read(secret, UPLOAD, token, now)
    if claims is None or claims.get("type") != _TIPO_UPLOAD:
        return None
    return Autorizzazione(claims["sub"], str(claims.get("ente")), claims["jti"])


def scarico_token(secret: str, what: Scarico, now: datetime) -> str:
    """Return the securityToken of a download: HS512, two hours, for this file alone.

    Shape: claims sub (the file's path), ente, type, jti, iat, exp, aud.
    """
    claims = {"sub": what.file, "ente": what.cod_ipa_ente, "type": what.tipo}
    return sign(secret, DOWNLOAD, claims, now, DOWNLOAD_TTL)


def read_scarico(secret: str, token: str, now: datetime) -> Scarico | None:
    """Return what a securityToken allows; None when it allows nothing.

    Whoever serves a file compares it whole with what is asked: the original does not look at the file, and one link
    opens every file of the installation (flows, 1.5).
    """
    claims = read(secret, DOWNLOAD, token, now)
    return None if claims is None else Scarico(str(claims.get("type")), str(claims.get("ente")), claims["sub"])


def avviso_token(secret: str, version_id: str, now: datetime) -> str:
    """Return the securityToken of one notice: HS512, two years.

    Shape: claims sub (the dovuto's id), jti, iat, exp, aud.
    """
    return sign(secret, AVVISO, {"sub": version_id}, now, AVVISO_TTL)


def is_avviso_allowed(secret: str, token: str, version_id: str, now: datetime) -> bool:
    """Say whether a securityToken opens this notice."""
    claims = read(secret, AVVISO, token, now)
    return claims is not None and claims["sub"] == version_id


def _key(secret: str, uso: Uso) -> bytes:
    return derive_key(secret, uso.name, "sha512" if uso.algorithm == "HS512" else "sha256")
