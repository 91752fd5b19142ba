"""The tables of what the node asks about notices: what it was told, activations, what is made on demand."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table, UniqueConstraint
from sqlalchemy.types import JSON

from hub.store.columns import Id, Instant, metadata

# What a get was answered: amounts and transfers that a receipt is held against. One row for each different answer.
attivazioni = Table(
    "attivazioni",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("dominio", String(11), nullable=False),
    Column("iuv", String(35), nullable=False),
    Column("impronta", String(64), nullable=False),  # SHA-256 of the transfers
    Column("importo_cent", BigInteger, nullable=False),
    Column("trasferimenti", JSON, nullable=False),
    Column("stazione_id", String(35), nullable=False),
    Column("primitiva", String(32), nullable=False),  # of the last one, as all that follows
    Column("nota", String(210)),  # paymentNote: the cart of the platform
    Column("prima_at", Instant, nullable=False),
    Column("ultima_at", Instant, nullable=False),
    Column("volte", Integer, nullable=False, server_default="1"),
    UniqueConstraint("dominio", "iuv", "impronta", name="uq_attivazioni_dominio_iuv_impronta"),
)

# What the PSP said when it activated in the classic model; its words go into nodoInviaRPT as they came.
attivazioni_ccp = Table(
    "attivazioni_ccp",
    metadata,
    Column("tentativo_id", String(32), ForeignKey("tentativi.id"), primary_key=True),
    Column("psp", String(35), nullable=False),
    Column("intermediario_psp", String(35), nullable=False),
    Column("canale", String(35), nullable=False),
    Column("dati", JSON, nullable=False),
)

# The services of the catalogue through which an ente lets notices be made at a PSP.
servizi_avviso = Table(
    "servizi_avviso",
    metadata,
    Column("ente_id", Id, ForeignKey("enti.id"), primary_key=True, autoincrement=False),
    Column("id_servizio", String(5), primary_key=True),
    Column("id_soggetto", String(5), primary_key=True),
    Column("tipo", String(64), nullable=False),
    Column("causale", String(140), nullable=False),
    Column("campi", JSON, nullable=False),
)

# A notice made on demand, by the data that asked for it: the same data get the same notice.
avvisi_richiesti = Table(
    "avvisi_richiesti",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("ente_id", Id, ForeignKey("enti.id"), nullable=False),
    Column("id_servizio", String(5), nullable=False),
    Column("id_soggetto", String(5), nullable=False),
    Column("impronta", String(64), nullable=False),
    Column("iud", String(35), nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint(
        "ente_id", "id_servizio", "id_soggetto", "impronta", name="uq_avvisi_richiesti_ente_id_servizio_impronta"
    ),
)
