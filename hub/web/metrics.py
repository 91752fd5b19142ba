"""What /metrics tells, in Prometheus' words: what the processes of this machine count, what the database holds.

The processes of one `serve` count into files of one folder, so that each of them can tell for all.
Source: prometheus_client, "Multiprocess Mode".
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.metrics import disable_created_metrics
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from hub.misure import CONTATE, LETTE, PROCESSI, RICHIESTA_S, RICHIESTE, RISPOSTE_SOSTITUITE, Genere, Lette, Misura

CONTENT_TYPE = CONTENT_TYPE_LATEST
# The library's own name: whoever is started with it counts into that folder.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX = "pontepa-metriche-"
_IN_MEMORY = Path("/dev/shm")
# A label takes only known values: a caller must not be able to fill the memory with names of his own.
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})


class Metrics:
    """What one process counts. `folder`: where those of its machine count too; None: it is alone."""

    def __init__(self, folder: str | None = None) -> None:
        self._folder = folder
        if folder is not None and not values.ValueClass._multiprocess:
            # It was loaded before it was told where: a process may be born of one that has it.
            os.environ[FOLDER] = folder
            values.ValueClass = values.MultiProcessValue()  # type: ignore[misc]
        # A second series for each count, which several processes together do not have.
        disable_created_metrics()
        self._registry = CollectorRegistry()
        self._by_name: dict[str, Any] = {misura.name: self._made(misura) for misura in CONTATE}

    def _made(self, misura: Misura) -> Counter | Gauge | Histogram:
        match misura.genere:
            case Genere.CONTATORE:
                return Counter(misura.name, misura.words, misura.labels, registry=self._registry)
            case Genere.DURATA:
                return Histogram(
                    misura.name, misura.words, misura.labels, buckets=misura.buckets, registry=self._registry
                )
            case Genere.LIVELLO:
                return Gauge(
                    misura.name, misura.words, misura.labels, registry=self._registry, multiprocess_mode="livesum"
                )

    def count(self, misura: Misura, labels: tuple[str, ...], by: int) -> None:
        self._of(misura, labels).inc(by)

    def observe(self, misura: Misura, labels: tuple[str, ...], value: float) -> None:
        self._of(misura, labels).observe(value)

    def level(self, misura: Misura, labels: tuple[str, ...], value: int) -> None:
        self._of(misura, labels).set(value)

    def _of(self, misura: Misura, labels: tuple[str, ...]) -> Any:
        made = self._by_name[misura.name]
        return made.labels(*labels) if labels else made

    def begin(self, ruolo: str) -> None:
        """Say that a process of this kind is at work."""
        self.level(PROCESSI, (ruolo,), 1)

    def replaced(self, operation: str) -> None:
        """Count an answer of ours that was not valid. `operation` is of a contract."""
        self.count(RISPOSTE_SOSTITUITE, (operation,), 1)

    def request(self, method: str, route: str, status: str, seconds: float) -> None:
        """Count one answered request. `route` is a pattern, never an address."""
        self.count(RICHIESTE, (method if method in _METHODS else "OTHER", route, status), 1)
        self.observe(RICHIESTA_S, (route,), seconds)

    def exposition(self, lette: Lette) -> bytes:
        """Return everything as text: what was counted, then what was read."""
        counted = self._registry
        if self._folder is not None:
            _forget_levels_of_the_dead(self._folder)
            counted = CollectorRegistry()
            MultiProcessCollector(counted, path=self._folder)
        read = CollectorRegistry()
        read.register(_Read([_family(misura, lette[misura.name]) for misura in LETTE if misura.name in lette]))
        return generate_latest(counted) + generate_latest(read)


class _Read:
    """What the library asks for what was read elsewhere."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


def _family(misura: Misura, rows: Sequence[tuple[Sequence[str], int]]) -> Metric:
    kind = CounterMetricFamily if misura.genere == Genere.CONTATORE else GaugeMetricFamily
    family = kind(misura.name, misura.words, labels=misura.labels)
    for labels, value in rows:
        family.add_metric(labels, value)
    return family


@contextmanager
def shared_folder() -> Iterator[Path]:
    """Make the folder of a `serve` and tell it to the processes that are started; remove it at the end.

    What a killed one has left behind is removed too.
    """
    # The files are mapped: on a disk that becomes full, to count one more would end the process (SIGBUS).
    place = _IN_MEMORY if os.access(_IN_MEMORY, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
    for left in place.glob(f"{_PREFIX}{os.getuid()}-*"):
        pid = left.name.rpartition("-")[2]
        if pid == str(os.getpid()) or not (pid.isdigit() and _lives(int(pid))):
            shutil.rmtree(left, ignore_errors=True)
    folder = place / f"{_PREFIX}{os.getuid()}-{os.getpid()}"
    folder.mkdir(mode=0o700)
    os.environ[FOLDER] = str(folder)
    try:
        yield folder
    finally:
        del os.environ[FOLDER]
        shutil.rmtree(folder, ignore_errors=True)


def _forget_levels_of_the_dead(folder: str) -> None:
    """What a process has counted stays true when it is gone; what it had at work does not."""
    for file in Path(folder).glob("gauge_live*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not _lives(pid):
            mark_process_dead(pid, folder)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another's, but there
    return True
