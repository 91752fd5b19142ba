"""Signed tokens of the payer's pages: the form's seal and the `pollingToken` given to the ente's page.

Source: pa-per-ente, browser redirect (4.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from itsdangerous import BadData, URLSafeTimedSerializer

from hub.chiavi import keys_of
from hub.formats.gettoni_firmati import Uso, derive_key, read, sign

POLLING_FIRST_S = 60
POLLING_RENEWED_S = 20
# A page left open must not poll for ever: after an hour the ente's software asks by SOAP.
POLLING_MAX_S = 3600
_POLLING = Uso("web/polling", "pontepa:carrello:outcome", "HS256")


@dataclass(frozen=True, slots=True)
class Polling:
    """What a pollingToken says: the session and when its first token was made."""

    id_session: str
    first_at: datetime


def polling_token(secret: str, polling: Polling, now: datetime, ttl_s: int = POLLING_FIRST_S) -> str:
    """Return a JWT (HS256) which lets its bearer ask the outcome of one session.

    Shape: claims sub (idSession), iat, exp, jti, aud, first (epoch seconds of the first token of the chain).
    """
    claims = {"sub": polling.id_session, "first": int(polling.first_at.timestamp())}
    return sign(secret, _POLLING, claims, now, timedelta(seconds=ttl_s))


def read_polling_token(secret: str, token: str, now: datetime) -> Polling | None:
    """Return what the token says; None when it is forged, malformed, expired or made for something else."""
    claims = read(secret, _POLLING, token, now)
    return None if claims is None else Polling(claims["sub"], datetime.fromtimestamp(claims["first"], UTC))


def renewed_token(secret: str, polling: Polling, now: datetime) -> str | None:
    """Return a token of 20 seconds for the same session; None when the chain has lasted long enough."""
    if now - polling.first_at > timedelta(seconds=POLLING_MAX_S):
        return None
    return polling_token(secret, polling, now, POLLING_RENEWED_S)


def seal_form(secret: str, id_session: str) -> str:
    """Return the hidden field that binds a form to its session."""
    return _serializer(keys_of(secret)[0]).dumps(id_session)


def is_form_sealed(secret: str, seal: str, id_session: str, max_age_s: int) -> bool:
    """Say whether the hidden field was made by us, for this session, not longer ago than that."""
    return any(_is_sealed_with(key, seal, id_session, max_age_s) for key in keys_of(secret))


def _is_sealed_with(key: str, seal: str, id_session: str, max_age_s: int) -> bool:
    try:
        return bool(_serializer(key).loads(seal, max_age=max_age_s) == id_session)
    except BadData:
        return False


def _serializer(key: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(derive_key(key, "web/modulo"), salt="pontepa.paga.modulo")
