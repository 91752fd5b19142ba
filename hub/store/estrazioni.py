"""What exports read: pages of rows in the order of an index, each a short statement of its own.

No transaction stays open over a file that takes minutes: it would hold back the checkpoints of SQLite and the vacuum of
PostgreSQL. Source: flows, 3.2 and 3.4.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, Select, literal, literal_column, select, tuple_

from hub.domain.stati import ESITI_POSITIVI, StatoDovuto
from hub.store.database import Session
from hub.store.rt_ricevute import DOCUMENTO
from hub.store.schema import carrelli, dovuti, enti, flussi_import, quote_secondarie, rt_ricevute

# Paid is what a positive outcome has an amount for: a failed attempt is COMPLETATO too. Whether the row holds its IUD
# now is not asked: money that came for a version that gave way is money all the same. Nor is the state of its flow.
# The state is written out: the indexes are partial, and a parameter could be anything.
_PAGATO = (
    dovuti.c.stato == literal_column(f"'{StatoDovuto.COMPLETATO}'"),
    dovuti.c.codice_esito.in_(sorted(ESITI_POSITIVI)),
    dovuti.c.importo_pagato_cent > 0,
)
_COLUMNS = (
    dovuti.c.id, dovuti.c.ente_id, dovuti.c.carrello_id, dovuti.c.posizione, dovuti.c.iud, dovuti.c.iuv, dovuti.c.tipo,
    dovuti.c.origine, dovuti.c.riga, dovuti.c.bilancio_xml, dovuti.c.dati_specifici, dovuti.c.codice_esito,
    dovuti.c.importo_pagato_cent, dovuti.c.iur, dovuti.c.data_esito, dovuti.c.causale, flussi_import.c.iuf,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finestra:
    """Days of the outcome, both included; or, `is_incrementale`, instants of the last change, [da, a)."""

    da: date | datetime
    a: date | datetime
    is_incrementale: bool


def pagati(
    session: Session,
    ente_id: int,
    finestra: Finestra,
    tipi: Sequence[str] | None,
    escluso: str,
    dopo: tuple[Any, str] | None,
    limit: int,
) -> list[Row[Any]]:
    """A page of paid items of an ente, after the key `dopo` (`chiave`, `id` of the row before), in order.

    `tipi` None: all, but for `escluso`.
    """
    return list(session.execute(_pagati(ente_id, finestra, tipi, escluso, dopo).limit(limit)))


def has_more_pagati(
    session: Session, ente_id: int, finestra: Finestra, tipi: Sequence[str] | None, escluso: str, than: int
) -> bool:
    """Whether there are more paid items than so many."""
    query = _pagati(ente_id, finestra, tipi, escluso, None).with_only_columns(dovuti.c.id)
    return session.execute(query.offset(than).limit(1)).first() is not None


def quote(
    session: Session, codice_fiscale: str, finestra: Finestra, dopo: tuple[Any, str] | None, limit: int
) -> list[Row[Any]]:
    """A page of paid items of others whose second beneficiary has this tax code, with the ente that collected."""
    chiave = quote_secondarie.c.updated_at if finestra.is_incrementale else quote_secondarie.c.data_esito
    query = (
        select(
            *_COLUMNS, dovuti.c.secondario, chiave.label("chiave"), enti.c.cod_ipa_ente, enti.c.codice_fiscale,
            enti.c.nome, enti.c.stazione_id,
        )
        .join(dovuti, dovuti.c.id == quote_secondarie.c.dovuto_id)
        .join(enti, enti.c.id == dovuti.c.ente_id)
        .outerjoin(flussi_import, flussi_import.c.id == dovuti.c.flusso_id)
        .where(quote_secondarie.c.codice_fiscale == codice_fiscale, *_PAGATO)
    )  # fmt: skip
    return list(session.execute(_paged(query, finestra, chiave, quote_secondarie.c.dovuto_id, dopo).limit(limit)))


def esiti(session: Session, carrelli_id: Collection[str]) -> dict[str, tuple[bytes | None, bytes | None]]:
    """By carrello: the receipt as it came, and the outcome that the hub wrote itself, shaped as one."""
    query = (
        select(carrelli.c.id, DOCUMENTO.label("raw"), carrelli.c.esito_locale)
        .outerjoin(rt_ricevute, rt_ricevute.c.id == carrelli.c.rt_id)
        .where(carrelli.c.id.in_(carrelli_id))
    )
    return {row.id: (row.raw, row.esito_locale) for row in session.execute(query)}


def scaduti(
    session: Session, ente_id: int, tipi: Sequence[str], entro: date, dopo: str, limit: int
) -> list[Row[Any]]:
    """A page of stored dovuti that wait to be paid and were due by a day, included, after an IUD, by IUD."""
    query = (
        select(dovuti)
        .where(
            dovuti.c.ente_id == ente_id,
            dovuti.c.attuale,
            dovuti.c.iud > dopo,
            dovuti.c.stato == StatoDovuto.INSERIMENTO_DOVUTO,
            dovuti.c.tipo.in_(tipi),
            dovuti.c.scadenza <= entro,
        )
        .order_by(dovuti.c.iud)
    )
    return list(session.execute(query.limit(limit)))


def _pagati(
    ente_id: int,
    finestra: Finestra,
    tipi: Sequence[str] | None,
    escluso: str,
    dopo: tuple[Any, str] | None,
) -> Select[Any]:
    chiave = dovuti.c.updated_at if finestra.is_incrementale else dovuti.c.data_esito
    query = (
        select(*_COLUMNS, chiave.label("chiave"))
        .outerjoin(flussi_import, flussi_import.c.id == dovuti.c.flusso_id)
        .where(dovuti.c.ente_id == ente_id, *_PAGATO, dovuti.c.tipo != escluso)
    )
    if tipi is not None:
        query = query.where(dovuti.c.tipo.in_(tipi))
    return _paged(query, finestra, chiave, dovuti.c.id, dopo)


def _paged(
    query: Select[Any], finestra: Finestra, chiave: Column[Any], id: Column[Any], dopo: tuple[Any, str] | None
) -> Select[Any]:
    until: ColumnElement[bool] = chiave < finestra.a if finestra.is_incrementale else chiave <= finestra.a
    # One lower bound: of two a database may begin at the lower, and read again every page before this one.
    since: ColumnElement[bool] = chiave >= finestra.da
    if dopo is not None:
        since = tuple_(chiave, id) > tuple_(literal(dopo[0], chiave.type), literal(dopo[1], id.type))
    return query.where(since, until).order_by(chiave, id)
