"""Every operation that the node calls answers only configured brokers, stations and domains, whatever else is right.

Source: node, order of checks (3.0.4, steps 2 to 4), security at the boundary (5).
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from adapters.nodo import fake_ccp, fake_pfn, fake_ricevuta
from adapters.nodo.fake_pfn import Avviso, build_get, build_verify, envelope, recipient
from adapters.nodo.fake_psp import PSP
from adapters.nodo.fake_rt import PAGATA, make_rt
from adapters.nodo.fake_soap import build_invia_rt
from adapters.nodo.faults_script import GET, GET_V2
from hub.app import build_wsgi_app
from hub.domain.delivery import ChiaveRpt
from hub.soap.nodo import paa_invia_rt
from hub.store import schema
from tests.adapters.simulated import make_rpt
from tests.world import INTERMEDIARIO, STAZIONE, World

IUV = "01000000000000144"
# Another intermediary of the same installation, with a station and an ente of its own.
ALTRO, ALTRA_STAZIONE, ALTRO_ENTE = "98765432103", "98765432103_01", "00743110157"
NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)

Build = Callable[[Avviso], bytes]


def _receipt(versione: int) -> Build:
    def build(avviso: Avviso) -> bytes:
        pagato = fake_ricevuta.without_get(avviso, "t" * 32, 5000, "IT60X0542811101000000123456", stand_in=False)
        to = (avviso.dominio, avviso.intermediario, avviso.stazione)
        return fake_ricevuta.build_receipt(pagato, avviso, to, PSP[0], versione, NOW)

    return build


def _demand(avviso: Avviso) -> bytes:
    more = "<idServizio>00001</idServizio><idSoggettoServizio>00002</idSoggettoServizio>"
    dati = base64.b64encode(b"<a/>").decode()
    inner = recipient(avviso.dominio, avviso.intermediario, avviso.stazione) + more
    inner += f"<datiSpecificiServizioRequest>{dati}</datiSpecificiServizioRequest>"
    found = envelope("paVerifyPaymentNotice", inner)
    return found.replace(b"paVerifyPaymentNoticeReq", b"paDemandPaymentNoticeRequest")


def _rt(avviso: Avviso) -> bytes:
    rt = make_rt(make_rpt(dominio=avviso.dominio, iuv=avviso.iuv, ccp="c" * 32), PAGATA, NOW)
    return build_invia_rt(avviso.intermediario, avviso.stazione, ChiaveRpt(avviso.dominio, avviso.iuv, "c" * 32), rt)


OPERATIONS: dict[str, tuple[str, Build]] = {
    "paVerifyPaymentNotice": (fake_pfn.PATH, build_verify),
    "paGetPayment": (fake_pfn.PATH, lambda avviso: build_get(GET, avviso, 5000, postale=False)),
    "paGetPaymentV2": (fake_pfn.PATH, lambda avviso: build_get(GET_V2, avviso, 5000, postale=False)),
    "paDemandPaymentNotice": (fake_pfn.PATH, _demand),
    "paSendRT": (fake_pfn.PATH, _receipt(1)),
    "paSendRTV2": (fake_pfn.PATH, _receipt(2)),
    "paaVerificaRPT": (fake_ccp.PATH, lambda avviso: fake_ccp.build_verifica(avviso, "c" * 32, PSP[0])),
    "paaAttivaRPT": (fake_ccp.PATH, lambda avviso: fake_ccp.build_attiva(avviso, "c" * 32, PSP[0], 5000)),
    "paaInviaRT": (paa_invia_rt.PATH, _rt),
}
# Dominio, intermediary, station; and the code that is owed.
STRANGERS = {
    "a broker of nobody": ((INTERMEDIARIO, "99999999990", STAZIONE), "PAA_ID_INTERMEDIARIO_ERRATO"),
    "a station of nobody": ((INTERMEDIARIO, INTERMEDIARIO, "12345678903_99"), "PAA_STAZIONE_INT_ERRATA"),
    "another broker's station": ((INTERMEDIARIO, INTERMEDIARIO, ALTRA_STAZIONE), "PAA_STAZIONE_INT_ERRATA"),
    "another broker for the station": ((INTERMEDIARIO, ALTRO, STAZIONE), "PAA_STAZIONE_INT_ERRATA"),
    "another tenant's ente": ((ALTRO_ENTE, INTERMEDIARIO, STAZIONE), "PAA_ID_DOMINIO_ERRATO"),
    "our ente on another tenant's station": ((INTERMEDIARIO, ALTRO, ALTRA_STAZIONE), "PAA_ID_DOMINIO_ERRATO"),
    "an ente of nobody": (("00000000000", INTERMEDIARIO, STAZIONE), "PAA_ID_DOMINIO_ERRATO"),
}
# The receipts of the new model come through any of our stations: money is not refused for the way it came (3.5.1).
RECEIPTS = ("paSendRT", "paSendRTV2")
ANY_STATION = ("another tenant's ente", "our ente on another tenant's station")
ANSWERED = [name for name in OPERATIONS if name not in ("paDemandPaymentNotice", "paaInviaRT")]


@pytest.fixture
def post(small_world: World) -> Callable[[str, Avviso], str]:
    """Ask an operation about a notice as somebody; return the fault's code, or the answer without one."""
    small_world.lay_avviso(IUV)
    small_world.lay(schema.stazioni, id=ALTRA_STAZIONE, intermediario=ALTRO, password_cifrata="-")
    small_world.lay(
        schema.enti, cod_ipa_ente="C_ALTROVE", codice_fiscale=ALTRO_ENTE, nome="Comune di altri", stato="ESERCIZIO",
        stazione_id=ALTRA_STAZIONE, codice_segregazione="01", iban="IT60X0542811101000000123456",
    )  # fmt: skip
    wsgi = build_wsgi_app(small_world.runtime)

    def ask(operation: str, avviso: Avviso) -> str:
        path, build = OPERATIONS[operation]
        body = build(avviso)
        told: list[str] = []
        environ = {
            "REQUEST_METHOD": "POST", "PATH_INFO": path, "SCRIPT_NAME": "", "QUERY_STRING": "", "SERVER_NAME": "h",
            "CONTENT_TYPE": "text/xml; charset=utf-8", "CONTENT_LENGTH": str(len(body)), "SERVER_PORT": "80",
            "wsgi.input": io.BytesIO(body), "wsgi.url_scheme": "http", "REMOTE_ADDR": "192.0.2.1",
            "HTTP_SOAPACTION": f'"{operation}"',
        }  # fmt: skip
        answer = b"".join(wsgi(environ, lambda status, headers, exc_info=None: told.append(status))).decode()
        assert told == ["200 OK"], answer
        found = re.search("<faultCode>(.*?)</faultCode>", answer)
        return found.group(1) if found else answer

    return ask


