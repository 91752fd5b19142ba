"""What a trial of a flow finds. Source: flows, 2.6 (meaning of `azione`)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Conto:
    """How many dovuti, and what their payers would pay."""

    dovuti: int = 0
    importo_cent: int = 0


@dataclass(slots=True)
class Riepilogo:
    """What a flow would do. `azioni`: by letter, the rows that would be accepted."""

    righe: int = 0
    scartate: int = 0
    azioni: dict[str, Conto] = field(default_factory=lambda: {azione: Conto() for azione in "IMA"})
