"""Bring the REST services of a station, and their sealed keys, to what a configuration says."""

from __future__ import annotations

from typing import Any

from hub.domain.configurazione import Differenza, Stazione
from hub.domain.servizi_rest import ServizioRest
from hub.formats.segreti import Cassaforte
from hub.store import servizi_rest
from hub.usecases.sync_credenziali import Confronto
from hub.usecases.sync_inoltro import sealed

_SECRETS = {"chiave": "chiave_cifrata", "chiave_secondaria": "chiave_secondaria_cifrata"}


def sync_servizi_rest(confronto: Confronto, cassaforte: Cassaforte, wanted: Stazione) -> None:
    """Compare and, where the comparison says so, write; a service left out of the list is revoked."""
    if wanted.servizi_rest is None:
        return
    known = {row.servizio: row for row in servizi_rest.of_stazione(confronto.session, wanted.id)}
    for servizio in wanted.servizi_rest:
        known.pop(str(servizio.servizio), None)
        _sync(confronto, cassaforte, wanted.id, servizio)
    for name in known:
        confronto.found.append(Differenza("revoca", f"stazione {wanted.id}, servizio {name} (non è nel file)"))
        if confronto.write:
            servizi_rest.remove(confronto.session, wanted.id, name)


def _sync(confronto: Confronto, cassaforte: Cassaforte, stazione_id: str, wanted: ServizioRest) -> None:
    name, servizio = f"stazione {stazione_id}, servizio {wanted.servizio}", str(wanted.servizio)
    row = servizi_rest.find(confronto.session, stazione_id, servizio)
    values: dict[str, Any] = {"scade_il": wanted.scade_il, "versione": wanted.versione}
    if row is None:
        confronto.found.append(Differenza("aggiunge", name))
        changed = dict(values)
    else:
        changed = confronto.compare(name, row, values)
    for campo, column in _SECRETS.items():
        clear = getattr(wanted, campo)
        before = None if row is None else getattr(row, column)
        if clear is None:
            if before is not None:
                confronto.found.append(Differenza("revoca", f"{name}: {campo}"))
                changed[column] = None
            continue
        resealed = sealed(confronto, cassaforte, name, campo, before, clear)
        if resealed is not None:
            changed[column] = resealed
    if not changed or not confronto.write:
        return
    if row is None:
        servizi_rest.add(confronto.session, stazione_id=stazione_id, servizio=servizio, **changed)
    else:
        servizi_rest.change(confronto.session, stazione_id, servizio, **changed)
