"""Settlement flows over both transports: the promises of the port, on the simulator's real sockets and on a stub."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.nodo.fake import Simulator, SimulatorServer
from adapters.nodo.fake_fdr import REST, SOAP
from adapters.nodo.fake_node import StazioneNota
from adapters.nodo.fake_rt import PAGATA, make_rt
from adapters.nodo.faults_script import rule_from_text
from adapters.nodo.fdr_http import Tempi
from adapters.nodo.fdr_prodotti import Difetto, render_xml
from adapters.nodo.fdr_rest import FdrRest
from adapters.nodo.fdr_soap import FdrSoap
from adapters.nodo.ledger import RptRicevuta
from adapters.nodo.trasporto import Attese
from hub.domain.acquisizione_fdr import DomandaFdr, EsitoDomanda, FlussoElencato
from hub.domain.delivery import ChiaveRpt, Stazione
from hub.formats import fdr_soap
from hub.formats.fdr import read_flusso
from hub.formats.fdr_rest import read_pacchetto
from hub.formats.rpt import render_rpt
from tests.adapters.simulated import make_rpt
from tests.adapters.stub_node import reply, stub
from tests.rendicontazioni import OGGI, PSP, make_flusso, make_pagamento

ORA = datetime(2026, 11, 21, 9, tzinfo=UTC)
DOMINIO = "12345678903"
TEMPI = Tempi(Attese(1.0, 5.0, 5.0), 20.0)
DOMANDA = DomandaFdr(Stazione(f"{DOMINIO}_01", DOMINIO, "password01"), DOMINIO, ("chiave-principale", "chiave-riserva"))
DAL = ORA - timedelta(days=30)
ENVELOPE = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
    '<w:nodoChiediFlussoRendicontazioneRisposta xmlns:w="http://ws.pagamenti.telematici.gov/">%s'
    "</w:nodoChiediFlussoRendicontazioneRisposta></e:Body></e:Envelope>"
)


class Node:
    """The simulator on a port, with the hour in the test's hands, and a client in front of it."""

    def __init__(self, transport: str) -> None:
        self.now = ORA
        stazione = StazioneNota(f"{DOMINIO}_01", DOMINIO, "password01", frozenset({DOMINIO}))
        self.simulator = Simulator("http://127.0.0.1:9", clock=lambda: self.now, stazioni=(stazione,))
        self.server = SimulatorServer("127.0.0.1", 0, self.simulator)
        self.server.start()
        self.transport = transport
        self.fdr: Any = self.client()

    def client(self, size: int = 1000) -> Any:
        if self.transport == "soap":
            return FdrSoap(self.server.url + SOAP, TEMPI)
        return FdrRest(self.server.url + REST, TEMPI, size)

    def add(self, *flussi: Any) -> None:
        for flusso in flussi:
            self.simulator.ledger_fdr.add(flusso)

    def fault(self, *texts: str) -> None:
        for text in texts:
            self.simulator.faults.add(rule_from_text(text))

    def list(self) -> list[FlussoElencato]:
        elenco = self.fdr.elenca(DOMANDA, DAL)
        assert elenco.esito == EsitoDomanda.OK, elenco
        return list(elenco.flussi)

    def fetch(self, flusso: FlussoElencato) -> tuple[Any, list[Any]]:
        copia = io.BytesIO()
        scarico = self.fdr.scarica(DOMANDA, flusso, copia)
        assert scarico.esito == EsitoDomanda.OK, scarico
        copia.seek(0)
        riversamento, righe = (read_flusso if self.transport == "soap" else read_pacchetto)(copia)
        return riversamento, list(righe)

    @property
    def operation(self) -> tuple[str, str]:
        """The names, in a script, of asking for the list and for a flow."""
        if self.transport == "soap":
            return "nodoChiediElencoFlussiRendicontazione", "nodoChiediFlussoRendicontazione"
        return "fdr.elenco", "fdr.pagamenti"


@pytest.fixture(params=["soap", "rest"])
def node(request: pytest.FixtureRequest) -> Iterator[Node]:
    found = Node(request.param)
    yield found
    found.server.close()


