"""An ente's external archive over real sockets: three questions, one call each, and every way in which it may end.

Source: contract esterni-per-pa; pa-per-ente, ente as archive (4.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from adapters.ente.archivio import ArchivioClient
from adapters.ente.chiamata import Limiti
from adapters.ente.fake import Comportamento, Guasto
from adapters.ente.fake_archivio import ArchivioFinto
from hub.domain.archivio import ChiaveArchivio, PagamentoPsp, PosizioneEsterna, RispostaArchivio
from hub.domain.delivery import Outcome
from hub.domain.documenti import Soggetto
from hub.formats.archivio import ATTIVA, AVVISO, VERIFICA, build_attiva, read_risposta
from hub.formats.contratti import compile_wsdl
from hub.formats.resources import resource
from tests.tls import trusting

CHIAVE = ChiaveArchivio("12345678903", "12345678903_01", "12345678903", "01000000000000144", "c" * 32)
AVVISO_N = "301000000000000144"
PSP = "AGID_01"
ROSSI = Soggetto("F", "RSSMRA80A01H501U", "Mario Rossi", nazione="IT", email="mario.rossi@example.org")
PAGAMENTO = PagamentoPsp(
    PSP, 1050, "97735020584", "97735020584_02", "IT60X0542811101000000123456", "BLOPIT22XXX",
    "IT60X0542811101000000123456", "BLOPIT22XXX", ROSSI, ROSSI,
)  # fmt: skip
VECCHIA = PosizioneEsterna(1050, "Tassa <rifiuti> & altro", "IT60X0542811101000000123456", dovuto=b"<Dovuti/>")
NUOVA = PosizioneEsterna(
    1050, "Tassa rifiuti", scadenza=date(2026, 12, 31), codice_fiscale="12345678903", nome_ente="Comune di Prova",
    ufficio="Tributi", dettaglio="Rata unica", tutti_ccp=True,
)  # fmt: skip
QUICK = Limiti(connect_s=1.0, read_s=0.5, total_s=1.5, answer_max_bytes=64 * 1024)


@pytest.fixture
def archivio() -> Iterator[ArchivioFinto]:
    with ArchivioFinto() as archivio:
        archivio.posizioni |= {CHIAVE.iuv: VECCHIA, AVVISO_N: NUOVA}
        yield archivio


def client(*, is_open: bool = True) -> ArchivioClient:
    return ArchivioClient(is_open=is_open, limiti=QUICK, context=trusting())


def test_the_three_questions_are_within_the_contract_and_their_answers_understood(archivio: ArchivioFinto) -> None:
    verifica = client().verifica(archivio.url, CHIAVE, PSP)
    attiva = client().attiva(archivio.url, CHIAVE, PAGAMENTO)
    avviso = client().verifica_avviso(archivio.url, CHIAVE, AVVISO_N)

    assert archivio.violations == []
    assert archivio.received == [(VERIFICA, CHIAVE.iuv), (ATTIVA, CHIAVE.iuv), (AVVISO, AVVISO_N)]
    assert {one.outcome for one in (verifica, attiva, avviso)} == {Outcome.DELIVERED}
    assert attiva.posizione == VECCHIA
    assert verifica.posizione is not None and verifica.posizione.dovuto is None
    # detailDescription and allCCP too: the original platform drops them.
    assert avviso.posizione == NUOVA


def test_an_archive_that_answers_without_the_doubled_element_is_understood(archivio: ArchivioFinto) -> None:
    archivio.is_doubled = False

    assert client().attiva(archivio.url, CHIAVE, PAGAMENTO).posizione == VECCHIA


@pytest.mark.parametrize("operation", [VERIFICA, ATTIVA, AVVISO])
def test_what_the_archive_does_not_know_is_its_own_refusal(archivio: ArchivioFinto, operation: str) -> None:
    archivio.posizioni.clear()
    asked = {
        VERIFICA: lambda: client().verifica(archivio.url, CHIAVE, PSP),
        ATTIVA: lambda: client().attiva(archivio.url, CHIAVE, PAGAMENTO),
        AVVISO: lambda: client().verifica_avviso(archivio.url, CHIAVE, AVVISO_N),
    }

    risposta = asked[operation]()

    expected = (Outcome.REFUSED, "PAA_PAGAMENTO_SCONOSCIUTO", None)
    assert (risposta.outcome, risposta.code, risposta.posizione) == expected


def test_the_least_that_a_psp_says_is_within_the_contract_too(archivio: ArchivioFinto) -> None:
    client().attiva(archivio.url, CHIAVE, PagamentoPsp(PSP, 1))

    assert archivio.violations == []


def test_the_contract_sees_a_question_that_is_wrong(archivio: ArchivioFinto) -> None:
    risposta = client().verifica(archivio.url, CHIAVE, "P" * 36)

    assert archivio.violations and risposta.code == "SOAP_FAULT"


def test_children_are_unqualified_and_what_is_inside_the_persons_qualified() -> None:
    payload = etree.fromstring(build_attiva(CHIAVE, PAGAMENTO)).find(".//{*}paaSILAttivaEsterna")

    dati = payload.find("datiPagamentoPSP")
    names = [child.tag for child in dati]
    assert names == [
        "importoSingoloVersamento", "ibanAppoggio", "bicAppoggio", "soggettoVersante", "ibanAddebito", "bicAddebito",
        "soggettoPagatore",
    ]  # fmt: skip
    assert dati.find("soggettoPagatore")[0].tag.startswith("{http://www.regione.veneto.it/schemas/2012/Pagamenti/}")


F = Guasto
ENDS = {
    "500 without a body of SOAP": (Comportamento(F.STATO, status=500), Outcome.UNKNOWN, "RISPOSTA_NON_LEGGIBILE"),
    "503": (Comportamento(F.STATO, status=503), Outcome.UNKNOWN, "HTTP_503"),
    "redirect": (Comportamento(F.RINVIO, location="https://altrove.example.org/"), Outcome.UNKNOWN, "HTTP_302"),
    "garbage": (Comportamento(F.IMMONDIZIA), Outcome.UNKNOWN, "RISPOSTA_NON_LEGGIBILE"),
    "hangs up": (Comportamento(F.CHIUDE), Outcome.UNKNOWN, None),
    "hangs up in the body": (Comportamento(F.CHIUDE_A_META), Outcome.UNKNOWN, None),
    "endless body": (Comportamento(F.ENORME), Outcome.UNKNOWN, "RISPOSTA_TROPPO_GRANDE"),
    "one byte at a time": (Comportamento(F.GOCCIA), Outcome.UNKNOWN, "TEMPO_SCADUTO"),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_failure_is_told_at_once_and_nothing_is_asked_twice(archivio: ArchivioFinto, end: str) -> None:
    come, outcome, code = ENDS[end]
    archivio.script.append(come)

    risposta = client().verifica(archivio.url, CHIAVE, PSP)

    assert risposta.outcome == outcome and risposta.posizione is None
    assert code is None or risposta.code == code
    assert archivio.received == [] and not archivio.script


def test_the_address_rules_are_those_of_the_pushes(archivio: ArchivioFinto) -> None:
    risposta = client(is_open=False).verifica(archivio.url.replace("http:", "https:"), CHIAVE, PSP)

    assert (risposta.outcome, risposta.code) == (Outcome.REFUSED, "INDIRIZZO_NON_AMMESSO")
    assert archivio.received == []


# Answers as bytes.


def answer(operation: str, inner: str) -> RispostaArchivio:
    ns = "http://www.regione.veneto.it/pagamenti/pa/"
    name = f"{AVVISO}Res" if operation == AVVISO else f"{operation}Risposta"
    doubled = inner if operation == AVVISO else f"<{name}>{inner}</{name}>"
    body = f'<p:{name} xmlns:p="{ns}">{doubled}</p:{name}>'
    soap = "http://schemas.xmlsoap.org/soap/envelope/"
    return read_risposta(operation, f'<e:Envelope xmlns:e="{soap}"><e:Body>{body}</e:Body></e:Envelope>'.encode())


DATI = (
    "<datiPagamentoPA><importoSingoloVersamento>{}</importoSingoloVersamento><ibanAccredito>x</ibanAccredito>"
    "<causaleVersamento>c</causaleVersamento></datiPagamentoPA>"
)


@pytest.mark.parametrize(
    ("inner", "code"),
    [
        ("<esito>KO</esito>", "KO"),
        ("", "SENZA_ESITO"),
        ("<esito>OK</esito>", "RISPOSTA_NON_LEGGIBILE"),
        ("<esito>OK</esito>" + DATI.format("dieci"), "RISPOSTA_NON_LEGGIBILE"),
        ("<esito>OK</esito>" + DATI.format("-1.00"), "RISPOSTA_NON_LEGGIBILE"),
        ("<esito>OK</esito>" + DATI.format("1.00") + "<dovuto>@@</dovuto>", "RISPOSTA_NON_LEGGIBILE"),
        ("<fault><faultString>x</faultString></fault><esito>OK</esito>" + DATI.format("1.00"), "FAULT_SENZA_CODICE"),
    ],
)
def test_an_answer_that_says_nothing_certain_gives_no_position(inner: str, code: str) -> None:
    risposta = answer(ATTIVA, inner)

    assert (risposta.code, risposta.posizione) == (code, None)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"<a/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body/></e:Envelope>',
        b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><altro/></e:Body></e:Envelope>',
        b"<a>" * 5000,
    ],
)  # fmt: skip
def test_hostile_answers_are_no_answers(data: bytes) -> None:
    risposta = read_risposta(VERIFICA, data)

    assert (risposta.outcome, risposta.code) == (Outcome.UNKNOWN, "RISPOSTA_NON_LEGGIBILE")


def test_a_due_date_that_is_no_day_gives_no_position() -> None:
    assert answer(AVVISO, "<amount>1.00</amount><dueDate>domani</dueDate>").posizione is None


def test_what_the_fake_archive_answers_is_within_the_contract(archivio: ArchivioFinto, tmp_path: Path) -> None:
    """Else the tests above would speak of an archive that cannot be."""
    schema = compile_wsdl(resource("wsdl", "esterni-per-pa.wsdl"))
    for known in (True, False):
        for operation in (VERIFICA, ATTIVA):
            body = archivio._answer(operation, VECCHIA if known else None)
            payload = etree.fromstring(body).find(".//{*}Body")[0]
            assert schema.check(etree.fromstring(etree.tostring(payload))) == []
    payload = etree.fromstring(archivio._answer(AVVISO, NUOVA)).find(".//{*}Body")[0]
    assert schema.check(etree.fromstring(etree.tostring(payload))) == []
