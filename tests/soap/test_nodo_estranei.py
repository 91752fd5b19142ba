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
# Receipts come through any station of the ente's intermediary: money is not refused for the way it came (3.5.1).
RECEIPTS = ("paSendRT", "paSendRTV2")
SECONDA_STAZIONE = f"{INTERMEDIARIO}_02"
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

    codes = {name: post(name, Avviso(dominio, f"3{IUV}", intermediario, stazione)) for name in OPERATIONS}

    assert codes == dict.fromkeys(OPERATIONS, code)


def test_a_receipt_that_is_refused_is_kept(small_world: World, post: Callable[[str, Avviso], str]) -> None:
    (dominio, intermediario, stazione), code = STRANGERS["our ente on another tenant's station"]

    for name in ("paSendRTV2", "paaInviaRT"):
        post(name, Avviso(dominio, f"3{IUV}", intermediario, stazione))

    rows = small_world.ricevute()
    assert [(row.primitiva, row.stato, row.stazione_id) for row in rows] == [
        ("paSendRTV2", "RESPINTA", stazione), ("paaInviaRT", "RESPINTA", stazione),
    ]  # fmt: skip
    assert {row.motivo.partition(":")[0] for row in rows} == {code}


def test_a_receipt_may_come_through_any_station_of_the_same_intermediary(
    small_world: World, post: Callable[[str, Avviso], str]
) -> None:
    small_world.lay(schema.stazioni, id=SECONDA_STAZIONE, intermediario=INTERMEDIARIO, password_cifrata="-")
    avviso = Avviso(INTERMEDIARIO, f"3{IUV}", INTERMEDIARIO, SECONDA_STAZIONE)

    answers = [post(name, avviso) for name in RECEIPTS]

    assert all("<outcome>OK</outcome>" in answer for answer in answers)
    # The way is right; that nobody sent this RPT is another matter.
    assert post("paaInviaRT", avviso) == "PAA_RPT_SCONOSCIUTA"
    # Questions are for the station that the ente is on.
    assert {post(name, avviso) for name in ANSWERED if name not in RECEIPTS} == {"PAA_ID_DOMINIO_ERRATO"}


def test_what_was_begun_through_an_intermediary_comes_back_through_it_after_the_ente_has_left(
    small_world: World, post: Callable[[str, Avviso], str]
) -> None:
    before = Avviso(INTERMEDIARIO, f"3{IUV}", INTERMEDIARIO, STAZIONE)
    assert "<outcome>OK</outcome>" in post("paGetPaymentV2", before)
    small_world.change(schema.enti, "codice_fiscale", INTERMEDIARIO, stazione_id=ALTRA_STAZIONE)

    begun = [post(name, before) for name in RECEIPTS]
    of_another = post("paSendRTV2", Avviso(INTERMEDIARIO, f"3{IUV[:-1]}5", INTERMEDIARIO, STAZIONE))

    assert all("<outcome>OK</outcome>" in answer for answer in begun)
    assert of_another == "PAA_ID_DOMINIO_ERRATO"


def test_who_is_configured_is_answered(post: Callable[[str, Avviso], str]) -> None:
    answers = [post(name, Avviso(INTERMEDIARIO, f"3{IUV}", INTERMEDIARIO, STAZIONE)) for name in ANSWERED]

    assert all(re.search("<(outcome|esito)>OK</", answer) for answer in answers), answers
