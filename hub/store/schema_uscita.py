"""The tables of what leaves: the outbox, the outcomes told to enti, the circuits of stations, what is told of it all.

Part of `schema`."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, UniqueConstraint
from sqlalchemy.types import JSON

from hub.store.columns import Id, Instant, metadata, partial_index

# Shared by all workers: what one has learned spares the others the same refusals, and the commands see it too.
circuiti = Table(
    "circuiti",
    metadata,
    Column("stazione_id", String(35), ForeignKey("stazioni.id"), primary_key=True),
    Column("servizio", String(16), primary_key=True),  # nodo, or a service of domain.servizi_rest
    Column("guasti", Integer, nullable=False, server_default="0"),  # one after the other, without an answer between
    Column("aperture", Integer, nullable=False, server_default="0"),  # one after the other, without a good probe
    Column("aperto_at", Instant),  # None: closed
    Column("riprova_at", Instant),  # open: one call may probe from here on; closed: no call before (429)
    Column("sonda_at", Instant),  # since when a call probes
    Column("ultimo_codice", String(64)),
    Column("ultimo_guasto_at", Instant),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("topic", String(64), nullable=False),
    Column("ente_id", Id),  # whose operators see it; None: only those of the installation
    Column("chiave", String(64), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("stato", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", Instant, nullable=False),
    Column("lease_until", Instant),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("last_outcome", String(16)),
    Column("last_code", String(64)),
    Column("motivo", String(500)),
    Column("correlation_id", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("settled_at", Instant),
    # The order of the claim is the order of this index (a partial index in another order costs 17 times as much).
    partial_index(
        "ix_outbox_da_prendere", "next_attempt_at", "id", where="stato IN ('DA_INVIARE', 'SCONOSCIUTO', 'IN_INVIO')"
    ),
    partial_index(
        "ix_outbox_topic_chiave_id", "topic", "chiave", "id", where="stato IN ('DA_INVIARE', 'SCONOSCIUTO', 'IN_INVIO')"
    ),
    partial_index("ix_outbox_parcheggiati", "ente_id", "id", where="stato = 'PARCHEGGIATO'"),
    # What a message is about, whatever became of it.
    Index("ix_outbox_chiave_id", "chiave", "id"),
    # What goes when its time is over.
    partial_index("ix_outbox_consegnati", "settled_at", "id", where="stato = 'CONSEGNATO'"),
)

# One row for each outcome told to an ente: `id` is the event's, the same at every attempt.
eventi_esito = Table(
    "eventi_esito",
    metadata,
    Column("id", String(48), primary_key=True),
    Column("ente_id", Id, ForeignKey("enti.id"), nullable=False),
    Column("iud", String(35), nullable=False),
    Column("sequenza", Integer, nullable=False),
    Column("iuv", String(35)),
    Column("tipo", String(64), nullable=False),
    Column("codice_esito", Integer, nullable=False),
    Column("messaggio_id", Id, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("consegnato_at", Instant),
    UniqueConstraint("ente_id", "iud", "sequenza", name="uq_eventi_esito_ente_id_iud_sequenza"),
    Index("ix_eventi_esito_messaggio_id", "messaggio_id"),
)

# What /metrics tells of the database, read by one process for all; `non_prima_at`: until then nobody reads again.
misure = Table(
    "misure",
    metadata,
    Column("lettura", String(16), primary_key=True),
    Column("non_prima_at", Instant, nullable=False),
    Column("letta_at", Instant),
    Column("durata_ms", Integer),
    Column("valori", JSON(none_as_null=True)),
)
