"""A cart of Checkout for tests, and the keys of a service."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hub.domain.carrello_checkout import AvvisoCarrello, CarrelloCheckout, RitorniCarrello
from hub.domain.servizi_rest import ChiaviServizio

PRIMA, SECONDA = "0123456789abcdef" * 2, "fedcba9876543210" * 2
CHIAVI = ChiaviServizio((PRIMA,))
RITORNI = RitorniCarrello(*(f"https://hub.example.org/paga/s/{name}" for name in ("ok", "annullato", "errore", "x")))


def make_avviso(number: int = 1, **changes: Any) -> AvvisoCarrello:
    avviso = AvvisoCarrello(
        f"3{number:017d}", "12345678903", 1234, "Comune di Prova", "Tassa rifiuti 2026, città di Prova"
    )
    return replace(avviso, **changes)


def make_carrello(*avvisi: AvvisoCarrello, **changes: Any) -> CarrelloCheckout:
    return replace(CarrelloCheckout(avvisi or (make_avviso(),), RITORNI, "c" * 32, "mario@example.org"), **changes)
