"""What must hold of IUVs: one debt each, none that can be drawn again.

A number that is paid for another debt is the one mistake that nobody can mend afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import BigInteger, ColumnElement, String, and_, cast, exists, func, literal, or_, select

from hub.domain.stati import StatoDovuto
from hub.domain.verifica import Rilievo, mostrabile
from hub.store.lettura import Lettura, rilievo
from hub.store.schema import dovuti, enti, flussi_import, iuv_blocchi
from hub.store.schema_verifica import attivazioni

# Of the progressive number inside an IUV. Source: SACI, "numero avviso"; hub.domain.iuv.
_CIFRE = 11


def iuv_unico(lettura: Lettura) -> Iterator[Rilievo]:
    """An IUV names one debt of its tax code: the versions of one IUD, or the lines of one cart.

    A cancelled version gives its IUV back, unless the hub had drawn it or the node had been told of it: whoever holds
    that notice would pay another debt. Source: pa-per-ente, uniqueness (6); node, 4.4 (dominio and IUV are the key).
    """
    d, other = dovuti, dovuti.alias("altro")
    is_other_debt = and_(
        other.c.dominio == d.c.dominio,
        other.c.iuv == d.c.iuv,
        other.c.posizione == d.c.posizione,
        or_(other.c.iud != d.c.iud, other.c.ente_id != d.c.ente_id),
        other.c.id < d.c.id,
    )
    cancelled = str(StatoDovuto.ANNULLATO)
    told = (
        exists()
        .where(
            attivazioni.c.dominio == d.c.dominio,
            attivazioni.c.iuv == d.c.iuv,
            or_(
                and_(d.c.stato == cancelled, attivazioni.c.prima_at <= d.c.updated_at),
                and_(other.c.stato == cancelled, attivazioni.c.prima_at <= other.c.updated_at),
            ),
        )
        # By itself it is about the dovuti of the query next to it alone, and would look at all others again.
        .correlate(d, other)
    )
    counts = or_(and_(d.c.stato != cancelled, other.c.stato != cancelled), is_drawn(d.c.iuv), told)
    twice = exists().where(is_other_debt, counts)
    shown = (d.c.id, d.c.ente_id, d.c.iuv, d.c.dominio)
    query = select(*shown).where(d.c.iuv.is_not(None), or_(d.c.dominio.is_(None), twice))
    for row in lettura.rows(query, d.c.id):
        words = "lo stesso IUV è anche di un altro dovuto dello stesso codice fiscale"
        yield rilievo(row, "dovuti", words if row.dominio else "ha uno IUV senza il codice fiscale dell'ente")


def iuv_sotto_contatore(lettura: Lettura) -> Iterator[Rilievo]:
    """Every number in the space that the hub draws from is below the counter of its block: none is drawn again.

    A block that nobody has drawn from begins at 1. Source: hub.store.iuv; flows, IUV.
    """
    d, block = dovuti, iuv_blocchi
    segregazione = func.substr(d.c.iuv, 1, 2)
    may_draw = exists().where(enti.c.codice_fiscale == d.c.dominio, enti.c.codice_segregazione == segregazione)
    # As texts of one length: what is no number needs no cast, which one database refuses and the other makes up.
    next_text = _padded(func.coalesce(block.c.prossimo, 1))
    query = (
        select(d.c.id, d.c.ente_id, d.c.iuv, block.c.prossimo)
        .outerjoin(block, and_(block.c.codice_fiscale == d.c.dominio, block.c.codice_segregazione == segregazione))
        .where(is_drawn(d.c.iuv), func.substr(d.c.iuv, 5, _CIFRE) >= next_text)
        .where(or_(block.c.prossimo.is_not(None), may_draw))
    )
    for row in lettura.rows(query, d.c.id):
        yield rilievo(row, "dovuti", f"il contatore degli IUV è a {row.prossimo or 1}: questo numero può uscire ancora")


def numeri_del_flusso(lettura: Lettura) -> Iterator[Rilievo]:
    """The numbers that a flow holds while it is loaded are below the counter: nobody else draws them.

    Source: hub.store.lavori_flussi (lease_iuv); flows, 2.4.
    """
    f, block = flussi_import, iuv_blocchi
    query = (
        select(f.c.id, f.c.ente_id, f.c.iuv_a, block.c.prossimo)
        .join(enti, enti.c.id == f.c.ente_id)
        .outerjoin(
            block,
            and_(
                block.c.codice_fiscale == enti.c.codice_fiscale,
                block.c.codice_segregazione == enti.c.codice_segregazione,
            ),
        )
        .where(f.c.iuv_da < f.c.iuv_a, f.c.iuv_a > func.coalesce(block.c.prossimo, 1))
    )
    for row in lettura.rows(query, f.c.id):
        words = f"tiene numeri fino a {row.iuv_a}, il contatore degli IUV è a {row.prossimo or 1}"
        yield rilievo(row, "flussi_import", words)


def versione_attuale(lettura: Lettura) -> Iterator[Rilievo]:
    """Of the versions of an IUD one counts at most, and a cancelled one never.

    Source: pa-per-ente, uniqueness (6), life-cycle of a stored dovuto (5.4).
    """
    d, other = dovuti, dovuti.alias("altro")
    twin = exists().where(
        other.c.ente_id == d.c.ente_id, other.c.iud == d.c.iud, other.c.attuale, other.c.id < d.c.id
    )
    is_cancelled = d.c.stato == str(StatoDovuto.ANNULLATO)
    query = select(d.c.id, d.c.ente_id, d.c.iuv, d.c.stato).where(d.c.attuale, or_(is_cancelled, twin))
    for row in lettura.rows(query, d.c.id):
        words = "un'altra versione dello stesso IUD è attuale insieme a questa"
        if row.stato == StatoDovuto.ANNULLATO:
            words = f"versione {mostrabile(row.stato)} che vale ancora come attuale"
        yield rilievo(row, "dovuti", words)


def is_drawn(iuv: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether an IUV lies where only the hub draws, as hub.domain.iuv.is_drawn says."""
    has_digits_alone = func.ltrim(iuv, "0123456789") == ""
    return and_(func.length(iuv) == 17, func.substr(iuv, 3, 2) == "00", has_digits_alone)


def _padded(number: ColumnElement[int]) -> ColumnElement[str]:
    text = cast(cast(number, BigInteger), String)
    return func.substr(literal("0" * _CIFRE) + text, func.length(text) + 1)
