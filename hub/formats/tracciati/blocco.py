"""Rows of a flow read column by column: what a million good rows cost is decided here.

A block says nothing of a row that is not plainly good: such a row is read again by itself, and only that reading
refuses. So what passes here is what passes there (a test reads the same rows both ways).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress
from typing import Any

from hub.formats.tracciati.colonne import Colonna
from hub.formats.tracciati.import_dovuti import ImportDovuti
from hub.formats.tracciati.righe import SEPARATORE, Riga, split

# Rows whose flag is true have columns that the others do not have.
_FLAG = "multi_beneficiario"
_SECONDARIO = "secondario_"


class Blocco:
    """Some rows. `colonne`: values as said, by the name of the dovuto's field, of the rows in `buone`, in their order.

    `buone` and `altre` are places in `righe`; `altre` are to be read one by one.
    """

    __slots__ = ("righe", "buone", "altre", "colonne")

    def __init__(self, righe: Sequence[Riga], buone: list[int], colonne: dict[str, Sequence[Any]]) -> None:
        self.righe = righe
        self.buone = buone
        self.colonne = colonne
        good = set(buone)
        self.altre = [place for place in range(len(righe)) if place not in good] if len(good) < len(righe) else []

    def drop(self, places: Iterable[int]) -> None:
        """Take rows out of the good ones; `places` count within `buone`."""
        dropped = set(places)
        if not dropped:
            return
        kept = [place not in dropped for place in range(len(self.buone))]
        self.altre = sorted([*self.altre, *(self.buone[place] for place in dropped)])
        self.buone = list(compress(self.buone, kept))
        self.colonne = {nome: list(compress(values, kept)) for nome, values in self.colonne.items()}


def read_blocco(tracciato: type[ImportDovuti], righe: Sequence[Riga]) -> Blocco:
    """Return the rows, those of good structure by column."""
    wanted = len(tracciato.colonne)
    places, fields = [], []
    for place, riga in enumerate(righe):
        split_fields = _split(riga)
        if len(split_fields) == wanted:
            places.append(place)
            fields.append(split_fields)
    if not fields:
        return Blocco(righe, [], {})
    texts = [list(map(str.strip, column)) for column in zip(*fields, strict=True)]
    colonne: dict[str, Sequence[Any]] = {}
    flawed: set[int] = set()
    for nome, colonna, column in zip(tracciato.nomi, tracciato.colonne, texts, strict=True):
        if nome.startswith(_SECONDARIO):
            continue  # of no account without the flag
        values, bad = _read(colonna, column)
        colonne[nome] = values
        flawed |= bad
    flags = colonne.pop(_FLAG, ())
    flawed.update(place for place, flag in enumerate(flags) if flag)
    blocco = Blocco(righe, places, colonne)
    blocco.drop(flawed)
    return blocco


def _split(riga: Riga) -> Sequence[str]:
    if riga.difetto:
        return ()
    if '"' not in riga.testo:
        return riga.testo.split(SEPARATORE)
    try:
        return split(riga.testo)
    except ValueError:
        return ()


def _read(colonna: Colonna, texts: list[str]) -> tuple[Sequence[Any], set[int]]:
    """Return the values of a column, and the places whose text is not one."""
    if not colonna.is_typed and max(map(len, texts)) <= colonna.length_max and not (colonna.required and "" in texts):
        return texts, set()
    distinct = set(texts)
    if colonna.is_typed and max(map(len, distinct)) <= colonna.length_max and not (colonna.required and "" in distinct):
        try:
            known = {text: colonna.read(text) for text in distinct}
        except ValueError:
            pass
        else:
            return list(map(known.__getitem__, texts)), set()
    bad = {text for text in distinct if colonna.problem(text) is not None}
    known = {text: colonna.empty if text in bad else colonna.read(text) for text in distinct}
    return list(map(known.__getitem__, texts)), {place for place, text in enumerate(texts) if text in bad}
