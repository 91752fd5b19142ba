"""What a process counts of itself, and what is read of the database: every name that /metrics tells, with its labels.

Who counts says what happened and knows nothing of Prometheus; in a process where nobody collects, it costs a look at a
name. A label takes values from a short list only, never an ente, a person or an address. docs/metriche.md explains
each of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

_OF_ANSWERS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 7.0, 15.0)
# A call of ours may wait for a minute and more.
_OF_CALLS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_OF_REQUESTS_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_OF_WAITS_S = (0.001, 0.005, 0.025, 0.1, 0.5, 2.0, 10.0)


class Genere(StrEnum):
    """CONTATORE only grows; DURATA is a histogram; LIVELLO goes up and down, and is added up over the processes."""

    CONTATORE = "counter"
    DURATA = "histogram"
    LIVELLO = "gauge"


@dataclass(frozen=True, slots=True)
class Misura:
    """One name. `buckets`: of a DURATA, in its own unit."""

    name: str
    words: str
    labels: tuple[str, ...] = ()
    genere: Genere = Genere.LIVELLO
    buckets: tuple[float, ...] = ()


def _counter(name: str, words: str, *labels: str) -> Misura:
    return Misura(name, words, labels, Genere.CONTATORE)


def _duration(name: str, words: str, buckets: tuple[float, ...], *labels: str) -> Misura:
    return Misura(name, words, labels, Genere.DURATA, buckets)


# Of each process.
RICHIESTE = _counter("pontepa_http_requests", "Requests answered", "method", "route", "status")
RICHIESTA_S = _duration("pontepa_http_request_duration_seconds", "Until the answer was ready", _OF_REQUESTS_S, "route")
RISPOSTE_SOSTITUITE = _counter("pontepa_answers_replaced", "Answers to the node not valid", "operation")
# `reason`: pieno, eccesso, memoria, file, frequenza; `lane`: the queue that it would have waited in.
RICHIESTE_RESPINTE = _counter("pontepa_http_shed", "Requests turned away", "lane", "reason")
# `esito`: ok; rifiuto, the caller's fault; guasto, ours. With the levels of the platform among the buckets. Source:
# node, endpoint behaviour (3.0.1).
OPERAZIONE_S = _duration(
    "pontepa_operation_duration_seconds", "From the whole request to the answer of an operation", _OF_ANSWERS_S,
    "servizio", "operation", "esito",
)  # fmt: skip
CONSEGNA_S = _duration(
    "pontepa_delivery_duration_seconds", "One attempt at a message of the outbox", _OF_CALLS_S, "topic", "outcome"
)
LEASE_RIPRESI = _counter("pontepa_lease_takeovers", "Work taken from a worker that was silent", "lavoro")
LEASE_PERSI = _counter("pontepa_lease_lost", "Outcomes that came after the lease was another's", "topic")
LAVORI_FALLITI = _counter("pontepa_job_failures", "Ticks of a job that failed", "lavoro")
FIGLI_MORTI = _counter("pontepa_child_deaths", "Deaths of the process of flows, which was started again")
GIORNALE_PERDUTI = _counter("pontepa_journal_lost", "Events of the journal dropped from a full queue")
DB_ATTESA_S = _duration(
    "pontepa_db_wait_seconds", "Until a transaction had its connection, or its turn to write", _OF_WAITS_S
)
DB_PIENO = _counter("pontepa_db_full", "Transactions refused because the database had no room")
DB_CONNESSIONI = Misura("pontepa_db_connections_in_use", "Connections of the pools that are at work")
DB_CONNESSIONI_MAX = Misura("pontepa_db_connections_max", "The most that the pools may have")
COMMIT_INSIEME = _duration(
    "pontepa_commit_group_size", "Callers that shared a commit (SQLite)", (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
)
PROCESSI = Misura("pontepa_processes", "Processes that count here", ("ruolo",))

CONTATE = (
    RICHIESTE, RICHIESTA_S, RICHIESTE_RESPINTE, RISPOSTE_SOSTITUITE, OPERAZIONE_S, CONSEGNA_S, LEASE_RIPRESI,
    LEASE_PERSI, LAVORI_FALLITI, FIGLI_MORTI, GIORNALE_PERDUTI, DB_ATTESA_S, DB_PIENO, DB_CONNESSIONI,
    DB_CONNESSIONI_MAX, COMMIT_INSIEME, PROCESSI,
)  # fmt: skip

# Of the whole installation, read of the database once for all processes.
MESSAGGI = Misura("pontepa_outbox_messages", "Messages in the outbox", ("stato",))
MESSAGGI_TOPIC = Misura("pontepa_outbox_topic_messages", "Messages in the outbox", ("topic", "stato"))
MESSAGGI_ETA_S = Misura("pontepa_outbox_oldest_seconds", "Age of the oldest message that is open", ("topic",))
MESSAGGI_ATTESA_S = Misura("pontepa_outbox_overdue_seconds", "How late the most overdue message is", ("topic",))
TENTATIVI = Misura("pontepa_attempts_open", "Attempts at the node without an outcome", ("stato",))
TENTATIVI_ETA = Misura("pontepa_attempts_open_by_age", "The same, by how long ago they began", ("stato", "eta"))
TENTATIVI_ETA_S = Misura("pontepa_attempts_oldest_seconds", "Age of the oldest of them", ("stato",))
CIRCUITI = Misura("pontepa_circuit_open", "Station held back", ("stazione", "servizio"))
RICEVUTE = Misura("pontepa_ricevute", "Receipts that wait, were set aside or are flagged", ("stato",))
RICEVUTE_ATTESA_S = Misura("pontepa_ricevute_oldest_waiting_seconds", "Age of the oldest waiting receipt")
RENDICONTAZIONI = Misura("pontepa_rendicontazioni", "Revisions of settlement flows; PARKED wait", ("stato",))
RENDICONTAZIONI_FERME = Misura("pontepa_rendicontazioni_stopped", "Enti whose station is refused")
RENDICONTAZIONI_LISTA_S = Misura("pontepa_rendicontazioni_list_seconds", "Age of the list that is oldest")
RENDICONTAZIONI_LACUNE = Misura("pontepa_rendicontazioni_gaps", "Periods whose flows the node does not list any more")
PAGATI_SENZA_FDR = Misura(
    "pontepa_rendicontazioni_missing_payments", "Payments whose settlement flow should be here", ("stato",)
)
IMPORT = Misura("pontepa_imports", "Files of flows that came", ("stato",))
FLUSSI = Misura("pontepa_flussi", "Flows that became of them", ("stato",))
EXPORT = Misura("pontepa_exports", "Booked exports", ("stato",))
IMPORT_RIGHE = Misura("pontepa_import_rows_decided", "Rows decided of the flows in elaboration")
IMPORT_RESTO = Misura("pontepa_import_rows_left", "Rows left of the flows in elaboration, by bytes read")
IMPORT_RITMO = Misura("pontepa_import_rows_per_second", "Rows a second of the flows in elaboration, since they began")
IMPORT_ATTESA_S = Misura("pontepa_import_oldest_waiting_seconds", "Age of the file that waits longest")
TASSONOMIA = Misura("pontepa_tassonomia_tipi", "Active tipi whose taxonomy code needs care", ("stato",))
SCADENZE = Misura(
    "pontepa_station_expiry_timestamp_seconds", "When a certificate or a key of a station ends", ("stazione", "cosa")
)
FILE_RIMOSSI = _counter("pontepa_archive_files_removed", "Files swept from the archive", "motivo")
BYTE_RIMOSSI = _counter("pontepa_archive_bytes_removed", "Bytes of these files")
DATABASE = Misura("pontepa_database_up", "Whether the database answered just now")
LETTURA_ETA_S = Misura("pontepa_reading_age_seconds", "Age of what was read of the database")
LETTURA_MS = Misura("pontepa_reading_milliseconds", "How long reading it took")
# Of this machine, looked at when it is asked for.
SPAZIO = Misura("pontepa_disk_free_bytes", "Room for the files of this machine, and for SQLite's", ("dove",))

LETTE = (
    MESSAGGI, MESSAGGI_TOPIC, MESSAGGI_ETA_S, MESSAGGI_ATTESA_S, TENTATIVI, TENTATIVI_ETA, TENTATIVI_ETA_S, CIRCUITI,
    RICEVUTE, RICEVUTE_ATTESA_S, RENDICONTAZIONI, RENDICONTAZIONI_FERME, RENDICONTAZIONI_LISTA_S,
    RENDICONTAZIONI_LACUNE, PAGATI_SENZA_FDR, IMPORT, FLUSSI, EXPORT, IMPORT_RIGHE, IMPORT_RESTO, IMPORT_RITMO,
    IMPORT_ATTESA_S, TASSONOMIA, SCADENZE, FILE_RIMOSSI, BYTE_RIMOSSI, DATABASE, LETTURA_ETA_S, LETTURA_MS, SPAZIO,
)  # fmt: skip

# By the name of a Misura: values by the values of its labels.
Lette = dict[str, list[tuple[list[str], int]]]


class Contatori(Protocol):
    """Who collects in this process. `labels`: the values, in the order of the names."""

    def count(self, misura: Misura, labels: tuple[str, ...], by: int) -> None: ...

    def observe(self, misura: Misura, labels: tuple[str, ...], value: float) -> None: ...

    def level(self, misura: Misura, labels: tuple[str, ...], value: int) -> None: ...


_collecting: Contatori | None = None


def collect(contatori: Contatori | None) -> None:
    """Let what this process counts go there from now on; None: nowhere."""
    global _collecting
    _collecting = contatori


def count(misura: Misura, *labels: str, by: int = 1) -> None:
    """Add to a CONTATORE."""
    if _collecting is not None:
        _collecting.count(misura, labels, by)


def observe(misura: Misura, value: float, *labels: str) -> None:
    """Note one value of a DURATA."""
    if _collecting is not None:
        _collecting.observe(misura, labels, value)


def level(misura: Misura, value: int, *labels: str) -> None:
    """Say where a LIVELLO of this process is."""
    if _collecting is not None:
        _collecting.level(misura, labels, value)
