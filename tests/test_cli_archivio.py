"""The command that asks an ente's external archive: what it prints, what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import update

from adapters.ente.fake import Comportamento, Guasto
from adapters.ente.fake_archivio import ArchivioFinto
from hub.domain.archivio import PosizioneEsterna
from hub.store import schema
from hub.store.database import Database
from tests.test_cli import Shell, configured, shell

__all__ = ["configured", "shell"]
IUV = "01000000000000144"
POSIZIONE = PosizioneEsterna(
    1050, "Tassa rifiuti", "IT60X0542811101000000123456", scadenza=date(2026, 12, 31), codice_fiscale="12345678903",
    nome_ente="Comune di Prova", ufficio="Tributi", dettaglio="Rata unica", tutti_ccp=False,
)  # fmt: skip


@pytest.fixture
def archivio(configured: Shell) -> Iterator[ArchivioFinto]:
    with ArchivioFinto() as archivio:
        archivio.posizioni |= {IUV: POSIZIONE, f"3{IUV}": POSIZIONE}
        db = Database.open(configured.url)
        with db.transaction() as session:
            session.execute(update(schema.enti).values(url_archivio_esterno=archivio.url))
        db.close()
        yield archivio


def test_an_operator_reads_what_the_archive_says(configured: Shell, archivio: ArchivioFinto) -> None:
    said = configured.good("ente", "prova-archivio", "C_PROVA", IUV)

    for word in ("10.50", "Tassa rifiuti", "2026-12-31", "Rata unica", "Comune di Prova"):
        assert word in said
    assert archivio.received == [("paExternalVerifyPaymentNotice", f"3{IUV}")]
    assert archivio.violations == []


def test_the_old_question_may_be_asked_too(configured: Shell, archivio: ArchivioFinto) -> None:
    said = json.loads(configured.good("ente", "prova-archivio", "C_PROVA", IUV, "--modello", "precedente", "--json"))

    assert (said["importo"], said["iban"]) == ("10.50", "IT60X0542811101000000123456")
    assert archivio.received == [("paaSILVerificaEsterna", IUV)]
    assert archivio.violations == []


def test_every_other_end_is_a_sentence(configured: Shell, archivio: ArchivioFinto) -> None:
    ask = ("ente", "prova-archivio")

    assert "ha rifiutato (PAA_PAGAMENTO_SCONOSCIUTO)" in configured.bad(*ask, "C_PROVA", "01000000000000241")
    archivio.script.append(Comportamento(Guasto.IMMONDIZIA))
    assert "leggibile (RISPOSTA_NON_LEGGIBILE)" in configured.bad(*ask, "C_PROVA", IUV)
    assert "C_NESSUNO sconosciuto" in configured.bad(*ask, "C_NESSUNO", IUV)
    assert "IUV" in configured.bad(*ask, "C_PROVA", "01000 <x>")
    assert configured.bad(*ask, "C_PROVA", "12345")


def test_an_ente_without_an_archive_is_told_so(configured: Shell) -> None:
    assert "non ha url_archivio_esterno" in configured.bad("ente", "prova-archivio", "C_PROVA", IUV)


def test_in_production_a_private_archive_is_not_called(configured: Shell, archivio: ArchivioFinto) -> None:
    configured.env |= {"PONTEPA_AMBIENTE": "produzione", "PONTEPA_SECRET_KEY": "9f0d6c1b7a3e58422fd1c0be96a7d3e4" * 2}

    assert "INDIRIZZO_NON_AMMESSO" in configured.bad("ente", "prova-archivio", "C_PROVA", IUV)
    assert archivio.received == []
