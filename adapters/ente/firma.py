"""How a push is signed, and how its receiver checks it.

Source: Standard Webhooks 1.0 (webhook-id, webhook-timestamp, webhook-signature); RFC 7519 and RFC 7518 for the bearer
token; pa-per-ente, push of the outcome (4.2), defect 17: the token lives minutes, not for ever.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

import jwt

from hub.domain.inoltro import InvioEsito

# Two clocks may differ by some minutes; the receiver refuses what is older.
TOLLERANZA = timedelta(minutes=5)


def sign(invio: InvioEsito, now: datetime) -> dict[str, str]:
    """Return the headers of one attempt: event, instant, signature of the body, and the bearer token when wanted."""
    istante = str(int(now.timestamp()))
    headers = {
        "webhook-id": invio.evento,
        "webhook-timestamp": istante,
        "webhook-signature": _signature(invio.chiave, invio.evento, istante, invio.corpo),
        "Digest": digest(invio.corpo),
        "X-PontePA-Sequenza": str(invio.sequenza),
    }
    if invio.client_id and invio.mail:
        headers["Authorization"] = "Bearer " + _token(invio, now)
    return headers


def is_signed(chiave: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Say whether a received push is of who holds the key, whole and recent. `headers`: names in lower case."""
    istante = headers.get("webhook-timestamp", "")
    if not (istante.isascii() and istante.isdigit() and len(istante) < 12):
        return False
    if abs(now.timestamp() - int(istante)) > TOLLERANZA.total_seconds():
        return False
    expected = _signature(chiave, headers.get("webhook-id", ""), istante, body)
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(expected.encode(), one.encode()) for one in given)


def digest(body: bytes) -> str:
    """Return the body's digest as header and claim carry it. Source: RFC 3230, RFC 5843."""
    return "SHA-256=" + base64.b64encode(hashlib.sha256(body).digest()).decode("ascii")


def _signature(chiave: str, evento: str, istante: str, body: bytes) -> str:
    signed = f"{evento}.{istante}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(chiave.encode(), signed, hashlib.sha256)).decode("ascii")


def _token(invio: InvioEsito, now: datetime) -> str:
    claims = {
        "iss": invio.client_id,
        "sub": invio.mail,
        "iat": now,
        "exp": now + TOLLERANZA,
        "jti": uuid.uuid4().hex,
        "evento": invio.evento,
        "sequenza": invio.sequenza,
        "digest": digest(invio.corpo),
    }
    return jwt.encode(claims, invio.chiave, algorithm="HS512", headers={"kid": invio.client_id})
