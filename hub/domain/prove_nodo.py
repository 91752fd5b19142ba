"""What may go wrong with the node on a click: a name to choose, and the rule that the simulator is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Prova:
    """One fault to be tried. `regola`: as the simulator reads it, without how often."""

    nome: str
    descrizione: str
    regola: Mapping[str, str | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GuastoAttivo:
    """A rule that is in force at the simulator. `restano`: how often it will still strike; None: always."""

    operazione: str
    guasto: str
    restano: int | None


_TUTTE = "*"
PROVE: tuple[Prova, ...] = (
    Prova("ritardo", "Il nodo risponde dopo 10 secondi", {"operation": _TUTTE, "kind": "late", "seconds": 10.0}),
    Prova("persa", "Il nodo esegue, ma la risposta si perde", {"operation": _TUTTE, "kind": "lost_after"}),
    Prova("http500", "Il nodo risponde HTTP 500", {"operation": _TUTTE, "kind": "http_500"}),
    Prova("http429", "Il nodo chiede di rallentare (HTTP 429)", {"operation": _TUTTE, "kind": "http_429"}),
    Prova("illeggibile", "Il nodo risponde qualcosa di illeggibile", {"operation": _TUTTE, "kind": "garbage"}),
    Prova("chiusa", "Il nodo chiude la connessione a metà", {"operation": _TUTTE, "kind": "close"}),
    Prova(
        "rifiuto",
        "Il nodo rifiuta l’RPT: PPT_SEMANTICA",
        {"operation": "nodoInviaCarrelloRPT", "kind": "fault", "code": "PPT_SEMANTICA"},
    ),
    Prova(
        "canale",
        "Il PSP non risponde al nodo: PPT_CANALE_TIMEOUT",
        {"operation": "nodoInviaCarrelloRPT", "kind": "fault", "code": "PPT_CANALE_TIMEOUT"},
    ),
    Prova("doppia", "La ricevuta arriva due volte", {"operation": "paaInviaRT", "kind": "rt_duplicate"}),
    Prova(
        "tardi", "La ricevuta arriva dopo 30 secondi", {"operation": "paaInviaRT", "kind": "rt_delay", "seconds": 30.0}
    ),
    Prova("mancante", "La ricevuta non arriva mai", {"operation": "paaInviaRT", "kind": "rt_lost"}),
    Prova(
        "importo", "Allo sportello si paga un altro importo", {"operation": "sportello", "kind": "other_amount"}
    ),
)
# How often; None: until it is switched off.
VOLTE: Mapping[str, int | None] = {"una": 1, "tre": 3, "sempre": None}


def find_prova(nome: str) -> Prova | None:
    return next((prova for prova in PROVE if prova.nome == nome), None)
