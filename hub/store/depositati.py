"""Stored dovuti: who holds an IUD or an IUV, and the rows of their versions.

Source: pa-per-ente, uniqueness (6): an id is taken unless all that is left of it are cancelled rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, bindparam, column, insert, select, text
from sqlalchemy.exc import IntegrityError

from hub.domain.errors import ImportIudDuplicato, ImportIuvDuplicato
from hub.domain.stati import StatoDovuto
from hub.store.chiavi import of_ente
from hub.store.database import Session
from hub.store.schema import dovuti

_NOT_CANCELLED = dovuti.c.stato != StatoDovuto.ANNULLATO
_HELD = select(
    dovuti.c.id, dovuti.c.iud, dovuti.c.iuv, dovuti.c.tipo, dovuti.c.stato, dovuti.c.attuale, dovuti.c.flusso_id
).where(
    dovuti.c.ente_id == bindparam("ente_id"), dovuti.c.iud.in_(bindparam("iud", expanding=True)), _NOT_CANCELLED
)
_HELD_IUV = select(dovuti.c.iuv).where(
    *of_ente(bindparam("ente_id")), dovuti.c.iuv.in_(bindparam("iuv", expanding=True)), _NOT_CANCELLED
)
# In the words of its index, which SQLite takes only when told: by itself it would look at every dovuto of the ente.
_STORIA = text("ente_id = :ente_id AND NOT attuale AND stato <> 'ANNULLATO'")
_HISTORY: dict[str, Select[Any]] = {
    "postgresql": select(column("id")).select_from(dovuti).where(_STORIA),
    "sqlite": select(column("id")).select_from(text("dovuti INDEXED BY ix_dovuti_storia")).where(_STORIA),
}
# pagoPA's own key, whoever of the enti that share a tax code has it.
_HELD_DOMINIO = select(dovuti.c.iuv).where(
    dovuti.c.dominio == bindparam("dominio"), dovuti.c.iuv.in_(bindparam("iuv", expanding=True)), dovuti.c.attuale
)


def is_iud_taken(session: Session, ente_id: int, iud: str) -> bool:
    query = select(dovuti.c.id).where(dovuti.c.ente_id == ente_id, dovuti.c.iud == iud, _NOT_CANCELLED)
    return session.execute(query.limit(1)).first() is not None


def is_iuv_taken(session: Session, ente_id: int, iuv: str) -> bool:
    """Whether the ente has the IUV; that another ente of its tax code has it, only `add` finds out."""
    query = select(dovuti.c.id).where(*of_ente(ente_id), dovuti.c.iuv == iuv, _NOT_CANCELLED)
    return session.execute(query.limit(1)).first() is not None


def held_by_iud(session: Session, ente_id: int, iud: Sequence[str]) -> list[Row[Any]]:
    """What holds these IUD: `id, iud, iuv, tipo, stato, attuale, flusso_id` of every version that is not cancelled."""
    return list(session.execute(_HELD, {"ente_id": ente_id, "iud": iud}))


def is_in_flusso(session: Session, ente_id: int, flusso_id: int, iud: Sequence[str]) -> bool:
    """Whether a dovuto with one of these IUD came with this flow, be it cancelled by now."""
    query = select(dovuti.c.id).where(
        dovuti.c.ente_id == ente_id, dovuti.c.iud.in_(iud), dovuti.c.flusso_id == flusso_id
    )
    return session.execute(query.limit(1)).first() is not None


def held_iuv(session: Session, ente: Row[Any], iuv: Sequence[str]) -> frozenset[str]:
    """Those of these IUV that the ente, or another of its tax code, has already used and not cancelled."""
    own = session.execute(_HELD_IUV, {"ente_id": ente.id, "iuv": iuv}).scalars()
    others = session.execute(_HELD_DOMINIO, {"dominio": ente.codice_fiscale, "iuv": iuv}).scalars()
    return frozenset(own) | frozenset(others)


def has_history(session: Session, ente_id: int) -> bool:
    """Whether the ente has rows that are history and not cancelled: they hold their IUD without being the current."""
    query = _HISTORY[session.dialect.name].limit(1)
    return session.execute(query, {"ente_id": ente_id}).first() is not None


def is_history(session: Session, ente_id: int, iud: Sequence[str]) -> bool:
    """Whether history holds one of these IUD."""
    among = column("iud").in_(bindparam("iud", expanding=True))
    query = _HISTORY[session.dialect.name].where(among).limit(1)
    return session.execute(query, {"ente_id": ente_id, "iud": iud}).first() is not None


def find_by_iuv(session: Session, ente_id: int, iuv: str) -> Row[Any] | None:
    """The stored dovuto that holds an IUV of the ente now; what was started online has no notice and is not one."""
    query = select(dovuti).where(
        *of_ente(ente_id),
        dovuti.c.iuv == iuv,
        dovuti.c.attuale,
        dovuti.c.iuv_volatile.is_(False),
        dovuti.c.origine.not_like("ESTERNO-ANONIMO%"),
    )
    return session.execute(query.order_by(dovuti.c.posizione).limit(1)).one_or_none()


def find_version(session: Session, id: str) -> Row[Any] | None:
    """The version with this id, whatever it has become."""
    return session.execute(select(dovuti).where(dovuti.c.id == id)).one_or_none()


def all_by_iuv(session: Session, ente_id: int, iuv: str) -> Sequence[Row[Any]]:
    """Every version under an IUV of the ente: the one that counts first, then the newest."""
    query = select(dovuti).where(*of_ente(ente_id), dovuti.c.iuv == iuv)
    query = query.order_by(dovuti.c.attuale.desc(), dovuti.c.created_at.desc(), dovuti.c.posizione)
    return session.execute(query).all()


def add(session: Session, **values: Any) -> None:
    """Write a version; the unique indexes have the last word.

    Raises: ImportIudDuplicato, ImportIuvDuplicato (the transaction is lost).
    """
    try:
        session.execute(insert(dovuti), values)
    except IntegrityError as error:
        reason = str(error.orig)
        if "uq_dovuti_dominio_iuv" in reason:
            raise ImportIuvDuplicato(f"IUV {values['iuv']} già presente") from error
        if "uq_dovuti_ente_id_iud" in reason:
            raise ImportIudDuplicato(f"IUD {values['iud']} già presente") from error
        raise
