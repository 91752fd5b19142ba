"""What must hold of amounts, to the cent, where the database alone can say it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Numeric, Text, and_, case, cast, exists, func, or_, select

from hub.domain.rendicontazione import REVOCATO
from hub.domain.stati import ESITI_POSITIVI, StatoDovuto, StatoRendicontazione, StatoRt
from hub.domain.verifica import Rilievo, euro
from hub.store.lettura import Lettura, rilievo
from hub.store.schema import carrelli, dovuti, enti, rendicontazioni, rendicontazioni_righe, rt_ricevute, tentativi
from hub.store.schema_verifica import attivazioni_ccp

# A flow may have a million payments: few flows at a time.
_FLUSSI = 20
_F = StatoRendicontazione
# Read to their end, and found to add up.
_LETTI = [str(one) for one in (_F.PARSED, _F.MATCHED, _F.OPEN, _F.CLOSED)]


def importo_carrello(lettura: Lettura) -> Iterator[Rilievo]:
    """A carrello asks for the sum of its dovuti, or with the share of the second beneficiary where one body asks all.

    Excepted is what a receipt was flagged for, what an ente declared paid outside (what it says is what counts), and
    the current amount of an external archive. Source: pa-per-ente, paaSILInviaCarrelloDovuti, state effects; node, 4.4.
    """
    c = carrelli
    own = _sum_of_dovuti(dovuti.c.importo_cent)
    shares = _sum_of_dovuti(_share(lettura))
    paid = _sum_of_dovuti(dovuti.c.importo_pagato_cent)
    flagged = exists().where(
        rt_ricevute.c.id == c.c.rt_id, cast(rt_ricevute.c.segnalazioni, Text).like("%IMPORTO_DIVERSO%")
    )
    declared = and_(c.c.id_session.is_(None), c.c.esito_locale.is_not(None), c.c.importo_cent == paid)
    current = exists().where(
        tentativi.c.carrello_id == c.c.id,
        attivazioni_ccp.c.tentativo_id == tentativi.c.id,
        enti.c.id == c.c.ente_id,
        enti.c.url_archivio_esterno.is_not(None),
    )
    differs = and_(c.c.importo_cent != own, c.c.importo_cent != own + func.coalesce(shares, 0))
    query = select(
        c.c.id, c.c.ente_id, c.c.iuv, c.c.importo_cent, own.label("propri"), func.coalesce(shares, 0).label("quote")
    ).where(or_(own.is_(None), and_(differs, ~flagged, ~declared, ~current)))
    for row in lettura.rows(query, c.c.id):
        words = "non ha dovuti"
        if row.propri is not None:
            own_cent, share_cent = int(row.propri), int(row.quote)
            words = f"chiede {euro(row.importo_cent)}; dovuti {euro(own_cent)}, quote di altri enti {euro(share_cent)}"
        yield rilievo(row, "carrelli", words)


def pagato_una_volta(lettura: Lettura) -> Iterator[Rilievo]:
    """What was paid twice is known to somebody: one of the two receipts is an ECCEDENZA.

    Source: node, receipt processing (3.5.1); pa-per-ente, effect of a receipt (5.3).
    """
    d, other = dovuti, dovuti.alias("altro")
    surplus = exists().where(
        carrelli.c.id.in_([d.c.carrello_id, other.c.carrello_id]),
        rt_ricevute.c.id == carrelli.c.rt_id,
        rt_ricevute.c.stato == str(StatoRt.ECCEDENZA),
    )
    twin = exists().where(
        other.c.ente_id == d.c.ente_id, other.c.iud == d.c.iud, other.c.id < d.c.id, *_is_paid(other), ~surplus
    )
    query = select(d.c.id, d.c.ente_id, d.c.iuv).where(*_is_paid(d), twin)
    for row in lettura.rows(query, d.c.id):
        yield rilievo(row, "dovuti", "lo stesso IUD risulta pagato due volte, e nessuna ricevuta è in eccedenza")


def totali_rendicontazione(lettura: Lettura) -> Iterator[Rilievo]:
    """The payments that are kept of a flow are those that were read, and add up to what the flow declares.

    Source: node, 6.3 rule 6; annex E.5 (revocations with or without their sign).
    """
    r, p = rendicontazioni, rendicontazioni_righe
    count, last = func.count(p.c.numero), func.coalesce(func.max(p.c.numero), 0)
    gross = func.coalesce(func.sum(p.c.importo_cent), 0)
    net = func.coalesce(func.sum(case((p.c.esito == REVOCATO, -p.c.importo_cent), else_=p.c.importo_cent)), 0)
    other = or_(count != r.c.righe_lette, last != count, gross != r.c.lordo_cent, net != r.c.netto_cent)
    undeclared = or_(r.c.righe != count, and_(r.c.importo_cent != net, r.c.importo_cent != gross))
    query = (
        select(r.c.id, r.c.ente_id, r.c.righe_lette, r.c.righe, count.label("n"), net.label("netto"))
        .outerjoin(p, p.c.rendicontazione_id == r.c.id)
        .group_by(r.c.id)
        .having(or_(other, and_(r.c.stato.in_(_LETTI), undeclared)))
    )
    for row in lettura.rows(query, r.c.id, _FLUSSI):
        words = f"pagamenti conservati {row.n} per {euro(int(row.netto))}, letti {row.righe_lette}"
        declared = "" if row.righe is None else f", dichiarati {row.righe}"
        yield rilievo(row, "rendicontazioni", f"i totali non tornano: {words}{declared}")


def _is_paid(table: Any) -> tuple[ColumnElement[bool], ...]:
    return (
        table.c.stato == str(StatoDovuto.COMPLETATO),
        table.c.codice_esito.in_(sorted(ESITI_POSITIVI)),
        table.c.importo_pagato_cent > 0,
    )


def _sum_of_dovuti(amount: ColumnElement[Any]) -> Any:
    return select(func.sum(amount)).where(dovuti.c.carrello_id == carrelli.c.id).scalar_subquery()


def _share(lettura: Lettura) -> ColumnElement[Any]:
    """The second beneficiary's share, nothing where the document cannot be read: another control says so."""
    whole = dovuti.c.secondario
    if lettura.session.dialect.name == "postgresql":
        part = whole["importo_cent"]
        return case((func.json_typeof(part) == "number", cast(part.as_string(), Numeric)))
    return case((func.json_valid(whole) == 1, func.json_extract(whole, "$.importo_cent")))
