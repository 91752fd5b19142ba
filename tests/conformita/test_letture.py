"""Recorded bytes, whatever they are, become evidence and never an error."""

from __future__ import annotations

import base64
import os
from datetime import UTC, date, datetime

import pytest

from hub.domain.conformita import giudica
from hub.domain.conformita.prove import Chiamata, Prove
from hub.domain.conformita.regola import Esito
from hub.formats.conformita_chiamate import Registrata, read_chiamata
from hub.formats.conformita_documenti import Lettura, read_documento
from hub.formats.tassonomia import bundled
from tests.conformita.mensa_rotto import NS, PAY_I, MensaRotta

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
LETTURA = Lettura("01", bundled(), date(2026, 11, 22))
CLIENT = MensaRotta("http://127.0.0.1:1")
BOMBA = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY x SYSTEM "file:///etc/passwd">]>'


def read(richiesta: bytes, risposta: bytes = b"", **intestazioni: str) -> Chiamata:
    return read_chiamata(
        Registrata(7, NOW, "paaSILInviaDovuti", "OK", 200, 10, richiesta, risposta, intestazioni), LETTURA
    )


def invia(document: str | bytes, more: str = "") -> bytes:
    data = document.encode() if isinstance(document, str) else document
    inner = f"<password>***</password><dovuti>{base64.b64encode(data).decode()}</dovuti>{more}"
    return CLIENT.messaggio("paaSILInviaDovuti", inner).encode()


@pytest.mark.parametrize(
    "richiesta",
    [
        b"",
        b"\0",
        b"non XML",
        b"<a",
        os.urandom(500),
        b"\xff\xfe" + "<a/>".encode("utf-16-le"),
        b"<a/>",
        f"{BOMBA}<a>&b;&x;</a>".encode(),
        b"<a>" * 5000,
        invia(b"\xff\xfe\0\0"),
        invia(f"{BOMBA}<a>&b;</a>"),
        invia(""),
        invia(base64.b64encode(base64.b64encode(b"<a/>"))),
        invia("<p:Dovuti xmlns:p='urn:x'/>"),
        f"<Envelope xmlns='{NS}'><Body><x/><y/></Body></Envelope>".encode(),
    ],
)
def test_hostile_bytes_are_judged_and_break_nothing(richiesta: bytes) -> None:
    chiamata = read(richiesta, os.urandom(50))

    verdetti = giudica(Prove("C_PROVA", NOW, chiamate=(chiamata,)))

    assert any(one.esito is Esito.VIOLATA for one in verdetti)


def test_an_entity_is_never_resolved() -> None:
    chiamata = read(f"{BOMBA}<Envelope><Body><x>&x;</x></Body></Envelope>".encode())

    assert chiamata.has_doctype and chiamata.busta is None and "root:" not in repr(chiamata)


def test_a_good_message_is_read_whole() -> None:
    chiamata = read(invia(CLIENT.documento(iud="A1", importo="12.50")), **{"Content-Type": "text/xml"})

    (documento,) = chiamata.documenti
    (voce,) = documento.voci
    assert (voce.iud, voce.importo_cent, voce.tipo, voce.vigore) == ("A1", 1250, "MENSA", "VALIDO")
    assert documento.errori == () and documento.livelli == 1 and documento.radice == "Dovuti"
    assert documento.pagatore is not None and documento.pagatore.is_valido
    assert chiamata.busta is not None and chiamata.busta.header_ente == "C_PROVA" and chiamata.busta.errori == ()
    assert chiamata.intestazioni == {"content-type": "text/xml"}


def test_a_body_that_was_not_kept_because_it_is_not_utf_8_is_told_as_that() -> None:
    kept = "[120 byte che non si mostrano: i caratteri non sono UTF-8]".encode()

    chiamata = read(kept)

    assert not chiamata.is_codifica and chiamata.busta is None


def test_a_call_whose_body_nobody_read_says_nothing_of_its_xml() -> None:
    refused = Registrata(7, NOW, "", "Client", 415, 10, b"", b"", {"content-type": "application/soap+xml"})

    verdetti = giudica(Prove("C_PROVA", NOW, chiamate=(read_chiamata(refused, LETTURA),)))

    assert {one.regola.codice for one in verdetti if one.esito is Esito.VIOLATA} == {"TRA-01"}


@pytest.mark.parametrize(("times", "levels"), [(0, 0), (1, 1), (2, 2)])
def test_the_levels_of_base64_are_counted(times: int, levels: int) -> None:
    data = b"<a/>"
    for _ in range(times):
        data = base64.b64encode(data)

    assert read_documento("dovuti", "Dovuti", data.decode(), LETTURA).livelli == levels


@pytest.mark.parametrize(
    ("iuv", "azione", "is_right"),
    [
        ("01100000000000148", "I", True),
        ("01000000000000144", "I", False),
        ("01000000000000144", "M", True),
        ("01000000000000145", "M", False),
        ("12", "I", False),
    ],
)
def test_an_iuv_of_the_ente_is_judged_as_the_hub_does(iuv: str, azione: str, is_right: bool) -> None:
    text = (
        f"<p:Versamento xmlns:p='{PAY_I}'><p:datiVersamento><p:identificativoUnivocoVersamento>{iuv}"
        f"</p:identificativoUnivocoVersamento></p:datiVersamento><p:azione>{azione}</p:azione></p:Versamento>"
    )

    documento = read_documento("dovuto", "Versamento", base64.b64encode(text.encode()).decode(), LETTURA)

    assert (documento.problema_iuv == "") is is_right
    assert any(one.is_struttura for one in documento.errori)
