"""The taxonomy of collections: which code a value starts with, when it is in force, what of it a payment request says.

Shape of a code: category digit, slash, type of creditor (2 digits), macro-area (2), service (3), legal ground (2
letters), slash; free text may follow. The table knows category 9 only: 6, 7 and 8 keep a position out of
request-to-pay and mean the same code. Source: pagoPA, taxonomy of collections; flows, 7.3; node, 7.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from unicodedata import combining, normalize

DATI_SPECIFICI_MAX = 140

_VALUE = re.compile(r"[6789]/([0-9]{7}[A-Z]{2}/)")
# A configured code may lack the last slash.
_START = re.compile(r"[6789]/([0-9]{7}[A-Z]{2})(?:/|$)")
_NOT_WORD = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class VoceTassonomia:
    """One code of the table, `9/` before and a slash after; both days included."""

    codice: str
    tipo_ente: str
    macro_area: str
    servizio: str
    versione: int
    valido_dal: date
    valido_al: date

    @property
    def creditore(self) -> str:
        """The two digits of the type of creditor.

        >>> VoceTassonomia("9/0201133IM/", "", "", "", 33, date(1900, 1, 1), date(2080, 1, 1)).creditore
        '02'
        """
        return self.codice[2:4]

    def is_in_force(self, day: date) -> bool:
        return self.valido_dal <= day <= self.valido_al


class Vigore(StrEnum):
    """How a code stands on a day."""

    VALIDO = "VALIDO"
    IN_SCADENZA = "IN_SCADENZA"
    SCADUTO = "SCADUTO"
    NON_ANCORA_VALIDO = "NON_ANCORA_VALIDO"
    SCONOSCIUTO = "SCONOSCIUTO"
    FUORI_TASSONOMIA = "FUORI_TASSONOMIA"


class Tassonomia:
    """A table of codes; it never changes. `versione`: the newest of its rows."""

    def __init__(self, voci: Iterable[VoceTassonomia]) -> None:
        self._voci = {voce.codice: voce for voce in voci}
        self.versione = max((voce.versione for voce in self._voci.values()), default=0)

    def __len__(self) -> int:
        return len(self._voci)

    def __iter__(self) -> Iterator[VoceTassonomia]:
        """In the order of the codes."""
        return iter(sorted(self._voci.values(), key=lambda voce: voce.codice))

    def find(self, dati_specifici: str) -> VoceTassonomia | None:
        """Return the code that a value starts with; None when the table has no such code.

        The part up to the last slash counts, as the original looks it up.
        """
        match = _VALUE.fullmatch(dati_specifici[: dati_specifici.rfind("/") + 1])
        return self._voci.get("9/" + match[1]) if match else None

    def find_start(self, dati_specifici: str) -> VoceTassonomia | None:
        """As `find`, whatever follows the code, slashes too: what a payment request is judged by."""
        codice = codice_di(dati_specifici)
        return None if codice is None else self._voci.get(codice)

    def is_in_force(self, dati_specifici: str, day: date) -> bool:
        """Say whether the value starts with a code that is valid on that day (Europe/Rome)."""
        voce = self.find(dati_specifici)
        return voce is not None and voce.is_in_force(day)

    def vigore(self, dati_specifici: str, day: date, preavviso: timedelta = timedelta()) -> Vigore:
        """Return how the code at the start of a value stands; it expires soon when it ends within `preavviso`."""
        if codice_di(dati_specifici) is None:
            return Vigore.FUORI_TASSONOMIA
        voce = self.find_start(dati_specifici)
        if voce is None:
            return Vigore.SCONOSCIUTO
        if day < voce.valido_dal:
            return Vigore.NON_ANCORA_VALIDO
        if day > voce.valido_al:
            return Vigore.SCADUTO
        return Vigore.IN_SCADENZA if day + preavviso > voce.valido_al else Vigore.VALIDO


def codice_di(dati_specifici: str) -> str | None:
    """Return the code that a value starts with, written with category 9; None when it starts with none.

    >>> codice_di("7/0101101IM/rata 1/2"), codice_di("9/0101101IM"), codice_di("2/1234"), codice_di("9/altro")
    ('9/0101101IM/', '9/0101101IM/', None, None)
    """
    match = _START.match(dati_specifici)
    return None if match is None else f"9/{match[1]}/"


def dati_rpt(
    dati_specifici: str, codice_tipo: str, descrizione_tipo: str, tassonomia: Tassonomia, day: date
) -> str:
    """Return the `datiSpecificiRiscossione` that a payment request carries for a dovuto. `day`: when it came to be.

    What starts with the code of the dovuto's own tipo, or with a code that was in force for the same type of creditor,
    goes as it is. Everything else, 0, 1 and 2 included, becomes the tipo's code and its name: pagoPA refuses requests
    that carry no taxonomy code. A tipo that has none itself leaves the value as it is.
    Source: flows, 7.3 (primary share); since when: 28 February 2021.
    """
    own = codice_di(codice_tipo)
    given = codice_di(dati_specifici)
    if own is None or given == own:
        return dati_specifici
    if given is not None and given[2:4] == own[2:4]:
        voce = tassonomia.find_start(dati_specifici)
        if voce is not None and voce.is_in_force(day):
            return dati_specifici
    plain = "".join(char for char in normalize("NFKD", descrizione_tipo) if not combining(char))
    text = _NOT_WORD.sub("-", plain).strip("-")
    return f"{codice_tipo[0]}{own[1:]}{text}"[:DATI_SPECIFICI_MAX]