@pytest.mark.parametrize("stranger", STRANGERS)
def test_who_is_not_configured_gets_the_code_of_what_is_wrong(
    post: Callable[[str, Avviso], str], stranger: str
) -> None:
    (dominio, intermediario, stazione), code = STRANGERS[stranger]
    judged = [name for name in OPERATIONS if name not in RECEIPTS or stranger not in ANY_STATION]

    codes = {name: post(name, Avviso(dominio, f"3{IUV}", intermediario, stazione)) for name in judged}

    assert codes == dict.fromkeys(judged, code)


@pytest.mark.parametrize("stranger", ANY_STATION)
def test_a_receipt_may_come_through_any_of_our_stations(post: Callable[[str, Avviso], str], stranger: str) -> None:
    (dominio, intermediario, stazione), _ = STRANGERS[stranger]

    answers = [post(name, Avviso(dominio, f"3{IUV}", intermediario, stazione)) for name in RECEIPTS]

    assert all("<outcome>OK</outcome>" in answer for answer in answers)


def test_who_is_configured_is_answered(post: Callable[[str, Avviso], str]) -> None:
    answers = [post(name, Avviso(INTERMEDIARIO, f"3{IUV}", INTERMEDIARIO, STAZIONE)) for name in ANSWERED]

    assert all(re.search("<(outcome|esito)>OK</", answer) for answer in answers), answers
