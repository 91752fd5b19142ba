"""The taxonomy of collections, and where the code of `datiSpecificiRiscossione` stands in it.

Shape: category digit, slash, type of creditor (2 digits), macro-area (2), service (3), legal ground (2 letters), slash;
free text may follow. The table knows category 9 only: 6, 7 and 8 keep a position out of request-to-pay and mean the
same code. Source: pagoPA, taxonomy of collections, version 33 (`schemas/tassonomia.csv`, a snapshot); flows, 7.3.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

from hub.formats.resources import resource

_CODE = re.compile(r"[6789]/([0-9]{7}[A-Z]{2}/)")


@dataclass(frozen=True, slots=True)
class VoceTassonomia:
    """One code of the table; both days included."""

    codice: str
    servizio: str
    valido_dal: date
    valido_al: date


def find(dati_specifici: str) -> VoceTassonomia | None:
    """Return the code that a value starts with; None when the table has no such code.

    The part up to the last slash counts, as the original looks it up.

    >>> find("9/0101101IM/").servizio[:5]
    'ANNO '
    >>> find("7/0101101IM/rata 1").codice
    '9/0101101IM/'
    >>> find("9/0101101ZZ/"), find("2/0101101IM/"), find("9/0101101IM"), find("9/0101101IM/a/b"), find("")
    (None, None, None, None, None)
    """
    match = _CODE.fullmatch(dati_specifici[: dati_specifici.rfind("/") + 1])
    return _table().get("9/" + match[1]) if match else None


def is_known(dati_specifici: str) -> bool:
    """Say whether the value starts with a code of the table, in force or not.

    >>> is_known("9/0101101IM/"), is_known("9/0109999IM/")
    (True, False)
    """
    return find(dati_specifici) is not None


def is_in_force(dati_specifici: str, day: date) -> bool:
    """Say whether the value starts with a code that is valid on that day (Europe/Rome).

    >>> is_in_force("9/0101101IM/", date(2026, 1, 1)), is_in_force("9/0101101IM/", date(2090, 1, 1))
    (True, False)
    """
    voce = find(dati_specifici)
    return voce is not None and voce.valido_dal <= day <= voce.valido_al


@cache
def _table() -> Mapping[str, VoceTassonomia]:
    with resource("schemas", "tassonomia.csv").open(encoding="utf-8", newline="") as lines:
        return {
            row["dati_specifici"]: VoceTassonomia(
                row["dati_specifici"],
                row["servizio"],
                date.fromisoformat(row["data_inizio"]),
                date.fromisoformat(row["data_fine"]),
            )
            for row in csv.DictReader(lines, delimiter=";")
        }
