"""Bring the services through which notices are asked for to what a configuration says. Source: node, 3.6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from hub.domain.configurazione import Differenza, Ente
from hub.store import servizi_avviso
from hub.usecases.sync_credenziali import Confronto

_CHIAVI = ("id_servizio", "id_soggetto", "tipo", "causale", "campi")


def sync_servizi(confronto: Confronto, subject: str, ente_id: int | None, wanted: Ente) -> None:
    """Compare and, where the comparison says so, write (`ente_id` None: the ente is not there yet)."""
    if wanted.servizi_avviso is None:
        return
    found = [] if ente_id is None else servizi_avviso.of_ente(confronto.session, ente_id)
    before = [{key: getattr(row, key) for key in _CHIAVI} for row in found]
    after = sorted((asdict(one) for one in wanted.servizi_avviso), key=_codici)
    if before == after:
        return
    confronto.found.append(Differenza("modifica", subject, "servizi_avviso", _told(before), _told(after)))
    if confronto.write and ente_id is not None:
        servizi_avviso.replace(confronto.session, ente_id, after)


def _codici(servizio: Mapping[str, Any]) -> tuple[str, str]:
    return servizio["id_servizio"], servizio["id_soggetto"]


def _told(servizi: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{' '.join(_codici(one))} ({one['tipo']})" for one in servizi)