def test_what_is_listed_is_given_with_the_same_words_over_either_transport(node):
    rows = (make_pagamento(1, importo_cent=99_999_999_999), make_pagamento(2, esito="3", indice=None),
            make_pagamento(3, esito="9"), make_pagamento(4, esito="8"))  # fmt: skip
    node.add(make_flusso(*rows))

    (listed,) = node.list()
    riversamento, righe = node.fetch(listed)

    assert (listed.iuf, listed.psp, listed.generato_at) == (f"2026-11-20{PSP}-S1", PSP, OGGI)
    assert [(one.iuv, one.iur, one.importo_cent, one.esito, one.indice, one.data_esito) for one in righe] == [
        (one.iuv, one.iur, one.importo_cent, one.esito, one.indice, one.data) for one in rows
    ]
    assert (riversamento.iuf, riversamento.righe, riversamento.ricevente.codice) == (listed.iuf, 4, DOMINIO)


def test_an_empty_list_is_no_error(node):
    assert node.list() == []


def test_a_flow_is_listed_for_thirty_days(node):
    node.add(make_flusso())

    node.now = datetime(2026, 12, 20, 7, tzinfo=UTC)
    assert len(node.list()) == 1
    node.now += timedelta(hours=2)
    assert node.list() == []


def test_a_flow_that_is_gone_when_it_is_asked_for_is_absent_not_an_alarm(node):
    node.add(make_flusso(difetti=frozenset({Difetto.MANCANTE})))
    (listed,) = node.list()

    scarico = node.fdr.scarica(DOMANDA, listed, io.BytesIO())

    assert scarico.esito == EsitoDomanda.ASSENTE


@pytest.mark.parametrize(
    ("fault", "esito"),
    [
        ("lost_before", "RIPROVARE"),
        ("lost_after", "RIPROVARE"),
        ("close", "RIPROVARE"),
        ("garbage", "RIPROVARE"),
        ("http_500", "RIPROVARE"),
        ("http_429=7", "RIPROVARE"),
        ("twice", "OK"),
        ("late=0.2", "OK"),
    ],
)
@pytest.mark.parametrize("which", [0, 1], ids=["elenco", "flusso"])
def test_every_misbehaviour_ends_as_a_value(node, fault, esito, which):
    node.add(make_flusso())
    (listed,) = node.list()
    node.fault(f"{node.operation[which]}:{fault},times=1")

    copia = io.BytesIO()
    answer = node.fdr.elenca(DOMANDA, DAL) if which == 0 else node.fdr.scarica(DOMANDA, listed, copia)

    is_spoilt_page = node.transport == "rest" and which == 1 and fault == "garbage"
    # A page of payments is kept as it came: who reads the package finds that it is none.
    assert answer.esito == ("OK" if is_spoilt_page else esito)
    if fault.startswith("http_429"):
        assert (answer.codice, answer.retry_after_s) == ("HTTP_429", 7.0)


def test_a_wrong_password_is_refused_and_so_is_an_unknown_station(node):
    if node.transport == "rest":
        node.simulator.fdr.chiavi = frozenset({"altra"})
        codes = ("HTTP_401", "HTTP_401")
    else:
        codes = ("PPT_AUTENTICAZIONE", "PPT_STAZIONE_INT_PA_SCONOSCIUTA")

    wrong = DomandaFdr(Stazione(f"{DOMINIO}_01", DOMINIO, "sbagliata"), DOMINIO, ("a",))
    unknown = DomandaFdr(Stazione(f"{DOMINIO}_09", DOMINIO, "password01"), DOMINIO, ("b",))
    for domanda, code in zip((wrong, unknown), codes, strict=True):
        elenco = node.fdr.elenca(domanda, DAL)
        assert (elenco.esito, elenco.codice) == (EsitoDomanda.RIFIUTATA, code)


def test_nobody_there_is_tried_again():
    for fdr in (FdrSoap("http://127.0.0.1:9/x", TEMPI), FdrRest("http://127.0.0.1:9/x", TEMPI)):
        assert fdr.elenca(DOMANDA, DAL).esito == EsitoDomanda.RIPROVARE


