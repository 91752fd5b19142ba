"""Nations, provinces and municipalities, and the postal code that fits them.

Source: ISO 3166-1 alpha-2, through iso3166; municipalities by province with their names in every language, those
suppressed since 1990 too (`schemas/comuni.csv`, a snapshot of the data of python-codicefiscale 0.12.1, MIT);
pa-per-ente, 3.6 (postal code).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from functools import cache
from unicodedata import normalize

from iso3166 import countries_by_alpha2

from hub.formats.resources import resource

ITALIA = "IT"
# Moved between provinces in 2005, 2016 and 2025: any of them is taken for any of these towns.
_SARDEGNA = frozenset({"CA", "CI", "NU", "OG", "OR", "OT", "SS", "SU", "VS"})
_CAP_IT = re.compile(r"[0-9]{5}")
_CAP = re.compile(r"[0-9A-Za-z]{1,16}")
_NOT_NAME = re.compile(r"[^a-z0-9]+")


def is_nazione(codice: str) -> bool:
    """Say whether it is the two-letter code of a nation, in capitals.

    >>> is_nazione("IT"), is_nazione("FR"), is_nazione("ZZ"), is_nazione("it"), is_nazione("ITA")
    (True, True, False, False, False)
    """
    return codice in countries_by_alpha2


def is_provincia(sigla: str) -> bool:
    """Say whether it is the two-letter code of an Italian province, in capitals; suppressed ones count.

    >>> is_provincia("MI"), is_provincia("VS"), is_provincia("XX"), is_provincia("mi")
    (True, True, False, False)
    """
    return sigla in _comuni()


def is_comune(nome: str, sigla: str) -> bool:
    """Say whether a municipality of that name is or was in the province; case, accents and signs do not matter.

    >>> is_comune("ALBIANO D'IVREA", "TO"), is_comune("Forlì", "FC"), is_comune("Bolzano/Bozen", "BZ")
    (True, True, True)
    >>> is_comune("Olbia", "OT"), is_comune("Milano", "TO"), is_comune("Milano", "XX"), is_comune("", "MI")
    (True, False, False, False)
    """
    provinces = _SARDEGNA if sigla in _SARDEGNA else {sigla}
    names = {_slug(nome), *(_slug(part) for part in nome.split("/"))} - {""}
    return any(not names.isdisjoint(_comuni().get(one, frozenset())) for one in provinces)


def is_cap(cap: str, nazione: str) -> bool:
    """Say whether the postal code has the form of the nation: five digits in Italy, 1 to 16 letters or digits abroad.

    >>> is_cap("20100", "IT"), is_cap("2010A", "IT"), is_cap("SW1A1AA", "GB"), is_cap("SW1A 1AA", "GB")
    (True, False, True, False)
    """
    return (_CAP_IT if nazione == ITALIA else _CAP).fullmatch(cap) is not None


def _slug(nome: str) -> str:
    plain = normalize("NFKD", nome).encode("ascii", "ignore").decode().lower()
    return _NOT_NAME.sub("-", plain).strip("-")


@cache
def _comuni() -> Mapping[str, frozenset[str]]:
    with resource("schemas", "comuni.csv").open(encoding="utf-8", newline="") as lines:
        return {row["provincia"]: frozenset(row["comuni"].split()) for row in csv.DictReader(lines, delimiter=";")}
