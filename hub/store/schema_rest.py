"""The tables of the REST side of the platform: services of a station, published positions. Part of `schema`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, ForeignKey, Integer, String, Table, Text

from hub.store.columns import Id, Instant, metadata, partial_index

# The keys are kept sealed, like the password of the station.
servizi_rest = Table(
    "servizi_rest",
    metadata,
    Column("stazione_id", String(35), ForeignKey("stazioni.id"), primary_key=True),
    Column("servizio", String(16), primary_key=True),
    Column("chiave_cifrata", Text, nullable=False),
    Column("chiave_secondaria_cifrata", Text),
    Column("scade_il", Date),
    Column("versione", Integer, nullable=False, server_default="2"),
)

# One row for each notice that the platform was ever told of, with what it was told last.
posizioni_pubblicate = Table(
    "posizioni_pubblicate",
    metadata,
    Column("dominio", String(11), primary_key=True),
    Column("iuv", String(35), primary_key=True),
    Column("ente_id", Id, ForeignKey("enti.id"), nullable=False),
    Column("importo_cent", BigInteger, nullable=False),  # 0: closed
    Column("sha256", String(64), nullable=False),  # of the last body that was put in the outbox
    Column("stato", String(16), nullable=False),
    Column("motivo", String(500)),
    Column("updated_at", Instant, nullable=False),
    partial_index("ix_posizioni_pubblicate_rifiutate", "ente_id", "updated_at", where="stato = 'RIFIUTATA'"),
)

# How far the walk over the dovuti of an ente is; a walk publishes what flows brought and what was there before.
ripassi_posizioni = Table(
    "ripassi_posizioni",
    metadata,
    Column("ente_id", Id, ForeignKey("enti.id"), primary_key=True, autoincrement=False),
    Column("iniziato_at", Instant, nullable=False),
    Column("fino_a", String(32)),  # the id of the last dovuto that was looked at; None: the walk is over
)

# The settlement flows that were looked at for receipts which nobody brought.
ricerche_ricevute = Table(
    "ricerche_ricevute",
    metadata,
    Column("rendicontazione_id", Id, ForeignKey("rendicontazioni.id"), primary_key=True, autoincrement=False),
    Column("mancanti", Integer, nullable=False),
    Column("cercata_at", Instant, nullable=False),
)
