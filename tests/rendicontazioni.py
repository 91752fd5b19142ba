"""What the tests of settlement flows share: flows as PSPs make them, and a node that lists and gives them in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, BinaryIO

from sqlalchemy import Row, select

from adapters.nodo.fdr_prodotti import (
    FlussoProdotto,
    Pagamento,
    nome_flusso,
    render_pagamenti,
    render_testata,
    render_xml,
)
from hub.domain.acquisizione_fdr import DomandaFdr, Elenco, EsitoDomanda, FlussoElencato, Scarico, Trasporto
from hub.formats.fdr_rest import Pacchetto
from hub.store import acquisizioni_fdr, schema
from hub.usecases import abbina_fdr, elenca_fdr, leggi_fdr, scarica_fdr
from hub.usecases.elenca_fdr import Ritmo
from tests.world import INTERMEDIARIO, STAZIONE, World

RITMO = Ritmo(intervallo=timedelta(hours=4), lease=timedelta(minutes=15), pausa_s=0)
PSP = "ABI01234"
OGGI = datetime(2026, 11, 20, 8, tzinfo=UTC)


def make_pagamento(number: int = 1, **values: Any) -> Pagamento:
    base = Pagamento(f"010000000000{number:05d}", f"IUR{number:08d}", 1000 + number, date(2026, 11, 18))
    return replace(base, **values)


def make_flusso(*pagamenti: Pagamento, **values: Any) -> FlussoProdotto:
    """A flow of Comune di Prova that every check accepts."""
    generato_at = values.pop("generato_at", OGGI)
    regolato = values.pop("regolato", generato_at.date())
    values = {"iuf": nome_flusso(regolato, values.get("psp", PSP), "S1"), "psp": PSP, "dominio": INTERMEDIARIO} | values
    return FlussoProdotto(
        generato_at=generato_at, regolato=regolato, pagamenti=pagamenti or (make_pagamento(1), make_pagamento(2)),
        **values,
    )  # fmt: skip


@dataclass
class NodoInMemoria:
    """Both sides of the port: lists what is in `flussi`, gives it, and fails as `guasti` says, in order."""

    trasporto: Trasporto = Trasporto.SOAP
    flussi: list[FlussoProdotto] = field(default_factory=list)
    elenchi: list[Elenco] = field(default_factory=list)
    scarichi: list[Scarico] = field(default_factory=list)
    chiesti: list[str] = field(default_factory=list)
    dal: list[datetime] = field(default_factory=list)
    domande: list[DomandaFdr] = field(default_factory=list)
    during: Callable[[], None] = lambda: None

    def elenca(self, domanda: DomandaFdr, dal: datetime) -> Elenco:
        self.dal.append(dal)
        self.domande.append(domanda)
        if self.elenchi:
            return self.elenchi.pop(0)
        mine = [flusso for flusso in self.flussi if flusso.dominio == domanda.dominio]
        return Elenco(EsitoDomanda.OK, tuple(self.elencato(flusso) for flusso in mine))

    def elencato(self, flusso: FlussoProdotto) -> FlussoElencato:
        if self.trasporto == Trasporto.SOAP:
            return FlussoElencato(flusso.iuf, flusso.generato_at, flusso.psp)
        published = flusso.pubblicato_at or flusso.generato_at
        return FlussoElencato(flusso.iuf, flusso.generato_at, flusso.psp, flusso.revisione, published)

    def scarica(self, domanda: DomandaFdr, flusso: FlussoElencato, copia: BinaryIO) -> Scarico:
        self.chiesti.append(flusso.iuf)
        self.during()
        if self.scarichi:
            return self.scarichi.pop(0)
        # SOAP knows a flow by its name alone: the newest is given.
        found = [one for one in self.flussi if one.iuf == flusso.iuf and one.dominio == domanda.dominio]
        if self.trasporto == Trasporto.REST:
            found = [one for one in found if one.revisione == flusso.revisione]
        if not found:
            return Scarico(EsitoDomanda.ASSENTE, "PPT_ID_FLUSSO_SCONOSCIUTO")
        self.write(found[-1], copia)
        return Scarico(EsitoDomanda.OK)

    def write(self, flusso: FlussoProdotto, copia: BinaryIO) -> None:
        if self.trasporto == Trasporto.SOAP:
            for block in render_xml(flusso):
                copia.write(block)
            return
        with Pacchetto(copia) as pacchetto:
            pacchetto.add_testata(render_testata(flusso))
            for pagina in range(1, max(1, -(-flusso.righe // 1000)) + 1):
                pacchetto.add_pagina(pagina, render_pagamenti(flusso, pagina, 1000))


class Rendicontazione:
    """The jobs of settlement flows over a world, ticked by hand."""

    def __init__(self, world: World, nodo: Any) -> None:
        self.world, self.nodo = world, nodo
        self.porte: dict[Trasporto, Any] = {Trasporto.SOAP: nodo, Trasporto.REST: nodo}
        self.ritmo = RITMO

    def elenca(self) -> bool:
        runtime = self.world.runtime
        return elenca_fdr.run_once(self.world.db, self.porte, runtime.cassaforte, self.ritmo, self.world.clock)

    def scarica(self) -> bool:
        runtime = self.world.runtime
        return scarica_fdr.run_once(
            self.world.db, self.porte, runtime.archivio, runtime.cassaforte, self.ritmo, self.world.clock
        )

    def leggi(self, pezzo: int = leggi_fdr.PEZZO) -> bool:
        return leggi_fdr.run_once(self.world.db, self.world.runtime.archivio, self.world.clock, pezzo)

    def abbina(self) -> bool:
        return abbina_fdr.run_once(self.world.db, self.world.clock)

    def tutto(self) -> None:
        """Let every job work until there is nothing to do at this moment."""
        while self.elenca():
            pass
        while self.scarica() or self.leggi():
            pass

    def di_nuovo(self) -> None:
        """The same after the interval, so that lists are asked for again."""
        self.world.clock.advance(RITMO.intervallo.total_seconds())
        self.tutto()

    def rows(self, **where: Any) -> list[Row[Any]]:
        return self.world.rows(schema.rendicontazioni, **where)

    def one(self, **where: Any) -> Row[Any]:
        (row,) = self.rows(**where)
        return row

    def righe(self, rendicontazione_id: int) -> list[Row[Any]]:
        return self.world.rows(schema.rendicontazioni_righe, rendicontazione_id=rendicontazione_id)

    def attive(self) -> list[tuple[str, int]]:
        """What is to be reconciled: IUV and cents of every payment of the revisions that count."""
        flusso, riga = schema.rendicontazioni, schema.rendicontazioni_righe
        query = select(riga.c.iuv, riga.c.importo_cent).join(flusso, flusso.c.id == riga.c.rendicontazione_id)
        with self.world.db.reading() as session:
            found = session.execute(query.where(flusso.c.attiva).order_by(riga.c.iuv, flusso.c.id, riga.c.numero))
            return [tuple(row) for row in found]

    def turno(self, dominio: str = INTERMEDIARIO) -> Row[Any]:
        return self.world.one(schema.acquisizioni_fdr, dominio=dominio)

    def usa(self, trasporto: Trasporto) -> None:
        """The station asks in another way from now on."""
        with self.world.db.transaction() as session:
            acquisizioni_fdr.put_trasporto(session, STAZIONE, trasporto)
        if hasattr(self.nodo, "trasporto"):
            self.nodo.trasporto = trasporto
