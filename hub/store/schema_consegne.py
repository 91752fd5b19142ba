"""The tables of the daily export: what an ente gets and where, what became of each night's. Part of `schema`."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint
from sqlalchemy.types import JSON

from hub.store.columns import Id, Instant, metadata, partial_index

export_giornalieri = Table(
    "export_giornalieri",
    metadata,
    Column("ente_id", Id, ForeignKey("enti.id"), primary_key=True, autoincrement=False),
    Column("attivo", Boolean, nullable=False),
    Column("ora", String(5), nullable=False),  # of Europe/Rome
    Column("versione", String(3), nullable=False),
    Column("ricevuta", Boolean, nullable=False),
    Column("tipi", JSON(none_as_null=True)),  # None: all
    Column("sftp_host", String(255)),  # None: it waits to be downloaded
    Column("sftp_porta", Integer),
    Column("sftp_utente", String(64)),
    Column("sftp_cartella", String(512)),
    Column("sftp_chiave_host", Text),
    Column("sftp_password_cifrata", Text),
    Column("sftp_chiave_cifrata", Text),
    # The watermark: until here everything is booked, the next window begins here. None: never switched on.
    Column("fino_a", Instant),
)

# One row for each window that was booked by itself, until its file is where it is wanted.
consegne_export = Table(
    "consegne_export",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("ente_id", Id, ForeignKey("enti.id"), nullable=False),
    Column("istante_da", Instant, nullable=False),
    Column("istante_a", Instant, nullable=False),
    Column("prenotazione_id", Id, ForeignKey("prenotazioni_export.id"), nullable=False),
    Column("tentativi", Integer, nullable=False, server_default="1"),  # bookings of this window
    Column("stato", String(16), nullable=False),
    Column("messaggio_id", Id),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    # No window is booked twice, whatever several workers do at once.
    UniqueConstraint("ente_id", "istante_da", name="uq_consegne_export_ente_id_istante_da"),
    Index("ix_consegne_export_messaggio_id", "messaggio_id"),
    partial_index("ix_consegne_export_prenotate", "id", where="stato = 'PRENOTATA'"),
)
