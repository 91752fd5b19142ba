"""What must be true: cheap promises after every commit, all of them at the end of a story."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hub.domain.stati import (
    TRANSITIONS,
    StatoCarrello,
    StatoDovuto,
    StatoMessaggio,
    StatoRt,
    StatoSessione,
    StatoTentativo,
)
from tests.simulazione.hub import Hub
from tests.simulazione.nodo import NodoSimulato
from tests.simulazione.tempo import Violazione

_STATI: Mapping[str, type[StrEnum]] = {
    "sessioni": StatoSessione, "carrelli": StatoCarrello, "dovuti": StatoDovuto, "tentativi": StatoTentativo,
    "rt_ricevute": StatoRt,
}  # fmt: skip
_CHIAVE = {"sessioni": "id_session", "outbox": "CAST(id AS varchar(40))", "rt_ricevute": "CAST(id AS varchar(40))"}
_QUERY = " UNION ALL ".join(
    f"SELECT '{table}', {_CHIAVE.get(table, 'id')}, stato FROM {table}" for table in (*_STATI, "outbox")
)
_FINITI = frozenset({StatoMessaggio.CONSEGNATO, StatoMessaggio.RIFIUTATO})


def _reachable(states: type[StrEnum]) -> dict[str, frozenset[str]]:
    """By state, itself and all that legal steps lead to: a transaction may take several."""
    table = TRANSITIONS[states]
    found: dict[str, frozenset[str]] = {}
    for state in states:
        seen, new = {str(state)}, [state]
        while new:
            for to in table.get(new.pop(), frozenset()):
                if str(to) not in seen:
                    seen.add(str(to))
                    new.append(to)
        found[str(state)] = frozenset(seen)
    return found


_LEGALI = {table: _reachable(states) for table, states in _STATI.items()}


class Sguardo:
    """The states as the last commit left them; each commit may only take them forward."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._seen: dict[tuple[str, str], str] = {}

    def __call__(self) -> None:
        self._hub.has_changed()
        found = {(table, key): stato for table, key, stato in self._hub.rows(_QUERY)}
        for which, stato in found.items():
            before = self._seen.get(which)
            if before is not None and before != stato:
                _check_step(*which, before, stato)
        gone = self._seen.keys() - found.keys()
        if gone:
            raise Violazione(f"righe sparite: {sorted(gone)[:3]}")
        self._seen = found


def _check_step(table: str, key: str, before: str, stato: str) -> None:
    if table == "outbox":
        is_legal = before not in _FINITI
    else:
        is_legal = stato in _LEGALI[table][before]
    if not is_legal:
        raise Violazione(f"{table} {key[-6:]}: da {before} a {stato}, che non è ammesso")


def check_aperti(hub: Hub) -> None:
    """Each attempt without an outcome is listed with what happens next and when."""
    for one in hub.aperti():
        if one.prossimo_at is None:
            raise Violazione(f"tentativo …{one.ccp[-4:]} {one.stato} senza un prossimo passo: {one.passo}")


@dataclass(frozen=True, slots=True)
class Posizione:
    """A notice of the story. `token`: those of the counter that paid."""

    iuv: str
    iud: str
    importo_cent: int


