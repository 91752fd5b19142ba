"""The documents that were kept as they came or as they left, in pages of few: each may have a megabyte."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Row, Select, Text, case, cast, select

from hub.domain.stati import CARRELLI_CON_ESITO, StatoDovuto
from hub.store.lettura import Lettura
from hub.store.rt_ricevute import DOCUMENTO
from hub.store.schema import carrelli, dovuti, flussi_import, rendicontazioni, rt_ricevute, tentativi

_PAGINA = 100


def ricevute(lettura: Lettura) -> Iterator[Row[Any]]:
    r = rt_ricevute
    query = select(r.c.id, r.c.iuv, r.c.primitiva, r.c.raw, r.c.charset, r.c.sha256, r.c.dominio)
    return lettura.rows(query, r.c.id, _PAGINA)


def rpt(lettura: Lettura) -> Iterator[Row[Any]]:
    t = tentativi
    query = select(t.c.id, t.c.iuv, t.c.rpt, t.c.rpt_sha256, carrelli.c.ente_id)
    return lettura.rows(query.join(carrelli, carrelli.c.id == t.c.carrello_id), t.c.id, _PAGINA)


def carrelli_con_esito(lettura: Lettura) -> Iterator[Row[Any]]:
    """Carrelli with an outcome, each with the document that decided it.

    `documento`: that of its receipt, or what the hub wrote itself; None: neither. `segnalazioni`: of the receipt, as
    text: a broken list must not hide the carrello.
    """
    c = carrelli
    query = (
        select(
            c.c.id,
            c.c.ente_id,
            c.c.iuv,
            c.c.stato,
            c.c.rt_id,
            case((c.c.rt_id.is_(None), c.c.esito_locale), else_=DOCUMENTO).label("documento"),
            cast(rt_ricevute.c.segnalazioni, Text).label("segnalazioni"),
        )
        .outerjoin(rt_ricevute, rt_ricevute.c.id == c.c.rt_id)
        .where(c.c.stato.in_(sorted(map(str, CARRELLI_CON_ESITO))))
    )
    return lettura.rows(query, c.c.id, _PAGINA)


def with_conclusi(lettura: Lettura) -> Iterator[tuple[Row[Any], Sequence[Row[Any]]]]:
    """Carrelli with an outcome, as above, each with what was written on its dovuti, in the order of the RPT's lines."""
    rows = carrelli_con_esito(lettura)
    while some := list(islice(rows, _PAGINA)):
        found = defaultdict(list)
        for dovuto in _conclusi(lettura, [row.id for row in some]):
            found[dovuto.carrello_id].append(dovuto)
        yield from ((row, found[row.id]) for row in some)


def _conclusi(lettura: Lettura, carrelli_id: Sequence[str]) -> Sequence[Row[Any]]:
    d = dovuti
    query: Select[Any] = select(d.c.carrello_id, d.c.importo_pagato_cent, d.c.iur)
    query = query.where(d.c.carrello_id.in_(carrelli_id), d.c.stato == str(StatoDovuto.COMPLETATO))
    return lettura.session.execute(query.order_by(d.c.posizione)).all()


def file_con_impronta(lettura: Lettura) -> Iterator[tuple[str, Row[Any]]]:
    """Files of the archive of which size and digest are kept: what enti brought, settlement flows. With their table."""
    for table in (flussi_import, rendicontazioni):
        named = select(table.c.id, table.c.ente_id, table.c.file, table.c.size_bytes, table.c.sha256)
        for row in lettura.rows(named.where(table.c.file.is_not(None)), table.c.id, _PAGINA):
            yield table.name, row
