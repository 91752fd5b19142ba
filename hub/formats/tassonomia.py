"""The table of the taxonomy as it is written: the one that ships with the hub, the ones that pagoPA hands out.

CSV with semicolons or JSON; the variants name their columns differently, so a column is found by its letters and digits
alone. Source: pagoPA, taxonomy of collections; flows, 7.3; node, 7.1; `schemas/tassonomia.csv` is version 33, whole.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from hub.domain.tassonomia import Tassonomia, VoceTassonomia
from hub.formats.resources import resource

# The table of 2023 has 623 rows.
RIGHE_MAX = 20_000
_CODE = re.compile(r"9/[0-9]{7}[A-Z]{2}/")
_TWO_NUMBERS = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
_TEXT_MAX = 500

_COLONNE = {
    "codice": ("datispecificiincasso", "datispecificidiincasso"),
    "tipo_ente_codice": ("codicetipoentecreditore", "codicetipoente"),
    "tipo_ente": ("tipoentecreditore", "tipoente"),
    "macro_area_codice": (
        "progressivomacroareaperentecreditore", "codicemacroareaperentecreditore", "macroarea",
    ),
    "macro_area": ("nomemacroarea",),
    "servizio_codice": ("codicetipologiaservizio", "codiceservizio"),
    "servizio": ("tiposervizio",),
    "motivo": ("motivogiuridicodellariscossione", "motivogiuridico"),
    "versione": ("versionetassonomia", "versione"),
    "valido_dal": ("datainiziovalidita", "datainizio", "datainiziovaliditammggaaaa"),
    "valido_al": ("datafinevalidita", "datafine", "datafinevaliditammggaaaa"),
}  # fmt: skip
_OPTIONAL = frozenset({"tipo_ente_codice", "macro_area_codice", "servizio_codice", "motivo"})


class TavolaNonLeggibile(ValueError):
    """Not a table of the taxonomy; the reason is an Italian sentence."""


@dataclass(frozen=True, slots=True)
class TavolaLetta:
    """The rows that could be read, and for each of the others its number and what is wrong with it."""

    voci: Sequence[VoceTassonomia]
    scartate: Sequence[tuple[int, str]]


@cache
def bundled() -> Tassonomia:
    """Return the table that ships with the hub.

    >>> bundled().find("7/0101101IM/rata 1").codice, len(bundled())
    ('9/0101101IM/', 623)
    >>> [bundled().find(text) for text in ("9/0101101ZZ/", "2/0101101IM/", "9/0101101IM", "9/0101101IM/a/b", "")]
    [None, None, None, None, None]
    >>> [bundled().is_in_force("9/0101101IM/", date(year, 1, 1)) for year in (2026, 2090)]
    [True, False]
    """
    return Tassonomia(read_tassonomia(resource("schemas", "tassonomia.csv").read_bytes()).voci)


def read_tassonomia(data: bytes) -> TavolaLetta:
    """Return the rows of a table, CSV or JSON; a row that does not hold together is told, the others count.

    Raises: TavolaNonLeggibile (not UTF-8, neither CSV nor JSON, a column missing, too long).
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TavolaNonLeggibile("non è in UTF-8") from error
    is_json = text.lstrip()[:1] in ("[", "{")
    rows = _from_json(text) if is_json else _from_csv(text)
    if len(rows) > RIGHE_MAX:
        raise TavolaNonLeggibile(f"ha {len(rows)} righe, al massimo {RIGHE_MAX}")
    missing = [names[0] for key, names in _COLONNE.items() if key not in _OPTIONAL and not any(key in r for r in rows)]
    if missing:
        raise TavolaNonLeggibile(f"mancano le colonne {', '.join(missing)}")
    # pagoPA writes the months first in the one form and the days first in the other.
    is_day_first = _is_day_first([row.get(key, "") for row in rows for key in ("valido_dal", "valido_al")], is_json)
    voci: dict[str, VoceTassonomia] = {}
    scartate = []
    for number, row in enumerate(rows, 1):
        try:
            voce = _voce(row, is_day_first)
            if voce.codice in voci:
                raise ValueError(f"il codice {voce.codice} è già in un'altra riga")
        except ValueError as error:
            scartate.append((number, str(error)))
        else:
            voci[voce.codice] = voce
    return TavolaLetta(tuple(voci.values()), tuple(scartate))


def _from_csv(text: str) -> list[Mapping[str, str]]:
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True)
        header = [_key(name) for name in next(reader, [])]
        return [dict(zip(header, row, strict=False)) for row in _bounded(reader) if any(row)]
    except csv.Error as error:
        raise TavolaNonLeggibile("non è un CSV con il punto e virgola") from error


def _from_json(text: str) -> list[Mapping[str, str]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TavolaNonLeggibile("non è JSON") from error
    if isinstance(found, dict):
        # Beside the list stand the id of the table and when it was made.
        found = next((value for value in found.values() if isinstance(value, list)), None)
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise TavolaNonLeggibile("il JSON non contiene un elenco di codici")
    return [{_key(name): "" if value is None else str(value) for name, value in row.items()} for row in _bounded(found)]


def _bounded(rows: Iterable[Any]) -> Iterable[Any]:
    for number, row in enumerate(rows):
        # One more than admitted: whoever counts them refuses the table.
        if number > RIGHE_MAX:
            return
        yield row


def _key(name: str) -> str:
    plain = "".join(char for char in name.lower() if char.isalnum())
    return next((key for key, names in _COLONNE.items() if plain in names), plain)


def _is_day_first(texts: Iterable[str], otherwise: bool) -> bool:
    for match in map(_TWO_NUMBERS.match, texts):
        if match is not None and int(match[1]) > 12:
            return True
        if match is not None and int(match[2]) > 12:
            return False
    return otherwise


def _voce(row: Mapping[str, str], is_day_first: bool) -> VoceTassonomia:
    values = {key: row.get(key, "").strip() for key in _COLONNE}
    codice = values["codice"]
    if not _CODE.fullmatch(codice):
        raise ValueError(f"il codice {codice[:40]!r} non ha la forma 9/0101101IM/")
    parts = (values["tipo_ente_codice"], values["macro_area_codice"], values["servizio_codice"], values["motivo"])
    if all(parts) and codice != f"9/{parts[0]:0>2}{parts[1]:0>2}{parts[2]:0>3}{parts[3]}/":
        raise ValueError(f"il codice {codice} non è quello delle sue colonne")
    if not values["versione"].isdecimal() or len(values["versione"]) > 6:
        raise ValueError(f"{codice}: la versione non è un numero")
    valido_dal, valido_al = (_day(values[key], is_day_first) for key in ("valido_dal", "valido_al"))
    if valido_dal > valido_al:
        raise ValueError(f"{codice}: finisce prima di cominciare")
    texts = {key: " ".join(values[key].split())[:_TEXT_MAX] for key in ("tipo_ente", "macro_area", "servizio")}
    versione = int(values["versione"])
    return VoceTassonomia(codice, **texts, versione=versione, valido_dal=valido_dal, valido_al=valido_al)


def _day(text: str, is_day_first: bool) -> date:
    match = _TWO_NUMBERS.match(text)
    try:
        if match is None:
            return date.fromisoformat(text[:10])
        first, second, year = map(int, match.groups())
        return date(year, second, first) if is_day_first else date(year, first, second)
    except ValueError as error:
        raise ValueError(f"{text[:20]!r} non è una data") from error
