"""The cases of the public suites about the SOAP calls that the hub makes, turned around. Source: node, 8.4."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from adapters.nodo.domande import ViaStato
from adapters.nodo.faults import AZIONE_BY_STATO
from hub.domain.carrello_rpt import problem_of
from hub.domain.delivery import Azione
from hub.domain.pagamento_online import PagamentoOnline, RptPronta, TentativoCercato
from hub.formats.nodo_domande import PENDENTI_MAX, build_chiedi_lista_pendenti
from hub.formats.rpt import read_rpt
from hub.formats.rt import check_rt, read_rt, render_rt
from hub.formats.xml import parse
from hub.store import outbox, schema
from hub.usecases.circuito import CODE
from hub.usecases.tentativi_aperti import Tempi, list_aperti
from tests.adapters.simulated import STAZIONE as NOTA
from tests.adapters.simulated import eventually
from tests.factories import HASH_MARCA, make_documento, make_voce, rt_of
from tests.nodo.banco import ATTESA, Banco, with_rpt
from tests.world import INTERMEDIARIO, LIMITS, STAZIONE

SECONDARIO = {
    "codice_fiscale": "98765432103",
    "denominazione": "Comune Vicino",
    "iban": "IT60X0542811101000000123456",
    "importo_cent": 1500,
    "dati_specifici": "9/0101101IM/",
}
CARRELLO = "nodoInviaCarrelloRPT"
OPEN, FREED = ("ACCETTATO", "PAGAM_IN_CORSO"), ("RIFIUTATO", "NON_PAGATO")
DOUBT = ("SCONOSCIUTO", "PAGAM_IN_CORSO")


@dataclass(frozen=True, slots=True)
class Caso:
    """`play` None: the case does not apply to this hub, `reason` says why."""

    number: int
    source: str
    words: str
    play: Callable[[Banco], None] | None
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.number}-{self.source.replace(' ', '_')}"


CASI: list[Caso] = []


def caso(number: int, source: str, words: str) -> Callable[[Callable[[Banco], None]], Callable[[Banco], None]]:
    def keep(play: Callable[[Banco], None]) -> Callable[[Banco], None]:
        CASI.append(Caso(number, source, words, play))
        return play

    return keep


def lines(green: int, red: int, casi: Sequence[Caso] = CASI) -> list[str]:
    """The lines at the end of a run, given how many plays (one for each database) passed and failed."""
    beside = [each for each in casi if each.play is None]
    told = f"cases about SOAP calls of the hub (node, 8.4): {len(casi)} cases, {len(beside)} not applicable; "
    return [
        f"{told}{green} plays green, {red} red",
        *(f"    {each.number} ({each.words}): {each.reason}" for each in beside),
    ]


def _change(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def changed(payload: bytes) -> bytes:
        assert old in payload
        return payload.replace(old, new, 1)

    return changed


@caso(72, "IRPTSIN5-37", "a field that the schema refuses")
def syntax(banco: Banco) -> None:
    for change in (
        _change(b"<identificativoCanale>97735020584_02<", b"<identificativoCanale><"),
        _change(b"<identificativoPSP>AGID_01<", b"<identificativoPSP>" + b"x" * 36 + b"<"),
        _change(b"<identificativoIntermediarioPSP>97735020584</identificativoIntermediarioPSP>", b""),
    ):
        id_session = banco.send(change=change)
        assert (banco.stati(id_session), banco.fault(id_session)) == (FREED, "PPT_SINTASSI_EXTRAXSD")
    assert banco.ledger()["rpt"] == []


@caso(73, "IRPTSIN38", "an empty inner document")
def empty_document(banco: Banco) -> None:
    id_session = banco.send(change=with_rpt(b"<RPT/>"))
    assert (banco.stati(id_session), banco.fault(id_session)) == (FREED, "PPT_SINTASSI_XSD")


@caso(74, "IRPTSIN35-36", "tipoFirma is left out")
def no_signature(banco: Banco) -> None:
    id_session = banco.send()
    assert b"tipoFirma" not in bytes(banco.world.messaggio(id_session).payload)
    assert banco.stati(id_session) == OPEN


@caso(75, "CRPTSEM18-20", "envelope and document disagree")
def header_and_document(banco: Banco) -> None:
    ccp = b"<codiceContestoPagamento>"
    id_session = banco.send(change=_change(ccp, ccp + b"X"))
    assert banco.fault(id_session) in ("PPT_SEMANTICA", "PPT_SINTASSI_EXTRAXSD")
    assert banco.stati(id_session) == FREED


@caso(76, "CRPTSEM6", "wrong password of the station")
def wrong_password(banco: Banco) -> None:
    banco.configure(password="altra-password")
    first, second = banco.begin(), banco.begin()
    banco.world.relay(replace(LIMITS, slots=1))
    assert (banco.stati(first), banco.fault(first)) == (FREED, "PPT_AUTENTICAZIONE")
    assert (banco.world.messaggio(second).last_code, banco.sendings()) == (CODE, ["PPT_AUTENTICAZIONE"])
    assert banco.world.one(schema.circuiti, stazione_id=STAZIONE).aperto_at is not None


@caso(77, "IRPTSEM11-19", "PSP, intermediary or channel unknown or disabled")
def unknown_psp(banco: Banco) -> None:
    for name in ("PSP", "INTERMEDIARIO_PSP", "CANALE"):
        for end in ("SCONOSCIUTO", "DISABILITATO"):
            banco.fail(CARRELLO, "fault", code=f"PPT_{name}_{end}", times=1)
            id_session = banco.send()
            assert (banco.stati(id_session), banco.fault(id_session)) == (FREED, f"PPT_{name}_{end}")


@caso(78, "EC-PEC-04", "a credit account that is not registered")
def unknown_iban(banco: Banco) -> None:
    banco.configure(iban=["IT00X0000000000000000000000"])
    dovuto = banco.world.lay_avviso()
    id_session = banco.world.verifica(dovuto.iuv)
    banco.world.start(id_session)
    banco.world.relay()
    assert (banco.stati(id_session), banco.fault(id_session)) == (FREED, "PPT_IBAN_NON_CENSITO")
    assert banco.world.sessione(id_session).stato == "IMPOSSIBILE_INVIARE_CARRELLO_RP"
    (free,) = banco.world.rows(schema.dovuti, iud=dovuto.iud, attuale=True)
    assert free.stato == "INSERIMENTO_DOVUTO"


def _sent_again(banco: Banco, id_session: str) -> None:
    """The message is there already; the hub sends it once more, as if it had forgotten."""
    row = banco.world.messaggio(id_session)
    again = {"stato": "DA_INVIARE", "settled_at": None, "next_attempt_at": banco.world.clock()}
    banco.world.change(schema.outbox, "id", row.id, **again)
    tentativo = banco.world.tentativo(id_session)
    banco.world.change(schema.tentativi, "carrello_id", tentativo.carrello_id, stato="DA_INVIARE")
    banco.world.relay()
    assert banco.sendings() == ["OK", "PPT_ID_CARRELLO_DUPLICATO"]
    assert banco.world.messaggio(id_session).stato == "SCONOSCIUTO"
    banco.ask()
    assert banco.sendings() == ["OK", "PPT_ID_CARRELLO_DUPLICATO"]
    assert banco.stati(id_session) == OPEN


@caso(79, "CRPTSEM", "the id of a cart twice")
def cart_id_again(banco: Banco) -> None:
    _sent_again(banco, banco.send())


def _multi(banco: Banco) -> str:
    dovuto = banco.world.lay_avviso(importo_cent=3500, secondario=SECONDARIO)
    id_session = banco.world.verifica(dovuto.iuv)
    banco.world.start(id_session)
    banco.world.relay()
    return id_session


def _as_pagamento(banco: Banco, id_session: str) -> PagamentoOnline:
    payload = parse(bytes(banco.world.messaggio(id_session).payload))
    raws = [with_text.text or "" for with_text in payload.iter("rpt")]
    parti = tuple(RptPronta(read_rpt(base64.b64decode(raw)), base64.b64decode(raw)) for raw in raws)
    id_carrello = payload.findtext(".//identificativoCarrello") or ""
    return PagamentoOnline(id_session, STAZIONE, INTERMEDIARIO, CARRELLO, id_carrello, parti, is_multibeneficiario=True)


@caso(80, "MB_01", "the id of a multi-beneficiary cart")
def multi_id(banco: Banco) -> None:
    banco.configure(domini=[INTERMEDIARIO, "98765432103"])
    pagamento = _as_pagamento(banco, _multi(banco))
    assert banco.sendings() == ["OK"]
    assert problem_of(pagamento, in_carrello=True) is None
    assert problem_of(replace(pagamento, id_carrello=pagamento.id_carrello[:-1]), in_carrello=True) is not None
    unknown = replace(pagamento, id_carrello="00000000000" + pagamento.id_carrello[11:])
    assert problem_of(unknown, in_carrello=True) is not None


@caso(81, "MB_06, 07, 15", "RPTs that disagree with the cart or between them")
def multi_inconsistent(banco: Banco) -> None:
    pagamento = _as_pagamento(banco, _multi(banco))
    first, second = pagamento.parti
    for other in (
        replace(second.rpt, iuv="02000000000000233"),
        replace(second.rpt, ccp="altro"),
        replace(second.rpt, dominio=first.rpt.dominio),
        replace(second.rpt, data_esecuzione=second.rpt.data_esecuzione + timedelta(days=1)),
    ):
        parti = (first, RptPronta(other, second.raw))
        assert problem_of(replace(pagamento, parti=parti), in_carrello=True) is not None


@caso(82, "MB_14", "the same multi-beneficiary cart twice")
def multi_again(banco: Banco) -> None:
    _sent_again(banco, _multi(banco))


def _ambiguous(banco: Banco, code: str) -> str:
    banco.fail(CARRELLO, "fault", code=code, times=1)
    id_session = banco.send()
    assert (banco.stati(id_session), banco.fault(id_session)) == (DOUBT, code)
    return id_session


@caso(83, "T016_D, T095_A", "the answer of the PSP cannot be read")
def unreadable_psp(banco: Banco) -> None:
    id_session = _ambiguous(banco, "PPT_CANALE_ERRORE_RESPONSE")
    banco.ask()
    assert (banco.stati(id_session), banco.world.messaggio(id_session).last_code) == (
        DOUBT, "RPT_ESITO_SCONOSCIUTO_PSP",
    )  # fmt: skip
    assert len(banco.sendings()) == 1


@caso(84, "[R]", "an error page of the gateway, whether the request was processed or not")
def gateway_error(banco: Banco) -> None:
    for is_processed in (True, False):
        banco.fail(CARRELLO, "http_500", times=1, processed=is_processed)
        id_session = banco.send()
        assert banco.stati(id_session) == DOUBT
        banco.ask()
        assert banco.stati(id_session) == OPEN
    assert banco.sendings() == ["OK", "HTTP_500", "OK"]


@caso(85, "T095_N", "time-out of the channel; the same again is a duplicate")
def channel_timeout(banco: Banco) -> None:
    id_session = _ambiguous(banco, "PPT_CANALE_TIMEOUT")
    banco.ask()
    assert banco.stati(id_session) == DOUBT
    assert b"PPT_ID_CARRELLO_DUPLICATO" in banco.again(id_session)
    banco.move(id_session, "RPT_ACCETTATA_PSP")
    banco.ask()
    assert banco.stati(id_session) == OPEN


@caso(86, "T096", "channel unreachable: closed, another attempt has another CCP")
def channel_unreachable(banco: Banco) -> None:
    iuv = banco.world.lay_avviso().iuv
    banco.fail(CARRELLO, "fault", code="PPT_CANALE_IRRAGGIUNGIBILE", times=1)
    first, second = banco.world.attempt(iuv=iuv), banco.world.attempt(iuv=iuv)
    assert (banco.stati(first), banco.stati(second)) == (FREED, OPEN)
    assert banco.chiave(first).ccp != banco.chiave(second).ccp


@caso(87, "T094", "the PSP refuses, the state confirms it")
def psp_refuses(banco: Banco) -> None:
    id_session = _ambiguous(banco, "PPT_CANALE_ERRORE")
    banco.ask()
    assert (banco.stati(id_session), banco.fault(id_session)) == (FREED, "RPT_RIFIUTATA_PSP")
    assert len(banco.sendings()) == 1


@caso(88, "T092", "a document that is not valid leaves no trace at the node")
def not_valid(banco: Banco) -> None:
    id_session = banco.send(change=with_rpt(b"<RPT/>"))
    asked = ViaStato(banco.soap).ask(NOTA, _cercato(banco, id_session), "c" * 32)
    assert (banco.stati(id_session), asked.delivery.code) == (FREED, "PPT_RPT_SCONOSCIUTA")


def _cercato(banco: Banco, id_session: str) -> TentativoCercato:
    return TentativoCercato(banco.chiave(id_session), banco.world.clock())


@caso(89, "CSRPTSEM8-10, T100", "a key that the node does not know: the same bytes again, where a duplicate is refused")
def unknown_key(banco: Banco) -> None:
    banco.fail(CARRELLO, "lost_before", times=1)
    id_session = banco.send()
    assert banco.stati(id_session) == DOUBT
    banco.ask()
    assert (banco.stati(id_session), banco.sendings()) == (OPEN, ["", "OK"])
    sent = [one["sha256"] for one in banco.ledger()["messaggi"] if one["operazione"] == CARRELLO]
    assert sent[0] == sent[1]


@caso(90, "T092-T103", "every state of an RPT has its action")
def every_state(banco: Banco) -> None:
    wanted = {Azione.FALLITO: FREED, Azione.SCADUTO: ("RIFIUTATO", "DECORR_TERM")}
    sessions = {stato: banco.send() for stato in AZIONE_BY_STATO}
    for stato, id_session in sessions.items():
        banco.move(id_session, stato)
    banco.pursue()
    for stato, id_session in sessions.items():
        assert banco.stati(id_session) == wanted.get(AZIONE_BY_STATO[stato], OPEN), stato
    copies = [one["chiave"] for one in banco.ledger()["messaggi"] if one["operazione"] == "nodoChiediCopiaRT"]
    for stato, id_session in sessions.items():
        is_asked = any(banco.chiave(id_session).ccp in chiave for chiave in copies)
        assert is_asked == (AZIONE_BY_STATO[stato] is Azione.COPIA), stato


@caso(91, "CCRTSEM8-10", "copy of a receipt that the node does not know: a person is told")
def unknown_copy(banco: Banco) -> None:
    banco.fail("nodoChiediStatoRPT", "gone")
    id_session = banco.send()
    found = banco.world.tentativo(id_session)
    banco.world.change(schema.tentativi, "id", found.id, ccp="mai-ricevuto")
    banco.pursue(timedelta(hours=24))
    (one,) = list_aperti(banco.world.db, Tempi(ATTESA, {}), banco.world.clock())
    assert one.operatori and "copia: PPT_RT_SCONOSCIUTA" in one.motivo
    assert one.prossimo_at is not None and banco.stati(id_session) == OPEN


@caso(92, "CCRTSEM11", "the receipt is not ready: asked again")
def not_ready(banco: Banco) -> None:
    banco.fail("nodoChiediStatoRPT", "gone")
    id_session = banco.send()
    for _ in range(3):
        banco.pursue()
    assert banco.stati(id_session) == OPEN
    assert banco.questions().count("nodoChiediCopiaRT") == 3
    assert banco.world.one(schema.outbox, topic="recupero").last_code == "PPT_RT_NONDISPONIBILE"


@caso(93, "EC-AUX-01", "a lost receipt is copied, and has the effect of one that arrived")
def lost_receipt(banco: Banco) -> None:
    banco.fail("paaInviaRT", "rt_lost")
    id_session = banco.send()
    banco.pay(id_session)
    eventually(lambda: banco.ledger()["rpt"][0]["stato"] == "RT_ERRORE_INVIO_A_PA")
    banco.pursue()
    assert (banco.stati(id_session), banco.hub.received) == (("CHIUSO", "PAGATO"), [])


@caso(94, "EC-AUX-02, CLPRPTSEM9-12", "the list of pending RPTs, empty and not")
def pending(banco: Banco) -> None:
    banco.fail("nodoChiediStatoRPT", "gone")
    banco.fail("nodoChiediCopiaRT", "gone")
    banco.fail(CARRELLO, "lost_after", times=2)
    empty = banco.send()
    banco.ask()
    assert (banco.stati(empty), banco.world.messaggio(empty).motivo) == (
        DOUBT, "stato: HTTP_404, pendenti: NON_IN_LISTA, copia: HTTP_404",
    )  # fmt: skip
    listed = banco.send()
    banco.move(listed, "RPT_ACCETTATA_PSP")
    banco.ask()
    assert banco.stati(listed) == OPEN


@caso(95, "CLPRPTSIN22-26", "the length of a list is a positive whole number")
def list_length(banco: Banco) -> None:
    now = banco.world.clock()
    body = parse(build_chiedi_lista_pendenti(NOTA, None, now, now))
    assert body.findtext(".//dimensioneLista") == str(PENDENTI_MAX)


@caso(96, "CLPRPTSEM (range)", "a range is put in order")
def list_range(banco: Banco) -> None:
    now = banco.world.clock()
    body = parse(build_chiedi_lista_pendenti(NOTA, None, now, now - timedelta(days=2)))
    assert (body.findtext(".//rangeDa") or "") < (body.findtext(".//rangeA") or "")


@caso(114, "EC-CON-01", "codiceConvenzione of an agreement: said verbatim, its fee stored on the line")
def agreement(banco: Banco) -> None:
    banco.world.change(schema.enti, "cod_ipa_ente", "C_PROVA", codice_convenzione="CONV_01 & <2>")
    id_session = banco.send()
    body = parse(bytes(banco.world.messaggio(id_session).payload))
    assert body.findtext(".//codiceConvenzione") == "CONV_01 & <2>" and banco.sendings() == ["OK"]
    tentativo = banco.world.tentativo(id_session)
    rt = rt_of(read_rpt(bytes(tentativo.rpt)), 0)
    paid = tuple(replace(one, commissioni_pa_cent=35) for one in rt.pagamenti)
    raw = render_rt(replace(rt, pagamenti=paid))
    assert b"<commissioniApplicatePA>0.35</commissioniApplicatePA>" in raw and check_rt(raw) == []
    banco.world.receive(raw, tentativo)
    banco.world.apply()
    assert banco.stati(id_session) == ("CHIUSO", "PAGATO")
    assert {row.commissione_pa_cent for row in banco.world.dovuti(id_session)} == {35}


@caso(115, "EC-MDB-01", "a stamp in model 1")
def stamp(banco: Banco) -> None:
    voce = make_voce(tipo="MARCA_BOLLO_DIGITALE", importo="16.00", marca=("01", HASH_MARCA, "RM"))
    id_session = banco.send(make_documento(voce))
    (line,) = read_rpt(bytes(banco.world.tentativo(id_session).rpt)).versamenti
    assert line.marca is not None and line.iban_accredito is None
    banco.pay(id_session)
    banco.receive(id_session)
    (row,) = banco.world.ricevute()
    (paid,) = read_rt(bytes(row.raw)).pagamenti
    assert (paid.allegato_tipo, banco.stati(id_session)) == ("BD", ("CHIUSO", "PAGATO"))
    assert paid.allegato is not None and HASH_MARCA.encode() in paid.allegato


@caso(116, "crash test", "killed between sending and reading")
def crash(banco: Banco) -> None:
    id_session = banco.begin()
    with banco.world.db.transaction() as session:
        outbox.claim(session, banco.world.clock(), LIMITS.lease, 1)
    assert b">OK<" in banco.again(id_session)
    banco.world.clock.advance(LIMITS.lease.total_seconds() + 1)
    banco.world.relay()
    assert (banco.stati(id_session), banco.sendings()) == (OPEN, ["OK"])
    assert banco.questions() == ["nodoChiediStatoRPT"]


@caso(117, "race test", "the receipt comes while the call is open, which then fails")
def race(banco: Banco) -> None:
    banco.set_timeout(1.5)
    banco.fail(CARRELLO, "late", seconds=2.5, times=1)
    id_session = banco.begin()
    call = threading.Thread(target=banco.world.relay)
    call.start()
    eventually(lambda: bool(banco.ledger()["rpt"]))
    banco.pay(id_session)
    banco.receive(id_session)
    call.join()
    assert banco.stati(id_session) == ("CHIUSO", "PAGATO")
    banco.ask()
    assert banco.stati(id_session) == ("CHIUSO", "PAGATO")
    assert len(banco.sendings()) == 1
