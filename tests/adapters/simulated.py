"""What the tests of the simulated node share: a stub hub that receives receipts, messages, questions."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import urllib3

from adapters.nodo.fake import SimulatorServer
from adapters.nodo.fake_node import ROME
from adapters.nodo.fake_soap import ENVELOPE_NS
from hub.domain.delivery import ChiaveRpt, Stazione
from hub.domain.documenti import Organizzazione, Rpt, SingoloRpt, Soggetto
from hub.formats.contratti import compile_wsdl
from hub.formats.nodo_messaggi import (
    build_chiedi_stato_rpt,
    build_invia_carrello_rpt,
    fill_password,
    read_chiedi_stato_rpt_risposta,
    read_invia_carrello_rpt_risposta,
)
from hub.formats.resources import resource
from hub.formats.rpt import render_rpt
from hub.formats.rt import decode_rt_field
from hub.formats.xml import parse

DOMINIO = "12345678903"
STAZIONE = Stazione("12345678903_01", DOMINIO, "password01")
HTTP = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(5))
RISPOSTA_RT = (
    f'<s:Envelope xmlns:s="{ENVELOPE_NS}"><s:Body><w:paaInviaRTRisposta xmlns:w="http://ws.pagamenti.telematici.gov/">'
    "<paaInviaRTRisposta>%s</paaInviaRTRisposta></w:paaInviaRTRisposta></s:Body></s:Envelope>"
)
OK = (200, (RISPOSTA_RT % "<esito>OK</esito>").encode())
KO = (
    200,
    (
        RISPOSTA_RT % "<fault><faultCode>PAA_RPT_SCONOSCIUTA</faultCode><faultString>Sconosciuta.</faultString>"
        "<id>12345678903</id></fault><esito>KO</esito>"
    ).encode(),
)


@dataclass
class StubHub:
    """A hub that receives paaInviaRT and answers what the test says; OK once the list is over."""

    url: str = ""
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)
    correlation_ids: list[str] = field(default_factory=list)

    @property
    def receipts(self) -> list[bytes]:
        texts = [parse(body).findtext(".//{*}paaInviaRT/rt") or "" for body in self.received]
        return [decode_rt_field(text) for text in texts]


def make_rpt(**changes: Any) -> Rpt:
    now = datetime.now(UTC)
    rpt = Rpt(
        dominio=DOMINIO,
        stazione=STAZIONE.id,
        id_messaggio=uuid.uuid4().hex,
        creata_at=now,
        pagatore=Soggetto("F", "RSSMRA80A01H501U", "Mario Rossi"),
        ente=Organizzazione("G", DOMINIO, "Comune di Prova"),
        data_esecuzione=now.astimezone(ROME).date(),
        tipo_versamento="BBT",
        iuv="01000000000000144",
        ccp=uuid.uuid4().hex,
        versamenti=(SingoloRpt(1234, "/RFB/01000000000000144/12.34", "9/0101101IM/", "IT60X0542811101000000123456"),),
    )
    return replace(rpt, **changes)


def chiave(rpt: Rpt) -> ChiaveRpt:
    return ChiaveRpt(rpt.dominio, rpt.iuv, rpt.ccp)


def carrello(*documenti: Rpt, id_carrello: str = "", password: str = STAZIONE.password) -> bytes:
    elementi = [(chiave(rpt), render_rpt(rpt)) for rpt in documenti]
    envelope = build_invia_carrello_rpt(STAZIONE.id, STAZIONE.intermediario, id_carrello or uuid.uuid4().hex, elementi)
    return fill_password(envelope, password)


def post(simulator: SimulatorServer, body: bytes) -> urllib3.BaseHTTPResponse:
    headers = {"Content-Type": "text/xml", "X-Correlation-Id": "prova-correlazione"}
    return HTTP.request("POST", simulator.url + "/nodo", body=body, headers=headers)


def send(simulator: SimulatorServer, *documenti: Rpt) -> str:
    """Send a cart that must be accepted; return its idSession."""
    risposta = read_invia_carrello_rpt_risposta(post(simulator, carrello(*documenti)).data)
    assert risposta.is_ok, risposta
    return risposta.url.rpartition("idSession=")[2]


def post_json(simulator: SimulatorServer, path: str, words: Any) -> urllib3.BaseHTTPResponse:
    return HTTP.request("POST", simulator.url + path, json=words, redirect=False)


def ledger(simulator: SimulatorServer) -> dict[str, Any]:
    return json.loads(HTTP.request("GET", simulator.url + "/ledger").data)


def eventually(condition: Callable[[], bool], seconds: float = 8.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def stato(simulator: SimulatorServer, rpt: Rpt) -> str:
    body = post(simulator, build_chiedi_stato_rpt(STAZIONE, chiave(rpt))).data
    risposta = read_chiedi_stato_rpt_risposta(body)
    return risposta.fault.code if risposta.fault else risposta.stato


def fault_codes(body: bytes) -> list[tuple[str, int | None]]:
    risposta = read_invia_carrello_rpt_risposta(body)
    assert not risposta.is_ok
    return [(fault.code, fault.serial) for fault in (risposta.fault, *risposta.errori) if fault is not None]


def assert_valid(body: bytes) -> None:
    payload = parse(body).find(f"{{{ENVELOPE_NS}}}Body")[0]
    assert compile_wsdl(resource("wsdl", "NodoPerPa.wsdl")).check(payload) == []


def provoke(simulator: SimulatorServer, operation: str, kind: str, **more: Any) -> None:
    answer = post_json(simulator, "/faults", {"operation": operation, "kind": kind, **more})
    assert answer.status == 201, answer.data
