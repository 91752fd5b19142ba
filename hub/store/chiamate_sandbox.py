"""The calls that the sandbox keeps: added, read in their order, emptied."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, or_, select

from hub.domain.chiamata_sandbox import CHIAMATE_MAX
from hub.store.database import Session
from hub.store.schema import chiamate_sandbox, enti

_C = chiamate_sandbox.c
_HEAVY = frozenset({"richiesta", "risposta", "spiegazione", "intestazioni"})


def add(
    session: Session,
    *,
    istante: datetime,
    applicazione: str | None,
    cod_ipa_ente: str | None,
    canale: str,
    operazione: str,
    richiesta: bytes,
    risposta: bytes,
    stato_http: int | None,
    esito: str,
    durata_us: int,
    correlazione: str,
    spiegazione: str,
    intestazioni: str | None = None,
    chiamate_max: int = CHIAMATE_MAX,
) -> int:
    """Keep a call and return its number; of the same ente the oldest beyond `chiamate_max` go.

    `intestazioni`: JSON, an object of texts.
    """
    values = {
        "istante": istante,
        "applicazione": applicazione,
        "cod_ipa_ente": cod_ipa_ente,
        "canale": canale,
        "operazione": operazione,
        "richiesta": richiesta,
        "risposta": risposta,
        "stato_http": stato_http,
        "esito": esito,
        "durata_us": durata_us,
        "correlazione": correlazione,
        "spiegazione": spiegazione,
        "intestazioni": intestazioni,
    }
    added: int = session.execute(insert(chiamate_sandbox).values(values).returning(_C.id)).scalar_one()
    same = _C.cod_ipa_ente == cod_ipa_ente if cod_ipa_ente is not None else _C.cod_ipa_ente.is_(None)
    beyond = select(_C.id).where(same).order_by(_C.id.desc()).offset(chiamate_max).limit(1).scalar_subquery()
    session.execute(delete(chiamate_sandbox).where(same, _C.id <= beyond))
    return added


def read(
    session: Session,
    *,
    applicazione: str | None = None,
    cod_ipa_ente: str | None = None,
    operazione: str | None = None,
    is_ok: bool | None = None,
    after_id: int = 0,
    limit: int = 200,
) -> Sequence[Row[Any]]:
    """The calls after a number, the oldest first, whole. What is None is not looked at; `is_ok`: went well or not."""
    query = select(chiamate_sandbox).where(_C.id > after_id, *_filters(applicazione, cod_ipa_ente, operazione, is_ok))
    return session.execute(query.order_by(_C.id).limit(limit)).all()


def last(
    session: Session,
    *,
    applicazione: str | None = None,
    cod_ipa_ente: str | None = None,
    operazione: str | None = None,
    is_ok: bool | None = None,
    after_id: int = 0,
    before_id: int | None = None,
    limit: int = 50,
) -> Sequence[Row[Any]]:
    """The newest calls, the newest first, without their bodies and words."""
    query = select(*(column for column in _C if column.name not in _HEAVY)).where(_C.id > after_id)
    query = query.where(*_filters(applicazione, cod_ipa_ente, operazione, is_ok))
    if before_id is not None:
        query = query.where(_C.id < before_id)
    return session.execute(query.order_by(_C.id.desc()).limit(limit)).all()


def parole(session: Session, colonna: str, cod_ipa_ente: str | None) -> Sequence[str]:
    """The different words of a column in the calls of an ente; None: in all of them."""
    column = _C[colonna]
    query = select(column).where(column.is_not(None), *_filters(None, cod_ipa_ente, None, None))
    return session.execute(query.distinct().order_by(column)).scalars().all()


def find(session: Session, id: int, cod_ipa_ente: str | None = None) -> Row[Any] | None:
    """One call, whole; None when there is none, or it is not of the ente that is named."""
    query = select(chiamate_sandbox).where(_C.id == id, *_filters(None, cod_ipa_ente, None, None))
    return session.execute(query).one_or_none()


def empty(session: Session, cod_ipa_ente: str | None = None) -> int:
    """Forget all calls, or those of one ente; return how many they were. Their numbers are not given again."""
    return session.execute(delete(chiamate_sandbox).where(*_filters(None, cod_ipa_ente, None, None))).rowcount


def find_ente(session: Session, ente: str, ente_id: int | None) -> str | None:
    """The codIpaEnte of an ente by its id, its codIpaEnte or its tax code; of several with one tax code the oldest."""
    columns = enti.c
    if ente_id is not None:
        by = columns.id == ente_id
    else:
        by = or_(columns.cod_ipa_ente == ente, columns.codice_fiscale == ente)
    # A codIpaEnte comes before a tax code.
    first = (columns.cod_ipa_ente == ente).desc()
    query = select(columns.cod_ipa_ente).where(by).order_by(first, columns.id).limit(1)
    return session.execute(query).scalar_one_or_none()


def _filters(
    applicazione: str | None, cod_ipa_ente: str | None, operazione: str | None, is_ok: bool | None
) -> list[ColumnElement[bool]]:
    wanted = ((_C.applicazione, applicazione), (_C.cod_ipa_ente, cod_ipa_ente), (_C.operazione, operazione))
    found = [column == value for column, value in wanted if value is not None]
    if is_ok is not None:
        found.append(_C.esito == "OK" if is_ok else _C.esito != "OK")
    return found
