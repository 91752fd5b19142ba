"""States: the arrows that are drawn, and no other. Source: pa-per-ente, life-cycle; node, outcome of an RT (4.5)."""

from __future__ import annotations

import itertools
from enum import StrEnum

import pytest

from hub.domain.errors import Conflict
from hub.domain.stati import (
    CARRELLI_CON_ESITO,
    CARRELLO_BY_ESITO,
    ESITI_POSITIVI,
    TRANSITIONS,
    StatoCarrello,
    StatoDovuto,
    StatoExport,
    StatoImport,
    StatoRt,
    StatoSessione,
    StatoTentativo,
    check_transition,
    is_legal,
    sessione_of_carrelli,
)

MACHINES = [StatoSessione, StatoCarrello, StatoDovuto, StatoTentativo, StatoRt, StatoImport, StatoExport]
FINAL = [
    StatoSessione.PAGATO,
    StatoCarrello.PAGATO,
    StatoCarrello.PARZ_PAGATO,
    StatoCarrello.DECORR_TERM_PARZ,
    StatoTentativo.CHIUSO,
    StatoRt.ELABORATA,
    StatoRt.ECCEDENZA,
    StatoDovuto.COMPLETATO,
    StatoDovuto.ANNULLATO,
    StatoImport.IMPORT_ESEGUITO,
    StatoImport.IMPORT_ABORTITO,
    StatoExport.EXPORT_ESEGUITO_NESSUN_DOVUTO_TROVATO,
    StatoExport.ERROR_EXPORT,
    StatoExport.EXPORT_CANCELLATO,
]


@pytest.mark.parametrize("machine", MACHINES)
def test_a_step_is_legal_or_a_conflict(machine: type[StrEnum]):
    for old, new in itertools.product(machine, machine):
        if is_legal(old, new):
            check_transition(old, new)
        else:
            with pytest.raises(Conflict):
                check_transition(old, new)


@pytest.mark.parametrize("machine", MACHINES)
def test_no_state_moves_to_itself(machine: type[StrEnum]):
    assert [state for state in machine if is_legal(state, state)] == []


@pytest.mark.parametrize("machine", MACHINES)
def test_every_arrow_joins_states_of_its_own_machine(machine: type[StrEnum]):
    for old, targets in TRANSITIONS[machine].items():
        assert isinstance(old, machine) and all(isinstance(new, machine) for new in targets)


@pytest.mark.parametrize("state", FINAL, ids=lambda state: f"{type(state).__name__}_{state}")
def test_nothing_leaves_a_final_state(state: StrEnum):
    assert TRANSITIONS[type(state)].get(state, frozenset()) == frozenset()


def test_a_session_paid_in_part_can_only_be_paid_in_full():
    """A part of a cart over several enti is paid late."""
    assert TRANSITIONS[StatoSessione][StatoSessione.PARZ_PAGATO] == {StatoSessione.PAGATO}


@pytest.mark.parametrize("esito", sorted(ESITI_POSITIVI))
@pytest.mark.parametrize("before", [StatoCarrello.PAGAM_IN_CORSO, StatoCarrello.NON_PAGATO, StatoCarrello.DECORR_TERM])
def test_a_positive_receipt_is_believed_after_any_negative_outcome(esito: int, before: StatoCarrello):
    assert is_legal(before, CARRELLO_BY_ESITO[esito])


@pytest.mark.parametrize("before", [StatoSessione.NON_PAGATO, StatoSessione.IMPOSSIBILE_INVIARE_CARRELLO_RP])
def test_a_session_that_was_given_up_can_still_be_paid(before: StatoSessione):
    assert is_legal(before, StatoSessione.PAGATO)


@pytest.mark.parametrize("esito", range(5))
def test_every_outcome_has_its_states(esito: int):
    assert CARRELLO_BY_ESITO[esito] in CARRELLI_CON_ESITO
    assert is_legal(StatoCarrello.PAGAM_IN_CORSO, CARRELLO_BY_ESITO[esito])
    stato = sessione_of_carrelli([CARRELLO_BY_ESITO[esito]])
    assert stato is not None and is_legal(StatoSessione.PAGAM_IN_CORSO, stato)


@pytest.mark.parametrize(
    ("carrelli", "sessione"),
    [
        (["PAGATO"], "PAGATO"),
        (["PAGATO", "PAGATO"], "PAGATO"),
        (["PAGATO", "NON_PAGATO"], "PARZ_PAGATO"),
        (["PARZ_PAGATO"], "PARZ_PAGATO"),
        (["DECORR_TERM_PARZ", "DECORR_TERM"], "PARZ_PAGATO"),
        (["NON_PAGATO", "DECORR_TERM"], "NON_PAGATO"),
        (["PAGATO", "PAGAM_IN_CORSO"], None),
        (["SCADUTO"], None),
    ],
)
def test_a_session_ends_as_its_carrelli_do(carrelli: list[str], sessione: str | None):
    assert sessione_of_carrelli(StatoCarrello(stato) for stato in carrelli) == sessione


@pytest.mark.parametrize("state", [state for state in StatoTentativo if state != StatoTentativo.CHIUSO])
def test_a_receipt_closes_an_attempt_in_any_state(state: StatoTentativo):
    assert is_legal(state, StatoTentativo.CHIUSO)


def test_a_refused_attempt_is_not_sent_again():
    assert TRANSITIONS[StatoTentativo][StatoTentativo.RIFIUTATO] == {StatoTentativo.CHIUSO}
