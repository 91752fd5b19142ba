"""Hostile XML wherever XML hides: envelope, inner documents, bilancio, receipt. Refused or harmless, never echoed."""

from __future__ import annotations

import base64
import logging
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import structlog
from lxml import etree
from sqlalchemy import func, select

from hub.domain.guasti import OPERAZIONI_ENTE
from hub.formats import schemi
from hub.formats.xml import parse
from hub.soap.nodo import PATH as PATH_NODO
from hub.store import schema
from tests.factories import CODICE_FISCALE, make_rt
from tests.soap.hostile import NOT_BASE64, NUL, REFUSED, SEGNO, TAKEN, TOO_LARGE
from tests.soap.requests_of_all import IN_BODY, values_of
from tests.soap.stage import GOOD, OWN, Stage, code_of, encoded
from tests.soap.walk.carrello import Carrello, hash_of
from tests.soap.walk.invia_dovuti import DocumentoDovuti
from tests.versamenti import Versamento
from tests.world import INTERMEDIARIO, PASSWORDS, STAZIONE

NODO = "http://ws.pagamenti.telematici.gov/"
# An answer says what is wrong; it never carries what was sent.
ANSWER_MAX = 4000
# Of the processor: what else the machine does counts nothing.
CPU_SECONDS_MAX = 10
XML = {"PAA_XML_NON_VALIDO"}


@dataclass(frozen=True)
class Place:
    """Where a document hides: `document` with `@@` where text stands, `send` puts its base64 into a request."""

    document: Callable[[Stage], str]
    send: Callable[[Stage, str], str]
    codes: set[str]
    good: str = GOOD
    # Kept on purpose, whatever they are: the bytes of a receipt.
    keeps: frozenset[str] = frozenset()
    # Taken all the same.
    lenient: frozenset[str] = frozenset({NUL})


def _dovuti(stage: Stage, **fields: Any) -> str:
    return DocumentoDovuti(**fields).xml(stage.iud())


def _invia(stage: Stage, text: str) -> str:
    return stage.ask("paaSILInviaDovuti", {"password": OWN, "dovuti": text}, "C_PROVA")


def _carrello(stage: Stage, text: str) -> str:
    elemento = {"codIpaEnte": "C_PROVA", "password": hash_of("C_PROVA"), "dovuti": text}
    values = {"password": OWN, "listaDovuti": {"elementoListaDovuti": [elemento]}}
    return stage.ask("paaSILInviaCarrelloDovuti", values, "C_PROVA")


def _secondario(stage: Stage, text: str) -> str:
    elemento = {
        "codIpaEnte": "C_PROVA",
        "password": hash_of("C_PROVA"),
        "dovuti": encoded(DocumentoDovuti().xml(stage.iud())),
    }
    values = {
        "password": OWN,
        "listaDovuti": {"elementoListaDovuti": [elemento]},
        "listaDovutiEntiSecondari": {"elementoListaDovutiEntiSecondari": [{"dovutiEntiSecondari": text}]},
    }
    return stage.ask("paaSILInviaCarrelloDovuti", values, "C_PROVA")


def _versamento(stage: Stage, **fields: Any) -> str:
    return Versamento(stage.iud(), **fields).xml.decode()


def _importa(stage: Stage, text: str) -> str:
    return stage.ask("paaSILImportaDovuto", {"password": OWN, "dovuto": text}, "C_PROVA")


def _importa_secondario(stage: Stage, text: str) -> str:
    lista = {"elementoListaDovutiEntiSecondari": [{"dovutiEntiSecondari": text}]}
    values = {"password": OWN, "dovuto": encoded(_versamento(stage)), "listaDovutiEntiSecondari": lista}
    return stage.ask("paaSILImportaDovuto", values, "C_PROVA")


def _rt(stage: Stage) -> str:
    tentativo = stage.tentativo = stage.world.tentativo(stage.world.begin())
    text = etree.tostring(etree.fromstring(make_rt(bytes(tentativo.rpt))), encoding="unicode")
    return text.replace("Tassa rifiuti", "@@")


def _invia_rt(stage: Stage, text: str) -> str:
    payload = stage.send(_rt_envelope(stage.tentativo, "0", text).encode(), PATH_NODO)
    return code_of(payload[0] if len(payload) == 1 else payload)


def _rt_envelope(tentativo: Any, tipo_firma: str, rt: str) -> str:
    fields = {
        "identificativoIntermediarioPA": INTERMEDIARIO,
        "identificativoStazioneIntermediarioPA": STAZIONE,
        "identificativoDominio": tentativo.dominio,
        "identificativoUnivocoVersamento": tentativo.iuv,
        "codiceContestoPagamento": tentativo.ccp,
    }
    header = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return (
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:w="{NODO}"><s:Header>'
        f'<h:intestazionePPT xmlns:h="{NODO}ppthead">{header}</h:intestazionePPT></s:Header><s:Body>'
        f"<w:paaInviaRT><tipoFirma>{tipo_firma}</tipoFirma><rt>{rt}</rt></w:paaInviaRT></s:Body></s:Envelope>"
    )


