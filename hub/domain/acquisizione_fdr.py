"""Asking the node for settlement flows: what is asked, what came of it, how long it is asked for.

Source: node, 2.6 and 2.7 (SOAP), 2.12 (REST), 2.0.4 (classes of faults), 6.3 rule 11 (30 days).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from hub.domain.delivery import Stazione

# How long the node lists a flow. Source: node, 2.6; 6.3 rule 11.
FINESTRA = timedelta(days=30)
# REST is asked from so long before the newest flow that was listed. Source: node, 2.12, import algorithm.
SOVRAPPOSIZIONE = timedelta(days=1)
# A refused caller is asked again without a person: passwords and grants are mended on the other side, too.
PAUSA_FERMA = timedelta(hours=6)
# A flow that is listed and not given: source, node, 2.7 (the next daily run, for 30 days).
PAUSA_ASSENTE = timedelta(days=1)
_PAUSA_S = (60, 300, 900, 3600, 3 * 3600)


class Trasporto(StrEnum):
    """How a station asks. NESSUNO: its flows are somebody else's to fetch."""

    SOAP = "soap"
    REST = "rest"
    NESSUNO = "nessuno"


class EsitoDomanda(StrEnum):
    """What came of a question.

    ASSENTE: the node does not have it, now; RIFIUTATA: the caller is not let in (classes C and P of 2.0.4);
    SENZA_DOCUMENTO: the flow is delivered by SFTP; RIPROVARE: everything that may be different another time.
    """

    OK = "OK"
    ASSENTE = "ASSENTE"
    RIFIUTATA = "RIFIUTATA"
    SENZA_DOCUMENTO = "SENZA_DOCUMENTO"
    RIPROVARE = "RIPROVARE"


@dataclass(frozen=True, slots=True)
class DomandaFdr:
    """Who asks, and for whose flows. `chiavi`: subscription keys, the first that is let in counts.

    `psp`: those whose flows are here already, for a list that is too large to be given in one answer.
    """

    stazione: Stazione
    dominio: str
    chiavi: tuple[str, ...] = field(default=(), repr=False)
    psp: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FlussoElencato:
    """A flow as the node lists it. `psp` empty and `revisione` 0: the list does not tell them (SOAP)."""

    iuf: str
    generato_at: datetime
    psp: str = ""
    revisione: int = 0
    pubblicato_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Elenco:
    """The list, or why there is none. `codice`: fault code, HTTP status or name of the exception.

    `saltati`: entries that cannot be a flow, told one by one. `is_answered`: the node has judged the question.
    """

    esito: EsitoDomanda
    flussi: tuple[FlussoElencato, ...] = ()
    codice: str = ""
    dettaglio: str = ""
    retry_after_s: float | None = None
    saltati: tuple[str, ...] = ()
    is_answered: bool = True


@dataclass(frozen=True, slots=True)
class Scarico:
    """What came of asking for one flow; OK: all its bytes were written.

    `is_answered`: the node has judged the question, whatever its answer is worth.
    """

    esito: EsitoDomanda
    codice: str = ""
    dettaglio: str = ""
    retry_after_s: float | None = None
    is_answered: bool = True


def pausa_dopo(tentativi: int, retry_after_s: float | None = None) -> timedelta:
    """The pause after the n-th failure in a row; what the other side asked for, when it is longer.

    >>> [int(pausa_dopo(n).total_seconds()) for n in (1, 2, 9)], pausa_dopo(1, 3600).total_seconds()
    ([60, 300, 10800], 3600.0)
    """
    pausa = timedelta(seconds=_PAUSA_S[min(max(tentativi, 1), len(_PAUSA_S)) - 1])
    return max(pausa, timedelta(seconds=retry_after_s or 0))
