"""The counter pays the classic way: verify, activate, the RPT that follows, its receipt."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from adapters.nodo.fake_soap import HEAD_NS
from hub.domain.delivery import ChiaveRpt
from hub.formats.nodo_messaggi import build_invia_rpt, fill_password, read_invia_rpt_risposta
from hub.formats.rpt import render_rpt
from hub.formats.rt import decode_rt_field, read_rt
from hub.formats.xml import parse
from tests.adapters import counter as stage
from tests.adapters.counter import CLASSIC, DOMINIO, FAULT, IUV, Counter
from tests.adapters.simulated import STAZIONE, eventually, make_rpt, post
from tests.adapters.test_sportello import errors


@pytest.fixture
def counter() -> Iterator[Counter]:
    with stage.counter() as counter:
        counter.simulator.simulator.sportello.rpt_s = 5.0
        yield counter


def ccp_of(body: bytes) -> str:
    return parse(body).findtext(f".//{{{HEAD_NS}}}intestazionePPT/codiceContestoPagamento") or ""


def send_rpt(counter: Counter) -> None:
    """Be the hub that sends the RPT once it was activated."""
    eventually(lambda: bool(counter.hub.bodies("paaAttivaRPT")))
    rpt = make_rpt(tipo_versamento="PO", iuv=IUV, ccp=ccp_of(counter.hub.bodies("paaAttivaRPT")[0]))
    envelope = build_invia_rpt(STAZIONE.id, STAZIONE.intermediario, ChiaveRpt(DOMINIO, IUV, rpt.ccp), render_rpt(rpt))
    answer = read_invia_rpt_risposta(post(counter.simulator, fill_password(envelope, STAZIONE.password)).data)
    assert answer.is_ok, answer


def test_an_activated_notice_is_paid_with_a_classic_receipt(counter: Counter) -> None:
    hub = threading.Thread(target=send_rpt, args=(counter,))
    hub.start()

    found = counter(primitive="classico")

    hub.join()
    assert (found["stato"], found["pagato_cent"]) == ("PAGATO", 1234)
    eventually(lambda: len(counter.hub.asked) == 3)
    assert [operation for operation, _ in counter.hub.asked] == ["paaVerificaRPT", "paaAttivaRPT", "paaInviaRT"]
    verify, activate, receipt = (body for _, body in counter.hub.asked)
    assert errors(verify, "PaPerNodoPagamentoPsp") == errors(activate, "PaPerNodoPagamentoPsp") == []
    assert errors(receipt, "PaPerNodo") == []
    assert {ccp_of(body) for body in (verify, activate, receipt)} == {found["token"]}
    rt = read_rt(decode_rt_field(parse(receipt).findtext(".//{*}paaInviaRT/rt") or ""))
    assert (rt.codice_esito, rt.importo_cent, rt.ccp) == (0, 1234, found["token"])


def test_an_rpt_that_never_comes_is_told(counter: Counter) -> None:
    counter.simulator.simulator.sportello.rpt_s = 0.1

    found = counter(primitive="classico")

    assert found["stato"] == "RPT_NON_ARRIVATA"


def test_an_activation_with_another_amount_is_told_with_its_refusal(counter: Counter) -> None:
    refusal = FAULT.replace("PAA_PAGAMENTO_DUPLICATO", "PAA_ATTIVA_RPT_IMPORTO_NON_VALIDO")
    counter.hub.say("paaAttivaRPT", refusal + CLASSIC.replace(">OK<", ">KO<"))

    found = counter(primitive="classico", stranezza="other_amount")

    assert found["originale"] == "PAA_ATTIVA_RPT_IMPORTO_NON_VALIDO"
    assert b"<importoSingoloVersamento>12.35<" in counter.hub.bodies("paaAttivaRPT")[0]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("<esito>KO</esito>", "KO senza fault"),
        ("<esito>OK</esito>", "OK senza datiPagamentoPA"),
        ("<esito>FORSE</esito>", "esito diverso da OK e KO"),
        (FAULT, "esito"),
        (CLASSIC.replace("12.34", "12.3"), "importoSingoloVersamento"),
    ],
)
def test_an_answer_that_the_node_rejects_is_the_hubs_fault(counter: Counter, answer: str, reason: str) -> None:
    counter.hub.say("paaVerificaRPT", answer)

    found = counter(primitive="classico")

    assert found["codice"] == "PPT_STAZIONE_INT_PA_ERRORE_RESPONSE"
    assert reason in found["dettaglio"]


def test_who_verifies_only_or_abandons_sends_nothing_more(counter: Counter) -> None:
    verified = counter(primitive="classico", azione="verifica")
    abandoned = counter(primitive="classico", stranezza="abandon")

    assert (verified["stato"], abandoned["stato"]) == ("VERIFICATO", "ABBANDONATO")
    assert "paaInviaRT" not in [operation for operation, _ in counter.hub.asked]
