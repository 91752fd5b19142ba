"""What portals and management software ask of many dovuti at once: notices, open positions, past payments."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, and_, delete, func, insert, or_, select, text, update

from hub.domain.stati import (
    CARRELLI_CON_ESITO,
    ORIGINI_NON_ARCHIVIATE,
    StatoDovuto,
    StatoEnte,
    StatoSessione,
    TipoSessione,
)
from hub.store.chiavi import of_ente
from hub.store.database import Session
from hub.store.rt_ricevute import DOCUMENTO
from hub.store.schema import carrelli, dovuti, enti, rt_ricevute, sessioni, sessioni_elementi, tipi

_LIVE = (StatoDovuto.INSERIMENTO_DOVUTO, StatoDovuto.PREDISPOSTO, StatoDovuto.PAGAMENTO_INIZIATO)
_STORED = dovuti.c.origine.not_in(ORIGINI_NON_ARCHIVIATE)


def avvisi(
    session: Session, ente_id: int, start: datetime, end: datetime, granted: Collection[str] | None, limit: int
) -> list[Row[Any]]:
    """Stored dovuti of an ente that are not paid and whose IUV was made in [start, end), with `iuv_at`, oldest first.

    A dovuto that was modified keeps its IUV and gets a new version: the first version under the IUV tells its age.
    """
    born = func.min(dovuti.c.created_at)
    ages = (
        select(dovuti.c.iuv, born.label("iuv_at"))
        .where(*of_ente(ente_id), dovuti.c.iuv.is_not(None))
        .group_by(dovuti.c.iuv)
        .having(and_(born >= start, born < end))
        .subquery()
    )
    query = (
        select(dovuti, ages.c.iuv_at)
        .join(ages, ages.c.iuv == dovuti.c.iuv)
        .where(
            dovuti.c.ente_id == ente_id,
            dovuti.c.attuale,
            dovuti.c.iuv_volatile.is_(False),
            dovuti.c.stato.in_(_LIVE),
            _STORED,
            *_granted(granted),
        )
        .order_by(ages.c.iuv_at, dovuti.c.iud)
        .limit(limit)
    )
    return list(session.execute(query))


def posizioni(
    session: Session,
    pagatore: tuple[str, str],
    ente_id: int | None,
    granted: Collection[str] | None,
    today: date,
    limit: int,
) -> list[Row[Any]]:
    """What a payer (kind and code) can pay now, with cod_ipa_ente and nome_ente; the due first. `ente_id` None: all.

    Left out: what is being paid, what has expired where the date is mandatory, tipi that are off, enti not active.
    """
    in_time = or_(tipi.c.scadenza_obbligatoria.is_(False), dovuti.c.scadenza.is_(None), dovuti.c.scadenza >= today)
    query = (
        select(dovuti, enti.c.cod_ipa_ente, enti.c.nome.label("nome_ente"))
        .join(enti, enti.c.id == dovuti.c.ente_id)
        .join(tipi, and_(tipi.c.ente_id == dovuti.c.ente_id, tipi.c.codice == dovuti.c.tipo))
        .where(
            *_of(pagatore, ente_id),
            dovuti.c.attuale,
            dovuti.c.stato == StatoDovuto.INSERIMENTO_DOVUTO,
            _STORED,
            tipi.c.attivo,
            in_time,
            enti.c.stato != StatoEnte.INSERITO,
            *_granted(granted),
        )
        .order_by(dovuti.c.scadenza.is_(None), dovuti.c.scadenza, dovuti.c.created_at, dovuti.c.id)
        .limit(limit)
    )
    return list(session.execute(query))


def storico(
    session: Session,
    pagatore: tuple[str, str],
    ente_id: int | None,
    granted: Collection[str] | None,
    interval: tuple[datetime, datetime],
    limit: int,
) -> list[Row[Any]]:
    """Carrelli of a payer whose outcome was recorded in [start, end), oldest first, with the receipt's bytes (`raw`).

    A carrello with a tipo that was not granted is left out whole: its receipt speaks of all its dovuti.
    """
    start, end = interval
    own = select(dovuti.c.carrello_id).where(*_of(pagatore, ente_id), dovuti.c.carrello_id.is_not(None))
    where = [
        carrelli.c.id.in_(own),
        carrelli.c.stato.in_(CARRELLI_CON_ESITO),
        carrelli.c.updated_at >= start,
        carrelli.c.updated_at < end,
    ]
    if granted is not None:
        others = select(dovuti.c.id).where(dovuti.c.carrello_id == carrelli.c.id, dovuti.c.tipo.not_in(granted))
        where.append(~others.exists())
    query = (
        select(carrelli, enti.c.cod_ipa_ente, enti.c.nome.label("nome_ente"), DOCUMENTO.label("raw"))
        .join(enti, enti.c.id == carrelli.c.ente_id)
        .outerjoin(rt_ricevute, rt_ricevute.c.id == carrelli.c.rt_id)
        .where(*where)
        .order_by(carrelli.c.updated_at, carrelli.c.id)
        .limit(limit)
    )
    return list(session.execute(query))


def iud_by_carrello(session: Session, carrelli_id: Sequence[str]) -> dict[str, list[str]]:
    """The IUD of each carrello, in the order of the RPT's lines."""
    query = select(dovuti.c.carrello_id, dovuti.c.iud).where(dovuti.c.carrello_id.in_(carrelli_id))
    found: dict[str, list[str]] = {id: [] for id in carrelli_id}
    for carrello_id, iud in session.execute(query.order_by(dovuti.c.posizione)):
        found[carrello_id].append(iud)
    return found


