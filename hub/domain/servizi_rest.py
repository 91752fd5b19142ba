"""The REST services of the platform that a station uses, each with its subscription keys.

Source: node, security at the boundary (5): one primary and one secondary key per product, regenerable without downtime.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Servizio(StrEnum):
    """A product of the platform, under a subscription of its own."""

    CHECKOUT = "checkout"
    RICEVUTE = "ricevute"
    POSIZIONI = "posizioni"
    FDR = "fdr"


@dataclass(frozen=True, slots=True)
class ServizioRest:
    """How a station is known to a service. Keys may be INVARIATO; `chiave_secondaria` None: there is one key only.

    `scade_il`: the last day of the primary key, when the platform said one; `versione`: of the carts, 1 or 2.
    """

    servizio: Servizio
    chiave: str = field(repr=False)
    chiave_secondaria: str | None = field(default=None, repr=False)
    scade_il: date | None = None
    versione: int = 2


@dataclass(frozen=True, slots=True)
class ChiaviServizio:
    """The keys of a service in clear, in the order in which they are tried: lives only while a call is being made."""

    chiavi: tuple[str, ...] = field(repr=False)
