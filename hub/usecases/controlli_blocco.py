"""Which rows of a block break no rule, seen column by column; all the others are tried one by one.

Nothing is refused here: the rules are those of `controlli_flusso` and of the store, and a row that these tests do not
pass goes there. A test gives the same rows to both.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row

from hub.domain.errors import ImportScadenzaObbligatoria
from hub.domain.iud import PREFISSO_RISERVATO
from hub.domain.tipo_versamento import is_valid as is_tipo_versamento
from hub.formats.codice_fiscale import ANONIMO, are_persone, is_valid_persona
from hub.formats.importi import IMPORTO_MAX_CENT
from hub.formats.territorio import ITALIA, is_cap, is_nazione, is_provincia
from hub.usecases.controlli_dovuti import DATI_SPECIFICI_FLUSSO, EMAIL, TIPO_MARCA
from hub.usecases.deposito_dovuti import check_scadenza


class RegoleBlocco:
    """The tests for one flow. `tipi`: the ente's that whoever brought the file may touch; None: not known, any."""

    def __init__(self, tipi: Mapping[str, Row[Any]] | None, now: datetime) -> None:
        self._tipi, self._now = tipi, now

    def doubtful(self, colonne: Mapping[str, Sequence[Any]]) -> set[int]:
        """Return the places of the rows that may break a rule.

        Without doubt is only what inserts, for a natural person, without IUV or accounts of its own.
        """
        found: set[int] = set()
        for nome, is_good in _TESTS.items():
            found |= _failing(is_good, colonne[nome])
        for nome in ("iuv", "bilancio"):
            if nome in colonne:
                found |= _failing(_is_empty, colonne[nome])
        for nome in ("indirizzo", "civico"):
            found |= _not_plain_ascii(colonne[nome])
        found |= _failing("F".__eq__, colonne["pagatore_tipo"])
        if not are_persone(colonne["pagatore_codice"]):
            found |= _failing(_is_persona, colonne["pagatore_codice"])
        found |= _failing(self._is_good_tipo, list(zip(colonne["tipo"], colonne["scadenza"], strict=True)))
        return found | _failing(_is_good_luogo, list(zip(colonne["nazione"], colonne["provincia"], strict=True)))

    def _is_good_tipo(self, pair: tuple[str, date | None]) -> bool:
        codice, scadenza = pair
        if self._tipi is None:
            return codice != TIPO_MARCA
        tipo = self._tipi.get(codice)
        if tipo is None or codice == TIPO_MARCA or not tipo.attivo:
            return False
        try:
            check_scadenza(tipo, scadenza, self._now)
        except ImportScadenzaObbligatoria:
            return False
        return True


def _failing(is_good: Callable[[Any], bool], values: Sequence[Hashable]) -> set[int]:
    """Return the places of the values that are not good; each value is tried once."""
    bad = {value for value in set(values) if not is_good(value)}
    return {place for place, value in enumerate(values) if value in bad} if bad else set()


def _not_plain_ascii(texts: Sequence[str]) -> set[int]:
    whole = "".join(texts)
    if whole.isascii() and whole.isprintable():
        return set()
    return {place for place, text in enumerate(texts) if not (text.isascii() and text.isprintable())}


def _is_persona(codice: str) -> bool:
    return codice != ANONIMO and is_valid_persona(codice)


def _is_empty(text: str) -> bool:
    return not text


def _is_good_luogo(pair: tuple[str, str]) -> bool:
    nazione, provincia = pair
    if nazione and not is_nazione(nazione):
        return False
    return not (provincia and nazione == ITALIA) or is_provincia(provincia)


_TESTS: Mapping[str, Callable[[Any], bool]] = {
    "iud": lambda iud: not iud.startswith(PREFISSO_RISERVATO),
    "azione": "I".__eq__,
    "cap": lambda cap: not cap or is_cap(cap, ""),
    "mail": lambda mail: not mail or EMAIL.fullmatch(mail) is not None,
    "importo_cent": lambda cent: 0 < cent <= IMPORTO_MAX_CENT,
    "commissione_cent": lambda cent: cent is None or 0 <= cent <= IMPORTO_MAX_CENT,
    "tipo_versamento": is_tipo_versamento,
    "dati_specifici": lambda text: DATI_SPECIFICI_FLUSSO.fullmatch(text) is not None,
}
