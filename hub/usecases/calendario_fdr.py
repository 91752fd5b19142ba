"""The calendar of the settlement flows that should have come and have not: by ente, PSP and day of the payments.

Made of what is known to be paid: a flow is missing as long as payments that receipts tell of are in none that counts.
Source: node, 6.3 rules 1, 2, 9, 11.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row

from hub.domain.acquisizione_fdr import FINESTRA
from hub.domain.calendario import Attesa, atteso_entro
from hub.domain.errors_nodo import RtNonLeggibile
from hub.formats.istanti import giorno_di
from hub.formats.rt import read_rt
from hub.store import pagati_fdr
from hub.store.database import Session

# Without a day to begin with: what an operator can still ask a PSP for without a search in its archive.
PERIODO = timedelta(days=90)
_PSP_IGNOTO = "-"


@dataclass(slots=True)
class GiornoAtteso:
    """The payments of a day through one PSP that no flow has settled. `entro`: the last day on which it is not late."""

    ente: str
    dominio: str
    psp: str
    psp_nome: str
    pagati_il: date
    entro: date
    stato: Attesa
    pagamenti: int = 0
    importo_cent: int = 0


def calendario(
    session: Session, now: datetime, dal: date | None = None, al: date | None = None, ente_id: int | None = None
) -> Iterator[GiornoAtteso]:
    """Yield what is missing, ente by ente and day by day; memory holds one day of one ente."""
    today = giorno_di(now)
    held: dict[str, GiornoAtteso] = {}
    for row in pagati_fdr.not_settled(session, dal or today - PERIODO, al or today, ente_id):
        first = next(iter(held.values()), None)
        if first is not None and (first.ente, first.pagati_il) != (row.cod_ipa_ente, row.data_esito):
            yield from _sorted(held)
            held = {}
        psp, nome = _psp_of(row)
        if psp not in held:
            entro = atteso_entro(row.data_esito)
            stato = _stato(entro, today)
            held[psp] = GiornoAtteso(row.cod_ipa_ente, row.dominio, psp, nome, row.data_esito, entro, stato)
        held[psp].pagamenti += 1
        held[psp].importo_cent += row.importo_pagato_cent
    yield from _sorted(held)


def _sorted(held: dict[str, GiornoAtteso]) -> list[GiornoAtteso]:
    return [held[psp] for psp in sorted(held)]


def _stato(entro: date, today: date) -> Attesa:
    if today <= entro:
        return Attesa.IN_TEMPO
    # Once it came to the node, it would be listed for so long.
    return Attesa.IN_RITARDO if today <= entro + FINESTRA else Attesa.DA_CHIEDERE


def _psp_of(row: Row[Any]) -> tuple[str, str]:
    """Who took the money, as the receipt says it; unknown when it cannot be read."""
    try:
        attestante = read_rt(bytes(row.rt or row.raw)).attestante
    except RtNonLeggibile:
        return _PSP_IGNOTO, ""
    return attestante.codice, attestante.denominazione
