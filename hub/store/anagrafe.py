"""Enti with their tipi and credentials, as one read, kept for a moment.

A change of configuration is seen by every process within `ttl_s`; the configuration of an ente is read on every call
of its management software, and changes a few times a year.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Row, func, select

from hub.domain.credenziali import Genere
from hub.store.credenziali import in_force
from hub.store.database import Database, Session
from hub.store.schema import credenziali, enti, stazioni, tipi
from hub.store.tassonomia import Tavola

_CACHE_MAX = 5000


@dataclass(frozen=True, slots=True)
class EnteConfigurato:
    """`ente`, `stazione`: rows; `tipi`: rows by code; `credenziali`: rows that were valid when read."""

    ente: Row[Any]
    stazione: Row[Any]
    tipi: Mapping[str, Row[Any]]
    credenziali: tuple[Row[Any], ...]


class Anagrafe:
    """The enti of this installation, and the taxonomy (`tavola`) that they share. Safe to share between threads."""

    def __init__(self, db: Database, ttl_s: float = 2.0) -> None:
        self.db = db
        self._ttl_s = ttl_s
        self.tavola = Tavola(db, ttl_s)
        self._lock = threading.Lock()
        self._held: dict[str, tuple[float, EnteConfigurato | None]] = {}
        self._most: tuple[float, int] = (0.0, 1)

    def find(self, cod_ipa_ente: str, now: datetime) -> EnteConfigurato | None:
        return self._cached("ipa:" + cod_ipa_ente, enti.c.cod_ipa_ente, cod_ipa_ente, now)

    def find_amministratore(self, now: datetime) -> EnteConfigurato | None:
        """The one ente that may see all the others, if there is one."""
        return self._cached("amministratore", enti.c.amministratore, True, now)

    def find_by_id(self, ente_id: int, now: datetime) -> EnteConfigurato | None:
        return self._cached(f"id:{ente_id}", enti.c.id, ente_id, now)

    def passwords_most(self, now: datetime) -> int:
        """The largest number of passwords that any one ente has: what a refusal must cost for all."""
        read_at, most = self._most
        if time.monotonic() - read_at > self._ttl_s or not read_at:
            is_password = credenziali.c.genere == Genere.PASSWORD
            found = select(func.count().label("n")).where(is_password, in_force(now))
            counts = found.group_by(credenziali.c.ente_id).subquery()
            with self.db.reading() as session:
                most = session.execute(select(func.max(counts.c.n))).scalar_one() or 1
            self._most = (time.monotonic(), most)
        return most

    def _cached(self, key: str, column: Column[Any], value: Any, now: datetime) -> EnteConfigurato | None:
        read_at, found = self._held.get(key, (0.0, None))
        if read_at and time.monotonic() - read_at <= self._ttl_s:
            return found
        with self.db.reading() as session:
            found = _read(session, column == value, now)
        with self._lock:
            if len(self._held) >= _CACHE_MAX:
                self._held.clear()
            self._held[key] = (time.monotonic(), found)
        return found


def _read(session: Session, where: Any, now: datetime) -> EnteConfigurato | None:
    ente = session.execute(select(enti).where(where)).one_or_none()
    if ente is None:
        return None
    return EnteConfigurato(
        ente=ente,
        stazione=session.execute(select(stazioni).where(stazioni.c.id == ente.stazione_id)).one(),
        tipi={row.codice: row for row in session.execute(select(tipi).where(tipi.c.ente_id == ente.id))},
        credenziali=tuple(
            session.execute(
                select(credenziali).where(credenziali.c.ente_id == ente.id, in_force(now)).order_by(credenziali.c.id)
            )
        ),
    )
