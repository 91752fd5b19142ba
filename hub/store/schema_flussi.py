"""The tables of flows: requests to load one, booked exports. Part of `schema`, which everyone else names."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import JSON

from hub.store.columns import Id, Instant, metadata

flussi_import = Table(
    "flussi_import",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("request_token", String(36), nullable=False),
    Column("ente_id", Id, ForeignKey("enti.id"), nullable=False),
    Column("applicazione", String(64)),
    Column("tipi", JSON),  # what the application was granted then; None: all
    Column("jti", String(32), nullable=False),  # of the one authorizationToken that may bring the file
    Column("authorization_expires_at", Instant, nullable=False),
    Column("stato", String(16), nullable=False),
    Column("codice_errore", String(512)),  # of the file as a whole, arguments in parentheses included
    Column("nome_file", String(256)),
    Column("size_bytes", BigInteger),
    Column("sha256", String(64)),
    Column("righe_totali", Integer),
    Column("righe_caricate", Integer),
    # Paths of the results under the archive; None: there is nothing to give.
    Column("file_scarti", String(512)),
    Column("file_iuv", String(512)),
    Column("file_avvisi", String(512)),
    Column("created_at", Instant, nullable=False),
    Column("received_at", Instant),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("request_token", name="uq_flussi_import_request_token"),
    Index(
        "ix_flussi_import_aperti",
        "stato",
        "id",
        sqlite_where=text("stato IN ('AUTORIZZATO', 'LOAD_IMPORT', 'IMPORT_IN_ELAB')"),
        postgresql_where=text("stato IN ('AUTORIZZATO', 'LOAD_IMPORT', 'IMPORT_IN_ELAB')"),
    ),
)

prenotazioni_export = Table(
    "prenotazioni_export",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("request_token", String(36), nullable=False),
    Column("ente_id", Id, ForeignKey("enti.id"), nullable=False),
    Column("applicazione", String(64)),
    Column("genere", String(16), nullable=False),
    Column("versione", String(3)),  # of the layout; None for the expired positions, which have one
    Column("tipi", JSON),  # None: all
    Column("ente_secondario", Boolean, nullable=False, server_default=text("false")),
    # Not incremental: days of the outcome, both ends included.
    Column("giorno_da", Date),
    Column("giorno_a", Date),
    # Incremental: instants of the last change, from included, to excluded; `istante_a` is the watermark that was told.
    Column("istante_da", Instant),
    Column("istante_a", Instant),
    Column("data_scadenza", Date),
    Column("ricevuta", Boolean, nullable=False, server_default=text("false")),
    Column("incrementale", Boolean, nullable=False, server_default=text("false")),
    Column("stato", String(40), nullable=False),
    Column("codice_errore", String(512)),
    Column("file", String(512)),  # path under the archive
    Column("righe", Integer),
    Column("eseguibile_at", Instant, nullable=False),  # not to be read out before: see the deed that books
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("request_token", name="uq_prenotazioni_export_request_token"),
    Index(
        "ix_prenotazioni_export_aperte",
        "stato",
        "eseguibile_at",
        "id",
        sqlite_where=text("stato IN ('LOAD_EXPORT', 'EXPORT_IN_ELAB')"),
        postgresql_where=text("stato IN ('LOAD_EXPORT', 'EXPORT_IN_ELAB')"),
    ),
)
