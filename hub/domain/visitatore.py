"""Who looks at the sandbox, and how far."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Visitatore:
    """Somebody who entered. `ente`: the codIpaEnte whose calls are shown; None: all of them, those of nobody too.

    `is_padrone`: may let the node go wrong and empty the data of the installation.
    """

    nome: str
    ente: str | None
    is_padrone: bool
