"""The same receipt from many connections at once, and two receipts at once for one dovuto.

One effect, and every connection is thanked; of two payments one counts and the other is a surplus. Two workers apply
what came, at once. Source: node, idempotency (3.0.6), what a KO means (3.0.7).
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial

from benchmarks.ricevute import wait_applied
from hub.formats.importi import text_from_cent
from hub.store import schema
from tests.factories import make_rt
from tests.flows.plant import Plant
from tests.gare import chiamate
from tests.gare.campo import Campo, Chiamata, Esito, send_at_once
from tests.ricevute import make_ricevuta, make_token, make_transfer

CONNECTIONS = 16
# One that is in the middle of a second receipt's pair is as good as another: so many notices are raced for at once.
_PAIRS = CONNECTIONS // 2
_APPLIED_S = 300
# No two amounts are the same, so that money in the wrong place shows.
_FIRST_CENT = 1001


def _receipt(iuv: str, importo_cent: int, token: str, primitiva: str = "paSendRTV2") -> Chiamata:
    importo = text_from_cent(importo_cent)
    raw = make_ricevuta(
        primitiva, receipt_id=token, iuv=iuv, importo=importo, transfers=(make_transfer(importo=importo),)
    )
    return chiamate.ricevuta(raw, primitiva)


def _attempt(campo: Campo, iuv: str) -> Chiamata:
    """The receipt of an attempt that has begun and is at the node."""
    id_session = campo.world.verifica(iuv)
    campo.world.start(id_session)
    campo.world.relay()
    row = campo.world.tentativo(id_session)
    return chiamate.rt(row.dominio, row.iuv, row.ccp, make_rt(bytes(row.rpt)))


def _both(iuv: str, importo_cent: int) -> list[Chiamata]:
    """One payment that is told in both versions of the operation."""
    token, half = make_token(), CONNECTIONS // 2
    told = [_receipt(iuv, importo_cent, token, primitiva) for primitiva in ("paSendRT", "paSendRTV2")]
    return told * half


def race_same(campo: Campo, plant: Plant, *, rounds: int) -> list[Esito]:
    """The same receipt from sixteen connections at once, of each kind, so many times."""
    kinds: dict[str, Callable[[str, int], list[Chiamata]]] = {
        "paSendRT": lambda iuv, cent: [_receipt(iuv, cent, make_token(), "paSendRT")] * CONNECTIONS,
        "paSendRTV2": lambda iuv, cent: [_receipt(iuv, cent, make_token())] * CONNECTIONS,
        "paSendRT e paSendRTV2": _both,
        "paaInviaRT": lambda iuv, cent: [_attempt(campo, iuv)] * CONNECTIONS,
    }
    return [_same(campo, plant, kind, make, rounds) for kind, make in kinds.items()]


def _same(
    campo: Campo, plant: Plant, kind: str, make: Callable[[str, int], list[Chiamata]], rounds: int
) -> Esito:
    esito = Esito(f"la stessa ricevuta da {CONNECTIONS} connessioni: {kind}", rounds)
    importi: dict[str, int] = {}
    for number in range(rounds):
        importo_cent = _FIRST_CENT + number
        (iuv,) = campo.lay(1, importo_cent)
        importi[iuv] = importo_cent
        messages = make(iuv, importo_cent)
        for answer in send_at_once(plant, messages):
            if (code := chiamate.code_of(*answer)) != "OK":
                esito.lost.append(f"{iuv}: risposto {code}")
    _settled(campo, esito)
    for iuv in importi:
        esito.count(f"{iuv}: ricevute tenute", len(campo.rows(schema.rt_ricevute, "iuv", [iuv])), 1)
    _check_money(campo, esito, importi, surplus=0)
    return esito


def race_pairs(campo: Campo, plant: Plant, *, rounds: int) -> list[Esito]:
    """Two different receipts at once for one dovuto: of two counters, and of a counter and an attempt online."""
    return [_pairs(campo, plant, rounds, is_online=is_online) for is_online in (False, True)]


def _pairs(campo: Campo, plant: Plant, rounds: int, *, is_online: bool) -> Esito:
    who = "sportello e pagamento in rete" if is_online else "due sportelli"
    esito = Esito(f"due ricevute insieme per un dovuto: {who}", rounds * _PAIRS)
    importi: dict[str, int] = {}
    for number in range(rounds):
        messages = []
        for place in range(_PAIRS):
            importo_cent = _FIRST_CENT + number * _PAIRS + place
            (iuv,) = campo.lay(1, importo_cent)
            importi[iuv] = importo_cent
            counter = partial(_receipt, iuv, importo_cent)
            messages += [counter(make_token()), _attempt(campo, iuv) if is_online else counter(make_token())]
        for answer in send_at_once(plant, messages):
            if (code := chiamate.code_of(*answer)) != "OK":
                esito.lost.append(f"risposto {code}")
    _settled(campo, esito)
    _check_money(campo, esito, importi, surplus=1)
    return esito


def _settled(campo: Campo, esito: Esito) -> None:
    started = time.monotonic()
    wait_applied(campo.db, _APPLIED_S)
    esito.recovery_s = time.monotonic() - started


def _check_money(campo: Campo, esito: Esito, importi: dict[str, int], surplus: int) -> None:
    """Each dovuto is paid once, with its amount to the cent; so many receipts of it moved money that is too much."""
    states, paid, closed = defaultdict(Counter[str]), defaultdict(list), Counter[str]()
    for row in campo.rows(schema.rt_ricevute, "iuv", [*importi]):
        states[row.iuv][row.stato] += 1
        if row.importo_cent != importi[row.iuv]:
            esito.lost.append(f"{row.iuv}: ricevuta di {row.importo_cent} centesimi, attesi {importi[row.iuv]}")
    for row in campo.rows(schema.dovuti, "iuv", [*importi]):
        if row.stato == "COMPLETATO" and row.codice_esito == 0:
            paid[row.iuv].append(row.importo_pagato_cent)
    for row in campo.rows(schema.carrelli, "iuv", [*importi]):
        closed[row.iuv] += row.stato == "PAGATO"
    for iuv, importo_cent in importi.items():
        esito.count(f"{iuv}: eccedenze", states[iuv]["ECCEDENZA"], surplus)
        esito.count(f"{iuv}: dovuti pagati", len(paid[iuv]), 1)
        esito.count(f"{iuv}: carrelli pagati", closed[iuv], 1)
        if paid[iuv] and set(paid[iuv]) != {importo_cent}:
            esito.lost.append(f"{iuv}: pagati {paid[iuv]} centesimi, attesi {importo_cent}")
        if states[iuv].keys() - {"ELABORATA", "ECCEDENZA"}:
            esito.lost.append(f"{iuv}: ricevute {dict(states[iuv])}")