def test_rest_takes_the_second_key_where_the_first_is_not_let_in_any_more():
    node = Node("rest")
    try:
        node.add(make_flusso())
        node.simulator.fdr.chiavi = frozenset({"chiave-riserva"})

        assert len(node.list()) == 1
    finally:
        node.server.close()


def test_rest_reads_lists_and_payments_page_by_page():
    node = Node("rest")
    try:
        pagamenti = [make_pagamento(number) for number in range(1, 8)]
        node.add(*(make_flusso(*pagamenti, iuf=f"2026-11-20{PSP}-S{number}") for number in range(7)))
        node.fdr = node.client(size=3)

        listed = node.list()
        _, righe = node.fetch(listed[2])

        assert [one.iuf[-2:] for one in listed] == [f"S{i}" for i in range(7)]
        assert [one.numero for one in righe] == list(range(1, 8))
        asked = [one["operazione"] for one in node.simulator.ledger_fdr.as_json()["domande"]]
        assert (asked.count("fdr.elenco"), asked.count("fdr.pagamenti")) == (3, 3)
    finally:
        node.server.close()


def test_rest_asks_for_instants_in_utc():
    """Rome's summer hour must not be taken for the platform's."""
    seen: list[bytes] = []

    def answer(connection: Any) -> None:
        seen.append(connection.recv(65536))
        body = b'{"metadata":{"totPage":1},"data":[]}'
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    rome = datetime(2026, 7, 1, 0, 30, tzinfo=UTC).astimezone()
    with stub(answer) as url:
        assert FdrRest(url, TEMPI).elenca(DOMANDA, rome).esito == EsitoDomanda.OK

    assert b"publishedGt=2026-07-01T00%3A30%3A00Z" in seen[0]


def soap_answer(inner: bytes, headers: str = "") -> tuple[Any, bytes]:
    copia = io.BytesIO()
    with stub(reply(inner, headers=headers)) as url:
        scarico = FdrSoap(url, TEMPI).scarica(DOMANDA, FlussoElencato("F1", ORA), copia)
    return scarico, copia.getvalue()


def envelope(inner: str) -> bytes:
    return (ENVELOPE % inner).encode()


def test_the_document_comes_out_of_lines_of_base64():
    document = b"".join(render_xml(make_flusso()))

    text = base64.encodebytes(document).decode()
    scarico, data = soap_answer(envelope(f"<xmlRendicontazione>{text}</xmlRendicontazione>"))

    assert (scarico.esito, data) == (EsitoDomanda.OK, document)


@pytest.mark.parametrize("encoding", ["binary", "base64"])
def test_the_document_comes_out_of_an_mtom_part(encoding):
    document = b"".join(render_xml(make_flusso()))
    include = '<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:flusso@nodo"/>'
    root = envelope(f"<xmlRendicontazione>{include}</xmlRendicontazione>")
    sent = document if encoding == "binary" else base64.encodebytes(document)
    body = b"".join(
        (
            b"--confine\r\nContent-Type: application/xop+xml\r\nContent-ID: <root>\r\n\r\n", root,
            b"\r\n--confine\r\nContent-Type: text/plain\r\nContent-ID: <altro>\r\n\r\nniente\r\n--confin",
            b"\r\n--confine\r\nContent-ID: <flusso@nodo>\r\nContent-Transfer-Encoding: ", encoding.encode(),
            b"\r\n\r\n", sent, b"\r\n--confine--\r\n",
        )
    )  # fmt: skip

    def answer(connection: Any) -> None:
        connection.recv(65536)
        head = f'HTTP/1.1 200 OK\r\nContent-Type: multipart/related; boundary="confine"\r\nContent-Length: {len(body)}'
        connection.sendall(head.encode() + b"\r\n\r\n" + body)

    copia = io.BytesIO()
    with stub(answer) as url:
        scarico = FdrSoap(url, TEMPI).scarica(DOMANDA, FlussoElencato("F1", ORA), copia)

    assert (scarico.esito, copia.getvalue()) == (EsitoDomanda.OK, document)


