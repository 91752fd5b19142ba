"""Fault codes and states of the node and what each means. Source: node, fault classes (2.0.4), annex A.

`tests/data/nodo/codici.json` is the list of the specification, walked whole.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.nodo import faults
from adapters.nodo.faults import AZIONE_BY_STATO, CLASSE_BY_CODE, azione_of, classe_of, outcome_of, outcome_of_stato
from hub.domain.delivery import Azione, Classe, Outcome
from tests.adapters.stub_node import CARRELLO, KO, RPT, ask, carrello, envelope, fault, reply, send

CODICI: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data/nodo/codici.json").read_text(encoding="utf-8"))
CLASSI = {
    "permanent_request": Classe.RICHIESTA,
    "permanent_config": Classe.CONFIGURAZIONE,
    "negative_key_spent": Classe.CHIAVE_SPESA,
    "ambiguous": Classe.AMBIGUA,
    "transient_not_processed": Classe.TRANSITORIA,
    "already_done": Classe.GIA_PAGATA,
    "query_answer": Classe.INTERROGAZIONE,
    "towards_psp_only": Classe.VERSO_PSP,
}
AZIONI = {
    "wait": Azione.ATTENDI,
    "wait_then_operators": Azione.ATTENDI_OPERATORI,
    "wait_negative_rt": Azione.ATTENDI_NEGATIVA,
    "failed": Azione.FALLITO,
    "expired": Azione.SCADUTO,
    "ask_copy_after_delay": Azione.COPIA_POI,
    "ask_copy": Azione.COPIA,
}
R, T, U, D = Outcome.REFUSED, Outcome.TRY_AGAIN, Outcome.UNKNOWN, Outcome.DELIVERED
# What every class means to a sending, to a question about an attempt, to the reading of a flow.
PER_CLASSE = {
    "permanent_request": (R, U, R),
    "permanent_config": (R, U, R),
    "negative_key_spent": (R, U, T),
    "ambiguous": (U, U, T),
    "transient_not_processed": (T, U, T),
    "already_done": (R, U, T),
    "query_answer": (U, U, T),
    "towards_psp_only": (U, U, T),
}
INVII = (faults.INVIA_RPT, faults.INVIA_CARRELLO)
DOMANDE = (faults.CHIEDI_STATO, faults.CHIEDI_COPIA, faults.CHIEDI_PENDENTI)
LETTURE = (faults.CHIEDI_ELENCO_FLUSSI, faults.CHIEDI_FLUSSO)
# The codes that mean to one primitive something else than their class. PPT_CANALE_ERRORE: one question confirms it.
OWN = {
    (faults.INVIA_RPT, "PPT_CANALE_ERRORE"): U,
    (faults.INVIA_CARRELLO, "PPT_CANALE_ERRORE"): U,
    (faults.CHIEDI_STATO, "PPT_RPT_SCONOSCIUTA"): T,
    (faults.CHIEDI_COPIA, "PPT_RT_NONDISPONIBILE"): D,
}


def codes_of(classe: str) -> list[str]:
    words = CODICI["fault_classes"][classe]
    return [*words["codes"], *(f"HTTP_{status}" for status in words.get("http", ()))]


ALL = [(classe, code) for classe in CLASSI for code in codes_of(classe)]


def test_the_table_holds_the_codes_of_the_specification_and_no_other():
    assert set(CODICI["fault_classes"]) == set(CLASSI)
    assert set(CLASSE_BY_CODE) == {code for _, code in ALL}


@pytest.mark.parametrize(("classe", "code"), ALL, ids=[code for _, code in ALL])
def test_every_code_has_its_class_and_its_outcome_for_every_primitive(classe, code):
    invio, domanda, lettura = PER_CLASSE[classe]
    wanted = dict.fromkeys(INVII, invio) | dict.fromkeys(DOMANDE, domanda) | dict.fromkeys(LETTURE, lettura)
    wanted |= {primitiva: outcome for (primitiva, own), outcome in OWN.items() if own == code}

    assert classe_of(code) is CLASSI[classe]
    assert {primitiva: outcome_of(primitiva, code) for primitiva in wanted} == wanted


@pytest.mark.parametrize("code", ["PPT_MAI_VISTO", "PPT_WISP_SYSTEM_ERROR", "CANALE_SEMANTICA", "HTTP_418", ""])
def test_a_code_that_is_not_listed_is_asked_about(code):
    assert classe_of(code) is Classe.AMBIGUA
    assert {outcome_of(primitiva, code) for primitiva in INVII + DOMANDE} == {U}


@pytest.mark.parametrize("proof", CODICI["fault_to_state_proofs"], ids=lambda proof: proof["test"])
def test_the_state_found_after_a_fault_agrees_with_the_class_of_the_fault(proof):
    """The node suite's own proof: refused at once and by the state, or not sure in both places."""
    outcome = outcome_of(CARRELLO, proof["first_fault"])
    if proof["state"] is None:
        assert (outcome, outcome_of(faults.CHIEDI_STATO, proof["state_fault"])) == (R, T)
    elif proof["first_fault"] == "PPT_CANALE_ERRORE":
        assert (outcome, outcome_of_stato(proof["state"])) == (U, R)
    else:
        assert outcome_of_stato(proof["state"]) == outcome
    assert outcome_of(CARRELLO, proof["resend"]) == (R if proof["state"] is None else U)


