"""Two and four workers on one outbox, one of them frozen in the middle of a send for two leases, then thawed.

Whoever holds a message late finds that it is no longer his: what he learns is dropped, and what he still sends is sent
only where a second time harms nobody. Source: node, write-ahead rule and fault classes (2.0.4).
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, func, select
from sqlalchemy.engine import make_url

from hub.crash import Punto
from hub.store import stazioni
from hub.store.schema import carrelli, outbox
from tests.flows.plant import HTTP, Plant, until
from tests.gare.campo import FAST, Esito
from tests.nodo.drill import Payers, wait_resolved

# Where a worker is frozen: it holds messages, is about to send one, has sent it and knows the answer.
PUNTI = (Punto.RELAY_PRESO, Punto.RELAY_IN_PARTENZA, Punto.RELAY_INVIATO)
_SENDERS = 8
_LIMIT_S = 300.0
# The lock outlasts the node's own timer; both are over within the race.
_PATIENCE = {"PONTEPA_BLOCCO_PAGAMENTO_S": "40", "PONTEPA_RICEVUTA_ATTESA_S": "6", "PONTEPA_RECUPERO_PAUSA_S": "0"}
_PAYER_WAIT_S = 8.0
# Six processes on a server of a hundred connections.
_CONNECTIONS = {"PONTEPA_DB_POOL_SIZE": "8"}


def race(
    url: str, folder: Path, punto: Punto, *, workers: int, payments: int, leases: int = 2, is_deaf: bool = False
) -> Esito:
    """`url`: of an empty database; `leases`: for so long nobody thaws; `is_deaf`: the node notices no duplicate."""
    node = ", nodo che non nota i doppi" if is_deaf else ""
    esito = Esito(f"{workers} worker, uno gelato per {leases} lease: {punto}{node}", 1)
    with Plant(folder, url, FAST | _PATIENCE | _CONNECTIONS) as plant:
        plant.prepare()
        plant.up("simulator", "serve")
        if is_deaf:
            _deafen(plant)
        plant.fault(operation="nodoInviaCarrelloRPT", kind="late", seconds=0.5, probability=0.5)
        plant.freeze_at("worker-1", punto)
        plant.up("worker-1")
        opened = _begin(plant, held := 1 if url.startswith("sqlite") else payments // 2)
        pid = plant.await_frozen("worker-1", _LIMIT_S)
        _leave_the_lock(url, pid)
        frozen_at = time.monotonic()
        plant.up(*(f"worker-{number}" for number in range(2, workers + 1)))
        opened += _begin(plant, payments - held)
        _others_go_on(plant, thaw_at=frozen_at + leases * float(FAST["PONTEPA_LEASE_S"]))
        thawed_at = time.monotonic()
        os.kill(pid, signal.SIGCONT)
        if is_deaf:
            _resolve(plant, payments, esito)
        else:
            _pay(plant, opened, esito)
        _check_node(plant, esito, is_deaf=is_deaf)
        esito.recovery_s = time.monotonic() - thawed_at
        plant.check()
    return esito


def _deafen(plant: Plant) -> None:
    station = {"id": "12345678903_01", "intermediario": "12345678903", "password": "password01", "convertita": True}
    words = {"stazioni": [station], "attesa_pagatore_s": _PAYER_WAIT_S}
    answer = HTTP.request("POST", f"{plant.node_url}/config", json=words)
    assert answer.status == 200, answer.data
    engine = create_engine(plant.database_url)
    with engine.begin() as connection:
        stazioni.change(connection, "12345678903_01", rileva_duplicati=False)
    engine.dispose()


def _leave_the_lock(url: str, pid: int) -> None:
    """Whoever is stopped while another of his threads writes keeps SQLite's one lock, and everybody would wait for it:
    let him go on for a moment, in the middle of the same send, until he does not."""
    while url.startswith("sqlite") and _is_locked(make_url(url).database or ""):
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.005)
        os.kill(pid, signal.SIGSTOP)


def _is_locked(path: str) -> bool:
    with closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as stranger:
        try:
            stranger.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        stranger.execute("ROLLBACK")
    return False


def _begin(plant: Plant, payments: int) -> list[tuple[str, str]]:
    with ThreadPoolExecutor(_SENDERS) as pool:
        opened = list(pool.map(lambda _: plant.send(), range(payments)))
        list(pool.map(lambda story: plant.open(story[0]), opened))
    return opened


def _others_go_on(plant: Plant, thaw_at: float) -> None:
    """Return when the leases are over and the others have seen to every message, those of the frozen one too."""
    engine = create_engine(plant.database_url)
    waiting = select(func.count()).select_from(outbox).where(outbox.c.stato.in_(("DA_INVIARE", "IN_INVIO")))

    def look() -> int | None:
        with engine.connect() as connection:
            left: int = connection.execute(waiting).scalar_one()
        return 1 if left == 0 and time.monotonic() >= thaw_at else None

    until(look, _LIMIT_S)
    engine.dispose()


def _pay(plant: Plant, opened: list[tuple[str, str]], esito: Esito) -> None:
    """Every payer comes to the node and pays, and his receipt is read back."""

    def end(story: tuple[str, str]) -> Any:
        try:
            plant.pay(plant.url_of_node(story[0], _LIMIT_S))
            return plant.read_back(*story, timeout_s=_LIMIT_S)
        except (TimeoutError, AssertionError) as error:
            return error

    with ThreadPoolExecutor(_SENDERS) as pool:
        ricevute = list(pool.map(end, opened))
    esito.lost += [f"pagamento senza esito: {one}" for one in ricevute if isinstance(one, Exception)]
    good = [one for one in ricevute if not isinstance(one, Exception)]
    esito.count("IUV", len({one.iuv for one in good}), len(opened))
    esito.lost += [f"IUV {one.iuv}: esito {one.codice_esito}" for one in good if one.codice_esito != "0"]
    esito.count("RPT al nodo", plant.ledger()["conteggi"]["rpt"], len(opened))


def _resolve(plant: Plant, payments: int, esito: Esito) -> None:
    """What may have left is not sent again: each payment comes to an end all the same, paid or not."""
    payers = Payers(plant, random.Random(1))
    payers.start()
    engine = create_engine(plant.database_url)
    wait_resolved(engine, _LIMIT_S)
    payers.stop()
    with engine.connect() as connection:
        states = Counter(connection.execute(select(carrelli.c.stato)).scalars())
    engine.dispose()
    esito.count("carrelli", states.total(), payments)
    esito.count("carrelli aperti", states["PAGAM_IN_CORSO"], 0)


def _check_node(plant: Plant, esito: Esito, *, is_deaf: bool) -> None:
    """No RPT was taken twice, and what was paid at the node is paid here."""
    ledger = plant.ledger()
    taken = Counter(
        one["chiave"] for one in ledger["messaggi"]
        if one["operazione"].startswith("nodoInvia") and one["risposta"] == "OK"
    )  # fmt: skip
    esito.doubled += [f"RPT {key}: presa {count} volte" for key, count in taken.items() if count > 1]
    # Where the node notices them, a second sending of the same bytes is safe: it is refused and harms nobody.
    if is_deaf and ledger["conteggi"]["invii_duplicati"]:
        esito.doubled.append(f"invii doppi a un nodo che non li nota: {ledger['conteggi']['invii_duplicati']}")
    engine = create_engine(plant.database_url)
    with engine.connect() as connection:
        paid = connection.execute(
            select(func.count()).select_from(carrelli).where(carrelli.c.stato == "PAGATO")
        ).scalar_one()
    engine.dispose()
    moved = {(rt["dominio"], rt["iuv"], rt["ccp"]) for rt in ledger["rt"] if rt["codice_esito"] == 0}
    esito.count("carrelli pagati", paid, len(moved))
