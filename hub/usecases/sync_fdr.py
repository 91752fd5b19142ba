"""Bring how a station asks for settlement flows to what a configuration says."""

from __future__ import annotations

from hub.domain.configurazione import Differenza, Stazione
from hub.store import acquisizioni_fdr
from hub.usecases.sync_credenziali import Confronto


def sync_fdr(confronto: Confronto, wanted: Stazione) -> None:
    """Compare and, where the comparison says so, write."""
    before = acquisizioni_fdr.trasporto_of(confronto.session, wanted.id)
    if wanted.fdr is None or wanted.fdr == before:
        return
    confronto.found.append(Differenza("modifica", f"stazione {wanted.id}", "fdr", before or "", wanted.fdr))
    if confronto.write:
        acquisizioni_fdr.put_trasporto(confronto.session, wanted.id, wanted.fdr)
