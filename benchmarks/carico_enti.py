"""The installation of the great load: 790 enti, 20,400 tipi, 2,000 credentials, and how the dovuti are spread on them.

Everything follows from the numbers that are asked for: two runs with the same numbers have the same enti and the same
notices, so that a database that was kept needs no list beside it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from stdnum import luhn

from hub.domain.iuv import build_iuv

INTERMEDIARIO = "12345678903"
STAZIONE = f"{INTERMEDIARIO}_01"
IBAN = "IT60X0542811101000000123456"
TASSONOMIA = "9/0101101IM/"
PASSWORD = "Segreto12345"
# Of each ente; a dovuto is of one of these, whose number is told by its own.
TIPI_IN_USO = 6
# The great cities, which have half of all dovuti.
_GRANDI = 10
# The first code that is drawn: eleven digits, as they are given to organisations.
_PRIMO_CODICE = 900_000


@dataclass(frozen=True, slots=True)
class Misura:
    """What is asked for. `pagati_su_mille`: of the dovuti, how many are paid, each with its receipt."""

    dovuti: int
    enti: int = 790
    tipi: int = 20_400
    credenziali: int = 2_000
    pagati_su_mille: int = 100

    @property
    def name(self) -> str:
        """What a kept database is called; letters, digits and underscores."""
        return f"carico_{self.dovuti}_{self.enti}_{self.tipi}_{self.credenziali}_{self.pagati_su_mille}"


@dataclass(frozen=True, slots=True)
class EnteCarico:
    """An ente and its dovuti: numbers from 1 to `dovuti`, of which those up to `pagati` are paid."""

    cod_ipa_ente: str
    codice_fiscale: str
    nome: str
    dovuti: int
    pagati: int

    def iuv(self, numero: int) -> str:
        return build_iuv(1, numero)


def codice_tipo(numero: int) -> str:
    """Return the tipo of the dovuto with this number."""
    return f"T{numero % TIPI_IN_USO + 1:02d}"


def build_enti(misura: Misura) -> list[EnteCarico]:
    """Return the enti. The last one is the model: the two dovuti that the hub itself makes are its."""
    shared = misura.dovuti - 2
    laden = misura.enti - 1
    grandi = min(_GRANDI, laden)
    found = []
    for place in range(laden):
        count = _share(shared - shared // 2, laden, place)
        if place < grandi:
            count += _share(shared // 2, grandi, place)
        found.append(_ente(place, count, count * misura.pagati_su_mille // 1000))
    return [*found, _ente(laden, 0, 0)]


def _share(whole: int, parts: int, place: int) -> int:
    return whole // parts + (place < whole % parts)


def _ente(place: int, dovuti: int, pagati: int) -> EnteCarico:
    base = f"{_PRIMO_CODICE + place:010d}"
    return EnteCarico(
        f"C_{place + 1:04d}", base + luhn.calc_check_digit(base), f"Comune {place + 1:04d}", dovuti, pagati
    )


# Of the free notices: who looks for the last ones looks long.
_MOST_DRAWN = 0.95


class Sorteggio:
    """Draws notices among those that are stored, weighted as they are; no free one is drawn twice."""

    def __init__(self, enti: Sequence[EnteCarico], seed: int) -> None:
        self._random = random.Random(seed)
        self._liberi = [ente for ente in enti if ente.dovuti > ente.pagati]
        self._pagati = [ente for ente in enti if ente.pagati]
        # Summed up: they would be summed at every draw.
        self._pesi_liberi = list(accumulate(ente.dovuti - ente.pagati for ente in self._liberi))
        self._pesi_pagati = list(accumulate(ente.pagati for ente in self._pagati))
        self._drawn: set[tuple[str, int]] = set()

    def libero(self) -> tuple[EnteCarico, str]:
        """Return a notice that nobody has paid or asked about, with its ente. Raises: LookupError (few are left)."""
        if len(self._drawn) >= _MOST_DRAWN * self._pesi_liberi[-1]:
            raise LookupError(f"{len(self._drawn)} notices are drawn: more dovuti are wanted")
        while True:
            (ente,) = self._random.choices(self._liberi, cum_weights=self._pesi_liberi)
            numero = self._random.randint(ente.pagati + 1, ente.dovuti)
            if (ente.codice_fiscale, numero) not in self._drawn:
                self._drawn.add((ente.codice_fiscale, numero))
                return ente, ente.iuv(numero)

    def pagato(self) -> tuple[EnteCarico, str] | None:
        """Return a notice that was paid before; None when there is none."""
        if not self._pagati:
            return None
        (ente,) = self._random.choices(self._pagati, cum_weights=self._pesi_pagati)
        return ente, ente.iuv(self._random.randint(1, ente.pagati))


def configurazione(misura: Misura) -> str:
    """Return the configuration file of the installation.

    Each ente has one password of its own, the other credentials are of its applications.
    """
    enti = build_enti(misura)
    return "\n".join(
        [
            f'stazioni: [{{id: "{STAZIONE}", intermediario: "{INTERMEDIARIO}", password: password01}}]',
            "enti:",
            *(line for place, ente in enumerate(enti) for line in _ente_lines(misura, ente, place)),
        ]
    )


def _ente_lines(misura: Misura, ente: EnteCarico, place: int) -> Iterator[str]:
    yield (
        f'  - {{codIpaEnte: {ente.cod_ipa_ente}, codice_fiscale: "{ente.codice_fiscale}", nome: {ente.nome}, '
        f'stato: ESERCIZIO, stazione: "{STAZIONE}", codice_segregazione: "01", iban: {IBAN}, password: "{PASSWORD}",'
    )
    applicazioni = _share(misura.credenziali - misura.enti, misura.enti, place)
    yield "     applicazioni: ["
    yield from (f'       {{nome: app{number}, password: "Applicazione{number}"}},' for number in range(applicazioni))
    yield "     ], tipi: ["
    for number in range(max(TIPI_IN_USO, _share(misura.tipi, misura.enti, place))):
        # A million notices to be printed would be another benchmark.
        yield (
            f"       {{codice: T{number + 1:02d}, descrizione: Tipo {number + 1}, tassonomia: {TASSONOMIA}, "
            "stampa_avviso: false},"
        )
    yield "     ]}"
