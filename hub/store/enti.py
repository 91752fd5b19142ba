"""Enti: codIpaEnte is the key of the callers, the tax code is the pagoPA dominio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, select, update

from hub.domain.errors import NotFound
from hub.store import revisione
from hub.store.database import Session
from hub.store.schema import enti

# Built once: making a statement costs more than running it.
_BY_ID = select(enti).where(enti.c.id == bindparam("id"))
_BY_DOMINIO = select(enti).where(enti.c.codice_fiscale == bindparam("dominio")).order_by(enti.c.id)
_FIRST_BY_DOMINIO = _BY_DOMINIO.limit(1)


def find_by_cod_ipa(session: Session, cod_ipa_ente: str) -> Row[Any] | None:
    return session.execute(select(enti).where(enti.c.cod_ipa_ente == cod_ipa_ente)).one_or_none()


def by_cod_ipa(session: Session, cod_ipa_ente: str) -> Row[Any]:
    """Raises: NotFound."""
    row = find_by_cod_ipa(session, cod_ipa_ente)
    if row is None:
        raise NotFound(f"codIpaEnte {cod_ipa_ente} sconosciuto")
    return row


def lock(session: Session, id: int) -> None:
    """Wait until nobody else imports for this ente. On SQLite the one writer has done so already.

    What only refers to the ente (a session, a dovuto in payment) does not wait: the key itself stays shared.
    """
    session.execute(select(enti.c.id).where(enti.c.id == id).with_for_update(key_share=True))


def find_by_dominio(session: Session, codice_fiscale: str) -> Row[Any] | None:
    """Give the ente of a dominio; the oldest when several codIpaEnte share one tax code."""
    return session.execute(_FIRST_BY_DOMINIO, {"dominio": codice_fiscale}).one_or_none()


def all_by_dominio(session: Session, codice_fiscale: str) -> Sequence[Row[Any]]:
    """The enti of a dominio, the oldest first."""
    return session.execute(_BY_DOMINIO, {"dominio": codice_fiscale}).all()


def by_id(session: Session, id: int) -> Row[Any]:
    """Raises: NotFound."""
    row = session.execute(_BY_ID, {"id": id}).one_or_none()
    if row is None:
        raise NotFound(f"ente {id} sconosciuto")
    return row


def all_rows(session: Session) -> Sequence[Row[Any]]:
    return session.execute(select(enti).order_by(enti.c.cod_ipa_ente)).all()


def add(session: Session, **values: Any) -> int:
    """Keep a new ente and return its id."""
    revisione.move_on(session)
    return session.execute(insert(enti).returning(enti.c.id), values).scalar_one()


def change(session: Session, id: int, **values: Any) -> None:
    revisione.move_on(session)
    session.execute(update(enti).where(enti.c.id == id).values(**values))


def count(session: Session) -> int:
    found: int = session.execute(select(func.count()).select_from(enti)).scalar_one()
    return found