class Fine:
    """The full promises, when faults have stopped and everything had time to settle."""

    def __init__(self, hub: Hub, nodo: NodoSimulato, posizioni: list[Posizione]) -> None:
        self._hub, self._nodo, self._posizioni = hub, nodo, posizioni

    def check(self) -> None:
        self._nothing_is_open()
        self._thanked_receipts_are_kept()
        for posizione in self._posizioni:
            self._position(posizione)
        self._events_reached_the_ente()

    def _nothing_is_open(self) -> None:
        stuck = {
            "sessioni": "stato IN ('NUOVO_CARRELLO', 'PREDISPOSTO', 'PAGAM_IN_CORSO')",
            "carrelli": "stato IN ('PREDISPOSTO', 'PAGAM_IN_CORSO')",
            "dovuti": "stato IN ('PREDISPOSTO', 'PAGAMENTO_INIZIATO')",
            "tentativi": "stato IN ('DA_INVIARE', 'SCONOSCIUTO', 'ACCETTATO')",
            "rt_ricevute": "stato NOT IN ('ELABORATA', 'ECCEDENZA')",
            "outbox": "stato NOT IN ('CONSEGNATO', 'RIFIUTATO')",
        }
        for table, where in stuck.items():
            key = _CHIAVE.get(table, "id")
            rows = self._hub.rows(f"SELECT {key}, stato FROM {table} WHERE {where}")
            if rows:
                raise Violazione(f"{table}: {len(rows)} mai concluse, {rows[0][0][-6:]} è {rows[0][1]}")

    def _thanked_receipts_are_kept(self) -> None:
        kept = {sha for (sha,) in self._hub.rows("SELECT sha256 FROM rt_ricevute WHERE primitiva = 'paaInviaRT'")}
        for chiave, raw in self._nodo.ringraziate:
            if hashlib.sha256(raw).hexdigest() not in kept:
                raise Violazione(f"ricevuta …{chiave.ccp[-4:]} ringraziata e non conservata")
        tokens = {ccp for (ccp,) in self._hub.rows("SELECT ccp FROM rt_ricevute WHERE primitiva <> 'paaInviaRT'")}
        lost = self._nodo.token_ringraziati - tokens
        if lost:
            raise Violazione(f"ricevuta {sorted(lost)[0][-4:]} ringraziata e non conservata")

    def _position(self, one: Posizione) -> None:
        hub = self._hub
        paid = {pagamento.chiave: pagamento for pagamento in self._nodo.pagamenti if pagamento.iuv == one.iuv}
        receipts = hub.rows(f"SELECT ccp, stato, importo_cent FROM rt_ricevute WHERE iuv = '{one.iuv}'")
        learned = {ccp for ccp, _, importo_cent in receipts if importo_cent}
        for chiave, pagamento in paid.items():
            if chiave not in learned:
                raise Violazione(f"pagamento …{chiave[-4:]} di {pagamento.importo_cent} centesimi mai saputo")
        if learned - paid.keys():
            raise Violazione(f"pagamento …{sorted(learned - paid.keys())[0][-4:]} che al nodo non c'è")
        carrelli = hub.rows(f"SELECT id, stato, importo_cent, rt_id FROM carrelli WHERE iuv = '{one.iuv}'")
        declared = [row for row in carrelli if row[1] == "PAGATO" and row[3] is None]
        surplus = {ccp for ccp, stato, _ in receipts if stato == "ECCEDENZA"}
        moved = len(paid) + len(declared)
        if len(surplus) != max(moved - 1, 0):
            raise Violazione(f"IUV {one.iuv}: {moved} pagamenti e {len(surplus)} eccedenze")
        if any(importo_cent not in (None, 0, one.importo_cent) for _, _, importo_cent in receipts):
            raise Violazione(f"IUV {one.iuv}: importi delle ricevute diversi da {one.importo_cent}")
        if any(row[2] != one.importo_cent for row in carrelli):
            raise Violazione(f"IUV {one.iuv}: importi dei carrelli diversi da {one.importo_cent}")
        self._dovuto(one, moved)
        self._outcomes(one, sum(row[1] == "PAGATO" for row in carrelli))

    def _dovuto(self, one: Posizione, moved: int) -> None:
        fields = "stato, attuale, importo_cent, codice_esito, importo_pagato_cent"
        rows = self._hub.rows(f"SELECT {fields} FROM dovuti WHERE iud = '{one.iud}'")
        current = [row for row in rows if row[1]]
        done = [row for row in rows if row[0] == "COMPLETATO" and row[3] == 0]
        if any(row[2] != one.importo_cent for row in rows) or any(row[4] != one.importo_cent for row in done):
            raise Violazione(f"dovuto {one.iud}: importi diversi da {one.importo_cent}")
        if moved and not done:
            raise Violazione(f"dovuto {one.iud}: pagato e non segnato come pagato")
        if not moved and done:
            raise Violazione(f"dovuto {one.iud}: segnato come pagato e mai pagato")
        if moved and any(row[0] != "COMPLETATO" for row in current):
            raise Violazione(f"dovuto {one.iud}: pagato e ancora pagabile ({current[0][0]})")
        if not moved and [row[0] for row in current] not in ([], ["INSERIMENTO_DOVUTO"]):
            raise Violazione(f"dovuto {one.iud}: non pagato e non pagabile ({current})")
        if not current and not any(row[0] == "ANNULLATO" for row in rows):
            raise Violazione(f"dovuto {one.iud}: nessuna versione vale e nessuno l'ha annullato")

    def _outcomes(self, one: Posizione, closed: int) -> None:
        told = self._hub.rows(f"SELECT id FROM eventi_esito WHERE iud = '{one.iud}' AND codice_esito = 0")
        if len(told) != closed:
            raise Violazione(f"dovuto {one.iud}: {closed} carrelli pagati e {len(told)} esiti positivi all'ente")

    def _events_reached_the_ente(self) -> None:
        events: Counter[str] = Counter()
        rows: list[Any] = self._hub.rows("SELECT id, consegnato_at FROM eventi_esito")
        for id, consegnato_at in rows:
            events[id] += 1
            if consegnato_at is None or id not in self._hub.ente.eventi:
                raise Violazione(f"esito {id[-6:]} mai consegnato all'ente")
        unknown = self._hub.ente.eventi.keys() - events.keys()
        if unknown:
            raise Violazione(f"all'ente è arrivato un esito che non c'è: {sorted(unknown)[0][-6:]}")
