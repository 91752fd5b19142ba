"""What a trial of a flow finds. Source: flows, 2.6 (meaning of `azione`)."""

from __future__ import annotations

from dataclasses import dataclass, field

# Who writes free text in every row has as many values as rows.
_CODICI_MAX = 50
ALTRI = "altri valori"


@dataclass(slots=True)
class Conto:
    """How many dovuti, and what their payers would pay."""

    dovuti: int = 0
    importo_cent: int = 0


@dataclass(slots=True)
class Riepilogo:
    """What a flow would do. `azioni`: by letter, the rows that would be accepted.

    `tassonomia`: new dovuti whose code does not count, by (start of the value, how the code stands). They are not
    refused: a payment request carries the code of their tipo instead.
    """

    righe: int = 0
    scartate: int = 0
    azioni: dict[str, Conto] = field(default_factory=lambda: {azione: Conto() for azione in "IMA"})
    tassonomia: dict[tuple[str, str], int] = field(default_factory=dict)

    def note_codice(self, inizio: str, vigore: str, dovuti: int = 1) -> None:
        """Count dovuti whose code does not count. Of many different values only the first are told apart."""
        key = (inizio, vigore)
        if key not in self.tassonomia and len(self.tassonomia) >= _CODICI_MAX:
            key = (ALTRI, vigore)
        self.tassonomia[key] = self.tassonomia.get(key, 0) + dovuti
