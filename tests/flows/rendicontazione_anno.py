"""A year of daily settlement flows, with revisions, one corrupt file and a stop of 45 days, over real sockets.

Run: python -m tests.flows.rendicontazione_anno [--giorni 365] [--trasporto soap|rest] [--database postgresql]
The days pass by a clock; the node is the simulator on a port, the database and the archive are real. It ends with 1
when anything is not as it must be.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from adapters.nodo.fake import Simulator, SimulatorServer
from adapters.nodo.fake_fdr import REST, SOAP
from adapters.nodo.fake_node import StazioneNota
from adapters.nodo.fdr_http import Tempi
from adapters.nodo.fdr_prodotti import Difetto, FlussoProdotto, Pagamento, nome_flusso
from adapters.nodo.fdr_rest import FdrRest
from adapters.nodo.fdr_soap import FdrSoap
from adapters.nodo.trasporto import Attese
from hub.domain.acquisizione_fdr import Trasporto
from hub.formats.resources import resource
from hub.store import migrate, schema
from hub.store.database import Database
from tests import pg
from tests.rendicontazioni import Rendicontazione
from tests.world import INTERMEDIARIO, PASSWORD_STAZIONE, STAZIONE, World, open_world

INIZIO = datetime(2026, 1, 1, 7, tzinfo=UTC)
PSP = ("ABI01234", "ABI03069", "BIC-UNCR")
CHIAVE = "chiave-di-prova-1"
# Every so many flows, one is corrected two days after.
_REVISIONE_OGNI = 17
_TEMPI = Tempi(Attese(2.0, 10.0, 10.0), 60.0)


@dataclass(frozen=True, slots=True)
class Piano:
    """`fermo`: the days, from the first, on which no worker runs. `guasto`: the day of the corrupt flow."""

    giorni: int = 365
    pagamenti: int = 12
    psp: tuple[str, ...] = PSP
    fermo: range = range(200, 245)
    guasto: int = 40


@dataclass
class Fatto:
    """What came of it."""

    prodotti: int = 0
    revisioni: int = 0
    elencati: set[tuple[str, int]] = field(default_factory=set)
    registrati: int = 0
    righe: int = 0
    importo_cent: int = 0
    persi: int = 0
    secondi: float = 0.0
    problemi: list[str] = field(default_factory=list)


class Anno:
    """The days one after another, at the node and at the hub."""

    def __init__(self, world: World, trasporto: Trasporto, piano: Piano) -> None:
        self._world, self._piano, self._trasporto = world, piano, trasporto
        world.clock.now = INIZIO
        stazione = StazioneNota(STAZIONE, INTERMEDIARIO, PASSWORD_STAZIONE)
        self._simulator = Simulator("http://127.0.0.1:9", clock=world.clock, stazioni=(stazione,))
        self._server = SimulatorServer("127.0.0.1", 0, self._simulator)
        self._server.start()
        self.fdr = Rendicontazione(world, None)
        url = self._server.url
        self.fdr.porte = {Trasporto.SOAP: FdrSoap(url + SOAP, _TEMPI), Trasporto.REST: FdrRest(url + REST, _TEMPI, 7)}
        if trasporto == Trasporto.REST:
            sealed = world.runtime.cassaforte.seal(CHIAVE)
            world.lay(schema.servizi_rest, stazione_id=STAZIONE, servizio="fdr", chiave_cifrata=sealed)
        self._revisions: dict[int, list[FlussoProdotto]] = {}
        self._known: dict[tuple[str, int], FlussoProdotto] = {}
        self.fatto = Fatto()

    def close(self) -> None:
        self._server.close()

    def run(self) -> Fatto:
        began = time.perf_counter()
        for day in range(self._piano.giorni + 1):
            self._world.clock.now = INIZIO + timedelta(days=day)
            self._produce(day)
            if day not in self._piano.fermo:
                listed = self._simulator.ledger_fdr.elenco(INTERMEDIARIO, self._world.clock())
                self.fatto.elencati |= {(one.iuf, one.revisione) for one in listed}
                self.fdr.tutto()
        self.fatto.secondi = time.perf_counter() - began
        self._check()
        return self.fatto

    def _produce(self, day: int) -> None:
        now = self._world.clock()
        for flusso in self._revisions.pop(day, []):
            self._add(replace(flusso, generato_at=now, pubblicato_at=None, revisione=2, pagamenti=flusso.pagamenti[1:]))
            self.fatto.revisioni += 1
        for place, psp in enumerate(self._piano.psp):
            number = day * len(self._piano.psp) + place
            is_bad = day == self._piano.guasto and place == 0
            flusso = FlussoProdotto(
                INTERMEDIARIO, psp, nome_flusso(now.date(), psp, f"S{number:06d}"), now - timedelta(minutes=5),
                now.date(), [_pagamento(number, row, now.date()) for row in range(self._piano.pagamenti)],
                difetti=frozenset({Difetto.CORROTTO} if is_bad else ()),
            )  # fmt: skip
            self._add(flusso)
            self.fatto.prodotti += 1
            if number % _REVISIONE_OGNI == 3 and not is_bad:
                self._revisions.setdefault(day + 2, []).append(flusso)

    def _add(self, flusso: FlussoProdotto) -> None:
        self._simulator.ledger_fdr.add(flusso)
        self._known[flusso.iuf, flusso.revisione] = flusso

    def _check(self) -> None:
        """Compare what the hub holds with what the node has listed, row by row."""
        fatto = self.fatto
        rows = self.fdr.rows()
        fatto.registrati = len(rows)
        newest = {iuf: max(rev for one, rev in fatto.elencati if one == iuf) for iuf, _ in fatto.elencati}
        wanted = Counter(
            (one.iuv, one.importo_cent)
            for iuf, revisione in newest.items()
            if not (flusso := self._known[iuf, revisione]).difetti
            for one in flusso.pagamenti
        )
        found = Counter(self.fdr.attive())
        fatto.righe, fatto.importo_cent = found.total(), sum(cent * times for (_, cent), times in found.items())
        fatto.persi = len({iuf for iuf, _ in self._known} - set(newest))
        kept = Counter((row.iuf, row.elencato_at) for row in rows)
        gaps = [row for row in self._world.rows(schema.lacune_fdr) if row.dominio == INTERMEDIARIO]
        bad = [row for row in rows if row.stato == "INCONSISTENT"]
        expectations = {
            "pagamenti diversi da quelli del nodo": found == wanted,
            "un flusso o una revisione registrati due volte": max(kept.values()) == 1,
            "revisioni elencate e registrate": fatto.registrati == len(fatto.elencati),
            "il flusso guasto, e lui solo, aspetta una persona": len(bad) == 1 and not bad[0].attiva,
            "una lacuna, del fermo": len(gaps) == (1 if len(self._piano.fermo) > 30 else 0),
            "nulla resta da fare": {row.stato for row in rows} == {"PARSED", "INCONSISTENT"},
        }
        fatto.problemi = [name for name, is_good in expectations.items() if not is_good]


def _pagamento(number: int, row: int, giorno: date) -> Pagamento:
    esito = "3" if (number + row) % 50 == 7 else "9" if (number + row) % 40 == 9 else "0"
    cent = 100 + (number * 7919 + row * 104_729) % 99_991
    iuv = f"{number:012d}{row:05d}"
    return Pagamento(iuv, f"IUR{number:08d}{row:05d}", cent, giorno, esito, 1)


def _database(stack: ExitStack, name: str) -> str:
    if name == "postgresql":
        server = stack.enter_context(pg.running_server(None))
        url = server.url_of(server.create_database())
    else:
        url = f"sqlite:///{stack.enter_context(tempfile.TemporaryDirectory())}/anno.db"
    db = Database.open(url)
    migrate.upgrade(db, resource("migrations"))
    db.close()
    return url


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--giorni", type=int, default=365)
    parser.add_argument("--pagamenti", type=int, default=12)
    parser.add_argument("--trasporto", choices=["soap", "rest"], default="rest")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    chosen = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with ExitStack() as stack:
        world = stack.enter_context(open_world(_database(stack, chosen.database)))
        anno = Anno(world, Trasporto(chosen.trasporto), Piano(chosen.giorni, chosen.pagamenti))
        stack.callback(anno.close)
        fatto = anno.run()
    _print(fatto, chosen)
    return 1 if fatto.problemi else 0


def _print(fatto: Fatto, chosen: Any) -> None:
    euro = f"{fatto.importo_cent // 100}.{fatto.importo_cent % 100:02d}"
    print(f"{chosen.giorni} giorni, {chosen.trasporto}, {chosen.database}: {fatto.secondi:.0f} s")
    print(f"prodotti {fatto.prodotti} flussi e {fatto.revisioni} revisioni; elencati {len(fatto.elencati)}")
    print(f"registrati {fatto.registrati}; pagamenti che valgono {fatto.righe}, {euro} euro")
    print(f"usciti dall'elenco durante il fermo: {fatto.persi} flussi, detti da una lacuna")
    print("tutto torna" if not fatto.problemi else "NON TORNA: " + "; ".join(fatto.problemi))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    sys.exit(main())
