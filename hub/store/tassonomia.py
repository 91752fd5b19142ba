"""The codes of the taxonomy that were fetched, kept in memory for a moment; how the fetching stands."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from hub.domain.errors import Conflict
from hub.domain.tassonomia import Tassonomia, VoceTassonomia
from hub.store.database import Database, Session
from hub.store.schema import enti, stato_tassonomia, tipi, voci_tassonomia

_NOMI = ("codice", "tipo_ente", "macro_area", "servizio", "versione", "valido_dal", "valido_al")


class Tavola:
    """The table as every process sees it within `ttl_s` of a change. Safe to share between threads."""

    def __init__(self, db: Database, ttl_s: float) -> None:
        self._db, self._ttl_s = db, ttl_s
        self._lock = threading.Lock()
        self._held: tuple[float, int, Tassonomia | None] = (0.0, -1, None)

    def current(self) -> Tassonomia | None:
        """The table that was fetched last; None: none was."""
        read_at, generazione, found = self._held
        if read_at and time.monotonic() - read_at <= self._ttl_s:
            return found
        with self._db.reading() as session:
            now = stato(session).generazione
            if now != generazione:
                found = find(session)
        with self._lock:
            self._held = (time.monotonic(), now, found)
        return found


def stato(session: Session) -> Row[Any]:
    return session.execute(select(stato_tassonomia).where(stato_tassonomia.c.id == 1)).one()


def find(session: Session) -> Tassonomia | None:
    """The table that was fetched last; None: none was."""
    rows = session.execute(select(*(voci_tassonomia.c[nome] for nome in _NOMI))).all()
    return Tassonomia(VoceTassonomia(*row) for row in rows) if rows else None


def take_turn(session: Session, prossima_at: datetime | None, until: datetime) -> bool:
    """Move when the table is looked for, from what was read to `until`; False when somebody else has."""
    is_same = stato_tassonomia.c.prossima_at.is_not_distinct_from(prossima_at)
    return session.execute(update(stato_tassonomia).where(is_same).values(prossima_at=until)).rowcount == 1


def note(session: Session, **values: Any) -> None:
    session.execute(update(stato_tassonomia).where(stato_tassonomia.c.id == 1).values(**values))


def replace(session: Session, generazione: int, voci: Iterable[VoceTassonomia], **values: Any) -> None:
    """Put a table in the place of the one of this generation. Raises: Conflict (another has been put meanwhile)."""
    is_same = stato_tassonomia.c.generazione == generazione
    changed = update(stato_tassonomia).where(is_same).values(generazione=generazione + 1, **values)
    if session.execute(changed).rowcount != 1:
        raise Conflict("la tassonomia è stata aggiornata nello stesso momento da un altro processo")
    session.execute(delete(voci_tassonomia))
    rows: list[Mapping[str, Any]] = [{nome: getattr(voce, nome) for nome in _NOMI} for voce in voci]
    session.execute(insert(voci_tassonomia), rows)


def active_tipi(session: Session) -> list[Row[Any]]:
    """The codes of the tipi that are switched on: cod_ipa_ente, codice, descrizione, tassonomia."""
    query = select(enti.c.cod_ipa_ente, tipi.c.codice, tipi.c.descrizione, tipi.c.tassonomia)
    query = query.join(enti, enti.c.id == tipi.c.ente_id).where(tipi.c.attivo)
    return list(session.execute(query.order_by(enti.c.cod_ipa_ente, tipi.c.codice)))
