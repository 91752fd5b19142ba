"""The push over real sockets and TLS: four outcomes, a signature that can be checked, no way round the address.

Source: pa-per-ente, push of the outcome (4.2).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from adapters.ente.chiamata import Limiti
from adapters.ente.client import EnteClient
from adapters.ente.fake import Comportamento, EnteFinto, Guasto
from adapters.ente.firma import is_signed, sign
from hub.domain.delivery import Delivery, Outcome
from hub.domain.inoltro import InvioEsito
from tests.tls import serving, trusting

CHIAVE = "9f0d6c1b7a3e58422fd1c0be96a7d3e4" * 2
CORPO = b'{"rt": "UlQ=", "esito": "PGEvPg=="}'
NAME = "sportello.example.org"
QUICK = Limiti(connect_s=1.0, read_s=0.5, total_s=1.5, answer_max_bytes=64 * 1024)
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


def make_invio(url: str, **values: Any) -> InvioEsito:
    fields = {"url": url, "evento": "e" * 32 + "-2", "sequenza": 2, "corpo": CORPO, "chiave": CHIAVE}
    return InvioEsito(**(fields | values))


def client(**values: Any) -> EnteClient:
    return EnteClient(**({"is_open": True, "limiti": QUICK, "context": trusting()} | values))


@pytest.fixture
def ente() -> Iterator[EnteFinto]:
    with EnteFinto(CHIAVE) as ente:
        yield ente


def push(ente: EnteFinto, *script: Comportamento, **values: Any) -> Delivery:
    ente.script.extend(script)
    return client().push_esito(make_invio(ente.url, **values))


def test_an_acknowledged_push_is_delivered(ente: EnteFinto) -> None:
    delivery = push(ente)

    assert delivery.outcome == Outcome.DELIVERED
    (received,) = ente.received
    assert (received.body, received.path) == (CORPO, "/esiti")
    assert (received.evento, received.sequenza, received.is_signed) == ("e" * 32 + "-2", 2, True)
    assert received.headers["content-type"] == "application/json"
    assert received.headers["host"] == f"127.0.0.1:{ente.port}"


F, DELIVERED, TRY_AGAIN, UNKNOWN = Guasto, Outcome.DELIVERED, Outcome.TRY_AGAIN, Outcome.UNKNOWN
ENDS = {
    "slow but in time": (Comportamento(F.LENTO, seconds=0.1), DELIVERED, ""),
    "too slow": (Comportamento(F.LENTO, seconds=1.0), UNKNOWN, "TimeoutError"),
    "500": (Comportamento(F.STATO, status=500), TRY_AGAIN, "HTTP_500"),
    "404": (Comportamento(F.STATO, status=404), TRY_AGAIN, "HTTP_404"),
    "401": (Comportamento(F.STATO, status=401), TRY_AGAIN, "HTTP_401"),
    "204": (Comportamento(F.STATO, status=204), DELIVERED, ""),
    "202": (Comportamento(F.STATO, status=202), DELIVERED, ""),
    "fault in the body of a 200": (Comportamento(F.FAULT, code="PRATICA_IGNOTA"), TRY_AGAIN, "PRATICA_IGNOTA"),
    "blank fault": (Comportamento(F.FAULT, code="  "), DELIVERED, ""),
    "redirect": (Comportamento(F.RINVIO, location="https://altrove.example.org/"), TRY_AGAIN, "HTTP_302"),
    "garbage with 200": (Comportamento(F.IMMONDIZIA), DELIVERED, ""),
    "hangs up": (Comportamento(F.CHIUDE), UNKNOWN, None),
    "hangs up in the body": (Comportamento(F.CHIUDE_A_META), UNKNOWN, None),
    "endless body": (Comportamento(F.ENORME), UNKNOWN, "RISPOSTA_TROPPO_GRANDE"),
    "one byte at a time": (Comportamento(F.GOCCIA), UNKNOWN, "TEMPO_SCADUTO"),
}


@pytest.mark.parametrize("end", ENDS)
def test_every_end_of_a_call_has_its_outcome(ente: EnteFinto, end: str) -> None:
    come, outcome, code = ENDS[end]

    delivery = push(ente, come)

    assert delivery.outcome == outcome, delivery
    assert code is None or delivery.code == code
    assert len(ente.received) == 1


def test_a_redirect_is_not_followed(ente: EnteFinto) -> None:
    with EnteFinto(CHIAVE) as other:
        delivery = push(ente, Comportamento(F.RINVIO, location=other.url))

    assert other.received == []
    assert "non si segue" in delivery.detail


def test_what_the_ente_says_reaches_the_operator_short_and_clean(ente: EnteFinto) -> None:
    said = "pratica\x00 ignota\n" + "a" * 1000

    delivery = push(ente, Comportamento(F.FAULT, code="X" * 200, description=said))

    assert delivery.code == "X" * 64
    assert delivery.detail.startswith("pratica ignota aaa") and len(delivery.detail) == 300


@pytest.mark.parametrize(
    ("given", "expected"), [("120", 120.0), ("99999", 3600.0), ("domani", None), ("-1", None), ("", None)]
)
def test_a_pause_that_the_ente_asks_for_is_kept_within_reason(
    ente: EnteFinto, given: str, expected: float | None
) -> None:
    delivery = push(ente, Comportamento(F.STATO, status=429, headers={"Retry-After": given}))

    assert (delivery.outcome, delivery.retry_after_s) == (Outcome.TRY_AGAIN, expected)


def test_nobody_listening_is_no_proof_of_anything_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    delivery = client().push_esito(make_invio(f"http://127.0.0.1:{port}/"))

    assert delivery.outcome == Outcome.TRY_AGAIN


def test_outside_the_workbench_a_private_address_is_never_connected(ente: EnteFinto) -> None:
    refusals = [
        client(is_open=False).push_esito(make_invio(url))
        for url in (ente.url, ente.url.replace("http:", "https:"), f"https://localhost:{ente.port}/esiti")
    ]

    assert {(one.outcome, one.code) for one in refusals} == {(Outcome.REFUSED, "INDIRIZZO_NON_AMMESSO")}
    assert ente.received == []


def test_proxies_of_the_environment_are_not_used(ente: EnteFinto, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setitem(os.environ, name, "http://127.0.0.1:9/")
    monkeypatch.delenv("no_proxy", raising=False)

    assert push(ente).outcome == Outcome.DELIVERED


# TLS: the connection goes to the judged address, the certificate is that of the name.


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A name server for sportello.example.org: this machine at first, nowhere afterwards. Returns what was asked."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *args: Any, **values: Any) -> list[Any]:
        if host != NAME:
            return real(host, port, *args, **values)
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "127.0.0.2"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def push_tls(context: ssl.SSLContext, client: EnteClient) -> tuple[Delivery, EnteFinto]:
    with EnteFinto(CHIAVE, context=context) as ente:
        url = f"https://{NAME}:{ente.port}/esiti"
        return client.push_esito(make_invio(url)), ente


def test_the_name_is_in_sni_host_and_certificate_and_is_asked_once(tmp_path: Path, resolver: list[str]) -> None:
    context = serving(tmp_path, NAME)
    names: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)

    delivery, ente = push_tls(context, client())

    assert delivery.outcome == Outcome.DELIVERED
    assert names == [NAME]
    assert ente.received[0].headers["host"] == f"{NAME}:{ente.port}"
    assert resolver == [NAME]


@pytest.mark.parametrize("wrong", ["name", "expired", "authority"])
def test_a_certificate_that_is_not_good_for_the_name_stops_before_the_body(
    tmp_path: Path, resolver: list[str], wrong: str
) -> None:
    lasts = timedelta(days=-1) if wrong == "expired" else timedelta(days=1)
    context = serving(tmp_path, "altro.example.org" if wrong == "name" else NAME, lasts=lasts)
    strict = client(context=ssl.create_default_context()) if wrong == "authority" else client()

    delivery, ente = push_tls(context, strict)

    assert (delivery.outcome, delivery.code) == (Outcome.TRY_AGAIN, "SSLCertVerificationError")
    assert ente.received == []


def test_a_body_that_never_ends_is_cut_under_tls_too(tmp_path: Path, resolver: list[str]) -> None:
    with EnteFinto(CHIAVE, context=serving(tmp_path, NAME)) as ente:
        ente.script.append(Comportamento(Guasto.GOCCIA))
        delivery = client().push_esito(make_invio(f"https://{NAME}:{ente.port}/esiti"))

    assert (delivery.outcome, delivery.code) == (Outcome.UNKNOWN, "TEMPO_SCADUTO")


def test_a_server_that_never_ends_its_handshake_is_left(resolver: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        delivery = client().push_esito(make_invio(f"https://{NAME}:{silent.getsockname()[1]}/"))

    assert (delivery.outcome, delivery.code) == (Outcome.TRY_AGAIN, "TimeoutError")


# The signature.


def signed(**values: Any) -> dict[str, str]:
    headers = sign(make_invio("https://e.example.org/", **values), NOW)
    return {name.lower(): value for name, value in headers.items()}


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """Recomputed here from the text of the standard, not with our own function."""
    headers = signed()
    message = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + CORPO

    expected = base64.b64encode(hmac.new(CHIAVE.encode(), message, hashlib.sha256).digest()).decode()

    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["digest"] == "SHA-256=" + base64.b64encode(hashlib.sha256(CORPO).digest()).decode()


def test_a_push_that_was_touched_is_not_signed() -> None:
    good = signed()
    assert is_signed(CHIAVE, good, CORPO, NOW + timedelta(minutes=4))

    touched = [
        is_signed(CHIAVE, good, CORPO + b" ", NOW),
        is_signed("x" * 64, good, CORPO, NOW),
        is_signed(CHIAVE, good, CORPO, NOW + timedelta(minutes=6)),
        is_signed(CHIAVE, good, CORPO, NOW - timedelta(minutes=6)),
        is_signed(CHIAVE, good | {"webhook-id": "e" * 32 + "-1"}, CORPO, NOW),
        is_signed(CHIAVE, good | {"webhook-timestamp": str(int(NOW.timestamp()) + 1)}, CORPO, NOW),
        is_signed(CHIAVE, good | {"webhook-timestamp": "ieri"}, CORPO, NOW),
        is_signed(CHIAVE, good | {"webhook-signature": "v1,"}, CORPO, NOW),
        is_signed(CHIAVE, {}, CORPO, NOW),
    ]

    assert touched == [False] * len(touched)


def test_the_bearer_token_lives_minutes_and_is_never_the_same() -> None:
    """Defect 17 of the original: no expiry, no instant, no id."""
    headers = [signed(client_id="comune", mail="esiti@example.org") for _ in range(2)]

    tokens = [one["authorization"].removeprefix("Bearer ") for one in headers]
    claims = [jwt.decode(one, CHIAVE, algorithms=["HS512"], options={"verify_exp": False}) for one in tokens]

    assert jwt.get_unverified_header(tokens[0]) == {"alg": "HS512", "typ": "JWT", "kid": "comune"}
    assert (claims[0]["iss"], claims[0]["sub"]) == ("comune", "esiti@example.org")
    assert claims[0]["exp"] - claims[0]["iat"] == 300
    assert claims[0]["jti"] != claims[1]["jti"]
    assert (claims[0]["evento"], claims[0]["sequenza"]) == ("e" * 32 + "-2", 2)
    assert claims[0]["digest"] == headers[0]["digest"]


def test_without_client_id_and_mail_there_is_no_token() -> None:
    assert "authorization" not in signed(client_id="comune")