# Money stands behind a receipt. Source: node, 4.9.
LENIENT_RT = frozenset(
    {
        "wide",
        "many attributes",
        "element in a text",
        "include of a file",
        "include of an address",
        "another type",
        "null",
    }
)
PLACES = {
    "InviaDovuti dovuti": Place(lambda stage: _dovuti(stage, causale="@@"), _invia, XML),
    "InviaDovuti bilancio": Place(
        lambda stage: _dovuti(stage, bilancio="16.00").replace("<codCapitolo>C1", "<codCapitolo>@@"), _invia, XML
    ),
    "InviaCarrello dovuti": Place(lambda stage: _dovuti(stage, causale="@@"), _carrello, XML),
    "InviaCarrello secondario": Place(
        lambda stage: Carrello().secondario().replace("TEFA", "@@"),
        _secondario,
        XML | {"PAA_ERRORE_RECUPERO_DOVUTI_ENTI_SECONDARI"},
    ),
    "ImportaDovuto dovuto": Place(lambda stage: _versamento(stage, causale="@@"), _importa, XML),
    "ImportaDovuto bilancio": Place(
        lambda stage: _versamento(stage, bilancio="100.00").replace("<codCapitolo>C1", "<codCapitolo>@@"), _importa, XML
    ),
    "ImportaDovuto secondario": Place(
        lambda stage: Carrello().secondario().replace("TEFA", "@@"), _importa_secondario, XML
    ),
    "InviaRT rt": Place(
        _rt,
        _invia_rt,
        {"PAA_SINTASSI_XSD", "PAA_SINTASSI_EXTRAXSD"},
        keeps=frozenset({"rt_ricevute"}),
        lenient=LENIENT_RT,
    ),
}


