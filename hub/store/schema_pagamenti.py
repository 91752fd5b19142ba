"""The tables of a payment: sessions, carts, dovuti, and the attempts to have them paid. Part of `schema`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import JSON

from hub.store.columns import Id, Instant, metadata, partial_index

iuv_blocchi = Table(
    "iuv_blocchi",
    metadata,
    Column("codice_fiscale", String(11), primary_key=True),
    Column("codice_segregazione", String(2), primary_key=True),
    Column("prossimo", BigInteger, nullable=False),
)

sessioni = Table(
    "sessioni",
    metadata,
    Column("id_session", String(36), primary_key=True),
    Column("ente_id", Id, ForeignKey("enti.id"), nullable=False),
    Column("applicazione", String(64)),
    Column("stato", String(40), nullable=False),
    Column("tipo", String(32), nullable=False, server_default="ESTERNO_ANONIMO"),
    Column("show_mypay", String(5), nullable=False),
    Column("url_esito", String(2048), nullable=False, server_default=""),
    Column("documento", LargeBinary),  # only ESTERNO_ANONIMO; the other kinds have rows in sessioni_elementi
    Column("nome_pagatore", String(70)),
    Column("email_pagatore", String(256)),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("url_nodo", String(2048)),
    Column("id_sessione_nodo", String(128)),
    Column("esito_ritorno", String(16)),
    Column("correlation_id", String(64), nullable=False),
    Index("ix_sessioni_id_sessione_nodo", "id_sessione_nodo"),
    partial_index("ix_sessioni_expires_at", "expires_at", where="stato = 'NUOVO_CARRELLO'"),
    # Those that nobody paid are forgotten when their time is over.
    partial_index("ix_sessioni_scadute", "expires_at", where="stato = 'SCADUTO'"),
    # Listed by a portal and never opened: they are forgotten sooner.
    partial_index(
        "ix_sessioni_non_aperte", "expires_at", where="tipo = 'PRECARICATO_ANONIMO_ENTE' AND stato = 'SCADUTO'"
    ),
)

sessioni_elementi = Table(
    "sessioni_elementi",
    metadata,
    Column("id_session", String(36), ForeignKey("sessioni.id_session"), primary_key=True),
    Column("posizione", Integer, primary_key=True, autoincrement=False),
    Column("ente_id", Id, ForeignKey("enti.id"), nullable=False),
    Column("documento", LargeBinary),  # Dovuti, for new ones
    Column("secondario", LargeBinary),  # DovutiEntiSecondari, beside a Dovuti of one item
    Column("dovuto_iud", String(35)),  # a stored dovuto of the ente
)

carrelli = Table(
    "carrelli",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("id_session", String(36), ForeignKey("sessioni.id_session")),  # None: settled outside (RegistraPagamento)
    Column("posizione", Integer, nullable=False, server_default="1"),
    Column("ente_id", Id, ForeignKey("enti.id"), nullable=False),
    Column("dominio", String(11), nullable=False),
    Column("iuv", String(35), nullable=False),
    Column("stato", String(40), nullable=False),
    Column("importo_cent", BigInteger, nullable=False),
    Column("rt_id", Id),
    Column("esito_locale", LargeBinary),  # a negative outcome that the hub wrote itself, shaped as an RT
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    # A stored dovuto has an attempt after the other under its IUV, never two at once.
    partial_index(
        "uq_carrelli_dominio_iuv_aperto",
        "dominio",
        "iuv",
        unique=True,
        where="stato IN ('PREDISPOSTO', 'PAGAM_IN_CORSO')",
    ),
    Index("ix_carrelli_id_session", "id_session"),
    Index("ix_carrelli_ente_id_iuv", "ente_id", "iuv"),
)

# What sets versions that do not count any more apart; in the lines in which PostgreSQL gives it back.
_STORIA = "(\nCASE\nWHEN attuale THEN ''\nELSE id\nEND)"

# One row for each version of a payable item: `attuale` is the one that holds IUD and IUV now, the others are history.
dovuti = Table(
    "dovuti",
    metadata,
    Column("id", String(32), primary_key=True),
    # No keys on enti and carrelli, rows of which are never deleted: looked at for each row, even where there is none,
    # they take half of what the database does for an import.
    Column("ente_id", Id, nullable=False),
    Column("dominio", String(11)),
    Column("carrello_id", String(32)),
    Column("posizione", Integer, nullable=False),
    Column("iud", String(35), nullable=False),
    Column("iuv", String(35)),
    Column("iuv_volatile", Boolean, nullable=False, server_default=text("false")),  # drawn for one attempt only
    Column("tipo", String(64), nullable=False),
    Column("importo_cent", BigInteger, nullable=False),  # the ente's own share
    Column("commissione_cent", BigInteger),
    Column("causale", String(1024), nullable=False),
    Column("dati_specifici", String(140), nullable=False),
    Column("bilancio_xml", Text),
    Column("marca", JSON(none_as_null=True)),
    Column("scadenza", Date),
    Column("tipo_versamento", String(32), nullable=False, server_default=""),
    Column("pagatore_tipo", String(1)),
    Column("pagatore_codice", String(35)),
    Column("pagatore", JSON(none_as_null=True)),
    Column("secondario", JSON(none_as_null=True)),
    Column("origine", String(64), nullable=False, server_default="ESTERNO-ANONIMO"),
    Column("flusso_id", Id),  # the import that brought it, and at which data row
    Column("riga", Integer),
    Column("stato", String(40), nullable=False),
    Column("attuale", Boolean, nullable=False, server_default=text("true")),
    Column("codice_esito", Integer),
    Column("importo_pagato_cent", BigInteger),
    Column("iur", String(35)),
    Column("data_esito", Date),
    Column("commissione_pa_cent", BigInteger),  # the fee that the ente bore for the payment, under an agreement
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    # An IUD is taken for ever, but for rows that were cancelled. Source: pa-per-ente, uniqueness. History is in the
    # index too, under its own id: one index that says who holds a key and finds all that had it, where two would be a
    # tenth of an import each.
    Index("uq_dovuti_ente_id_iud", "ente_id", "iud", text(_STORIA), unique=True),
    # pagoPA's own key is dominio and IUV; the dovuti of one cart share it, each at its place.
    Index("uq_dovuti_dominio_iuv_posizione", "dominio", "iuv", "posizione", text(_STORIA), unique=True),
    Index("ix_dovuti_pagatore_codice", "pagatore_codice"),
    partial_index("ix_dovuti_carrello_id", "carrello_id", where="carrello_id IS NOT NULL"),
    # History that still holds its ids: few rows, and an import asks for each of its chunks.
    partial_index("ix_dovuti_storia", "ente_id", "iud", where="NOT attuale AND stato <> 'ANNULLATO'"),
    # What exports of paid items read in pages, by day of the outcome and by instant of the last change.
    partial_index("ix_dovuti_pagati_data_esito", "ente_id", "data_esito", "id", where="stato = 'COMPLETATO'"),
    partial_index("ix_dovuti_pagati_updated_at", "ente_id", "updated_at", "id", where="stato = 'COMPLETATO'"),
)

tentativi = Table(
    "tentativi",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("carrello_id", String(32), ForeignKey("carrelli.id"), nullable=False),
    Column("stazione_id", String(35), ForeignKey("stazioni.id"), nullable=False),
    Column("dominio", String(11), nullable=False),
    Column("iuv", String(35), nullable=False),
    Column("ccp", String(35), nullable=False),
    Column("id_messaggio", String(35), nullable=False),
    Column("id_carrello_nodo", String(35)),
    Column("rpt", LargeBinary, nullable=False),
    Column("rpt_sha256", String(64), nullable=False),
    Column("stato", String(16), nullable=False),
    Column("fault_code", String(64)),
    Column("superato_at", Instant),
    Column("profilo", String(16), nullable=False, server_default="rpt"),  # of the station when it began
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("dominio", "iuv", "ccp", name="uq_tentativi_dominio_iuv_ccp"),
    UniqueConstraint("id_messaggio", name="uq_tentativi_id_messaggio"),
    # No new CCP while one attempt is unresolved.
    Index("ix_tentativi_carrello_id", "carrello_id"),
    partial_index(
        "uq_tentativi_carrello_aperto",
        "carrello_id",
        unique=True,
        where="stato IN ('DA_INVIARE', 'SCONOSCIUTO', 'ACCETTATO') AND superato_at IS NULL",
    ),
    # Those without an outcome, by age: they are few beside the others.
    partial_index(
        "ix_tentativi_aperti", "updated_at", "id", where="stato IN ('DA_INVIARE', 'SCONOSCIUTO', 'ACCETTATO')"
    ),
)
