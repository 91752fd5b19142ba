"""The jobs of the process of flows: long work, which must not take turns with what pays.

Each lane is a thread; what is one row of the database is one worker's, so any number of such processes may run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from hub.domain.pulizia import Conservazione
from hub.impostazioni_flussi import ImpostazioniFlussi
from hub.jobs.loops import Loop, await_stop, job
from hub.log import get_logger
from hub.ports import Archivio
from hub.store.anagrafe import Anagrafe
from hub.store.database import Database
from hub.store.segni import Segni
from hub.usecases import esporta, risultati_flusso, sweep_archivio
from hub.usecases.flusso_aperto import LimitiImport
from hub.usecases.importa_flusso import ImportaFlussi

# It has work once an hour.
_SWEEP_TICK_S = 30.0


@dataclass(frozen=True)
class PartiFlussi:
    """What these jobs are given: a runtime without doors, node and callers."""

    config: ImpostazioniFlussi
    db: Database
    archivio: Archivio
    anagrafe: Anagrafe
    clock: Callable[[], datetime]


def run(parti: PartiFlussi, stop: threading.Event) -> None:
    """Run the jobs until `stop`; what is not finished is taken up again by the next process."""
    config, clock = parti.config, parti.clock
    lease, small = timedelta(seconds=config.flussi_lease_s), risultati_flusso.PICCOLO_ROWS
    limiti = LimitiImport(config.flussi_pezzo_rows, lease=lease)
    importa = ImportaFlussi(
        parti.db, parti.archivio, limiti, config.iuv_quindici_fino_al, clock, Segni(config.data_dir)
    )
    write, stampa = partial(_write, parti, lease, stop), partial(_print, parti, lease, stop)
    deeds: dict[str, Callable[[], bool]] = {
        "importa_flusso": importa.run_once,
        "risultati_flusso": partial(write, None),
        "risultati_flusso_piccoli": partial(write, small),
        "stampa_avvisi": partial(stampa, None),
        "stampa_avvisi_piccoli": partial(stampa, small),
    }
    # Two: a file that takes minutes does not keep a small one waiting.
    for lane in ("esporta", "esporta_altro"):
        deeds[lane] = lambda: esporta.run_once(parti.db, parti.archivio, clock, stop)
    loops = [Loop(name, job(name, deed, is_told=False), config.tick_s, stop) for name, deed in deeds.items()]
    if config.pulizia_archivio:
        sweep = job("sweep_archivio", lambda: _sweep(parti, stop), is_told=False)
        loops.append(Loop("sweep_archivio", sweep, _SWEEP_TICK_S, stop))
    for loop in loops:
        loop.start()
        # Whatever its tick, at once the first time.
        loop.wake()
    get_logger().info("flows_started")
    await_stop(stop)
    for loop in loops:
        loop.wake()
        loop.join()
    importa.close()
    get_logger().info("flows_stopped")


def _write(parti: PartiFlussi, lease: timedelta, stop: threading.Event, rows_max: int | None) -> bool:
    return risultati_flusso.write_once(
        parti.db, parti.archivio, parti.clock, rows_max=rows_max, lease=lease, stop=stop
    )


def _sweep(parti: PartiFlussi, stop: threading.Event) -> bool:
    config = parti.config
    conservazione = Conservazione.of_giorni(config.conserva_export_giorni, config.conserva_flussi_giorni)
    return sweep_archivio.run_once(parti.db, parti.archivio, parti.clock, conservazione, stop)


def _print(parti: PartiFlussi, lease: timedelta, stop: threading.Event, rows_max: int | None) -> bool:
    return risultati_flusso.print_once(
        parti.db, parti.anagrafe, parti.archivio, parti.config.modelli_dir, parti.clock, rows_max=rows_max,
        lease=lease, stop=stop,
    )  # fmt: skip
