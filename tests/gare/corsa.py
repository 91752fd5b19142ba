"""All the races, on one kind of database, and the row that each leaves in the table."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from hub import log
from tests import pg
from tests.gare import annullo, importazioni, outbox, ricevute
from tests.gare.campo import Campo, Esito, fresh_campo
from tests.prova.controllo import rilievi, row
from tests.prova.palco import Quiet
from tests.prova.tabella import Row


@dataclass(frozen=True, slots=True)
class Misura:
    """How much is raced: imports of each process, rounds of each race of receipts, of cancellations, payments."""

    imports: int
    ricevute: int
    annulli: int
    payments: int
    processes: int = 8


BREVE = Misura(imports=100, ricevute=8, annulli=48, payments=16)
LUNGA = Misura(imports=500, ricevute=60, annulli=600, payments=60)


def corri(kind: str, misura: Misura) -> Iterator[Row]:
    """Run every race and yield its row; what is wrong is printed."""
    log.configure(Quiet())
    with ExitStack() as stack:
        server = None if kind == "sqlite" else stack.enter_context(pg.running_server(None))
        with fresh_campo(server) as campo:
            count = 0
            for esito in _on_the_cast(campo, misura):
                count += esito.injected
                yield _told(kind, esito)
            yield row(f"{kind}, gare", count, rilievi(campo.db))
        for punto in outbox.PUNTI:
            for workers in (2, 4):
                yield _told(kind, _with_frozen(server, punto, workers, misura, is_deaf=workers == 2))


def _on_the_cast(campo: Campo, misura: Misura) -> Iterator[Esito]:
    for is_known in (False, True):
        yield importazioni.race(campo, processes=misura.processes, imports=misura.imports, is_known=is_known)
    with campo.plant("serve", "worker-1", "worker-2") as plant:
        yield from ricevute.race_same(campo, plant, rounds=misura.ricevute)
        yield from ricevute.race_pairs(campo, plant, rounds=misura.ricevute)
    with campo.plant("serve") as plant:
        yield annullo.race(campo, plant, rounds=misura.annulli)


def _with_frozen(
    server: pg.Server | None, punto: outbox.Punto, workers: int, misura: Misura, *, is_deaf: bool
) -> Esito:
    with tempfile.TemporaryDirectory(prefix="pontepa-gare-") as name, ExitStack() as stack:
        url = f"sqlite:///{name}/gare.db"
        if server is not None:
            database = server.create_database()
            stack.callback(server.drop_database, database)
            url = server.url_of(database)
        return outbox.race(url, Path(name), punto, workers=workers, payments=misura.payments, is_deaf=is_deaf)


def _told(kind: str, esito: Esito) -> Row:
    for what, lines in (("perduto", esito.lost), ("doppio", esito.doubled)):
        for line in lines[:20]:
            print(f"{kind}, {esito.gara}: {what}: {line}", flush=True)
    fault, *rest = esito.row
    return f"{kind}, {fault}", *rest
