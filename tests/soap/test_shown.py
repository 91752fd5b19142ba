"""What is shown beside the envelope reaches the caller's check, and a header from anybody else does not."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import pytest
import structlog

from hub.config_reading import ConfigError, load_config
from hub.domain.credenziali import Genere
from hub.runtime import PEER_CERTIFICATE
from hub.soap.shown import bearer, proxied_certificate
from hub.usecases.change_credenziale import add_credenziale, new_token
from tests.certificates import make_identity, pin
from tests.factories import make_documento
from tests.soap.zeep_client import ente_client, intestazione, open_door
from tests.world import SOURCE, World

TLS = make_identity("TLS di tributi", "ec")
OTHER = make_identity("TLS di un altro", "ec")
PROXY = "192.0.2.254"
RFC9440 = f":{base64.b64encode(TLS.der).decode()}:"
NGINX = quote(TLS.pem, safe="")


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("", None),
        ("Basic dXNlcjpwYXNz", None),
        ("Bearer ppa_x", "ppa_x"),
        ("bearer  ppa_x", "ppa_x"),
        ("Bearer", ""),
        ("Bearer a b", ""),
        ("Bearer ppa_x,Bearer ppa_y", ""),
        ("Basic dXNlcjpwYXNz,Bearer ppa_x", ""),
    ],
)
def test_a_token_is_read_from_its_header(header, token):
    assert bearer({"HTTP_AUTHORIZATION": header}) == token


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Client-Cert", RFC9440),
        ("X-SSL-Client-Cert", NGINX),
        ("X-SSL-Client-Cert", TLS.pem.replace("\n", " ")),
        ("X-SSL-Client-Cert", base64.b64encode(TLS.der).decode()),
    ],
)
def test_the_header_of_a_trusted_proxy_is_believed(name, value):
    key = "HTTP_" + name.upper().replace("-", "_")
    certificate = proxied_certificate(name, (PROXY,))

    assert certificate({"REMOTE_ADDR": PROXY, key: value}) == TLS.read.impronta
    assert certificate({"REMOTE_ADDR": SOURCE, key: value}) is None


@pytest.mark.parametrize("value", ["", "(null)", "   "])
def test_an_empty_header_shows_nothing(value):
    certificate = proxied_certificate("Client-Cert", (PROXY,))

    assert certificate({"REMOTE_ADDR": PROXY, "HTTP_CLIENT_CERT": value}) is None


@pytest.mark.parametrize("value", ["x", "::", ":@@@:", f"{RFC9440},{RFC9440}", "A" * 100_000, "%ff%00", "-" * 9])
def test_a_header_that_cannot_be_read_is_shown_and_wrong(value):
    certificate = proxied_certificate("Client-Cert", (PROXY,))

    assert certificate({"REMOTE_ADDR": PROXY, "HTTP_CLIENT_CERT": value}) == ""


@pytest.mark.parametrize(
    ("named", "sent"), [("Client-Cert", "X_SSL_CLIENT_CERT"), ("X-SSL-Client-Cert", "CLIENT_CERT"), ("", "CLIENT_CERT")]
)
def test_only_the_named_header_is_believed(named, sent):
    value = RFC9440 if sent == "CLIENT_CERT" else NGINX

    assert proxied_certificate(named, (PROXY,))({"REMOTE_ADDR": PROXY, f"HTTP_{sent}": value}) is None


def test_the_certificate_of_the_connection_wins_over_a_header():
    environ = {"REMOTE_ADDR": PROXY, "HTTP_CLIENT_CERT": RFC9440, PEER_CERTIFICATE: OTHER.der}

    assert proxied_certificate("Client-Cert", (PROXY,))(environ) == OTHER.read.impronta


def test_a_named_header_without_trusted_proxies_is_refused_at_start():
    env = {"PONTEPA_AMBIENTE": "sviluppo", "PONTEPA_PROXY_CERT_HEADER": "Client-Cert"}

    with pytest.raises(ConfigError, match="PONTEPA_TRUSTED_PROXIES"):
        load_config(None, env)


def _invia(world: World, password: str = "", **more: Any) -> str | None:
    """Call paaSILInviaDovuti with more in the request, return the code of the refusal."""
    door = open_door(world, **more)
    answer = ente_client(door).paaSILInviaDovuti(
        password=password, dovuti=make_documento().xml, _soapheaders=intestazione("C_PROVA")
    )
    assert door.last.status == 200
    return answer.fault and answer.fault.faultCode


def _token(world: World) -> str:
    nuova = new_token()
    add_credenziale(world.db, "C_PROVA", None, nuova, None, None, world.clock())
    return f"Bearer {nuova.chiaro}"


def test_a_call_with_a_token_alone_is_answered(world):
    assert _invia(world, HTTP_AUTHORIZATION=_token(world)) is None


def test_a_call_with_a_certificate_alone_is_answered(small_world):
    pin(small_world, TLS, Genere.CERTIFICATO)

    assert _invia(small_world, **{PEER_CERTIFICATE: TLS.der}) is None


def test_a_right_password_beside_a_wrong_token_is_refused(small_world):
    assert _invia(small_world, "Segreto12345", HTTP_AUTHORIZATION="Bearer ppa_x") == "PAA_ENTE_NON_VALIDO"
    assert _invia(small_world, "Segreto12345", **{PEER_CERTIFICATE: TLS.der}) == "PAA_ENTE_NON_VALIDO"


def test_a_certificate_header_from_anybody_is_dropped(small_world):
    pin(small_world, TLS, Genere.CERTIFICATO)

    assert _invia(small_world, HTTP_CLIENT_CERT=RFC9440) == "PAA_ENTE_NON_VALIDO"
    assert _invia(small_world, "Segreto12345", HTTP_CLIENT_CERT=RFC9440) is None


def test_the_log_line_says_the_reason_and_no_secret(small_world):
    with structlog.testing.capture_logs() as lines:
        _invia(small_world, "Segreto12345", HTTP_AUTHORIZATION="Bearer ppa_segretissimo")

    (line,) = [line for line in lines if line["event"] == "soap_request"]
    assert line["reason"] == "token di nessuno, o non di chi mostra il resto"
    assert "segretissimo" not in str(line) and "Segreto12345" not in str(line)


def test_the_empty_password_of_the_contract_may_be_left_out(small_world):
    assert _invia(small_world, "   ", HTTP_AUTHORIZATION=_token(small_world)) is None
