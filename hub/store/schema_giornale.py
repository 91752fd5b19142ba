"""The tables of the journal of events: chains, their events, what was signed of them.

Events are only ever added at the end and, when they are old, removed from the beginning.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, ForeignKey, Integer, LargeBinary, String, Table, UniqueConstraint

from hub.store.columns import Id, Instant, metadata

# A chain for each ente, and one for what belongs to none. Its row is the lock of who adds to it.
giornale_catene = Table(
    "giornale_catene",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("nome", String(35), nullable=False),  # codIpaEnte, "-" for what belongs to none
    Column("ente_id", Id, ForeignKey("enti.id")),
    Column("ultimo_numero", BigInteger, nullable=False, server_default="0"),
    Column("ultima_impronta", LargeBinary, nullable=False),
    UniqueConstraint("nome", name="uq_giornale_catene_nome"),
)

# No reference to the chain: it would be looked up for every row, in the transaction that holds it anyway.
giornale = Table(
    "giornale",
    metadata,
    Column("catena_id", BigInteger, primary_key=True, autoincrement=False),
    Column("numero", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("verso", String(8), nullable=False),
    Column("operazione", String(64), nullable=False),
    Column("esito", String(10), nullable=False),
    Column("codice", String(64), nullable=False),
    Column("durata_ms", Integer, nullable=False),
    Column("correlation_id", String(64), nullable=False),
    Column("ricevuto", LargeBinary),  # SHA-256 of the bytes
    Column("inviato", LargeBinary),
    Column("precedente", LargeBinary, nullable=False),
    Column("impronta", LargeBinary, nullable=False),
)

giornale_firme = Table(
    "giornale_firme",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("catena_id", Id, ForeignKey("giornale_catene.id"), nullable=False),
    Column("genere", String(8), nullable=False),
    Column("giorno", Date, nullable=False),
    Column("numero", BigInteger, nullable=False),
    Column("impronta", LargeBinary, nullable=False),
    Column("catene", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("chiave", LargeBinary, nullable=False),  # the public key
    Column("firma", LargeBinary, nullable=False),
    UniqueConstraint("catena_id", "genere", "numero", name="uq_giornale_firme_catena_id_genere_numero"),
)
