"""A rule of conformance, what it saw, and what is said of it.

A rule looks at the evidence and gives one `Visto` for each case it knows how to judge; none at all means that nothing
of the kind was recorded, which is neither praise nor blame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hub.domain.conformita.prove import Chiamata, Documento, Prove, Voce

# A report names so many cases of one violation; the others are counted.
_MOSTRATI_MAX = 5

# None: nothing to judge; empty: respected; else an Italian sentence about what is wrong.
Giudizio = str | None


class Gruppo(StrEnum):
    TRASPORTO = "Trasporto e busta SOAP"
    CONTENUTO = "Contenuto dei documenti"
    IMPORTAZIONE = "Dovuti inseriti, modificati e annullati"
    SESSIONE = "Comportamento nel tempo"
    INOLTRO = "Punto di ascolto degli esiti"
    FLUSSI = "Flussi in un file"
    HUB = "L'hub"


class Esito(StrEnum):
    RISPETTATA = "RISPETTATA"
    VIOLATA = "VIOLATA"
    AVVERTENZA = "AVVERTENZA"
    NON_VISTA = "NON VISTA"


@dataclass(frozen=True, slots=True)
class Visto:
    """One case. `problema` is empty when the rule is respected there."""

    dove: str
    problema: str = ""


Guarda = Callable[[Prove], Iterator[Visto]]


@dataclass(frozen=True, slots=True)
class Regola:
    """`requisito`: what is required; `fonte`: the published document and its part; `rimedio`: how to mend it.

    `consiglio`: who does otherwise works today and gets a warning.
    """

    codice: str
    gruppo: Gruppo
    requisito: str
    fonte: str
    rimedio: str
    guarda: Guarda
    consiglio: bool = False


@dataclass(frozen=True, slots=True)
class Verdetto:
    """What is said of a rule: `casi` judged, `contrari` among them, the first of those in `visti`."""

    regola: Regola
    esito: Esito
    casi: int
    contrari: int
    visti: tuple[Visto, ...]


def valuta(regola: Regola, prove: Prove) -> Verdetto:
    """Return what the evidence says of a rule."""
    casi = contrari = 0
    first: Visto | None = None
    wrong: list[Visto] = []
    for visto in regola.guarda(prove):
        casi += 1
        first = first or visto
        if visto.problema:
            contrari += 1
            wrong += [visto] if len(wrong) < _MOSTRATI_MAX else []
    if first is None:
        return Verdetto(regola, Esito.NON_VISTA, 0, 0, ())
    if not contrari:
        return Verdetto(regola, Esito.RISPETTATA, casi, 0, (first,))
    esito = Esito.AVVERTENZA if regola.consiglio else Esito.VIOLATA
    return Verdetto(regola, esito, casi, contrari, tuple(wrong))


def conta(verdetti: Sequence[Verdetto]) -> dict[Esito, int]:
    """Return how many rules ended in each way, every way named."""
    return {esito: sum(one.esito is esito for one in verdetti) for esito in Esito}


def su_chiamate(look: Callable[[Chiamata], Giudizio]) -> Guarda:
    """Return the look at each recorded call."""

    def guarda(prove: Prove) -> Iterator[Visto]:
        for chiamata in prove.chiamate:
            found = look(chiamata)
            if found is not None:
                yield Visto(str(chiamata), found)

    return guarda


def su_documenti(look: Callable[[Prove, Chiamata, Documento], Giudizio]) -> Guarda:
    """Return the look at each inner document of each call."""

    def guarda(prove: Prove) -> Iterator[Visto]:
        for chiamata in prove.chiamate:
            for documento in chiamata.documenti:
                found = look(prove, chiamata, documento)
                if found is not None:
                    yield Visto(f"{chiamata}, documento {documento.campo}", found)

    return guarda


def su_voci(look: Callable[[Prove, Documento, Voce], Giudizio]) -> Guarda:
    """Return the look at each dovuto of each inner document."""

    def guarda(prove: Prove) -> Iterator[Visto]:
        for chiamata in prove.chiamate:
            for documento in chiamata.documenti:
                for number, voce in enumerate(documento.voci, 1):
                    found = look(prove, documento, voce)
                    if found is not None:
                        yield Visto(
                            f"{chiamata}, dovuto {number} di {len(documento.voci)}, IUD {voce.iud[:35]!r}", found
                        )

    return guarda
