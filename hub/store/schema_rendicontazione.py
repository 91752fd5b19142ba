"""The tables of the settlement flows (FdR): what the node lists, what came of it, and the payments inside.

Part of `schema`, which everyone else names. Source: node, 6.1 (document), 6.3 rules 4 and 5 (key, replacement), 6.4
(states).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import JSON

from hub.store.columns import Id, Instant, metadata, partial_index

# One row for each revision of each flow that the node has listed.
rendicontazioni = Table(
    "rendicontazioni",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("dominio", String(11), nullable=False),
    Column("ente_id", Id, ForeignKey("enti.id"), nullable=False),
    Column("stazione_id", String(35), ForeignKey("stazioni.id"), nullable=False),
    Column("trasporto", String(8), nullable=False),
    # As listed. `psp` empty: the list does not name it, nor does the flow's id. `revisione` 0: SOAP, which has none.
    Column("iuf", String(64), nullable=False),
    Column("psp", String(35), nullable=False),
    Column("elencato_at", Instant, nullable=False),  # dataOraFlusso, flowDate
    Column("revisione", Integer, nullable=False),
    Column("pubblicato_at", Instant),
    Column("stato", String(20), nullable=False),
    # The revision that counts: its rows are those to be reconciled.
    Column("attiva", Boolean, nullable=False, server_default=text("false")),
    Column("superata_da", Id),
    Column("motivo", String(500)),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", Instant),  # None: nothing more is tried without a person
    # Who works on it: until when it is his, and the count that makes an older holder's write miss.
    Column("lease_until", Instant),
    Column("fence", Integer, nullable=False, server_default="0"),
    # The bytes as they came, under the archive.
    Column("file", String(512)),
    Column("sha256", String(64)),
    Column("size_bytes", BigInteger),
    Column("illeggibile_sha256", String(64)),  # bytes that could not be read: if they come again, they stay so
    # What the document says of itself.
    Column("versione", String(16)),
    Column("generato_at", Instant),
    Column("trn", String(35)),
    Column("regolato", Date),
    Column("mittente_tipo", String(1)),
    Column("mittente_codice", String(35)),
    Column("mittente_nome", String(140)),
    Column("bic_riversamento", String(35)),
    Column("ricevente_codice", String(35)),
    Column("ricevente_nome", String(140)),
    Column("righe", BigInteger),
    Column("importo_cent", BigInteger),
    Column("osservazioni", JSON(none_as_null=True)),
    # How far the reading is; it moves in the transaction of the rows. At the end they are the sums of the rows.
    Column("righe_lette", Integer, nullable=False, server_default="0"),
    Column("netto_cent", BigInteger, nullable=False, server_default="0"),
    Column("lordo_cent", BigInteger, nullable=False, server_default="0"),
    Column("somma", String(8)),  # which of them the declared total is
    # Who pays, as a part of the key once the document is read: `psp`, or the sender's code where that is empty.
    Column("versante", String(35)),
    Column("listed_at", Instant, nullable=False),
    Column("stored_at", Instant),
    Column("parsed_at", Instant),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("dominio", "psp", "iuf", "elencato_at", "revisione", name="uq_rendicontazioni_revisione"),
    # Of the revisions of a flow one counts.
    partial_index("uq_rendicontazioni_attiva", "dominio", "versante", "iuf", unique=True, where="attiva"),
    partial_index(
        "ix_rendicontazioni_da_fare",
        "next_attempt_at",
        "id",
        where="stato IN ('LISTED', 'DOWNLOADING', 'DOWNLOAD_ERROR', 'STORED')",
    ),
    Index("ix_rendicontazioni_dominio_regolato", "dominio", "regolato"),
    Index("ix_rendicontazioni_file", "file"),
    # Counted for who watches.
    Index("ix_rendicontazioni_stato", "stato", "next_attempt_at"),
)

# The payments of a flow, in file order. Those of a revision that does not count stay as its history.
rendicontazioni_righe = Table(
    "rendicontazioni_righe",
    metadata,
    Column("rendicontazione_id", Id, ForeignKey("rendicontazioni.id"), primary_key=True, autoincrement=False),
    Column("numero", Integer, primary_key=True, autoincrement=False),
    Column("iuv", String(35), nullable=False),
    Column("iur", String(35), nullable=False),
    Column("indice", SmallInteger),  # idTransfer; older flows lack it
    Column("importo_cent", BigInteger, nullable=False),
    Column("esito", String(1), nullable=False),  # codiceEsitoSingoloPagamento, of either transport
    Column("data_esito", Date, nullable=False),
    Column("osservazioni", JSON(none_as_null=True)),
    # How receipts find their settlement. Source: node, 6.3 rule 9.
    Index("ix_rendicontazioni_righe_iuv_iur", "iuv", "iur"),
)

# The turns of asking the node for its list, one for each dominio and station.
acquisizioni_fdr = Table(
    "acquisizioni_fdr",
    metadata,
    Column("dominio", String(11), primary_key=True),
    Column("stazione_id", String(35), ForeignKey("stazioni.id"), primary_key=True),
    Column("ente_id", Id, ForeignKey("enti.id"), nullable=False),
    Column("next_attempt_at", Instant, nullable=False),
    Column("lease_until", Instant),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("elencata_at", Instant),  # when a list was last stored whole
    Column("pubblicato_at", Instant),  # REST: of the newest flow that was listed, the cursor
    Column("errori", Integer, nullable=False, server_default="0"),  # in a row
    Column("ferma", Boolean, nullable=False, server_default=text("false")),  # refused: nothing is downloaded either
    Column("codice", String(64)),
    Column("motivo", Text),
)

# Periods of which the node did not list the flows any more when it was asked again.
lacune_fdr = Table(
    "lacune_fdr",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("dominio", String(11), nullable=False),
    Column("stazione_id", String(35), ForeignKey("stazioni.id"), nullable=False),
    Column("dal", Instant, nullable=False),
    Column("al", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("dominio", "stazione_id", "dal", name="uq_lacune_fdr_dal"),
)

# How a station asks for its settlement flows. None here: over REST when it has a subscription to them, else over SOAP.
stazioni_fdr = Table(
    "stazioni_fdr",
    metadata,
    Column("stazione_id", String(35), ForeignKey("stazioni.id"), primary_key=True),
    Column("trasporto", String(8), nullable=False),
)
