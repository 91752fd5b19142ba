"""The rows of an export, read in pages: each payment from its receipt, each expired item from its dovuto.

Source: flows, 3.2 (what is selected) and 3.4; pa-per-ente, 3.5 (where the data of a payment come from).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Row

from hub.domain.documenti import TIPO_MARCA, Organizzazione, Rt, SingoloRt, Soggetto
from hub.domain.flussi import TIPO_ENTE_SECONDARIO
from hub.domain.iuv import is_drawn
from hub.domain.pagato import EntePrimario, Pagato
from hub.domain.scaduto import Scaduto
from hub.store import estrazioni
from hub.store.database import Database
from hub.store.estrazioni import Finestra

# A page with its receipts is a few MiB and takes a few hundredths of a second to read.
PAGINA = 500
# Of two transfers under one IUV, that of the second beneficiary.
_QUOTA_INDICE = 2

_Pagina = Callable[[tuple[Any, str] | None], list[Row[Any]]]


@dataclass(frozen=True, slots=True)
class _Lettura:
    """A receipt, read once for all the dovuti of its carrello. `raw` None: the item was settled outside."""

    rt: Rt
    raw: bytes | None


def pagati(db: Database, ente: Row[Any], finestra: Finestra, tipi: list[str] | None) -> Iterator[Pagato]:
    """Give what was paid to an ente in a window, in the order of its days or instants."""

    def page(dopo: tuple[Any, str] | None) -> list[Row[Any]]:
        with db.reading() as session:
            return estrazioni.pagati(session, ente.id, finestra, tipi, TIPO_MARCA, dopo, PAGINA)

    for row, lettura in _with_receipts(db, page):
        yield Pagato(
            iuf=row.iuf or f"_{ente.cod_ipa_ente}_{row.origine}",
            riga=row.riga,
            iud=row.iud,
            iuv=row.iuv,
            tipo=row.tipo,
            rt=lettura.rt,
            singolo=_line(row, lettura.rt),
            indice=row.posizione,
            raw=lettura.raw,
            bilancio_xml=row.bilancio_xml,
        )


def quote(db: Database, ente: Row[Any], finestra: Finestra) -> Iterator[Pagato]:
    """Give the shares of others' items that were paid to an ente as second beneficiary.

    Payer, institute and ids are those of the receipt; domain, beneficiary, amount and causale those of the share; the
    station is the one that collected. Source: flows, 3.2, 3.3 (`*_pa1`) and 12, 14.
    """

    def page(dopo: tuple[Any, str] | None) -> list[Row[Any]]:
        with db.reading() as session:
            return estrazioni.quote(session, ente.codice_fiscale, finestra, dopo, PAGINA)

    for row, lettura in _with_receipts(db, page):
        quota = row.secondario
        names = ("denominazione", "indirizzo", "civico", "cap", "localita", "provincia", "nazione")
        beneficiario = Organizzazione("G", ente.codice_fiscale, **{name: quota.get(name) for name in names})
        line = _line(row, lettura.rt)
        yield Pagato(
            iuf=f"_{ente.cod_ipa_ente}_{TIPO_ENTE_SECONDARIO}",
            riga=None,
            iud=row.iud,
            iuv=row.iuv,
            tipo=TIPO_ENTE_SECONDARIO,
            rt=replace(
                lettura.rt,
                dominio=ente.codice_fiscale,
                stazione=lettura.rt.stazione or row.stazione_id,
                ente=beneficiario,
            ),
            singolo=SingoloRt(
                importo_cent=quota["importo_cent"],
                esito=line.esito,
                data_esito=line.data_esito,
                iur=line.iur,
                causale=quota.get("causale") or line.causale,
                dati_specifici=quota["dati_specifici"],
            ),
            indice=_QUOTA_INDICE,
            raw=lettura.raw,
            primario=EntePrimario(
                row.codice_fiscale, row.nome, row.dati_specifici[: row.dati_specifici.rfind("/") + 1]
            ),
        )


def scaduti(db: Database, ente_id: int, tipi: list[str], entro: date) -> Iterator[Scaduto]:
    """Give the dovuti of an ente that wait to be paid and were due by a day, included, by IUD."""
    dopo = ""
    while True:
        with db.reading() as session:
            rows = estrazioni.scaduti(session, ente_id, tipi, entro, dopo, PAGINA)
        for row in rows:
            yield _scaduto(row)
        if len(rows) < PAGINA:
            return
        dopo = rows[-1].iud


def _scaduto(row: Row[Any]) -> Scaduto:
    return Scaduto(
        iud=row.iud,
        iuv=row.iuv,
        created_at=row.created_at,
        pagatore=Soggetto(**row.pagatore),
        scadenza=row.scadenza,
        importo_cent=row.importo_cent,
        commissione_cent=row.commissione_cent,
        tipo=row.tipo,
        tipo_versamento=row.tipo_versamento,
        causale=row.causale,
        dati_specifici=row.dati_specifici,
        bilancio_xml=row.bilancio_xml,
        is_iuv_drawn=row.iuv is not None and is_drawn(row.iuv),
    )


def _with_receipts(db: Database, page: _Pagina) -> Iterator[tuple[Row[Any], _Lettura]]:
    dopo = None
    while True:
        rows = page(dopo)
        with db.reading() as session:
            esiti = estrazioni.esiti(session, {row.carrello_id for row in rows})
        letture: dict[str, _Lettura] = {}
        for row in rows:
            lettura = letture.get(row.carrello_id)
            if lettura is None:
                lettura = letture[row.carrello_id] = _read(row, *esiti[row.carrello_id])
            yield row, lettura
        if len(rows) < PAGINA:
            return
        dopo = (rows[-1].chiave, rows[-1].id)


def _read(row: Row[Any], raw: bytes | None, esito_locale: bytes | None) -> _Lettura:
    """The receipt of a payment; what the ente declared when the receipt, if any, says that nothing was paid."""
    # Loaded by who writes an export alone: the process that waits for one stays small.
    from hub.formats.rt import read_rt

    if raw is not None:
        rt = read_rt(bytes(raw))
        if esito_locale is None or rt.codice_esito == row.codice_esito:
            return _Lettura(rt, bytes(raw))
    assert esito_locale is not None
    return _Lettura(read_rt(bytes(esito_locale)), None)


def _line(row: Row[Any], rt: Rt) -> SingoloRt:
    """The line of a dovuto, first to first: the receipt has no line id. Amount, day and IUR are those on record."""
    index = row.posizione - 1
    known = {"importo_cent": row.importo_pagato_cent, "iur": row.iur or "", "data_esito": row.data_esito}
    if index < len(rt.pagamenti):
        return replace(rt.pagamenti[index], **known)
    return SingoloRt(esito=None, causale=row.causale, dati_specifici=row.dati_specifici, **known)