@pytest.mark.parametrize(
    ("body", "esito", "code"),
    [
        (envelope(""), "SENZA_DOCUMENTO", "SENZA_DOCUMENTO"),
        (envelope("<xmlRendicontazione></xmlRendicontazione>"), "SENZA_DOCUMENTO", "SENZA_DOCUMENTO"),
        (envelope("<xmlRendicontazione>QUJ</xmlRendicontazione>"), "RIPROVARE", "RISPOSTA_NON_LEGGIBILE"),
        (envelope("<xmlRendicontazione>QQ==QUJD</xmlRendicontazione>"), "RIPROVARE", "RISPOSTA_NON_LEGGIBILE"),
        (envelope("<xmlRendicontazione>non è base64!</xmlRendicontazione>"), "RIPROVARE", "RISPOSTA_NON_LEGGIBILE"),
        (envelope("<xmlRendicontazione>QUJD")[:-60], "RIPROVARE", "RISPOSTA_NON_LEGGIBILE"),
        (b"<html/>", "RIPROVARE", "RISPOSTA_NON_LEGGIBILE"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]>' + envelope(""), "RIPROVARE", "RISPOSTA_NON_LEGGIBILE"),
        (envelope("<fault><faultCode>PPT_SYSTEM_ERROR</faultCode><faultString>404</faultString><id>x</id></fault>"),
         "ASSENTE", "PPT_SYSTEM_ERROR"),
        (envelope("<fault><faultCode>PPT_PSP_SCONOSCIUTO</faultCode><faultString>p</faultString><id>x</id></fault>"),
         "ASSENTE", "PPT_PSP_SCONOSCIUTO"),
        (envelope("<fault><faultCode>PPT_AUTORIZZAZIONE</faultCode><faultString>p</faultString><id>x</id></fault>"),
         "RIFIUTATA", "PPT_AUTORIZZAZIONE"),
        (envelope("<fault><faultCode>PPT_MAI_VISTO</faultCode><faultString>p</faultString><id>x</id></fault>"),
         "RIPROVARE", "PPT_MAI_VISTO"),
    ],
)  # fmt: skip
def test_each_answer_of_the_soap_side_has_one_meaning(body, esito, code):
    scarico, _ = soap_answer(body)

    assert (scarico.esito, scarico.codice) == (esito, code)


def test_whoever_sends_a_byte_now_and_then_is_cut_off():
    def drip(connection: Any) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n<e>")
        for _ in range(200):
            time.sleep(0.05)
            connection.sendall(b" ")

    with stub(drip) as url:
        fdr = FdrSoap(url, Tempi(Attese(1.0, 5.0, 5.0), 0.5))
        scarico = fdr.scarica(DOMANDA, FlussoElencato("F1", ORA), io.BytesIO())

    assert (scarico.esito, scarico.codice) == (EsitoDomanda.RIPROVARE, "TEMPO_SCADUTO")


_MEMORY = """
import io, resource, sys
from tests.adapters.test_fdr_nodo import DOMANDA, TEMPI, FdrSoap, FlussoElencato, ORA

class Nowhere:
    size = 0
    def write(self, data):
        self.size += len(data)

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
nowhere = Nowhere()
scarico = FdrSoap(sys.argv[1], TEMPI).scarica(DOMANDA, FlussoElencato(sys.argv[2], ORA), nowhere)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(scarico.esito, nowhere.size, after - before)
"""


def test_a_flow_of_tens_of_megabytes_takes_no_memory():
    """A document of some 45 MB in base64, far over the 10 MB that libxml2 lets one text have."""
    node = Node("soap")
    try:
        flusso = make_flusso(sintetici=70_000)
        node.add(flusso)
        command = [sys.executable, "-c", _MEMORY, node.server.url + SOAP, flusso.iuf]

        run = subprocess.run(command, capture_output=True, text=True, timeout=120)

        assert run.returncode == 0, run.stderr
        esito, size, grown_kb = run.stdout.split()
        assert (esito, int(size)) == ("OK", sum(len(block) for block in render_xml(flusso)))
        assert int(size) > 25_000_000 and int(grown_kb) < 8 * 1024
    finally:
        node.server.close()


