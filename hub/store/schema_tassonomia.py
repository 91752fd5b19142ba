"""The tables of the taxonomy: its codes as pagoPA last gave them, and how that went. Part of `schema`."""

from __future__ import annotations

from sqlalchemy import Column, Date, Integer, String, Table
from sqlalchemy.types import JSON

from hub.store.columns import Instant, metadata

# Empty until a table has been fetched: the one that ships with the hub counts meanwhile.
voci_tassonomia = Table(
    "voci_tassonomia",
    metadata,
    Column("codice", String(16), primary_key=True),
    Column("tipo_ente", String(500), nullable=False),
    Column("macro_area", String(500), nullable=False),
    Column("servizio", String(500), nullable=False),
    Column("versione", Integer, nullable=False),
    Column("valido_dal", Date, nullable=False),
    Column("valido_al", Date, nullable=False),
)

# One row, whose number is 1.
stato_tassonomia = Table(
    "stato_tassonomia",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    # Grows with every change of the codes: whoever holds them in memory sees here that they are old.
    Column("generazione", Integer, nullable=False, server_default="0"),
    Column("sha256", String(64)),
    Column("etag", String(256)),
    Column("prossima_at", Instant),  # when it is looked for again; also the lease of whoever is looking
    Column("letta_at", Instant),  # the last time that an answer was good
    Column("cambiata_at", Instant),
    Column("errore", String(500)),  # of the last attempt, None when it went well
    Column("avvisi", JSON(none_as_null=True)),  # active tipi by how their code stood that day
)
