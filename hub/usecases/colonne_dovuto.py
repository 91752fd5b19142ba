"""The rows of a flow as the table keeps them, column by column in the order of `carico.VARIABILI`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date
from json.encoder import encode_basestring
from typing import Any

from hub.domain.documenti import Soggetto
from hub.domain.dovuto_importato import DovutoImportato

# The payer's fields as the block calls them, in the order of Soggetto.
_PAGATORE = (
    "pagatore_tipo", "pagatore_codice", "anagrafica", "indirizzo", "civico", "cap", "localita", "provincia",
    "nazione", "mail",
)  # fmt: skip
_CAMPI_SOGGETTO = [one.name for one in fields(Soggetto)]


def id_of(flusso_id: int, riga: int) -> str:
    """Return the id of the dovuto that a row of a flow brings: 32 hexadecimal digits, in the order of the file."""
    return f"{flusso_id:016x}{riga:016x}"


def columns_of_blocco(
    flusso_id: int, righe: Sequence[int], colonne: Mapping[str, Sequence[Any]], iuv: Mapping[int, str]
) -> list[Sequence[Any]]:
    """Return good rows of a block. `righe`: their numbers; `iuv`: what was drawn, by number."""
    prefix = f"{flusso_id:016x}"
    nothing = [None] * len(righe)
    return [
        [f"{prefix}{riga:016x}" for riga in righe],
        righe,
        colonne["iud"],
        list(map(iuv.get, righe)) if iuv else nothing,
        colonne["tipo"],
        colonne["importo_cent"],
        colonne["commissione_cent"],
        colonne["causale"],
        colonne["dati_specifici"],
        nothing,
        _days(colonne["scadenza"]),
        colonne["tipo_versamento"],
        colonne["pagatore_tipo"],
        colonne["pagatore_codice"],
        _pagatori([colonne[nome] for nome in _PAGATORE]),
        nothing,
    ]


def columns_of_rows(flusso_id: int, rows: Sequence[DovutoImportato], iuv: Mapping[int, str]) -> list[Sequence[Any]]:
    """Return rows that were read one by one."""
    lines = [
        (
            id_of(flusso_id, row.riga),
            row.riga,
            row.iud,
            row.iuv or iuv.get(row.riga),
            row.tipo,
            row.importo_cent,
            row.commissione_cent,
            row.causale,
            row.dati_specifici,
            row.bilancio or None,
            None if row.scadenza is None else row.scadenza.isoformat(),
            row.tipo_versamento,
            row.pagatore_tipo,
            row.pagatore_codice,
            json.dumps(asdict(row.pagatore)),
            None if row.secondario is None else json.dumps(asdict(row.secondario)),
        )
        for row in rows
    ]
    return list(zip(*lines, strict=True))


def _pagatori(columns: Sequence[Sequence[str]]) -> list[str]:
    """Return the payers as JSON. Most columns need nothing but quotes, or are empty: the line says so for all rows."""
    places, varying = [], []
    for nome, column in zip(_CAMPI_SOGGETTO, columns, strict=True):
        whole = "".join(column)
        if not whole:
            places.append(f'"{nome}": null')
            continue
        is_plain = whole.isprintable() and '"' not in whole and "\\" not in whole
        if is_plain and "" not in column:
            places.append(f'"{nome}": "%s"')
        else:
            known = {text: encode_basestring(text) if text else "null" for text in set(column)}
            places.append(f'"{nome}": %s')
            column = list(map(known.__getitem__, column))
        varying.append(column)
    line = "{" + ", ".join(places) + "}"
    return list(map(line.__mod__, zip(*varying, strict=True)))


def _days(days: Sequence[date | None]) -> list[str | None]:
    known = {day: None if day is None else day.isoformat() for day in set(days)}
    return list(map(known.__getitem__, days))