def test_what_was_paid_here_becomes_a_flow_once():
    node = Node("rest")
    try:
        rpt = make_rpt()
        chiave = ChiaveRpt(rpt.dominio, rpt.iuv, rpt.ccp)
        riga = RptRicevuta(chiave, "s", DOMINIO, rpt.stazione, "", "RPT_PARCHEGGIATA_NODO", render_rpt(rpt))
        node.simulator.ledger.add_carrello([riga], ORA)
        node.simulator.ledger.add_rt([(chiave, PAGATA, make_rt(rpt, PAGATA, ORA))], da=None, a="x", due_at=ORA, now=ORA)

        (made,) = node.simulator.fdr.produci()
        assert node.simulator.fdr.produci() == []

        (listed,) = node.list()
        _, righe = node.fetch(listed)
        assert [(one.iuv, one.importo_cent, one.indice) for one in righe] == [(rpt.iuv, 1234, 1)]
        assert made.iuf == listed.iuf
    finally:
        node.server.close()


@pytest.fixture
def soap() -> Iterator[Node]:
    node = Node("soap")
    node.fdr = FdrSoap(node.server.url + SOAP, TEMPI, pausa_s=0)
    yield node
    node.server.close()


def many(*psp: str, each: int = 40) -> list[Any]:
    """Flows of these PSPs, listed in this order."""
    return [
        make_flusso(iuf=f"2026-11-20{one}-S{n}", psp=one, pubblicato_at=ORA - timedelta(hours=len(psp) - at))
        for at, one in enumerate(psp)
        for n in range(each)
    ]


def test_a_list_that_is_too_large_is_asked_for_psp_by_psp(soap: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the first answer, and those whose flows were seen before. Source: node, 2.6."""
    flussi = many("ABI01111", "ABI02222", "ABI03333")
    soap.add(*flussi)
    monkeypatch.setattr(fdr_soap, "ELENCO_BYTES_MAX", 10_000)

    elenco = soap.fdr.elenca(replace(DOMANDA, psp=("ABI03333",)), DAL)

    assert elenco.esito == EsitoDomanda.OK and {one.iuf for one in elenco.flussi} == {one.iuf for one in flussi}
    assert len(elenco.flussi) == len(flussi)
    assert elenco.saltati == ("elenco oltre il limite di 10000 byte: chiesto per ciascuno dei 3 PSP noti",)
    assert [one["risposta"] for one in soap.simulator.ledger_fdr.as_json()["domande"]] == ["OK"] * 4


def test_a_list_of_one_psp_that_is_too_large_is_told(soap: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    soap.add(*many("ABI01111", "ABI02222"))
    monkeypatch.setattr(fdr_soap, "ELENCO_BYTES_MAX", 5_000)

    elenco = soap.fdr.elenca(DOMANDA, DAL)

    assert elenco.esito == EsitoDomanda.OK and elenco.flussi
    assert "PSP ABI01111: elenco oltre il limite di 5000 byte" in elenco.saltati


def test_one_psp_whose_list_fails_is_a_list_that_failed(soap: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not listed must not be taken for what is not there."""
    soap.add(*many("ABI01111", "ABI02222"))
    monkeypatch.setattr(fdr_soap, "ELENCO_BYTES_MAX", 10_000)
    pauses: list[float | None] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout)
            if len(pauses) == 2:
                soap.fault("nodoChiediElencoFlussiRendicontazione:http_500,times=1")
            return False

    fdr = FdrSoap(soap.server.url + SOAP, replace(TEMPI, stop=Stop()))

    elenco = fdr.elenca(replace(DOMANDA, psp=("ABI02222",)), DAL)

    assert pauses == [2.0, 2.0], "the pause between the calls of a batch"

    assert (elenco.esito, elenco.codice, elenco.is_answered) == (EsitoDomanda.RIPROVARE, "HTTP_500", False)
