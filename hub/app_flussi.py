"""The assembly of the process of flows. It loads no door and no node: a million rows need little, and get it alone.

Run: `command()`, with the settings of the worker in the environment.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from adapters.cartella.client import CartellaArchivio
from hub import crash, log
from hub.impostazioni_flussi import ImpostazioniFlussi
from hub.jobs import figlio, flussi
from hub.ports import Archivio
from hub.store.anagrafe import Anagrafe
from hub.store.database import Database

if TYPE_CHECKING:
    from hub.config import Config

# Behind the payments, when there are not processors for all.
_NICE = 5
# Rows leave no cycles; a look at all that lives costs a tenth of the work.
_GC_THRESHOLD = 200_000
# Who makes rows must not keep who sends them from a server that waits: with the default of 5 ms both idle a third.
_SWITCH_S = 0.0005
# A lane each, and the statements beside an open transaction.
_CONNECTIONS = 14


def command() -> list[str]:
    """Return what starts this process."""
    return [sys.executable, "-m", "hub.impostazioni_flussi"]


def build_archivio_file(config: Config | ImpostazioniFlussi) -> Archivio:
    """Where received and produced files are kept: a folder, or the store that the settings name."""
    if not config.s3_bucket:
        return CartellaArchivio(config.data_dir / "archivio")
    # Its library is large: loaded where it is used alone.
    from adapters.s3.client import S3Archivio, S3Settings

    config.arrivals_dir.mkdir(parents=True, exist_ok=True)
    keys = (config.s3_access_key, config.s3_secret_key)
    settings = S3Settings(config.s3_bucket, config.s3_endpoint, config.s3_region, *keys)
    return S3Archivio(settings, config.arrivals_dir)


def run(config: ImpostazioniFlussi) -> None:
    """Work on flows until SIGTERM, SIGINT or the end of whoever started it."""
    os.nice(_NICE)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    figlio.when_parent_ends(stop.set)
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD, 50, 50)
    sys.setswitchinterval(_SWITCH_S)
    db = Database.open(config.database_url, pool_size=_CONNECTIONS)
    flussi.run(flussi.PartiFlussi(config, db, build_archivio_file(config), Anagrafe(db), _utc_now), stop)
    db.close()


def _utc_now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    settings = ImpostazioniFlussi.receive(int(sys.argv[1]))
    log.configure(settings)
    crash.arm(os.environ, is_production=settings.is_produzione)
    run(settings)
