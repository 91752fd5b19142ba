"""The journal of events: adding at the end of chains, reading, signing and removing what is old.

Who adds holds the rows of the chains, in the order of their ids, for one short transaction; a batch of events is three
statements, however many processes write.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hub.domain.giornale import ORIGINE, Evento, Genere, Riga, Sigillo, impronta_of
from hub.store.database import Session
from hub.store.lettura import Lettura
from hub.store.schema import enti, giornale, giornale_catene, giornale_firme

_ADD = insert(giornale)
_MOVE = (
    update(giornale_catene)
    .where(giornale_catene.c.id == bindparam("catena_id"))
    .values(ultimo_numero=bindparam("numero"), ultima_impronta=bindparam("impronta"))
)


def append(session: Session, events: Mapping[int, Sequence[Evento]]) -> None:
    """Add events to their chains, by the id of the chain: each gets its number and its hash."""
    columns = giornale_catene.c
    heads = select(columns.id, columns.nome, columns.ultimo_numero, columns.ultima_impronta)
    rows: list[dict[str, Any]] = []
    moved: list[dict[str, Any]] = []
    # In one order for all: two who add to the same chains never wait for each other in a circle.
    held = heads.where(columns.id.in_(sorted(events))).order_by(columns.id).with_for_update(key_share=True)
    for head in session.execute(held).all():
        added, numero, last = events[head.id], head.ultimo_numero, bytes(head.ultima_impronta)
        for evento in added:
            numero += 1
            riga = _riga(head.nome, numero, evento, last)
            last = impronta_of(riga)
            rows.append(_values(head.id, riga, last))
        moved.append({"catena_id": head.id, "numero": numero, "impronta": last})
    session.execute(_ADD, rows)
    session.execute(_MOVE, moved)


def _riga(catena: str, numero: int, evento: Evento, precedente: bytes) -> Riga:
    return Riga(
        catena, numero, evento.at, evento.verso, evento.operazione, evento.esito, evento.codice, evento.durata_ms,
        evento.correlation_id, evento.ricevuto, evento.inviato, precedente,
    )  # fmt: skip


def _values(catena_id: int, riga: Riga, impronta: bytes) -> dict[str, Any]:
    return {
        "catena_id": catena_id,
        "numero": riga.numero,
        "at": riga.at,
        "verso": riga.verso,
        "operazione": riga.operazione,
        "esito": riga.esito,
        "codice": riga.codice,
        "durata_ms": riga.durata_ms,
        "correlation_id": riga.correlation_id,
        "ricevuto": riga.ricevuto,
        "inviato": riga.inviato,
        "precedente": riga.precedente,
        "impronta": impronta,
    }


def riga_of(row: Row[Any], catena: str) -> Riga:
    """Return a row as it was chained."""
    return Riga(
        catena, row.numero, row.at, row.verso, row.operazione, row.esito, row.codice, row.durata_ms,
        row.correlation_id, row.ricevuto, row.inviato, bytes(row.precedente),
    )  # fmt: skip


def open_catena(session: Session, nome: str, ente_id: int | None) -> int:
    """Return the id of a chain; it is there afterwards, whoever else opens it now."""
    dialect = postgresql if session.dialect.name == "postgresql" else sqlite
    values = {"nome": nome, "ente_id": ente_id, "ultima_impronta": ORIGINE}
    session.execute(dialect.insert(giornale_catene).values(values).on_conflict_do_nothing())
    by_name = select(giornale_catene.c.id).where(giornale_catene.c.nome == nome)
    found: int = session.execute(by_name).scalar_one()
    return found


def nomi_enti(session: Session) -> Sequence[Row[Any]]:
    """Id, codIpaEnte and tax code of every ente, the oldest last."""
    query: Select[Any] = select(enti.c.id, enti.c.cod_ipa_ente, enti.c.codice_fiscale)
    return session.execute(query.order_by(enti.c.id.desc())).all()


def catene(session: Session) -> Sequence[Row[Any]]:
    """Every chain, by its id."""
    return session.execute(select(giornale_catene).order_by(giornale_catene.c.id)).all()


def find_catena(session: Session, nome: str) -> Row[Any] | None:
    return session.execute(select(giornale_catene).where(giornale_catene.c.nome == nome)).one_or_none()


def page(session: Session, catena_id: int, before: int | None, limit: int) -> Sequence[Row[Any]]:
    """The events of a chain that come before a number, the last ones first; None: from the end."""
    query = select(giornale).where(giornale.c.catena_id == catena_id)
    if before is not None:
        query = query.where(giornale.c.numero < before)
    return session.execute(query.order_by(giornale.c.numero.desc()).limit(limit)).all()


def all_of(lettura: Lettura, catena_id: int, after: int) -> Iterator[Row[Any]]:
    """Every event of a chain after a number, in order, a stretch at a time."""
    within = (giornale.c.catena_id == catena_id, giornale.c.numero > after)
    return lettura.rows(select(giornale), giornale.c.numero, within=within)


def find(session: Session, catena_id: int, numero: int) -> Row[Any] | None:
    query = select(giornale).where(giornale.c.catena_id == catena_id, giornale.c.numero == numero)
    return session.execute(query).one_or_none()


# Signatures.


def unsigned(session: Session, giorno: date, limit: int) -> Sequence[Row[Any]]:
    """The chains that have something new since they were signed last, and were not signed on this day or later."""
    firme = giornale_firme.c
    last = (
        select(
            firme.catena_id, func.max(firme.numero).label("numero"), func.max(firme.giorno).label("giorno")
        )
        .where(firme.genere == Genere.TESTA)
        .group_by(firme.catena_id)
        .subquery()
    )
    query = select(giornale_catene).outerjoin(last, last.c.catena_id == giornale_catene.c.id)
    is_new = giornale_catene.c.ultimo_numero > func.coalesce(last.c.numero, 0)
    is_due = last.c.giorno.is_(None) | (last.c.giorno < giorno)
    return session.execute(query.where(is_new, is_due).order_by(giornale_catene.c.id).limit(limit)).all()


def add_firma(
    session: Session, catena_id: int, sigillo: Sigillo, giorno: date, chiave: bytes, firma: bytes
) -> bool:
    """Keep a signature; False: somebody else has signed the same."""
    dialect = postgresql if session.dialect.name == "postgresql" else sqlite
    values = {
        "catena_id": catena_id, "genere": sigillo.genere, "giorno": giorno, "numero": sigillo.numero,
        "impronta": sigillo.impronta, "catene": sigillo.catene, "at": sigillo.at, "chiave": chiave, "firma": firma,
    }  # fmt: skip
    statement = dialect.insert(giornale_firme).values(values).on_conflict_do_nothing().returning(giornale_firme.c.id)
    return session.execute(statement).first() is not None


def count_catene(session: Session) -> int:
    counted: int = session.execute(select(func.count()).select_from(giornale_catene)).scalar_one()
    return counted


def firme(session: Session, catena_id: int | None = None) -> Iterable[Row[Any]]:
    """What was signed, with the name of its chain, by chain and number; of one chain, or of all."""
    query: Select[Any] = select(giornale_firme, giornale_catene.c.nome).join(
        giornale_catene, giornale_catene.c.id == giornale_firme.c.catena_id
    )
    if catena_id is not None:
        query = query.where(giornale_firme.c.catena_id == catena_id)
    order = (giornale_firme.c.catena_id, giornale_firme.c.numero, giornale_firme.c.id)
    return session.execute(query.order_by(*order)).all()


def sigillo_of(row: Row[Any]) -> Sigillo:
    """Return what a signature says, from a row of `firme`."""
    return Sigillo(row.genere, row.nome, row.numero, bytes(row.impronta), row.catene, row.at)


# Removal of what is old.


def oldest(session: Session, catena_id: int, before: datetime, limit: int) -> Row[Any] | None:
    """The last of the first events of a chain that are all older than an instant; None: the first one is not."""
    query: Select[Any] = select(giornale).where(giornale.c.catena_id == catena_id)
    last = None
    for row in session.execute(query.order_by(giornale.c.numero).limit(limit)):
        if row.at >= before:
            break
        last = row
    return last


def remove_until(session: Session, catena_id: int, numero: int) -> int:
    """Remove the events of a chain up to a number, and what was signed before it; return how many events."""
    older = giornale_firme.c.catena_id == catena_id, giornale_firme.c.numero < numero
    session.execute(delete(giornale_firme).where(*older))
    removed = session.execute(
        delete(giornale).where(giornale.c.catena_id == catena_id, giornale.c.numero <= numero)
    )
    return removed.rowcount


def renamed(riga: Riga, numero: int) -> Riga:
    """The same event under another number."""
    return replace(riga, numero=numero)
