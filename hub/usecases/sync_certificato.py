"""Bring the certificate that a station shows to the node, and its sealed key, to what a configuration says."""

from __future__ import annotations

from typing import Any

from hub.domain.configurazione import INVARIATO, Differenza, Stazione
from hub.domain.credenziali import IdentitaTls
from hub.domain.errors import InvalidRequest
from hub.formats.identita_tls import check_chiave, read_catena
from hub.formats.segreti import Cassaforte
from hub.store import stazioni
from hub.usecases.sync_credenziali import Confronto
from hub.usecases.sync_inoltro import sealed

_CERTIFICATO, _CHIAVE = "certificato", "chiave_certificato_cifrata"


def sync_certificato(confronto: Confronto, cassaforte: Cassaforte, wanted: Stazione) -> None:
    """Compare and, where the comparison says so, write; the key that is left as it is must be the certificate's."""
    if wanted.certificato is None:
        return
    row = stazioni.find(confronto.session, wanted.id)
    known, known_key = (None, None) if row is None else (row.certificato, row.chiave_certificato_cifrata)
    changed = _changes(confronto, cassaforte, f"stazione {wanted.id}", wanted.certificato, known, known_key)
    if changed and confronto.write:
        stazioni.change(confronto.session, wanted.id, **changed)


def _changes(
    confronto: Confronto, cassaforte: Cassaforte, subject: str, wanted: IdentitaTls, known: str | None, key: str | None
) -> dict[str, Any]:
    """Return the columns that differ, after they were noted."""
    if not wanted.certificato:
        if known is None:
            return {}
        confronto.found.append(Differenza("revoca", f"{subject}: certificato verso il nodo"))
        return {_CERTIFICATO: None, _CHIAVE: None}
    changed: dict[str, Any] = {}
    if known != wanted.certificato:
        before = "" if known is None else _shown(known)
        confronto.found.append(Differenza("modifica", subject, _CERTIFICATO, before, _shown(wanted.certificato)))
        changed[_CERTIFICATO] = wanted.certificato
    resealed = sealed(confronto, cassaforte, subject, "chiave del certificato", key, wanted.chiave)
    if resealed is not None:
        changed[_CHIAVE] = resealed
    elif key is not None and wanted.chiave == INVARIATO:
        try:
            check_chiave(wanted.certificato, cassaforte.open(key))
        except InvalidRequest as error:
            confronto.problems.append((subject, f"certificato: {error}"))
    return changed


def _shown(pem: str) -> str:
    """Name a certificate in a few characters: which, and until when."""
    read = read_catena(pem)
    return f"{read.impronta[:12]}, fino al {read.valido_fino:%Y-%m-%d}"
