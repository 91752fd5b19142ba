"""The tables of incoming receipts: their bytes of every kind, and what each of them moves. Part of `schema`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, UniqueConstraint
from sqlalchemy.types import JSON

from hub.store.columns import Id, Instant, metadata, partial_index

# One table for the classic RT and for the receipts of paSendRT and paSendRTV2: one queue in order of arrival, one list
# for who looks into it, one thing that a carrello refers to. The token of the new model (receiptId) stands where the
# classic one has its CCP: to both the node gives the same role.
rt_ricevute = Table(
    "rt_ricevute",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("primitiva", String(16), nullable=False, server_default="paaInviaRT"),
    Column("dominio", String(35), nullable=False),  # whom it is sent to
    Column("dominio_avviso", String(35)),  # whose notice it is, when the receipt says it
    Column("iuv", String(35), nullable=False),
    Column("ccp", String(35), nullable=False),
    Column("numero_avviso", String(35)),
    Column("intermediario", String(35)),
    Column("stazione_id", String(35), nullable=False),
    Column("importo_cent", BigInteger),
    Column("sha256", String(64), nullable=False),  # of the RT; of the receipt without what carries it
    Column("raw", LargeBinary, nullable=False),  # the RT; the whole message of the new model
    Column("charset", String(16)),  # of the HTTP header, that counts when the bytes do not say it
    Column("rt", LargeBinary),  # the RT that was made of a receipt of the new model
    Column("stato", String(16), nullable=False),
    Column("motivo", String(500)),
    Column("segnalazioni", JSON(none_as_null=True)),  # codes for the operator
    Column("ignoti", JSON(none_as_null=True)),  # elements and codes that no contract of ours knows
    Column("correlation_id", String(64), nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("processed_at", Instant),
    # The same content twice is one receipt; the same key with another content is another one.
    UniqueConstraint("dominio", "iuv", "ccp", "sha256", name="uq_rt_ricevute_dominio_iuv_ccp_sha256"),
    Index("ix_rt_ricevute_dominio_ccp", "dominio", "ccp"),
    partial_index("ix_rt_ricevute_da_elaborare", "id", where="stato = 'RICEVUTA'"),
    # What an operator looks at, and metrics count.
    partial_index("ix_rt_ricevute_in_vista", "stato", "id", where="stato <> 'ELABORATA'"),
    partial_index("ix_rt_ricevute_segnalate", "id", where="segnalazioni IS NOT NULL"),
)

# What each receipt of the new model moves: a body finds its own whoever else is in the receipt.
trasferimenti_ricevute = Table(
    "trasferimenti_ricevute",
    metadata,
    Column("ricevuta_id", Id, ForeignKey("rt_ricevute.id"), primary_key=True, autoincrement=False),
    Column("posizione", Integer, primary_key=True, autoincrement=False),
    Column("indice", Integer, nullable=False),  # idTransfer, as the settlement flow will name it
    Column("codice_fiscale", String(35), nullable=False),
    Column("importo_cent", BigInteger, nullable=False),
    Column("iban", String(35)),
    Column("causale", String(140), nullable=False),
    Column("categoria", String(140), nullable=False),
    Column("marca_sha256", String(64)),  # of the stamp's bytes, which lie in the receipt
    Index("ix_trasferimenti_ricevute_codice_fiscale", "codice_fiscale", "ricevuta_id"),
)
