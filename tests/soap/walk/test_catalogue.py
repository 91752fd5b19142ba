"""The catalogue of faults against the walk: what it tells is what the operations answer, and no more."""

from __future__ import annotations

from hub.domain.guasti import CATALOGO, OPERAZIONI_ENTE
from tests.soap.walk.frame import GOOD
from tests.soap.walk.tables import TABLES

SISTEMA = "PAA_SYSTEM_ERROR"
INVIA, CARRELLO, IMPORTA = "paaSILInviaDovuti", "paaSILInviaCarrelloDovuti", "paaSILImportaDovuto"
ZERO = "PAA_IMPORTO_SINGOLO_VERSAMENTO_NON_VALIDO"

# What no walker meets: answers to an amount that the schema stops before, to a race, to a limit of the cart.
ELSEWHERE = {
    (INVIA, ZERO),
    (CARRELLO, ZERO),
    (IMPORTA, ZERO),  # a share that does not fit: test_paaSILImportaDovuto
    (IMPORTA, "PAA_IMPORT_COD_TIPO_DOVUTO_INESISTENTE"),  # test_paaSILImportaDovuto
    (CARRELLO, "PAA_LIMITE_MASSIMO_DOVUTI_CARRELLO"),  # test_paaSILInviaCarrelloDovuti
}


def test_the_walk_goes_through_every_operation() -> None:
    assert {table.operation for table in TABLES} == set(OPERAZIONI_ENTE)


def test_every_entry_is_answered_somewhere_in_the_walk() -> None:
    """All operations refuse who guessed too often with PAA_SYSTEM_ERROR: test_guessing."""
    walked = {(table.operation, defect.code) for table in TABLES for row in table.rows for defect in row.defects}
    told = {(name, guasto.code) for guasto in CATALOGO for name in guasto.operazioni if name in OPERAZIONI_ENTE}

    assert {entry for entry in told - walked if entry[1] != SISTEMA} == ELSEWHERE


def test_the_walk_expects_no_code_that_the_catalogue_lacks() -> None:
    told = {(name, guasto.code) for guasto in CATALOGO for name in guasto.operazioni}
    reachable = [(table.operation, row) for table in TABLES for row in table.rows]

    expected = {(name, defect.code) for name, row in reachable for defect in row.defects}

    codes = {entry for entry in expected if entry[1].startswith(("PAA_", "CODE_PAA_")) and entry[1] != GOOD}
    assert {entry for entry in codes - told if entry[1] != "PAA_ERRORE_PROVA"} == set()
