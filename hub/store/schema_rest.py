"""The tables of the REST side of the platform: the services of a station. Part of `schema`."""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, Integer, String, Table, Text

from hub.store.columns import metadata

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
