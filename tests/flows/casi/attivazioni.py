"""The cases of the public suites about classic activations, turned around. Source: node, 8.3, cases 55 to 60 and 66."""

from __future__ import annotations

from hub.domain.delivery import Delivery, Outcome
from hub.formats.rpt import read_rpt
from hub.store import schema
from tests.factories import make_rt
from tests.flows.casi.presa import ScenaAvviso
from tests.flows.casi.ricevute import Caso
from tests.soap.test_paaAttivaRPT import code

CASI: list[Caso] = []


def caso(number: int, source: str, words: str):
    def keep(play):
        CASI.append(Caso(number, source, words, play))
        return play

    return keep


def activate(scena: ScenaAvviso, importo: str = "50.00", ccp: str | None = None):
    header = {"identificativoUnivocoVersamento": scena.iuv, "codiceContestoPagamento": ccp or f"ccp-{scena.iuv}"}
    return scena.classico.attiva(importo, **header)


def attempts(scena: ScenaAvviso):
    return scena.world.rows(schema.tentativi, iuv=scena.iuv)


@caso(55, "EC-PSP-02 (classic)", "model 3 whole: activation, RPT, positive RT")
def model_three(scena: ScenaAvviso) -> None:
    scena.notice()
    assert code(activate(scena)) == "OK"
    (tentativo,) = attempts(scena)
    assert tentativo.stato == "DA_INVIARE"
    scena.relay()
    sent = next(one for one in scena.world.nodo.received if scena.iuv.encode() in one)
    rpt = read_rpt(bytes(tentativo.rpt))
    assert (rpt.tipo_versamento, len(rpt.versamenti), rpt.ccp) == ("PO", 1, f"ccp-{scena.iuv}")
    for text in ("<identificativoPSP>PSP01<", "<identificativoCanale>97735020584_07<"):
        assert text.encode() in sent
    assert scena.send_rt(tentativo, make_rt(bytes(tentativo.rpt))) == "OK"
    assert (scena.dovuto().stato, scena.carrelli()) == ("COMPLETATO", ["PAGATO"])


@caso(56, "EC-PSP-03 (classic)", "activation of a paid position")
def paid(scena: ScenaAvviso) -> None:
    scena.notice(stato="COMPLETATO", codice_esito=0, importo_pagato_cent=5000)
    assert code(activate(scena)) == "PAA_PAGAMENTO_DUPLICATO" and attempts(scena) == []


@caso(57, "amount mismatch", "the old amount is answered with the right one")
def other_amount(scena: ScenaAvviso) -> None:
    scena.notice()
    answer = activate(scena, "49.00")
    assert code(answer) == "PAA_ATTIVA_RPT_IMPORTO_NON_VALIDO"
    assert str(answer.datiPagamentoPA.importoSingoloVersamento) == "50.00" and attempts(scena) == []


@caso(58, "same key twice", "the same key twice makes one attempt")
def same_key(scena: ScenaAvviso) -> None:
    scena.notice()
    assert [code(activate(scena)) for _ in range(2)] == ["OK", "PAA_PAGAMENTO_IN_CORSO"]
    assert len(attempts(scena)) == 1


@caso(59, "SEM_PARPTR_01", "an account that is none")
def no_account(scena: ScenaAvviso) -> None:
    scena.notice(tipo="CONTO_ERRATO")
    header = {"identificativoUnivocoVersamento": scena.iuv}
    assert [code(scena.classico.verifica(**header)), code(activate(scena))] == ["PAA_SEMANTICA"] * 2


@caso(60, "ARPTRES/VRPTRES", "the shape of the answers")
def shape(scena: ScenaAvviso) -> None:
    scena.notice(importo_cent=1130)
    assert code(scena.classico.verifica(identificativoUnivocoVersamento=scena.iuv)) == "OK"
    raw = scena.raw
    assert raw.count(b"paaVerificaRPTRisposta") == 4 and b"<esito>OK</esito>" in raw
    assert b"<importoSingoloVersamento>11.30<" in raw and b"<ibanAccredito>IT60X" in raw
    assert code(activate(scena, "11.30")) == "OK"
    assert scena.raw.count(b"paaAttivaRPTRisposta") == 4


@caso(66, "retry_PaOld_05", "the RPT comes after the cancellation: attempt refused, lock free")
def late_rpt(scena: ScenaAvviso) -> None:
    scena.notice()
    # What waits of other cases is nobody's refusal.
    scena.relay()
    assert code(activate(scena)) == "OK"
    scena.world.nodo.sends.append(Delivery(Outcome.REFUSED, "PPT_SEMANTICA"))
    scena.relay()
    (tentativo,) = attempts(scena)
    assert (tentativo.stato, tentativo.fault_code) == ("RIFIUTATO", "PPT_SEMANTICA")
    assert scena.code() == "OK"
    assert code(activate(scena, ccp=f"ccp2-{scena.iuv}")) == "OK"


def lines(green: int, red: int) -> list[str]:
    """What became of the cases: plays, one for each database, that passed and failed."""
    return [f"cases about activations (node, 8.3): {len(CASI)} cases, 0 not applicable; {green} plays green, {red} red"]
