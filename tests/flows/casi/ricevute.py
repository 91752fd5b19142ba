"""The cases of the public suites about receipts, turned around into what the hub must do. Source: node, 8.2 and 8.3."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace

from hub.formats.rpt import read_rpt
from hub.formats.rt import read_rt, render_rt
from hub.store import schema
from tests.factories import HASH_MARCA, make_documento, make_rt, make_voce, rt_of
from tests.flows.casi.scena import ALTRA_STAZIONE, PA_FOR_NODE, RT, STAZIONE_CONVERTITA, Scena, gave_up
from tests.ricevute import VICINO, make_marca, make_token, make_transfer
from tests.world import INTERMEDIARIO

SECONDARIO = {
    "codice_fiscale": VICINO,
    "denominazione": "Comune Vicino",
    "iban": "IT60X0542811101000000123456",
    "importo_cent": 1500,
    "dati_specifici": "9/0101101IM/",
}
BOTH = (make_transfer(1, "35.00"), make_transfer(2, "15.00", VICINO))


@dataclass(frozen=True, slots=True)
class Caso:
    """`play` None: the case does not apply to this hub, `reason` says why."""

    number: int
    source: str
    words: str
    play: Callable[[Scena], None] | None
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.number}-{self.source.replace(' ', '_')}"


CASI: list[Caso] = []


def caso(number: int, source: str, words: str) -> Callable[[Callable[[Scena], None]], Callable[[Scena], None]]:
    def keep(play: Callable[[Scena], None]) -> Callable[[Scena], None]:
        CASI.append(Caso(number, source, words, play))
        return play

    return keep


# 8.2, receipts of the new model.


@caso(37, "PSRT_21", "slow storage, the node gives up and sends again")
def slow_hub(scena: Scena) -> None:
    scena.notice()
    with scena.slow_table():
        assert gave_up(lambda: scena.post(PA_FOR_NODE, scena.message(), timeout_s=1))

    assert scena.receipt() == "OK"
    assert scena.stati() == ["ELABORATA"]


@caso(38, "PSRT_22", "the same receipt five times")
def redelivery(scena: Scena) -> None:
    scena.notice()
    assert [scena.receipt() for _ in range(5)] == ["OK"] * 5
    assert (scena.stati(), scena.carrelli()) == (["ELABORATA"], ["PAGATO"])


@caso(39, "gestioneReceiptMb_08", "the database refuses writes: 503, never a KO; taken after recovery")
def ko_is_final(scena: Scena) -> None:
    scena.notice()
    with scena.closed_table():
        assert scena.post(PA_FOR_NODE, scena.message()).said == "503"
    assert scena.receipt() == "OK"
    assert scena.stati() == ["ELABORATA"]


@caso(40, "malformata_retry", "the answer does not reach the node, which sends again")
def lost_answer(scena: Scena) -> None:
    scena.notice()
    scena.post_and_leave(PA_FOR_NODE, scena.message())
    assert scena.receipt() == "OK"
    assert (scena.stati(), scena.carrelli()) == (["ELABORATA"], ["PAGATO"])


@caso(41, "PSRT_23", "one receipt to two enti of ours")
def broadcast(scena: Scena) -> None:
    dovuto = scena.notice(importo_cent=3500, secondario=SECONDARIO)
    assert scena.receipt(transfers=BOTH) == "OK"
    assert scena.receipt(transfers=BOTH, id_pa=VICINO) == "OK"
    assert [row.dominio for row in scena.receipts()] == [INTERMEDIARIO, VICINO]
    assert scena.stati() == ["ELABORATA", "ELABORATA"]
    assert scena.world.one(schema.quote_secondarie, dovuto_id=dovuto.id).codice_fiscale == VICINO
    own = scena.world.rows(schema.trasferimenti_ricevute, ricevuta_id=scena.receipts()[1].id, codice_fiscale=VICINO)
    assert [row.importo_cent for row in own] == [1500]


@caso(42, "EC-PSP-03 (NM3)", "the notice is of a body that is unknown to us")
def secondary_only(scena: Scena) -> None:
    assert scena.receipt(id_pa=VICINO, dominio="00000000000", transfers=BOTH) == "OK"
    assert scena.stati() == ["ELABORATA"]


@caso(43, "PSRT_29", "the receipt comes hours after the get")
def after_token_expiry(scena: Scena) -> None:
    scena.notice()
    assert scena.get() == "OK"
    scena.world.clock.advance(6 * 3600)
    assert scena.receipt() == "OK"
    assert scena.dovuto().stato == "COMPLETATO"


@caso(44, "retry_PaNew_01", "the outcome comes after the token ended, nothing was cancelled")
def late_outcome(scena: Scena) -> None:
    scena.notice()
    assert (scena.verify(), scena.get()) == ("OK", "OK")
    scena.world.clock.advance(24 * 3600)
    assert scena.receipt("paSendRT") == "OK"
    assert (scena.dovuto().stato, scena.stati()) == ("COMPLETATO", ["ELABORATA"])


@caso(45, "retry_PaNew_03", "no receipt comes: the position is payable again")
def negative_outcome(scena: Scena) -> None:
    scena.notice()
    assert scena.get() == "OK"
    scena.world.clock.advance(24 * 3600)
    assert (scena.verify(), scena.get()) == ("OK", "OK")
    assert scena.dovuto().stato == "INSERIMENTO_DOVUTO"


@caso(46, "retry_PaNew_05", "two tokens on one notice: paid once, the second receipt is an excess")
def two_tokens(scena: Scena) -> None:
    scena.notice()
    assert (scena.get(), scena.get()) == ("OK", "OK")
    assert scena.receipt() == "OK"
    assert scena.receipt(receipt_id=make_token()) == "OK"
    assert (scena.stati(), scena.carrelli()) == (["ELABORATA", "ECCEDENZA"], ["PAGATO"])
    assert scena.dovuto().iur == scena.token


@caso(47, "GP 943", "get in V1, receipt in V2")
def mixed_versions(scena: Scena) -> None:
    scena.notice()
    assert scena.get() == "OK"
    assert scena.receipt("paSendRTV2") == "OK"
    assert scena.dovuto().stato == "COMPLETATO"


@caso(48, "GP 832", "the receipt comes through another of our stations")
def other_station(scena: Scena) -> None:
    scena.notice()
    assert scena.get() == "OK"
    assert scena.receipt(stazione=ALTRA_STAZIONE) == "OK"
    assert (scena.dovuto().stato, scena.receipts()[0].segnalazioni) == ("COMPLETATO", ["ALTRA_STAZIONE"])


@caso(49, "GP stand-in", "paid in our place: no get before")
def stand_in(scena: Scena) -> None:
    scena.notice()
    assert scena.receipt(stand_in="true") == "OK"
    assert (scena.dovuto().stato, scena.receipts()[0].segnalazioni) == ("COMPLETATO", ["STAND_IN"])


@caso(50, "Apr 2026 incident", "an element that nobody knows")
def unknown_element(scena: Scena) -> None:
    scena.notice()
    raw = scena.message(extra="<novita><di>aprile</di></novita>")
    assert scena.post(PA_FOR_NODE, raw).said == "OK"
    scena.world.apply()
    (row,) = scena.receipts()
    assert (bytes(row.raw), row.stato, row.ignoti) == (raw, "ELABORATA", ["receipt/novita"])


@caso(51, "NMU_MBD_paSendRTV2_ok", "a stamp: its bytes unchanged, its digest compared")
def stamp(scena: Scena) -> None:
    marca = make_marca(impronta=HASH_MARCA)
    asked = {"tipo_bollo": "01", "hash_documento": HASH_MARCA, "provincia_residenza": "RM"}
    scena.notice(importo_cent=1600, marca=asked)
    assert scena.receipt(importo="16.00", transfers=(make_transfer(1, "16.00", marca=marca),)) == "OK"
    (row,) = scena.receipts()
    assert base64.b64encode(marca) in bytes(row.raw)
    assert (row.stato, row.segnalazioni, read_rt(bytes(row.rt)).pagamenti[0].allegato) == ("ELABORATA", None, marca)


@caso(52, "blocco_02", "verify once paid")
def verify_after_payment(scena: Scena) -> None:
    scena.notice()
    assert scena.receipt() == "OK"
    assert scena.verify() == "PAA_PAGAMENTO_DUPLICATO"


@caso(53, "unknown notice", "a receipt for a notice that was never issued")
def orphan(scena: Scena) -> None:
    assert scena.receipt() == "OK"
    assert scena.stati() == ["ORFANA"]


@caso(54, "amount differs", "receipt amount and position differ")
def other_amount(scena: Scena) -> None:
    scena.notice()
    assert scena.receipt(importo="49.00") == "OK"
    assert (scena.dovuto().stato, scena.dovuto().importo_pagato_cent) == ("COMPLETATO", 4900)
    assert "IMPORTO_DIVERSO" in scena.receipts()[0].segnalazioni


# 8.3, those that end in paaInviaRT.


@caso(61, "EC-PEC-01", "model 1 positive: a cart of two")
def cart_paid(scena: Scena) -> None:
    id_session = scena.world.begin(make_documento(make_voce(), make_voce()))
    tentativo = scena.world.tentativo(id_session)
    assert scena.send_rt(tentativo, make_rt(bytes(tentativo.rpt))) == "OK"
    assert [row.stato for row in scena.world.dovuti(id_session)] == ["COMPLETATO", "COMPLETATO"]
    assert scena.world.sessione(id_session).stato == "PAGATO"


@caso(62, "EC-PEC-02", "the payer cancels: code 1 without details")
def cart_cancelled(scena: Scena) -> None:
    scena.notice()
    id_session = scena.world.attempt(iuv=scena.iuv)
    tentativo = scena.world.tentativo(id_session)
    assert scena.send_rt(tentativo, make_rt(bytes(tentativo.rpt), 1)) == "OK"
    assert (scena.world.carrello(id_session).stato, scena.dovuto().stato) == ("NON_PAGATO", "INSERIMENTO_DOVUTO")


@caso(63, "T102", "the same RT twice")
def same_rt_twice(scena: Scena) -> None:
    id_session = scena.world.begin()
    tentativo = scena.world.tentativo(id_session)
    raw = make_rt(bytes(tentativo.rpt))
    assert [scena.send_rt(tentativo, raw) for _ in range(2)] == ["OK", "OK"]
    assert [row.stato for row in scena.receipts(ccp=tentativo.ccp)] == ["ELABORATA"]


@caso(64, "Retry_paaInviaRT_01", "time-out on an RT, then a redelivery")
def slow_rt(scena: Scena) -> None:
    tentativo = scena.world.tentativo(scena.world.begin())
    raw = make_rt(bytes(tentativo.rpt))
    with scena.slow_table():
        assert gave_up(lambda: scena.post(RT, scena.rt(tentativo, raw), timeout_s=1))
    assert scena.send_rt(tentativo, raw) == "OK"
    assert [row.stato for row in scena.receipts(ccp=tentativo.ccp)] == ["ELABORATA"]


@caso(65, "retry_PaOld_01", "negative RT of the node, then the PSP's late success under another CCP")
def negative_then_positive(scena: Scena) -> None:
    scena.notice()
    for esito, stato in ((1, "INSERIMENTO_DOVUTO"), (0, "COMPLETATO")):
        tentativo = scena.world.tentativo(scena.world.attempt(iuv=scena.iuv))
        assert scena.send_rt(tentativo, make_rt(bytes(tentativo.rpt), esito)) == "OK"
        assert scena.dovuto().stato == stato
    assert sorted(scena.carrelli()) == ["NON_PAGATO", "PAGATO"]


@caso(67, "T005", "RT codes 2, 3 and 4")
def partial_codes(scena: Scena) -> None:
    for esito, stato in ((2, "PARZ_PAGATO"), (3, "DECORR_TERM"), (4, "DECORR_TERM_PARZ")):
        id_session = scena.world.begin(make_documento(make_voce(), make_voce(importo="7.50")))
        tentativo = scena.world.tentativo(id_session)
        assert scena.send_rt(tentativo, make_rt(bytes(tentativo.rpt), esito)) == "OK"
        assert scena.world.carrello(id_session).stato == stato
        paid = [bool(row.importo_pagato_cent) for row in scena.world.dovuti(id_session)]
        assert paid == ([False, False] if esito == 3 else [True, False])


@caso(68, "T012", "an RT with a stamp")
def rt_with_stamp(scena: Scena) -> None:
    voce = make_voce(tipo="MARCA_BOLLO_DIGITALE", importo="16.00", marca=("01", HASH_MARCA, "RM"))
    for impronta, flags in ((HASH_MARCA, None), ("A" * 43 + "=", ["MARCA_DIVERSA"])):
        id_session = scena.world.begin(make_documento(replace(voce, iud=make_voce().iud)))
        tentativo = scena.world.tentativo(id_session)
        rt = rt_of(read_rpt(bytes(tentativo.rpt)), 0)
        marca = make_marca(impronta=impronta)
        lines = tuple(replace(line, allegato_tipo="BD", allegato=marca) for line in rt.pagamenti)
        raw = render_rt(replace(rt, pagamenti=lines))
        assert scena.send_rt(tentativo, raw) == "OK"
        (row,) = scena.receipts(ccp=tentativo.ccp)
        assert (bytes(row.raw), row.segnalazioni) == (raw, flags)


@caso(69, "RT for a secondary EC", "our domain with somebody else's CCP")
def rt_for_secondary(scena: Scena) -> None:
    tentativo = scena.world.tentativo(scena.world.begin())
    cart = f"{VICINO}3{scena.iuv}-00001"
    raw = make_rt(bytes(tentativo.rpt), ccp=cart)
    assert scena.send_rt(tentativo, raw, codiceContestoPagamento=cart) == "OK"
    assert [row.stato for row in scena.receipts(ccp=cart)] == ["ELABORATA"]


@caso(70, "WISP negative", "the converter's negative RT: 0.00, IUR 0, one line")
def converter_negative(scena: Scena) -> None:
    scena.notice()
    id_session = scena.world.attempt(iuv=scena.iuv)
    tentativo = scena.world.tentativo(id_session)
    paid = rt_of(read_rpt(bytes(tentativo.rpt)), 0)
    line = replace(paid.pagamenti[0], importo_cent=0, iur="0", esito="Annullato per sessione scaduta")
    raw = render_rt(replace(paid, codice_esito=1, importo_cent=0, pagamenti=(line,)))
    assert scena.send_rt(tentativo, raw) == "OK"
    (row,) = scena.receipts(ccp=tentativo.ccp)
    assert (row.stato, row.segnalazioni, row.ignoti) == ("ELABORATA", None, None)
    assert (scena.world.carrello(id_session).stato, scena.dovuto().stato) == ("NON_PAGATO", "INSERIMENTO_DOVUTO")


@caso(71, "WISP retry list", "an error while storing: PAA_SYSTEM_ERROR to the converter, 503 to the node")
def converter_retry(scena: Scena) -> None:
    tentativo = scena.world.tentativo(scena.world.begin())
    raw = make_rt(bytes(tentativo.rpt))
    station = {"identificativoStazioneIntermediarioPA": STAZIONE_CONVERTITA}
    with scena.closed_table():
        assert scena.send_rt_only(tentativo, raw, **station) == "PAA_SYSTEM_ERROR"
        assert scena.send_rt_only(tentativo, raw) == "503"
    assert scena.send_rt(tentativo, raw) == "OK"


# Of 8.3 the cases 55 to 60 and 66 are those of the activations and of the sends, which end before a receipt.
