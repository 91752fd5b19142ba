"""Fault codes of the node and what each means for a message. Source: node, fault classes (2.0.4)."""

from __future__ import annotations

import pytest

from adapters.nodo.faults import OUTCOME_BY_FAULT
from hub.domain.delivery import Outcome
from tests.adapters.stub_node import CARRELLO, KO, RPT, carrello, envelope, fault, reply, send

P = """PPT_SINTASSI_EXTRAXSD PPT_SINTASSI_XSD PPT_SEMANTICA PPT_TIPO_VERSAMENTO_SCONOSCIUTO PPT_IBAN_NON_CENSITO
    PPT_MULTI_BENEFICIARIO PPT_SUPERAMENTOSOGLIA PPT_CANALE_SERVIZIO_NONATTIVO PPT_ERRORE_FORMATO_BUSTA_FIRMATA
    PPT_FIRMA_INDISPONIBILE PPT_TIPOFIRMA_SCONOSCIUTO PPT_CODIFICA_PSP_SCONOSCIUTA""".split()
C = """PPT_AUTENTICAZIONE PPT_AUTORIZZAZIONE PPT_DOMINIO_SCONOSCIUTO PPT_DOMINIO_DISABILITATO
    PPT_INTERMEDIARIO_PA_SCONOSCIUTO PPT_INTERMEDIARIO_PA_DISABILITATO PPT_STAZIONE_INT_PA_SCONOSCIUTA
    PPT_STAZIONE_INT_PA_DISABILITATA PPT_PSP_SCONOSCIUTO PPT_PSP_DISABILITATO PPT_INTERMEDIARIO_PSP_SCONOSCIUTO
    PPT_INTERMEDIARIO_PSP_DISABILITATO PPT_CANALE_SCONOSCIUTO PPT_CANALE_DISABILITATO""".split()
N = "PPT_CANALE_IRRAGGIUNGIBILE PPT_CANALE_INDISPONIBILE PPT_CANALE_NONRISOLVIBILE PPT_CANALE_ERR_PARAM_PAG_IMM".split()
D = ["PPT_PAGAMENTO_DUPLICATO"]
T = ["PPT_PAGAMENTO_IN_CORSO"]
# PPT_CANALE_ERRORE is of class N, but one question confirms it first.
A = """PPT_CANALE_TIMEOUT PPT_CANALE_ERRORE_RESPONSE PPT_SYSTEM_ERROR PPT_RPT_DUPLICATA PPT_ID_CARRELLO_DUPLICATO
    PPT_CANALE_ERRORE PPT_WISP_SYSTEM_ERROR PPT_MAI_VISTO""".split()


@pytest.mark.parametrize(
    ("codes", "outcome"),
    [
        (P, Outcome.REFUSED),
        (C, Outcome.REFUSED),
        (N, Outcome.REFUSED),
        (D, Outcome.REFUSED),
        (T, Outcome.TRY_AGAIN),
        (A, Outcome.UNKNOWN),
    ],
    ids=["P", "C", "N", "D", "T", "A"],
)
def test_a_class_of_faults_has_one_outcome(codes, outcome):
    assert {code: OUTCOME_BY_FAULT.get(code, Outcome.UNKNOWN) for code in codes} == dict.fromkeys(codes, outcome)


def test_no_fault_is_in_the_table_but_those_of_the_classes():
    assert set(OUTCOME_BY_FAULT) == {*P, *C, *N, *D, *T}


@pytest.mark.parametrize("code", [P[2], C[0], N[0], D[0], T[0], A[0], A[-1]])
@pytest.mark.parametrize("operation", [CARRELLO, RPT])
def test_a_fault_of_the_node_gives_its_outcome_and_code(operation, code):
    esito = KO if operation == CARRELLO else "<esito>KO</esito>"

    delivery = send(reply(envelope(operation, fault(code) + esito)), operation)

    assert (delivery.outcome, delivery.code) == (OUTCOME_BY_FAULT.get(code, Outcome.UNKNOWN), code)


def test_a_fault_without_esito_is_read():
    assert send(carrello(fault("PPT_SEMANTICA"))).outcome == Outcome.REFUSED


def test_a_ko_without_fault_is_unknown():
    assert send(carrello(KO)).outcome == Outcome.UNKNOWN


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
