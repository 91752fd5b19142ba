"""The settings of one process: every one with its default, its limits and their reason.

They never change once they are read; how they are is in `config_reading`.
"""

from __future__ import annotations

import re
from datetime import date, time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, field_validator, model_validator

DEVELOPMENT_SECRET_KEY = "chiave-di-sviluppo-da-non-usare-altrove"


class Ambiente(StrEnum):
    PRODUZIONE = "produzione"
    SVILUPPO = "sviluppo"


Positive = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(gt=0)]


class Config(BaseModel):
    """The settings; every limit stands here with its reason."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    ambiente: Ambiente = Ambiente.PRODUZIONE
    database_url: str = "sqlite:///var/pontepa.db"
    data_dir: Path = Path("var")
    public_url: str = "http://127.0.0.1:8080"
    secret_key: str = Field(default="", repr=False)
    node_url: str | None = None
    # Where the REST services of the platform are: carts, receipts, positions, settlement flows. Source: node, 1.4.
    piattaforma_url: str = "https://api.platform.pagopa.it"
    # How long a cart of notices is waited for: Checkout's own ten minutes, the payment's ten, and room for the receipt.
    checkout_ttl_s: Positive = 1800

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    # Processes that answer. SQLite has one writer: with two processes callers wait for seconds (`config_reading`).
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    # Threads of one process. Few: each holds a database connection while it works.
    blocking_threads: Annotated[int, Field(ge=1, le=64)] = 8
    # Connections of one process; less than the threads would make callers wait for each other.
    db_pool_size: Annotated[int, Field(ge=1, le=200)] = 16

    # A dovuti document has at most five items: 2 MiB of base64 is far above any honest one.
    max_body_bytes: Annotated[int, Field(ge=4096, le=64 * 1024 * 1024)] = 2 * 1024 * 1024
    # A receipt may carry attachments (node, RT: allegatoRicevuta).
    max_rt_body_bytes: Annotated[int, Field(ge=4096, le=64 * 1024 * 1024)] = 4 * 1024 * 1024
    # The payer's form has two short fields and a token.
    max_form_bytes: Annotated[int, Field(ge=1024, le=1024 * 1024)] = 16 * 1024

    # A flow and the request that brings it, of an ente that has no limit of its own. Source: flows, 1.2.
    max_upload_bytes: Annotated[int, Field(ge=4096, le=1024**3)] = 10 * 1024 * 1024
    # The longest upload that any ente may have: more is not even received. A million rows are about 60 MiB of ZIP.
    upload_ceiling_bytes: Annotated[int, Field(ge=4096, le=1024**3)] = 256 * 1024 * 1024

    # Room for the data folder and SQLite's file below which a machine is not ready: an upload's. 0: not looked at.
    spazio_min_mib: Annotated[int, Field(ge=0, le=2**31)] = 64

    # Where files are kept instead of a folder under `data_dir`: a bucket of an S3-compatible store. Empty: the folder.
    s3_bucket: str = ""
    # Empty: Amazon's own, of the region.
    s3_endpoint: str | None = None
    s3_region: str = "eu-south-1"
    s3_access_key: str = ""
    s3_secret_key: str = Field(default="", repr=False)

    # For the whole body of a request to arrive: 2 MiB on a poor line takes ten; who needs longer is not a caller.
    body_timeout_s: Seconds = 20.0

    # How long a basket waits for the payer. Source: pa-per-ente, paaSILInviaDovuti.
    session_ttl_s: Positive = 3600
    # After the term a payer who is already at the node may still come back with a receipt.
    session_grace_s: Annotated[int, Field(ge=0)] = 300
    # For how long an RPT without outcome keeps others from paying the same notice. Source: node, locking (3.0.5).
    blocco_pagamento_s: Positive = 1800
    # For an ente's own archive to answer while the node waits for us: two seconds are all that there is. Source: node,
    # endpoint behaviour (3.0.1).
    archivio_budget_s: Annotated[float, Field(gt=0, le=2.5)] = 1.5
    # Threads that answer only the node's questions about notices, so that nothing else keeps them waiting.
    domande_threads: Annotated[int, Field(ge=1, le=64)] = 4
    # Threads for whatever else the node sends, receipts above all, so that no management software keeps it waiting.
    nodo_threads: Annotated[int, Field(ge=1, le=64)] = 4
    # The due date that a get carries for a notice without one: its answer must have some. Source: node, 3.2.
    scadenza_assente: date = date(2099, 12, 31)
    # IUVs drawn at once by a process: one write every thousand; a crash loses at most that many of 10^11.
    iuv_block_size: Annotated[int, Field(ge=1, le=100_000)] = 1000

    # From this day on an ente supplies no new IUV of 15 digits. Source: flows, 2.4.
    iuv_quindici_fino_al: date = date(2024, 4, 30)

    # Where pagoPA publishes the taxonomy, whether it is looked for there, at what hour of Rome, and from how many days
    # before its end a code is warned of. Source: flows, 7.3.
    tassonomia_url: str = "https://api.platform.pagopa.it/taxonomy/service/v1/taxonomy"
    tassonomia_aggiorna: bool = True
    tassonomia_ora: time = time(12)
    tassonomia_preavviso_giorni: Annotated[int, Field(ge=0, le=366)] = 30

    # From how many days before its end a certificate or a key of a station is warned of.
    scadenze_preavviso_giorni: Annotated[int, Field(ge=0, le=366)] = 30

    # Rows of a flow in one transaction: more are not faster, fewer are dearer, and a crash does that many again.
    # SQLite, with its one writer, takes 5000 at most.
    flussi_pezzo_rows: Annotated[int, Field(ge=100, le=1_000_000)] = 50_000

    # The archive is swept of what no row names. Off, nothing is ever removed: after a database was restored from a
    # copy that is older than the files, until somebody has looked.
    pulizia_archivio: bool = True
    # Days after which the files of finished exports go, and those of finished flows, the received ones included. None:
    # they stay; received files are the ente's evidence.
    conserva_export_giorni: Annotated[int, Field(ge=1, le=36_500)] | None = None
    conserva_flussi_giorni: Annotated[int, Field(ge=1, le=36_500)] | None = None
    # Days after which delivered messages go: longer than anybody disputes a delivery.
    conserva_messaggi_giorni: Annotated[int, Field(ge=1, le=36_500)] = 90
    # Days after which sessions that ran out without a payment go, with the payer's name. Source: pa-per-ente, 5.2.
    conserva_sessioni_giorni: Annotated[int, Field(ge=10, le=36_500)] = 30

    # A process that loads a flow, or makes its files, and is silent for so long is dead: another one goes on. More than
    # one transaction may take.
    flussi_lease_s: Seconds = 60.0

    # A message whose sender is silent for so long is taken again as UNKNOWN; more than the longest call to the node.
    lease_s: Seconds = 90.0
    # The node answers a connection at once or is down.
    node_connect_timeout_s: Seconds = 5.0
    # The node's own limit on a synchronous primitive is about half a minute.
    node_read_timeout_s: Seconds = 40.0
    # What only reads may be waited for longer. Source: node, 2.0.5.
    node_query_timeout_s: Seconds = 60.0
    # How often each ente's settlement flows are asked for; they come once a day and PSP. Source: node, 6.3 rules 1, 2.
    fdr_intervallo_s: Annotated[int, Field(ge=60, le=86_400)] = 4 * 3600
    # Between two calls of a worker about settlement flows. Source: node, 2.0.5.
    fdr_pausa_s: Annotated[float, Field(ge=0, le=60)] = 2.0
    # For one list or one flow to arrive whole: 200 MB on a poor line.
    fdr_totale_s: Seconds = 600.0
    # An accepted payment without a receipt is asked about after so long: more than the platform's own timers.
    ricevuta_attesa_s: Positive = 1800
    # Between two searches of a worker for overdue receipts: nobody is waiting for them. Source: node, 2.0.5.
    recupero_pausa_s: Annotated[float, Field(ge=0)] = 2.0
    # Messages claimed together: one claim costs the same for one or for fifty.
    relay_batch: Annotated[int, Field(ge=1, le=1000)] = 50
    # Messages in flight together; the node's latency, not our processor, is the limit.
    relay_threads: Annotated[int, Field(ge=1, le=256)] = 16
    # Pushes to the entes in flight together: threads of their own, so that a slow ente never keeps the node waiting.
    inoltro_threads: Annotated[int, Field(ge=1, le=64)] = 8
    # The safety net when a wake-up is lost; a commit wakes the worker at once.
    tick_s: Seconds = 0.5
    # Attempts before a message is parked for a person to look at; the last waits are about an hour each.
    relay_attempts_max: Positive = 30

    # Wrong passwords of one source in one minute before it is slowed down. A typing integrator stays below.
    auth_failures_max: Positive = 20
    # What one application of an ente may ask of one process, where its own configuration does not say: calls a second,
    # and at once. A whole city calls far less; who has more to bring has flows for it.
    applicazione_al_secondo: Annotated[int, Field(ge=1, le=100_000)] = 100
    applicazione_insieme: Annotated[int, Field(ge=1, le=1000)] = 64
    # Stations whose receipts come from the WISP converter, which sends again after PAA_SYSTEM_ERROR alone.
    stazioni_convertitore: tuple[str, ...] = ()
    # Every call in and out leaves an event. Off, nothing is written, and what was there still goes by its age.
    giornale: bool = True
    # Days after which events are removed from the beginning of the chains. Source: node, event log (a setting).
    giornale_giorni: Annotated[int, Field(ge=1, le=36_500)] = 365
    # Events that wait to be written, of one process: some hundred bytes each; more are dropped and counted.
    giornale_coda: Annotated[int, Field(ge=100, le=1_000_000)] = 10_000
    # Public keys, in hexadecimal, of earlier PONTEPA_SECRET_KEY: what they have signed is still believed.
    giornale_chiavi: tuple[str, ...] = ()
    # Every call is kept whole and shown, and the data can be emptied from a page: for who builds against the hub, never
    # beside real payments (`config_reading`).
    sandbox: bool = False
    # Addresses of proxies in front whose X-Forwarded-For is believed; empty: none is.
    trusted_proxies: tuple[str, ...] = ()
    # The header in which those proxies write the TLS client certificate. Named, not guessed: a proxy lets the others
    # pass as its client wrote them.
    proxy_cert_header: Literal["", "Client-Cert", "X-SSL-Client-Cert"] = ""

    # TLS that ends here, beside the plain port: certificate and key of the server, authorities of the clients.
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    tls_port: Annotated[int, Field(ge=1, le=65535)] = 8443

    # What the node calls answers on a port of its own, and nowhere else; None: on the others. With the certificate of
    # the server above it is TLS.
    node_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    # Who may call what the node calls: authorities of its client certificate, which is then required on the node's
    # port; the subjects that it may have; the addresses that it may come from. Empty: not looked at.
    node_client_ca: Path | None = None
    node_client_subjects: tuple[str, ...] = ()
    node_sources: tuple[IPvAnyNetwork, ...] = ()

    # Where a worker tells its numbers and its health, on `host`; None: nowhere. `serve` tells them on its own port.
    metrics_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    # For how long what was read of the database for /metrics is good for all processes; 0: each question reads again.
    metrics_cache_s: Annotated[int, Field(ge=0, le=300)] = 10

    # `auto`: console on a terminal, JSON elsewhere.
    log_format: Literal["auto", "json", "console"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def is_produzione(self) -> bool:
        return self.ambiente is Ambiente.PRODUZIONE

    @property
    def arrivals_dir(self) -> Path:
        """The folder of files that arrive. They have no names: nothing is ever left in it."""
        return self.data_dir / "in_arrivo"

    @property
    def modelli_dir(self) -> Path:
        """Where enti have page templates of their own."""
        return self.data_dir / "modelli"

    @property
    def node_call_s(self) -> float:
        """The longest that one call to the node may take."""
        return self.node_connect_timeout_s + max(self.node_read_timeout_s, self.node_query_timeout_s)

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        # psycopg is the only driver that is tested; a bare postgresql:// would pick another one.
        for bare in ("postgresql://", "postgres://"):
            if value.startswith(bare):
                value = "postgresql+psycopg://" + value.removeprefix(bare)
        if not value.startswith(("sqlite:///", "postgresql+psycopg://")):
            raise ValueError("deve iniziare con sqlite:/// oppure postgresql+psycopg://")
        return value

    @field_validator("public_url", "node_url", "s3_endpoint", "piattaforma_url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is None or value == "":
            return None
        try:
            parts = urlsplit(value)
            is_good = parts.scheme in ("http", "https") and bool(parts.hostname)
            parts.port  # noqa: B018 - reading it checks it
        except ValueError:
            is_good = False
        if not is_good or parts.query or parts.fragment:
            raise ValueError("deve essere un indirizzo http:// o https:// senza parametri")
        return value.rstrip("/")

    @field_validator("tassonomia_url")
    @classmethod
    def _web_address_with_query(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            parts.port  # noqa: B018 - reading it checks it
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or not value.isascii():
            raise ValueError("deve essere un indirizzo http:// o https://")
        return value

    @field_validator("giornale_chiavi")
    @classmethod
    def _public_keys(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(re.fullmatch("[0-9a-f]{64}", one) is None for one in value):
            raise ValueError("devono essere chiavi pubbliche di 64 cifre esadecimali minuscole, separate da virgole")
        return value

    @field_validator("trusted_proxies", "node_sources", "stazioni_convertitore", "giornale_chiavi", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return _parts(value, ",")

    @field_validator("node_client_subjects", mode="before")
    @classmethod
    def _semicolon_separated(cls, value: object) -> object:
        # A subject has commas of its own.
        return _parts(value, ";")

    @field_validator("public_url", "piattaforma_url")
    @classmethod
    def _public_url_present(cls, value: str | None) -> str:
        if value is None:
            raise ValueError("non può essere vuoto")
        return value

    @model_validator(mode="before")
    @classmethod
    def _secret_of_development(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("ambiente") == Ambiente.SVILUPPO and not data.get("secret_key"):
            return {**data, "secret_key": DEVELOPMENT_SECRET_KEY}
        return data


def _parts(value: object, separator: str) -> object:
    return tuple(part.strip() for part in value.split(separator) if part.strip()) if isinstance(value, str) else value
