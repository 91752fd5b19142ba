"""The RT of a receipt of the new model: what management software, exports and citizens are given, as they know it.

Source: pa-per-ente, how Pagati is filled (3.5, column of the new model); node, meaning of the fields (3.5.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row

from hub.domain.documenti import Organizzazione, Rt, SingoloRt
from hub.domain.ricevuta import Ricevuta, Trasferimento
from hub.formats.blocchi import dati_specifici
from hub.formats.istanti import giorno_di
from hub.formats.testi import rome_text

_ESEGUITO = "0"
_VERSIONE = "6.2.0"
# A receipt without a category of the taxonomy still has to reach the ente.
_NON_CLASSIFICATI = "9/n/a"


@dataclass(frozen=True, slots=True)
class Quota:
    """What a receipt pays of one dovuto: the ente's own share. `trasferimento` None: none of them is his."""

    dovuto: Row[Any]
    importo_cent: int
    trasferimento: Trasferimento | None


def quote_dei_dovuti(dovuti: Sequence[Row[Any]], ricevuta: Ricevuta) -> list[Quota]:
    """Return what a receipt pays of each dovuto of its notice: the receipt names no dovuto.

    As many transfers to the ente as dovuti go first to first. Otherwise what the ente gets is shared out in order, each
    dovuto up to its amount and the last whatever is left; without a transfer to the ente that is the amount of the
    receipt, less the share of others.
    """
    own = ricevuta.propri(ricevuta.testata.dominio)
    if len(own) == len(dovuti):
        return [Quota(dovuto, each.importo_cent, each) for dovuto, each in zip(dovuti, own, strict=True)]
    shares = [dovuto.secondario for dovuto in dovuti if dovuto.secondario]
    if own:
        # A second share may be the ente's too: it is a transfer beside that of the dovuto.
        shares = [share for share in shares if share["codice_fiscale"] == ricevuta.testata.dominio]
    got_cent = sum(each.importo_cent for each in own) if own else ricevuta.importo_cent
    left_cent = max(got_cent - sum(share["importo_cent"] for share in shares), 0)
    first = own[0] if own and len(dovuti) == 1 else None
    quote = []
    for dovuto in dovuti[:-1]:
        part_cent = min(dovuto.importo_cent, left_cent)
        quote.append(Quota(dovuto, part_cent, None))
        left_cent -= part_cent
    return [*quote, Quota(dovuti[-1], left_cent, first)]


def giorno_del_pagamento(ricevuta: Ricevuta, received_at: datetime) -> date:
    """The day of the payment: its instant, the day of application, or that of the reception. Source: node, 3.5.1."""
    if ricevuta.pagato_at is not None:
        return giorno_di(ricevuta.pagato_at)
    return ricevuta.data_applicazione or giorno_di(received_at)


def build_rt(ricevuta: Ricevuta, ente: Row[Any], quote: Sequence[Quota], stazione: str, received_at: datetime) -> Rt:
    """Return the RT that tells a receipt of the new model: one line for each dovuto, with the ente's own share.

    The fee is the whole payment's: it stands on the first line alone.
    """
    testata = ricevuta.testata
    day = giorno_del_pagamento(ricevuta, received_at)
    return Rt(
        versione=_VERSIONE,
        dominio=testata.dominio,
        stazione=stazione,
        id_messaggio=testata.token,
        messaggio_at=rome_text(ricevuta.pagato_at or received_at),
        riferimento_messaggio=testata.token,
        riferimento_data=ricevuta.data_applicazione or day,
        attestante=Organizzazione("B", ricevuta.psp, ricevuta.psp_nome),
        ente=Organizzazione("G", testata.dominio, ricevuta.ente_nome or ente.nome),
        pagatore=ricevuta.debitore,
        versante=ricevuta.versante,
        codice_esito=0,
        importo_cent=ricevuta.importo_cent,
        iuv=testata.iuv,
        ccp=testata.token,
        pagamenti=tuple(
            _line(quota, ricevuta, day, ricevuta.commissione_cent if number == 0 else None)
            for number, quota in enumerate(quote)
        ),
    )


def _line(quota: Quota, ricevuta: Ricevuta, day: date, commissione_cent: int | None) -> SingoloRt:
    transfer = quota.trasferimento
    marca = None if transfer is None else transfer.marca
    is_paid = quota.importo_cent > 0
    return SingoloRt(
        importo_cent=quota.importo_cent,
        esito=_ESEGUITO if is_paid else "NON PAGATO",
        data_esito=day,
        iur=ricevuta.testata.token if is_paid else "n/a",
        causale=(transfer.causale if transfer else "") or quota.dovuto.causale,
        dati_specifici=_dati_specifici(quota.dovuto.dati_specifici, transfer),
        commissioni_psp_cent=commissione_cent,
        allegato_tipo=None if marca is None else "BD",
        allegato=marca,
    )


def _dati_specifici(del_dovuto: str, transfer: Trasferimento | None) -> str:
    """Those of the dovuto; else the transfer's category, which is written with or without its `9/`."""
    categoria = transfer.categoria.strip("/") if transfer is not None else ""
    for text in (del_dovuto, f"{categoria}/", f"9/{categoria}/"):
        try:
            return dati_specifici(text)
        except ValueError:
            continue
    return _NON_CLASSIFICATI