STATI = [(group, stato) for group in AZIONI for stato in CODICI["rpt_states"][group]]


@pytest.mark.parametrize(("group", "stato"), STATI, ids=[stato for _, stato in STATI])
def test_every_state_has_its_action_and_its_outcome(group, stato):
    outcome = {"failed": R, "expired": R}.get(group, D)

    assert azione_of(stato) is AZIONI[group]
    assert outcome_of_stato(stato) == (U if stato == "RPT_ESITO_SCONOSCIUTO_PSP" else outcome)


def test_the_states_are_those_of_the_specification_and_no_other():
    assert set(AZIONE_BY_STATO) == {stato for _, stato in STATI}


@pytest.mark.parametrize("stato", [*CODICI["cart_states"], "STATO_MAI_VISTO"])
def test_a_state_that_is_not_of_an_rpt_is_waited_for_and_told(stato):
    assert (azione_of(stato), outcome_of_stato(stato)) == (Azione.ATTENDI_OPERATORI, U)


# Through the real client.

ONE_OF_EACH = [codes_of(classe)[0] for classe in CLASSI] + ["PPT_CANALE_ERRORE", "PPT_MAI_VISTO"]


@pytest.mark.parametrize("code", ONE_OF_EACH)
@pytest.mark.parametrize("operation", [CARRELLO, RPT])
def test_a_fault_of_the_node_gives_its_outcome_code_and_class(operation, code):
    esito = KO if operation == CARRELLO else "<esito>KO</esito>"

    delivery = send(reply(envelope(operation, fault(code) + esito)), operation)

    assert (delivery.outcome, delivery.code) == (outcome_of(operation, code), code)
    assert (delivery.classe, delivery.is_answered) == (classe_of(code), True)


def test_a_fault_without_esito_is_read():
    assert send(carrello(fault("PPT_SEMANTICA"))).outcome == Outcome.REFUSED


def test_a_ko_without_fault_is_unknown():
    assert send(carrello(KO)).outcome == Outcome.UNKNOWN


def test_a_question_that_is_refused_tells_the_class_of_the_refusal():
    delivery = ask(reply(envelope(faults.CHIEDI_STATO, fault("PPT_AUTENTICAZIONE"))))

    assert (delivery.outcome, delivery.classe) == (U, Classe.CONFIGURAZIONE)


@pytest.mark.parametrize(
    ("codes", "outcome", "code"),
    [
        (["PPT_SEMANTICA", "PPT_IBAN_NON_CENSITO"], Outcome.REFUSED, "PPT_SEMANTICA"),
        (["PPT_SEMANTICA", "PPT_CANALE_TIMEOUT"], Outcome.UNKNOWN, "PPT_CANALE_TIMEOUT"),
        (["PPT_SEMANTICA", "PPT_PAGAMENTO_IN_CORSO"], Outcome.TRY_AGAIN, "PPT_PAGAMENTO_IN_CORSO"),
    ],
)
def test_of_several_faults_the_least_sure_counts(codes, outcome, code):
    faults = "".join(fault(each) for each in codes)

    delivery = send(carrello(f"{KO}<listaErroriRPT>{faults}</listaErroriRPT>"))

    assert (delivery.outcome, delivery.code) == (outcome, code)