@pytest.fixture
def address() -> Iterator[str]:
    """The address of a listener; whoever calls it has fetched something that a document named."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(BlockingIOError):
            listener.accept()


@dataclass
class Watch:
    """What was answered and logged, and which tables grew."""

    code: str = ""
    text: str = ""
    grown: frozenset[str] = frozenset()


@pytest.fixture
def watched(small_stage: Stage, caplog: pytest.LogCaptureFixture) -> Callable[[Callable[[], str]], Watch]:
    """Do something that asks the stage; note what is answered, logged and stored."""
    caplog.set_level(logging.DEBUG)

    def watch(ask: Callable[[], str]) -> Watch:
        before = _sizes(small_stage)
        started = time.process_time()
        with structlog.testing.capture_logs() as lines:
            code = ask()
        assert time.process_time() - started < CPU_SECONDS_MAX
        assert small_stage.last is not None and len(small_stage.last.body) < ANSWER_MAX
        assert not [line for line in lines if line["event"] == "soap_unexpected_error"]
        after = _sizes(small_stage)
        grown = frozenset(name for name in after if after[name] != before[name])
        return Watch(code, small_stage.last.body.decode() + repr(lines) + caplog.text, grown)

    return watch


def _sizes(stage: Stage) -> dict[str, int]:
    with stage.world.db.reading() as session:
        return {
            table.name: session.execute(select(func.count()).select_from(table)).scalar_one()
            for table in schema.metadata.sorted_tables
        }


def assert_nothing_told(watch: Watch) -> None:
    for secret in (SEGNO, CODICE_FISCALE, *PASSWORDS.values(), socket.gethostname()):
        assert secret not in watch.text


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_document_is_refused_and_forgotten(small_stage, watched, address, place, name):
    document = base64.b64encode(REFUSED[name](place.document(small_stage), address)).decode()

    watch = watched(lambda: place.send(small_stage, document))

    too_large = {"SOAP Fault Client"} if name == TOO_LARGE else set()
    assert watch.code in ({place.good} if name in place.lenient else place.codes | too_large)
    assert watch.grown <= place.keeps or name in place.lenient
    assert_nothing_told(watch)


@pytest.mark.parametrize("name", sorted(LENIENT_RT))
def test_a_receipt_that_is_read_leniently_gives_the_ente_a_valid_document(small_stage, address, name):
    """The bytes of the receipt go back as they came; what is made from them is clean."""
    place = PLACES["InviaRT rt"]
    place.send(small_stage, base64.b64encode(REFUSED[name](place.document(small_stage), address)).decode())
    while small_stage.world.apply():
        pass

    iuv = small_stage.tentativo.iuv
    values = {"codIpaEnte": "C_PROVA", "password": OWN, "identificativoUnivocoVersamento": iuv}
    payload = small_stage.post("paaSILChiediPagatiConRicevuta", values)

    pagati = base64.b64decode(base64.b64decode(payload.findtext("pagati")))
    assert schemi.schema(schemi.DOVUTI_PAGATI).check(parse(pagati)) == []
    assert SEGNO.encode() not in pagati


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
@pytest.mark.parametrize("make", TAKEN.values(), ids=TAKEN.keys())
def test_an_odd_document_is_taken_for_what_it_says(small_stage, watched, address, place, make):
    document = base64.b64encode(make(place.document(small_stage), address)).decode()

    watch = watched(lambda: place.send(small_stage, document))

    assert watch.code == place.good
    assert_nothing_told(watch)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
@pytest.mark.parametrize("text", NOT_BASE64.values(), ids=NOT_BASE64.keys())
def test_what_is_not_base64_is_refused(small_stage, watched, place, text):
    place.document(small_stage)  # what the request is about must be there

    watch = watched(lambda: place.send(small_stage, text))

    assert watch.code in place.codes | {"SOAP Fault Client"}
    assert watch.grown <= place.keeps
    assert_nothing_told(watch)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_a_good_document_with_foreign_characters_in_its_base64_is_refused(small_stage, watched, place):
    """A tolerant decoder leaves them out and reads the rest."""
    text = base64.b64encode(place.document(small_stage).replace("@@", "x").encode()).decode()

    watch = watched(lambda: place.send(small_stage, text[:40] + "*_-*" + text[40:]))

    assert watch.code in place.codes
    assert watch.grown <= place.keeps


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_a_hostile_document_under_two_levels_of_base64_is_refused_too(small_stage, watched, address, place):
    document = REFUSED["billion laughs"](place.document(small_stage), address)

    watch = watched(lambda: place.send(small_stage, base64.b64encode(base64.b64encode(document)).decode()))

    assert watch.code in place.codes
    assert watch.grown <= place.keeps
    assert_nothing_told(watch)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_a_huge_text_is_refused(small_stage, watched, place):
    document = place.document(small_stage).replace("@@", "a" * 1_100_000).encode()

    watch = watched(lambda: place.send(small_stage, base64.b64encode(document).decode()))

    assert watch.code in place.codes
    assert watch.grown <= place.keeps


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_three_levels_of_base64_are_one_too_many(small_stage, watched, place):
    document = place.document(small_stage).replace("@@", "x").encode()
    for _ in range(3):
        document = base64.b64encode(document)

    watch = watched(lambda: place.send(small_stage, document.decode()))

    assert watch.code in place.codes
    assert watch.grown <= place.keeps


def _envelope(stage: Stage, operation: str) -> str:
    """A good request of the operation, but for `@@` where its first text stands: the password."""
    values = values_of(operation) | {"password": "@@"}
    return stage.envelope(operation, values, None if operation in IN_BODY else "C_PROVA").decode()


@pytest.mark.parametrize("operation", OPERAZIONI_ENTE)
@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED.keys())
def test_a_hostile_envelope_is_a_client_fault_for_every_operation(small_stage, watched, address, operation, make):
    envelope = make(_envelope(small_stage, operation), address)

    watch = watched(lambda: code_of(small_stage.send(envelope)))

    assert watch.code == "SOAP Fault Client"
    assert watch.grown == frozenset()
    assert_nothing_told(watch)


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED.keys())
def test_a_hostile_envelope_of_the_node_is_refused_and_keeps_no_receipt(small_stage, watched, address, make):
    """What breaks the contract only gets the KO that the node understands."""
    rt = base64.b64encode(_rt(small_stage).encode()).decode()
    envelope = make(_rt_envelope(small_stage.tentativo, "@@", rt), address)

    def ask() -> str:
        payload = small_stage.send(envelope, PATH_NODO)
        return code_of(payload[0] if len(payload) == 1 else payload)

    watch = watched(ask)

    assert watch.code in {"SOAP Fault Client", "PAA_SINTASSI_EXTRAXSD"}
    assert watch.grown == frozenset()
    assert_nothing_told(watch)


@pytest.mark.parametrize("operation", OPERAZIONI_ENTE)
@pytest.mark.parametrize("make", TAKEN.values(), ids=TAKEN.keys())
def test_an_odd_envelope_is_read_and_the_wrong_password_in_it_refused(small_stage, watched, address, operation, make):
    envelope = make(_envelope(small_stage, operation), address)

    watch = watched(lambda: code_of(small_stage.send(envelope)))

    assert watch.code == "PAA_ENTE_NON_VALIDO"
    assert watch.grown == frozenset()
    assert_nothing_told(watch)


@pytest.mark.parametrize("operation", OPERAZIONI_ENTE)
def test_an_unknown_element_is_not_told_with_its_content(small_stage, watched, operation):
    envelope = etree.fromstring(_envelope(small_stage, operation).replace("@@", "Sbagliata123").encode())
    etree.SubElement(envelope[-1][0], "estraneo").text = f"{CODICE_FISCALE} {SEGNO}"

    watch = watched(lambda: code_of(small_stage.send(etree.tostring(envelope))))

    assert watch.code == "SOAP Fault Client"
    assert_nothing_told(watch)