def open_sessioni(session: Session, opened: Sequence[tuple[str, Row[Any]]], **common: Any) -> None:
    """Keep a session for each stored dovuto: pairs of idSession and dovuto. `common`: columns that all share."""
    fixed = {
        "tipo": str(TipoSessione.PRECARICATO_ANONIMO_ENTE),
        "stato": str(StatoSessione.NUOVO_CARRELLO),
        "show_mypay": "SHORT",
        "url_esito": "",
    }
    session.execute(
        insert(sessioni), [fixed | common | {"id_session": id, "ente_id": row.ente_id} for id, row in opened]
    )
    session.execute(
        insert(sessioni_elementi),
        [{"id_session": id, "posizione": 1, "ente_id": row.ente_id, "dovuto_iud": row.iud} for id, row in opened],
    )


def set_landing(session: Session, id_session: str, url_esito: str, email: str | None, at: datetime) -> bool:
    """Keep where the payer goes back to; False when it is no precaricato session that still waits for its payer."""
    values: dict[str, Any] = {"url_esito": url_esito, "updated_at": at}
    if email is not None:
        values["email_pagatore"] = email
    changed = session.execute(
        update(sessioni)
        .where(
            sessioni.c.id_session == id_session,
            sessioni.c.tipo == TipoSessione.PRECARICATO_ANONIMO_ENTE,
            sessioni.c.stato == StatoSessione.NUOVO_CARRELLO,
        )
        .values(**values)
    )
    return changed.rowcount == 1


def forget_unopened(session: Session, before: datetime, limit: int) -> int:
    """Remove sessions of open positions that ran out before an instant without a payer; return how many."""
    # Written out, and not bound: the partial index is chosen by these words.
    unopened = text("sessioni.tipo = 'PRECARICATO_ANONIMO_ENTE' AND sessioni.stato = 'SCADUTO'")
    started = select(carrelli.c.id).where(carrelli.c.id_session == sessioni.c.id_session).exists()
    query = select(sessioni.c.id_session).where(unopened, sessioni.c.expires_at < before, ~started)
    query = query.order_by(sessioni.c.expires_at).limit(limit).with_for_update(skip_locked=True)
    found = list(session.execute(query).scalars())
    if found:
        session.execute(delete(sessioni_elementi).where(sessioni_elementi.c.id_session.in_(found)))
        session.execute(delete(sessioni).where(sessioni.c.id_session.in_(found)))
    return len(found)


def _of(pagatore: tuple[str, str], ente_id: int | None) -> list[Any]:
    tipo, codice = pagatore
    where = [dovuti.c.pagatore_codice == codice, dovuti.c.pagatore_tipo == tipo]
    return where if ente_id is None else [*where, dovuti.c.ente_id == ente_id]


def _granted(granted: Collection[str] | None) -> list[Any]:
    return [] if granted is None else [dovuti.c.tipo.in_(granted)]
