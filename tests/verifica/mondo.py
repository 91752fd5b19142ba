"""A healthy world for the checker: payments of every end that the hub knows, and the rows that each left."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row

from hub.domain.delivery import Delivery, Outcome
from hub.domain.documenti import Organizzazione
from hub.domain.errors import HubError
from hub.domain.stati import TipoSessione
from hub.store import schema
from hub.usecases import expire_sessioni, firma_giornale, recupero
from hub.usecases.open_sessione import open_sessione
from hub.usecases.registra_pagamento import PagamentoEsterno, registra_pagamento
from tests.factories import make_documento, make_iud, make_rt, make_voce
from tests.giornale import mondo as journal
from tests.importati import Stabilimento
from tests.rendicontazioni import OGGI, NodoInMemoria, Rendicontazione, make_flusso
from tests.ricevute import VICINO, deliver, make_ricevuta, make_transfer, pay
from tests.tracciati import make_campi
from tests.world import TTL, World, chi

SECONDARIO = {
    "codice_fiscale": VICINO, "denominazione": "Comune Vicino", "iban": "IT60X0542811101000000123456",
    "importo_cent": 1500, "dati_specifici": "9/0101101IM/",
}  # fmt: skip


@dataclass
class Sano:
    """What was played. Sessions by their end; stored dovuti by what became of them."""

    world: World
    pagata: str
    fallita: str
    rifiutata: str
    da_pagare: Row[Any]
    altro_da_pagare: Row[Any]
    annullato: Row[Any]
    ritentato: Row[Any]
    registrato: Row[Any]
    flusso: str
    inviata: str = ""
    in_attesa: str = ""


def play(world: World) -> Sano:
    """Play every kind of payment."""
    world.clock.now = OGGI
    online = _online(world)
    stored = _stored(world)
    _new_model(world)
    sano = Sano(world=world, **online, **stored, **_registered(world), flusso=_flusso(world))
    _rendicontazioni(world)
    _giornale(world)
    _waiting(world, sano)
    return sano


def iuv(world: World) -> str:
    return world.runtime.iuv.draw("12345678903", "01")


def _online(world: World) -> dict[str, Any]:
    ends = {name: world.begin(make_documento(make_voce(), make_voce())) for name in ("pagata", "fallita", "parziale")}
    world.relay()
    for esito, id_session in enumerate(ends.values()):
        world.conclude(id_session, esito)
    del ends["parziale"]
    ends["rifiutata"] = world.begin()
    world.nodo.sends.append(Delivery(Outcome.REFUSED, "PPT_SEMANTICA"))
    world.relay()
    # Paid late, though the first receipt said that it was not.
    late = world.begin()
    world.relay()
    world.conclude(late, 1)
    world.conclude(late, 0)
    # Over two enti: one part is paid.
    callers = world.runtime.callers
    elementi = [{"ente_id": ente, "documento": make_documento().xml} for ente in (1, 2)]
    chiamante = callers.authenticate(chi(), "paaSILInviaCarrelloDovuti", world.clock())
    both = open_sessione(
        world.db, chiamante, TipoSessione.ESTERNO_ANONIMO_MULTIENTE, elementi, world.apertura()
    )
    world.start(both)
    world.relay()
    for esito, carrello in enumerate(world.rows(schema.carrelli, id_session=both)):
        tentativo = world.one(schema.tentativi, carrello_id=carrello.id)
        world.receive(make_rt(bytes(tentativo.rpt), esito), tentativo)
    world.apply()
    # Nobody came.
    world.invia()
    world.clock.advance(2 * TTL.total_seconds())
    expire_sessioni.run_once(world.db, timedelta(0), world.clock())
    return ends


def _stored(world: World) -> dict[str, Any]:
    ritentato = world.lay_avviso(iuv(world))
    first = world.attempt(1, ritentato.iuv)
    world.attempt(0, ritentato.iuv)
    # The first attempt was paid after all: the second payment is a surplus.
    tentativo = world.tentativo(first)
    world.receive(make_rt(bytes(tentativo.rpt)), tentativo)
    world.apply()
    without_iuv = world.lay_avviso(None)
    id_session = world.open_precaricato(without_iuv)
    world.start(id_session)
    world.relay()
    world.conclude(id_session, 1)
    annullato = world.lay_avviso(iuv(world), stato="ANNULLATO", attuale=False)
    return {
        "ritentato": ritentato,
        "annullato": annullato,
        "da_pagare": world.lay_avviso(iuv(world)),
        "altro_da_pagare": world.lay_avviso(iuv(world)),
    }


def _new_model(world: World) -> None:
    first = world.lay_avviso(iuv(world))
    pay(world, iuv=first.iuv)
    pay(world, iuv=first.iuv, receipt_id="token-in-piu")
    other = world.lay_avviso(iuv(world))
    pay(world, "paSendRT", iuv=other.iuv, importo="49.00")
    shared = world.lay_avviso(iuv(world), importo_cent=3500, secondario=SECONDARIO)
    transfers = (make_transfer(1, "35.00"), make_transfer(2, "15.00", VICINO))
    pay(world, iuv=shared.iuv, transfers=transfers)
    cancelled = world.lay_avviso(iuv(world), stato="ANNULLATO", attuale=False)
    pay(world, iuv=cancelled.iuv)
    begun = world.lay_avviso(iuv(world))
    world.attempt(None, begun.iuv)
    pay(world, iuv=begun.iuv)
    pay(world, iuv="01000000099999946")
    pay(world, iuv=first.iuv, receipt_id="token-ko", outcome="KO")
    with suppress(HubError):
        deliver(world, make_ricevuta(id_pa="00000000000"))


def _registered(world: World) -> dict[str, Any]:
    def registra(iuv: str, iur: str, cent: int = 5000) -> None:
        attestante = Organizzazione("B", "UNCRITMM", "Banca di prova")
        pagamento = PagamentoEsterno(iuv, cent, date(2026, 11, 20), iur, attestante)
        registra_pagamento(world.db, world.runtime.callers, chi(), pagamento, world.clock())

    registrato = world.lay_avviso(iuv(world))
    registra(registrato.iuv, "IUR-1")
    registra(world.lay_avviso(iuv(world)).iuv, "IUR-6", 4990)
    registra("RF63019900000000000010000", "IUR-2")
    later = world.lay_avviso(iuv(world))
    registra(later.iuv, "token-3")
    pay(world, iuv=later.iuv, receipt_id="token-3")
    begun = world.begin()
    registra(world.carrello(begun).iuv, "IUR-4", 1250)
    failed = world.begin()
    world.relay()
    world.conclude(failed, 1)
    registra(world.carrello(failed).iuv, "IUR-5", 1250)
    return {"registrato": registrato}


def _flusso(world: World) -> str:
    stabilimento = Stabilimento(world)
    rows = [make_campi(IUD=f"F-{number}") for number in range(3)]
    token = stabilimento.send("F1", *rows, make_campi(IUD="F-X", importoDovuto="x"))
    stabilimento.load()
    drawn = {row.iud: row.iuv for row in stabilimento.dovuti(origine="FLUSSO-IMPORT") if row.iud.startswith("F-")}
    changes = {"flgGeneraIuv": "false"}
    stabilimento.send(
        "F2",
        make_campi(IUD="F-0", azione="M", codIuv=drawn.get("F-0", ""), importoDovuto="50.00", **changes),
        make_campi(IUD="F-1", azione="A", codIuv=drawn.get("F-1", ""), **changes),
    )
    stabilimento.finish()
    return token


def _rendicontazioni(world: World) -> None:
    fdr = Rendicontazione(world, NodoInMemoria())
    fdr.nodo.flussi = [make_flusso(), make_flusso(iuf="2026-11-20ABI01234-S2", psp="ABI01234")]
    fdr.tutto()
    while fdr.abbina():
        pass


def _giornale(world: World) -> None:
    """Events in the chains of two enti, signed in between, with a cut below."""
    old = OGGI - timedelta(days=40)
    journal.write(world.db, *(journal.make_evento(n, at=old) for n in range(3)))
    firma_giornale.sign_heads(world.db, journal.FIRMA, old)
    for ente in ("C_PROVA", "C_VICINO"):
        journal.write(world.db, *(journal.make_evento(n, ente, at=OGGI) for n in range(5)))
    firma_giornale.sign_heads(world.db, journal.FIRMA, OGGI)
    firma_giornale.purge(world.db, journal.FIRMA, timedelta(days=30), OGGI)
    journal.write(world.db, *(journal.make_evento(n, at=OGGI) for n in range(5, 8)))


def _waiting(world: World, sano: Sano) -> None:
    """Payments that have no end yet: sent, in doubt, and (last, or it would leave) still in the outbox."""
    world.attempt(None, world.lay_avviso(iuv(world)).iuv)
    world.nodo.sends.append(Delivery(Outcome.UNKNOWN, "HTTP_504"))
    world.begin()
    world.relay()
    sano.inviata = world.begin()
    world.relay()
    recupero.run_once(world.db, ("rpt",), timedelta(0), world.clock())
    sano.in_attesa = world.begin(make_documento(make_voce(iud=make_iud())))
