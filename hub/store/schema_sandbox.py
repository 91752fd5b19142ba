"""The table of the sandbox: the calls of who builds against the hub. Empty where the sandbox is off."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

from hub.store.columns import Id, Instant, metadata

# No reference to enti: what is kept of a call outlives them, and goes by its number.
chiamate_sandbox = Table(
    "chiamate_sandbox",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("istante", Instant, nullable=False),
    Column("applicazione", String(64)),
    Column("cod_ipa_ente", String(35)),  # null: of no ente that is known
    Column("canale", String(16), nullable=False),
    Column("operazione", String(64), nullable=False),
    Column("richiesta", LargeBinary, nullable=False),
    Column("risposta", LargeBinary, nullable=False),
    Column("stato_http", Integer),
    Column("esito", String(64), nullable=False),
    Column("durata_us", BigInteger, nullable=False),
    Column("correlazione", String(64), nullable=False),
    Column("spiegazione", Text, nullable=False),
    Column("intestazioni", Text),  # of HTTP, as JSON; null: not a call to us, or of before they were kept
    Index("ix_chiamate_sandbox_cod_ipa_ente_id", "cod_ipa_ente", "id"),
    # A number is never given twice: a page that is open asks for what comes after the last one that it has.
    sqlite_autoincrement=True,
)
