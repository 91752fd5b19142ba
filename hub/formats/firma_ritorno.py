"""The signature of the payer's return: our addition to the parameters of the contract, for an ente that has a key.

Source: pa-per-ente, browser redirect (4.1): the parameters are forgeable; what integrators trip over, 20.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt

# A browser that is sent home arrives within seconds; clocks differ by minutes.
TTL = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Ritorno:
    """What the hub says when it sends the browser home. `ente`: codIpaEnte; `esito`: OK or ERROR."""

    hub: str
    ente: str
    id_session: str
    esito: str


def sign_ritorno(chiave: str, ritorno: Ritorno, now: datetime) -> str:
    """Return a JWT (HS256) by which the ente knows that the parameters are the hub's and recent.

    Shape: claims iss (the hub's address), aud (codIpaEnte), sub (idSession), esito, iat, exp, jti. The key is the
    ente's own. It says what the hub knew when the browser left: of the money only the receipt speaks.
    """
    claims = {
        "iss": ritorno.hub,
        "aud": ritorno.ente,
        "sub": ritorno.id_session,
        "esito": ritorno.esito,
        "iat": now,
        "exp": now + TTL,
        "jti": uuid.uuid4().hex,
    }
    return jwt.encode(claims, chiave, algorithm="HS256")
