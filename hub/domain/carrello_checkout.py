"""A cart of Checkout: up to five notices that are paid together, and where the payer comes back.

Source: node, Checkout carts (2.11).
"""

from __future__ import annotations

from dataclasses import dataclass

AVVISI_MAX = 5
TESTO_MAX = 140


@dataclass(frozen=True, slots=True)
class AvvisoCarrello:
    """A notice in a cart. `importo_cent`: what the hub would answer to who activates the notice at this moment."""

    numero_avviso: str
    codice_fiscale: str
    importo_cent: int
    ente_nome: str
    descrizione: str


@dataclass(frozen=True, slots=True)
class RitorniCarrello:
    """Where the payer is sent: paid, given up, failed, and (version 2) not known yet. What they say proves nothing."""

    ok: str
    annullato: str
    errore: str
    attesa: str


@dataclass(frozen=True, slots=True)
class CarrelloCheckout:
    """`solo_postali`: every account that is credited is a postal one (allCCP). `email`: where the payer is written."""

    avvisi: tuple[AvvisoCarrello, ...]
    ritorni: RitorniCarrello
    id_carrello: str | None = None
    email: str | None = None
    solo_postali: bool = False
