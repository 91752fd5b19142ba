"""Enti with their tipi and credentials, stations and who shares a tax code: read once, kept while nothing changes.

The configuration is read on every call and changes a few times a year. Its number is asked again after `ttl_s`: a
change is seen by every process within that, and what did not change is not read again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Row, func, select

from hub.domain.credenziali import Genere
from hub.store import revisione
from hub.store.credenziali import in_force
from hub.store.database import Database, Session
from hub.store.schema import credenziali, enti, stazioni, tipi
from hub.store.tassonomia import Tavola

_CACHE_MAX = 5000
# What somebody wrote into the tables by hand is seen within this as well.
_AGAIN_S = 60.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EnteConfigurato:
    """`ente`, `stazione`: rows; `tipi`: rows by code; `credenziali`: rows that were valid when read."""

    ente: Row[Any]
    stazione: Row[Any]
    tipi: Mapping[str, Row[Any]]
    credenziali: tuple[Row[Any], ...]

    @property
    def valid_until(self) -> datetime | None:
        """When the first of its credentials ends by itself; None: none does."""
        ends = [end for row in self.credenziali for end in (row.expires_at, row.valido_fino) if end is not None]
        return min(ends, default=None)


@dataclass(frozen=True, slots=True)
class Stazione:
    """Whose a station is, and whether the intermediary that is asked for has any: `riga` None when there is none."""

    riga: Row[Any] | None
    is_intermediario: bool


@dataclass(frozen=True, slots=True)
class _Held:
    """What was read, under which number of the configuration, when (of the monotonic clock), and for how long."""

    value: Any
    numero: int
    read_s: float
    until: datetime | None


class Anagrafe:
    """The enti of this installation, and the taxonomy (`tavola`) that they share. Safe to share between threads."""

    def __init__(self, db: Database, ttl_s: float = 2.0) -> None:
        self.db = db
        self._ttl_s = ttl_s
        self.tavola = Tavola(db, ttl_s)
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}
        self._seen: tuple[float, int] = (0.0, 0)

    def find(self, cod_ipa_ente: str, now: datetime) -> EnteConfigurato | None:
        return self._ente("ipa:" + cod_ipa_ente, enti.c.cod_ipa_ente == cod_ipa_ente, now)

    def find_amministratore(self, now: datetime) -> EnteConfigurato | None:
        """The one ente that may see all the others, if there is one."""
        return self._ente("amministratore", enti.c.amministratore.is_(True), now)

    def find_by_id(self, ente_id: int, now: datetime) -> EnteConfigurato | None:
        return self._ente(f"id:{ente_id}", enti.c.id == ente_id, now)

    def of_dominio(self, dominio: str, now: datetime) -> tuple[Row[Any], ...]:
        """The enti that share a tax code, the oldest first."""
        query = select(enti).where(enti.c.codice_fiscale == dominio).order_by(enti.c.id)
        return self._cached("dominio:" + dominio, lambda session: tuple(session.execute(query)), now)

    def stazione(self, id: str, intermediario: str, now: datetime) -> Stazione:
        """Return a station, and whether an intermediary has any station of this installation."""
        key = f"stazione:{intermediario}/{id}"
        return self._cached(key, lambda session: _stazione(session, id, intermediario), now)

    def passwords_most(self, now: datetime) -> int:
        """The largest number of passwords that any one ente has: what a refusal must cost for all."""
        return self._cached("passwords_most", lambda session: _passwords_most(session, now), now)

    def _ente(self, key: str, where: Any, now: datetime) -> EnteConfigurato | None:
        return self._cached(key, lambda session: _read(session, where, now), now)

    def _cached(self, key: str, read: Callable[[Session], T], now: datetime) -> T:
        numero = self._numero()
        held = self._held.get(key)
        if held is not None and held.numero == numero and time.monotonic() - held.read_s <= _AGAIN_S:
            if held.until is None or now < held.until:
                value: T = held.value
                return value
        with self.db.reading() as session:
            found = read(session)
        until = found.valid_until if isinstance(found, EnteConfigurato) else None
        with self._lock:
            if len(self._held) >= _CACHE_MAX:
                self._held.clear()
            self._held[key] = _Held(found, numero, time.monotonic(), until)
        return found

    def _numero(self) -> int:
        """The number of the configuration, at most `ttl_s` old."""
        seen_s, numero = self._seen
        if not seen_s or time.monotonic() - seen_s > self._ttl_s:
            # Before the question: what changes while it is asked is seen the next time.
            asked_s = time.monotonic()
            with self.db.reading() as session:
                numero = revisione.numero(session)
            self._seen = (asked_s, numero)
        return numero


def _stazione(session: Session, id: str, intermediario: str) -> Stazione:
    riga = session.execute(select(stazioni).where(stazioni.c.id == id)).one_or_none()
    mine = select(stazioni.c.id).where(stazioni.c.intermediario == intermediario).limit(1)
    return Stazione(riga, session.execute(mine).first() is not None)


def _passwords_most(session: Session, now: datetime) -> int:
    is_password = credenziali.c.genere == Genere.PASSWORD
    found = select(func.count().label("n")).where(is_password, in_force(now))
    counts = found.group_by(credenziali.c.ente_id).subquery()
    return session.execute(select(func.max(counts.c.n))).scalar_one() or 1


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
