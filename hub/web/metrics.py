"""Counts and durations of the requests, in Prometheus' words. One registry per application, counts per process.

What is in the database is everybody's, and is read at each question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from hub.domain.scadenze import Scadenza

CONTENT_TYPE = CONTENT_TYPE_LATEST
# A label takes only known values: a caller must not be able to fill the memory with names of his own.
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


@dataclass(frozen=True, slots=True)
class Conti:
    """What was read from the database: counts by stato, how far flows in elaboration are, files removed by motivo."""

    outbox: Mapping[str, int]
    imports: Mapping[str, int]
    flussi: Mapping[str, int]
    exports: Mapping[str, int]
    tassonomia: Mapping[str, int]
    righe_decise: int
    righe_rimaste: int
    attesa_s: int
    scadenze: Sequence[Scadenza]
    rimossi: Mapping[str, int]
    rimossi_bytes: int
    tentativi: Mapping[str, int]
    circuiti: Mapping[tuple[str, str], bool]
    ricevute: Mapping[str, int]
    ricevute_attesa_s: int
    rendicontazioni: Mapping[str, int]
    rendicontazioni_ferme: int
    elenco_fdr_eta_s: int


class Metrics:
    """What is counted at the door."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "pontepa_http_requests", "Requests answered", ("method", "route", "status"), registry=self._registry
        )
        self._duration = Histogram(
            "pontepa_http_request_duration_seconds",
            "Time until the answer was ready",
            ("route",),
            buckets=_BUCKETS,
            registry=self._registry,
        )

        self._replaced = Counter(
            "pontepa_answers_replaced", "Answers to the node not valid", ("operation",), registry=self._registry
        )

    def replaced(self, operation: str) -> None:
        """Count an answer of ours that was not valid. `operation` is of a contract."""
        self._replaced.labels(operation).inc()

    def observe(self, method: str, route: str, status: str, seconds: float) -> None:
        """Count one answered request. `route` is a pattern, never an address."""
        self._requests.labels(method if method in _METHODS else "OTHER", route, status).inc()
        self._duration.labels(route).observe(seconds)

    def exposition(self, conti: Conti) -> bytes:
        """Return everything as text, with what the database holds now."""
        now = CollectorRegistry()
        _by_stato(now, "pontepa_outbox_messages", "Messages in the outbox", conti.outbox)
        _by_stato(now, "pontepa_imports", "Files of flows that came", conti.imports)
        _by_stato(now, "pontepa_flussi", "Flows that became of them", conti.flussi)
        _by_stato(now, "pontepa_exports", "Booked exports", conti.exports)
        _by_stato(now, "pontepa_tassonomia_tipi", "Active tipi whose taxonomy code needs care", conti.tassonomia)
        _by_stato(now, "pontepa_ricevute", "Receipts that wait, were set aside or are flagged", conti.ricevute)
        _by_stato(now, "pontepa_rendicontazioni", "Revisions of settlement flows; PARKED wait", conti.rendicontazioni)
        _by_stato(now, "pontepa_attempts_open", "Attempts at the node without an outcome", conti.tentativi)
        circuits = Gauge("pontepa_circuit_open", "Station held back", ("stazione", "servizio"), registry=now)
        for (stazione, servizio), is_open in conti.circuiti.items():
            circuits.labels(stazione, servizio).set(int(is_open))
        numbers = (
            ("pontepa_rendicontazioni_stopped", "Enti whose station is refused", conti.rendicontazioni_ferme),
            ("pontepa_rendicontazioni_list_seconds", "Age of the list that is oldest", conti.elenco_fdr_eta_s),
            ("pontepa_ricevute_oldest_waiting_seconds", "Age of the oldest waiting receipt", conti.ricevute_attesa_s),
            ("pontepa_import_rows_decided", "Rows decided of the flows in elaboration", conti.righe_decise),
            ("pontepa_import_rows_left", "Rows left of the flows in elaboration, by bytes read", conti.righe_rimaste),
            ("pontepa_import_oldest_waiting_seconds", "Age of the file that waits longest", conti.attesa_s),
        )
        for name, words, number in numbers:
            Gauge(name, words, registry=now).set(number)
        ends = Gauge(
            "pontepa_station_expiry_timestamp_seconds",
            "When a certificate or a key of a station ends",
            ("stazione", "cosa"),
            registry=now,
        )
        for scadenza in conti.scadenze:
            ends.labels(scadenza.stazione, scadenza.cosa).set(scadenza.scade_at.timestamp())
        files = Counter("pontepa_archive_files_removed", "Files swept from the archive", ("motivo",), registry=now)
        for motivo, count in conti.rimossi.items():
            files.labels(motivo).inc(count)
        Counter("pontepa_archive_bytes_removed", "Bytes of these files", registry=now).inc(conti.rimossi_bytes)
        return generate_latest(self._registry) + generate_latest(now)


def _by_stato(registry: CollectorRegistry, name: str, words: str, counts: Mapping[str, int]) -> None:
    gauge = Gauge(name, words, ("stato",), registry=registry)
    for stato, count in counts.items():
        gauge.labels(str(stato)).set(count)
