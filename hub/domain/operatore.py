"""Who may open the console."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operatore:
    """An operator. `ente_id` None: of the installation, who sees every ente.

    `segno`: changes when the password does, so that what was opened with the old one closes.
    """

    id: int
    nome: str
    ente_id: int | None
    segno: str

    def may_see(self, ente_id: int | None) -> bool:
        """Say whether something of that ente is this operator's to see; None is the installation's own."""
        return self.ente_id is None or self.ente_id == ente_id
