"""The tables of flows: requests to load one, booked exports. Part of `schema`, which everyone else names."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import JSON

from hub.store.columns import Id, Instant, metadata, partial_index

flussi_import = Table(
    "flussi_import",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("request_token", String(36), nullable=False),
    Column("ente_id", Id, ForeignKey("enti.id"), nullable=False),
    Column("applicazione", String(64)),
    Column("tipi", JSON),  # what the application was granted then; None: all
    Column("jti", String(32), nullable=False),  # of the one authorizationToken that may bring the file
    Column("authorization_expires_at", Instant, nullable=False),
    Column("stato", String(16), nullable=False),
    Column("codice_errore", String(512)),  # of the file as a whole, arguments in parentheses included
    Column("nome_file", String(256)),
    Column("size_bytes", BigInteger),
    Column("sha256", String(64)),
    Column("md5", String(32)),
    Column("file", String(512)),  # path of the received archive
    Column("operatore", String(64)),  # who brought it by hand; None: a management software
    # The flow that the file became: empty until the worker has looked at the file as a whole.
    Column("iuf", String(50)),
    Column("versione", String(3)),
    Column("stato_flusso", String(24)),
    # How far it is: rows decided and of these accepted, bytes of the csv. They move in the transaction of the rows.
    Column("righe_totali", Integer),
    Column("righe_caricate", Integer),
    Column("csv_bytes", BigInteger),
    Column("csv_letti", BigInteger),
    # Numbers leased for its IUVs and not yet given: from included, to excluded.
    Column("iuv_da", BigInteger),
    Column("iuv_a", BigInteger),
    # Who works on it: until when it is his, and the count that makes an older holder's write miss.
    Column("lease_until", Instant),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("worked_at", Instant),
    Column("file_rimossi_at", Instant),  # their time was over: neither the received file nor results are kept any more
    Column("risultati_at", Instant),  # the files of rejects and of IUVs are written; only the notices may be missing
    # Paths of the results under the archive; None: there is nothing to give.
    Column("file_scarti", String(512)),
    Column("file_iuv", String(512)),
    Column("file_avvisi", String(512)),
    # Who cancelled the whole flow, how far that is (the next row to look at; None: it is not going on), what it did.
    Column("annullato_da", String(64)),
    Column("annullato_at", Instant),
    Column("annullamento_riga", Integer),
    Column("dovuti_annullati", Integer),
    Column("dovuti_pagati", Integer),
    Column("dovuti_in_pagamento", Integer),
    Column("created_at", Instant, nullable=False),
    Column("received_at", Instant),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("request_token", name="uq_flussi_import_request_token"),
    partial_index(
        "ix_flussi_import_aperti", "stato", "id", where="stato IN ('AUTORIZZATO', 'LOAD_IMPORT', 'IMPORT_IN_ELAB')"
    ),
    Index("ix_flussi_import_ente_id_nome_file", "ente_id", "nome_file"),
    # Counted for who watches.
    Index("ix_flussi_import_stato", "stato"),
    Index("ix_flussi_import_stato_flusso", "stato_flusso"),
    partial_index("ix_flussi_import_annullamenti", "id", where="annullamento_riga IS NOT NULL"),
    # One flow of an iuf loads or is loaded at a time.
    partial_index(
        "uq_flussi_import_ente_id_iuf", "ente_id", "iuf", unique=True, where="stato_flusso IN ('LOAD_FLOW', 'CARICATO')"
    ),
)

# Rows of a flow that left no dovuto: those refused, with why; those that cancelled one, with its IUD and IUV.
flussi_righe = Table(
    "flussi_righe",
    metadata,
    Column("flusso_id", Id, primary_key=True, autoincrement=False),
    Column("riga", Integer, primary_key=True, autoincrement=False),
    Column("codici", Text),  # cod_rifiuto; None: the row was accepted
    Column("descrizioni", Text),
    Column("iud", String(35)),  # of an accepted cancellation
    Column("iuv", String(35)),
)

prenotazioni_export = Table(
    "prenotazioni_export",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("request_token", String(36), nullable=False),
    Column("ente_id", Id, ForeignKey("enti.id"), nullable=False),
    Column("applicazione", String(64)),
    Column("genere", String(16), nullable=False),
    Column("versione", String(3)),  # of the layout; None for the expired positions, which have one
    Column("tipi", JSON),  # None: all
    Column("ente_secondario", Boolean, nullable=False, server_default=text("false")),
    # Not incremental: days of the outcome, both ends included.
    Column("giorno_da", Date),
    Column("giorno_a", Date),
    # Incremental: instants of the last change, from included, to excluded; `istante_a` is the watermark that was told.
    Column("istante_da", Instant),
    Column("istante_a", Instant),
    Column("data_scadenza", Date),
    Column("ricevuta", Boolean, nullable=False, server_default=text("false")),
    Column("incrementale", Boolean, nullable=False, server_default=text("false")),
    Column("stato", String(40), nullable=False),
    Column("codice_errore", String(512)),
    Column("file", String(512)),  # path under the archive
    Column("righe", Integer),
    Column("eseguibile_at", Instant, nullable=False),  # not to be read out before
    # Who writes it: until when it is his, and the count that makes an older holder's write miss.
    Column("lease_until", Instant),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("request_token", name="uq_prenotazioni_export_request_token"),
    partial_index(
        "ix_prenotazioni_export_aperte",
        "stato",
        "eseguibile_at",
        "id",
        where="stato IN ('LOAD_EXPORT', 'EXPORT_IN_ELAB')",
    ),
    # Whose turn it is.
    Index("ix_prenotazioni_export_ente_id_started_at", "ente_id", "started_at"),
    Index("ix_prenotazioni_export_stato", "stato"),
)

# One row: when the archive of files may be swept again, and what was removed since ever, by why.
pulizie_archivio = Table(
    "pulizie_archivio",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    # Who sweeps puts it ahead while he works, then to the next time; the count makes an older holder's write miss.
    Column("non_prima_at", Instant, nullable=False),
    Column("fence", Integer, nullable=False, server_default="0"),
    # Since when nothing may be removed before a person says so: the database may not know all files. None: it may.
    Column("sospesa_at", Instant),
    Column("incompiuto", BigInteger, nullable=False, server_default="0"),
    Column("sconosciuto", BigInteger, nullable=False, server_default="0"),
    Column("parte", BigInteger, nullable=False, server_default="0"),
    Column("export_scaduto", BigInteger, nullable=False, server_default="0"),
    Column("flusso_scaduto", BigInteger, nullable=False, server_default="0"),
    Column("size_bytes", BigInteger, nullable=False, server_default="0"),
)

# Up to where the windows of incremental exports were read out: no payment is dated before it any more.
chiusure_export = Table(
    "chiusure_export",
    metadata,
    Column("chiave", String(48), primary_key=True),
    Column("fino_a", Instant, nullable=False),
)

# Shares of paid dovuti that belong to a second beneficiary, found by his tax code.
quote_secondarie = Table(
    "quote_secondarie",
    metadata,
    Column("dovuto_id", String(32), ForeignKey("dovuti.id"), primary_key=True),
    Column("codice_fiscale", String(35), nullable=False),
    Column("data_esito", Date, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index("ix_quote_secondarie_data_esito", "codice_fiscale", "data_esito", "dovuto_id"),
    Index("ix_quote_secondarie_updated_at", "codice_fiscale", "updated_at", "dovuto_id"),
)
