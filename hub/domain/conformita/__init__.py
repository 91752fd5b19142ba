"""Conformance of an integrator to the contract, and of the hub to it: the rules, and what the evidence says of them.

The single source of docs/conformita.md. Rules are pure: the same evidence gives the same verdicts.
"""

from __future__ import annotations

from hub.domain.conformita import contenuto, del_hub, flussi, importazione, inoltro, pagatore, sessione, trasporto
from hub.domain.conformita.prove import Prove
from hub.domain.conformita.regola import Esito, Gruppo, Regola, Verdetto, conta, valuta

__all__ = ["REGOLE", "Esito", "Gruppo", "Regola", "Verdetto", "conta", "giudica"]

REGOLE: tuple[Regola, ...] = (
    *trasporto.REGOLE,
    *contenuto.REGOLE,
    *pagatore.REGOLE,
    *importazione.REGOLE,
    *sessione.REGOLE,
    *inoltro.REGOLE,
    *flussi.REGOLE,
    *del_hub.REGOLE,
)


def giudica(prove: Prove) -> tuple[Verdetto, ...]:
    """Return what the evidence says of every rule, in the order of the rules."""
    return tuple(valuta(regola, prove) for regola in REGOLE)
