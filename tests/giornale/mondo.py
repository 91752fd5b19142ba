"""Events of the journal, written as a process writes them, and what the checker says of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from hub.domain.giornale import Esito, Evento, Verso
from hub.domain.verifica import Rilievo
from hub.formats.firma_giornale import FirmaGiornale
from hub.store import giornale
from hub.store.database import Database
from hub.usecases.giornale import Giornale
from hub.usecases.verifica import verifica

OGGI = datetime(2026, 11, 20, 10, tzinfo=UTC)
FIRMA = FirmaGiornale("la chiave di queste prove, abbastanza lunga")


def make_evento(number: int = 0, ente: str = "C_PROVA", **values: Any) -> Evento:
    told: dict[str, Any] = {
        "at": OGGI + timedelta(seconds=number),
        "verso": Verso.ENTRATA,
        "operazione": "paaSILInviaDovuti",
        "esito": Esito.OK,
        "durata_ms": number,
        "correlation_id": f"{number:032x}",
        "ente": ente,
        "ricevuto": sha256(b"domanda %d" % number).digest(),
        "inviato": sha256(b"risposta %d" % number).digest(),
    }
    return Evento(**told | values)


def write(db: Database, *events: Evento, coda_max: int = 10_000) -> None:
    """Write events as a process does that ends right after."""
    kept = Giornale(db, coda_max, lambda: OGGI)
    for evento in events:
        kept.annota(evento)
    kept.close()


def rows(db: Database, nome: str = "C_PROVA") -> list[Any]:
    """The events of a chain, from the first."""
    with db.reading() as session:
        catena = giornale.find_catena(session, nome)
        return [] if catena is None else list(giornale.page(session, catena.id, None, 100_000))[::-1]


def look(db: Database, chiavi: tuple[bytes, ...] = (FIRMA.pubblica,), tratto: int = 7) -> list[Rilievo]:
    """What the checker finds, in stretches that are short enough for every chain to have several."""
    archivio: Any = None
    (esame,) = verifica(db, ["giornale"], archivio, lambda *_: None, limit=1000, tratto=tratto, chiavi=chiavi)
    return esame.rilievi


def ids(found: list[Rilievo]) -> list[str]:
    return [one.id for one in found]
