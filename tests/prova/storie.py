"""The stories of one payment: begun, sent, paid, searched for, registered by the ente, published, told to the ente."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

from sqlalchemy import insert

from adapters.nodo.faults_script import rule_from_text
from hub.crash import Punto
from hub.domain.documenti import Organizzazione
from hub.domain.errors import HubError
from hub.formats.rt import read_rt
from hub.store import schema
from hub.usecases.importa_dovuto import ImportaDovuto, RichiestaImportaDovuto
from hub.usecases.registra_pagamento import PagamentoEsterno, registra_pagamento
from tests.adapters.simulated import eventually
from tests.carrelli import PRIMA
from tests.factories import encode, make_documento, make_voce
from tests.importati import CUT_OFF
from tests.inoltro import configure_inoltro
from tests.prova.palco import Palco
from tests.prova.scena import Scena, Storia
from tests.ricevute import IUV, deliver, make_ricevuta
from tests.versamenti import Versamento, own_iuv
from tests.world import INTERMEDIARIO, STAZIONE, World, chi

AVVIO = (Punto.IUV_PRESI, Punto.AVVIO_SCRITTO, Punto.AVVIO_TENUTO)
RELAY = (
    Punto.RELAY_PRESO, Punto.RELAY_IN_PARTENZA, Punto.RELAY_INVIATO, Punto.RELAY_SCRITTO, Punto.RELAY_CHIUSO,
)  # fmt: skip
TENUTA = (Punto.RICEVUTA_LETTA, Punto.RICEVUTA_SCRITTA, Punto.RICEVUTA_TENUTA)
EFFETTO = (Punto.RICEVUTA_APPLICATA, Punto.RICEVUTA_ELABORATA)
REGISTRA = (Punto.REGISTRA_SCRITTO, Punto.REGISTRA_TENUTO)
DOVUTO = (Punto.DOVUTO_SCRITTO, Punto.DOVUTO_TENUTO)
RIPASSO = (Punto.RIPASSO_SCRITTO, Punto.RIPASSO_TENUTO)
TOKEN = "a" * 32


# What whoever is not the hub asks of it. A refusal is an answer too: of a deed done before its answer was lost.


def start(id_session: str, palco: Palco) -> None:
    palco.world.start(id_session)


def bring_rt(raw: bytes, palco: Palco) -> None:
    rt = read_rt(raw)
    palco.world.receive(raw, palco.world.one(schema.tentativi, iuv=rt.iuv, ccp=rt.ccp))


def bring_ricevuta(raw: bytes, palco: Palco) -> None:
    deliver(palco.world, raw)


def importa(azione: str, iud: str, values: dict[str, Any], palco: Palco) -> str:
    """paaSILImportaDovuto; returns its IUV, or the code of the fault."""
    runtime = palco.world.runtime
    deed = ImportaDovuto(palco.world.db, runtime.callers, runtime.iuv, CUT_OFF)
    documento = Versamento(iud, azione, **values)
    richiesta = RichiestaImportaDovuto(encode(documento.xml), genera_iuv=azione == "I" and documento.iuv is None)
    try:
        return deed(chi(), richiesta, lambda _: None, palco.world.clock()).iuv or ""
    except HubError as error:
        return error.code


def registra(iuv: str, palco: Palco) -> None:
    attestante = Organizzazione("B", "ABI01234", "Banca di prova")
    pagamento = PagamentoEsterno(iuv, 1250, date(2026, 11, 20), "IUR-1", attestante)
    registra_pagamento(palco.world.db, palco.world.runtime.callers, chi(), pagamento, palco.world.clock())


# A payment on line, with two lines that the ente is told of.


def _lay_session(world: World, ente_url: str) -> None:
    configure_inoltro(world, "TARI", url=ente_url)
    world.invia(make_documento(make_voce(), make_voce(importo="3.00")))


def _begin(scena: Scena, *punti: Punto) -> None:
    id_session = scena.world.one(schema.sessioni).id_session
    scena.does("avvio", partial(start, id_session), *punti)


def _pagamento(scena: Scena) -> None:
    _begin(scena, *AVVIO)
    scena.does("invio", Palco.work, *RELAY)
    scena.pay_all()
    for raw in scena.simulator.simulator.ledger.paid_rt():
        scena.does("ricevuta", partial(bring_rt, raw), *TENUTA)
    scena.does("effetto", Palco.work, *EFFETTO, *RELAY)


def _senza_risposta(scena: Scena) -> None:
    """The answer to the sending is lost, and nobody brings the receipt."""
    faults = scena.simulator.simulator.faults
    faults.add(rule_from_text("nodoInviaCarrelloRPT:lost_after,times=1"))
    faults.add(rule_from_text("paaInviaRT:rt_lost"))
    _begin(scena)
    scena.does("domanda", Palco.work, Punto.DOMANDA_RISPOSTA)
    scena.pay_all()
    ledger = scena.simulator.simulator.ledger
    eventually(lambda: ledger.as_json()["rpt"][0]["stato"] == "RT_ERRORE_INVIO_A_PA")
    scena.pass_time(timedelta(minutes=31))
    scena.does("ricerca", Palco.work, *RELAY, Punto.DOMANDA_RISPOSTA, *TENUTA, *EFFETTO)


# The same with Checkout: a cart of a notice, and a receipt of the new model.


def _lay_checkout(world: World, ente_url: str) -> None:
    world.change(schema.stazioni, "id", STAZIONE, pagamento_online="checkout")
    _lay_servizio(world, "checkout")
    _lay_session(world, ente_url)


def _lay_servizio(world: World, servizio: str) -> None:
    sealed = world.runtime.cassaforte.seal(PRIMA)
    world.lay(schema.servizi_rest, stazione_id=STAZIONE, servizio=servizio, chiave_cifrata=sealed, versione=2)


def _checkout(scena: Scena) -> None:
    _begin(scena, *AVVIO)
    scena.does("invio", Palco.work, *RELAY)
    iuv = scena.world.one(schema.carrelli).iuv
    raw = make_ricevuta(iuv=iuv, importo="15.50", receipt_id=TOKEN)
    scena.does("ricevuta", partial(bring_ricevuta, raw), *TENUTA)
    scena.does("effetto", Palco.work, *EFFETTO)


# A notice: stored, published, changed, paid at a counter; another one is cancelled.


def _lay_avvisi(world: World, ente_url: str) -> None:
    configure_inoltro(world, "TARI", url=ente_url)
    _lay_servizio(world, "posizioni")
    world.change(schema.enti, "id", 1, pubblica_posizioni=True)
    world.lay_avviso(own_iuv(2), iud="IUD-CHE-SI-ANNULLA")


def _avviso(scena: Scena) -> None:
    scena.does("ripasso", Palco.work, *RIPASSO)
    scena.does("inserimento", partial(importa, "I", "IUD-AVVISO", {}), Punto.IUV_PRESI, *DOVUTO)
    iuv = scena.world.one(schema.dovuti, iud="IUD-AVVISO", attuale=True).iuv
    changed = {"iuv": iuv, "importo": "50.00"}
    scena.does("modifica", partial(importa, "M", "IUD-AVVISO", changed), *DOVUTO)
    scena.does("annullamento", partial(importa, "A", "IUD-CHE-SI-ANNULLA", {}), *DOVUTO)
    scena.does("pubblicazione", Palco.work, *RELAY)
    raw = make_ricevuta(iuv=iuv, receipt_id=TOKEN)
    scena.does("ricevuta", partial(bring_ricevuta, raw), *TENUTA)
    scena.does("effetto", Palco.work, *EFFETTO, *RELAY)


# The ente says that it was paid elsewhere, before the RPT has left.


def _registrato(scena: Scena) -> None:
    _begin(scena)
    iuv = scena.world.one(schema.carrelli).iuv
    scena.does("registrazione", partial(registra, iuv), *REGISTRA)
    scena.does("effetto", Palco.work, *RELAY)


# A settlement flow tells of a payment whose receipt nobody brought.


def _lay_mancante(world: World, ente_url: str) -> None:
    _lay_servizio(world, "ricevute")
    world.lay_avviso(IUV, iud="IUD-PAGATO-ALTROVE")
    now = world.clock()
    flusso = {
        "dominio": INTERMEDIARIO, "ente_id": 1, "stazione_id": STAZIONE, "trasporto": "rest", "iuf": "2026PSP-1",
        "psp": "PSP", "elencato_at": now, "revisione": 1, "stato": "PARSED", "attiva": True, "versante": "PSP",
        "listed_at": now, "parsed_at": now, "updated_at": now,
        "righe": 1, "righe_lette": 1, "importo_cent": 5000, "lordo_cent": 5000, "netto_cent": 5000,
    }  # fmt: skip
    with world.db.transaction() as session:
        id = session.execute(insert(schema.rendicontazioni).returning(schema.rendicontazioni.c.id), flusso).scalar_one()
        riga = {
            "rendicontazione_id": id, "numero": 1, "iuv": IUV, "iur": TOKEN, "importo_cent": 5000, "esito": "0",
            "data_esito": date(2026, 5, 4),
        }  # fmt: skip
        session.execute(insert(schema.rendicontazioni_righe), riga)


def _mancante(scena: Scena) -> None:
    ledger = scena.simulator.simulator.ledger_sportello
    number = ledger.open_pagamento(
        scena.now, dominio=INTERMEDIARIO, numero_avviso=f"3{IUV}", iuv=IUV, stazione=STAZIONE, primitive="V2",
        psp="PSP_PROVA", stranezza="",
    )  # fmt: skip
    raw = make_ricevuta(receipt_id=TOKEN)
    ledger.add_ricevute(number, TOKEN, [("paSendRTV2", INTERMEDIARIO, raw)], scena.now)
    scena.does("ricerca", Palco.work, Punto.PIATTAFORMA_RISPOSTA, *RELAY, *TENUTA, *EFFETTO)


def _storia(
    nome: str, prepare: Callable[[World, str], None], tell: Callable[[Scena], None], *punti: Punto
) -> Storia:
    return Storia(nome, prepare, tell, frozenset(punti))


STORIE = (
    _storia("pagamento", _lay_session, _pagamento, *AVVIO, *RELAY, *TENUTA, *EFFETTO),
    _storia(
        "senza risposta", _lay_session, _senza_risposta, *RELAY, *TENUTA, *EFFETTO, Punto.DOMANDA_RISPOSTA
    ),
    _storia("Checkout", _lay_checkout, _checkout, *AVVIO, *RELAY, *TENUTA, *EFFETTO),
    _storia(
        "avviso", _lay_avvisi, _avviso, Punto.IUV_PRESI, *RIPASSO, *DOVUTO, *RELAY, *TENUTA, *EFFETTO
    ),
    _storia("pagato altrove", _lay_session, _registrato, *REGISTRA, *RELAY),
    _storia(
        "ricevuta mancante", _lay_mancante, _mancante, Punto.PIATTAFORMA_RISPOSTA, *RELAY, *TENUTA, *EFFETTO
    ),
)
