"""A report of conformance: what was judged, when, by which hub, and with what result."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from hub.domain.conformita.regola import Esito, Verdetto, conta


@dataclass(frozen=True, slots=True)
class Firmatario:
    """Who signed a report. `impronta`: SHA-256 of the certificate. `is_autofirmato`: it vouches for itself."""

    nome: str
    impronta: str
    is_autofirmato: bool


@dataclass(frozen=True, slots=True)
class Rapporto:
    """`digest`: SHA-256 of the evidence, so that two reports of the same calls can be told. `chiamate_escluse`: those
    that were recorded only in part, or of nobody that is known."""

    id: str
    istante: datetime
    versione: str
    cod_ipa_ente: str
    nome_ente: str
    verdetti: tuple[Verdetto, ...] = field(repr=False)
    digest: str = ""
    applicazione: str | None = None
    da: datetime | None = None
    chiamate: int = 0
    chiamate_escluse: int = 0
    prima: datetime | None = None
    ultima: datetime | None = None
    flussi: int = 0
    callback: str = ""
    indirizzo_hub: str = ""

    @property
    def conto(self) -> dict[Esito, int]:
        return conta(self.verdetti)

    @property
    def is_conforme(self) -> bool:
        """Whether no rule is violated; rules of which nothing was seen do not count."""
        return not self.conto[Esito.VIOLATA]
