"""The tables about the installation as a whole. Part of `schema`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table

from hub.store.columns import Id, Instant, metadata

# One row.
installazione = Table(
    "installazione",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("battito", BigInteger, nullable=False, server_default="0"),
    Column("battito_at", Instant),
    Column("iuv_da", BigInteger, nullable=False, server_default="1"),  # where counters of IUVs begin
    Column("ripristinato_at", Instant),  # when it was last moved past what had been forgotten
)

# One row: a number that grows whenever a station, an ente, a tipo or a credential is written.
revisione_configurazione = Table(
    "revisione_configurazione",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("numero", BigInteger, nullable=False),
)
