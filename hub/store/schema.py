"""The tables. Uniqueness that money depends on stands here, with a name, and in the migrations.

Instants are aware UTC; amounts are integer cents; stored codes are the specification's.
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
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import JSON

from hub.store import schema_verifica as schema_verifica
from hub.store.columns import Id, Instant, metadata
from hub.store.schema_consegne import consegne_export as consegne_export
from hub.store.schema_consegne import export_giornalieri as export_giornalieri
from hub.store.schema_flussi import chiusure_export as chiusure_export
from hub.store.schema_flussi import flussi_import as flussi_import
from hub.store.schema_flussi import flussi_righe as flussi_righe
from hub.store.schema_flussi import prenotazioni_export as prenotazioni_export
from hub.store.schema_flussi import pulizie_archivio as pulizie_archivio
from hub.store.schema_flussi import quote_secondarie as quote_secondarie
from hub.store.schema_rendicontazione import acquisizioni_fdr as acquisizioni_fdr
from hub.store.schema_rendicontazione import lacune_fdr as lacune_fdr
from hub.store.schema_rendicontazione import rendicontazioni as rendicontazioni
from hub.store.schema_rendicontazione import rendicontazioni_righe as rendicontazioni_righe
from hub.store.schema_rendicontazione import stazioni_fdr as stazioni_fdr
from hub.store.schema_rest import posizioni_pubblicate as posizioni_pubblicate
from hub.store.schema_rest import ricerche_ricevute as ricerche_ricevute
from hub.store.schema_rest import ripassi_posizioni as ripassi_posizioni
from hub.store.schema_rest import servizi_rest as servizi_rest
from hub.store.schema_ricevute import rt_ricevute as rt_ricevute
from hub.store.schema_ricevute import trasferimenti_ricevute as trasferimenti_ricevute
from hub.store.schema_tassonomia import stato_tassonomia as stato_tassonomia
from hub.store.schema_tassonomia import voci_tassonomia as voci_tassonomia
from hub.store.schema_uscita import circuiti as circuiti

stazioni = Table(
    "stazioni",
    metadata,
    Column("id", String(35), primary_key=True),
    Column("intermediario", String(35), nullable=False),
    Column("password_cifrata", Text, nullable=False),
    Column("pagamento_online", String(16), nullable=False, server_default="rpt"),
    Column("versione_primitive", Integer, nullable=False, server_default="2"),
    Column("primitiva_rpt", String(32), nullable=False, server_default="nodoInviaCarrelloRPT"),
    Column("rileva_duplicati", Boolean, nullable=False, server_default=text("true")),
    Column("indirizzi", JSON(none_as_null=True)),  # of its own by service, where not the installation's
    Column("attese", JSON(none_as_null=True)),  # seconds by kind of wait, where not the installation's
    Column("certificato", Text),  # PEM, with its chain: what it shows to the node in TLS; its key is sealed
    Column("chiave_certificato_cifrata", Text),
)

enti = Table(
    "enti",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("cod_ipa_ente", String(35), nullable=False),
    Column("codice_fiscale", String(11), nullable=False),
    Column("nome", String(100), nullable=False),
    Column("stato", String(16), nullable=False),
    Column("stazione_id", String(35), ForeignKey("stazioni.id"), nullable=False),
    Column("codice_segregazione", String(2), nullable=False),
    Column("iban", String(34), nullable=False),
    Column("url_esito", String(2048)),
    Column("livelli_base64_pagati", Integer, nullable=False, server_default="2"),
    Column("quota_secondaria", String(16), nullable=False, server_default="originale"),
    Column("esito_carrello", String(16), nullable=False, server_default="descrizione"),
    Column("import_ripetuto", String(16), nullable=False, server_default="rifiutato"),
    Column("inoltro_esito", Boolean, nullable=False, server_default=text("false")),
    Column("chiave_ritorno_cifrata", Text),  # signs the parameters of the payer's return; None: not signed
    Column("url_archivio_esterno", String(2048)),
    Column("ripiego_archivio", String(16), nullable=False, server_default="errore"),
    # What its notices say beside its name; the picture is in `loghi`.
    Column("beneficiario", String(70)),
    Column("codice_cbill", String(5)),
    Column("autorizzazione_stampa", String(50)),
    Column("contatti", JSON(none_as_null=True)),
    Column("autenticazione", JSON),  # the kinds of credential that are enough by themselves; None: any
    Column("password_mypivot_hash", String(256)),
    Column("flusso_bytes_max", BigInteger),  # of an uploaded flow; None: the installation's
    Column("amministratore", Boolean, nullable=False, server_default=text("false")),
    Column("pubblica_posizioni", Boolean, nullable=False, server_default=text("false")),
    UniqueConstraint("cod_ipa_ente", name="uq_enti_cod_ipa_ente"),
    # Who sees every ente is one alone.
    Index(
        "uq_enti_amministratore",
        "amministratore",
        unique=True,
        sqlite_where=text("amministratore"),
        postgresql_where=text("amministratore"),
    ),
)

# Apart from the ente, whose row is read at every call: only who prints needs the picture.
loghi = Table(
    "loghi",
    metadata,
    Column("ente_id", Id, ForeignKey("enti.id"), primary_key=True, autoincrement=False),
    Column("png", LargeBinary, nullable=False),
)

tipi = Table(
    "tipi",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("ente_id", Id, ForeignKey("enti.id"), nullable=False),
    Column("codice", String(64), nullable=False),
    Column("descrizione", String(256), nullable=False),
    Column("tassonomia", String(35), nullable=False),
    Column("modalita", JSON, nullable=False),
    Column("attivo", Boolean, nullable=False),
    Column("scadenza_obbligatoria", Boolean, nullable=False),
    Column("stampa_data_scadenza", Boolean, nullable=False, server_default=text("true")),
    Column("anonimo", Boolean, nullable=False),
    Column("iban", String(34)),
    Column("importo_cent", BigInteger),
    Column("notifica_esito", Boolean, nullable=False, server_default=text("false")),
    Column("stampa_avviso", Boolean, nullable=False, server_default=text("true")),
    Column("settore", String(50)),
    Column("iban_postale", String(34)),
    Column("conto_postale", String(12)),
    Column("intestatario_conto_postale", String(50)),
    Column("metadati", JSON(none_as_null=True)),
    UniqueConstraint("ente_id", "codice", name="uq_tipi_ente_id_codice"),
)

credenziali = Table(
    "credenziali",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("ente_id", Id, ForeignKey("enti.id"), nullable=False),
    Column("applicazione", String(64)),  # None: the ente itself
    Column("software_house", String(100)),
    Column("genere", String(16), nullable=False, server_default="password"),
    Column("hash", String(256), nullable=False),  # argon2id of a password or a token; empty for a certificate
    Column("impronta", String(64)),  # the public name of a token; SHA-256 of a certificate
    Column("certificato", LargeBinary),  # DER
    Column("valido_dal", Instant),  # of the certificate
    Column("valido_fino", Instant),
    Column("tipi", JSON),  # None: all
    Column("operazioni", JSON),  # None: all
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),  # set by a rotation: the old one works until then
    Column("revoked_at", Instant),
    Index("ix_credenziali_ente_id", "ente_id"),
)

messaggi_visti = Table(
    "messaggi_visti",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("impronta", String(64), nullable=False),  # of the certificate that signed
    Column("message_id", String(256), nullable=False),
    Column("visto_at", Instant, nullable=False),
    UniqueConstraint("impronta", "message_id", name="uq_messaggi_visti_impronta_message_id"),
    Index("ix_messaggi_visti_visto_at", "visto_at"),
)

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
    Index(
        "ix_sessioni_expires_at",
        "expires_at",
        sqlite_where=text("stato = 'NUOVO_CARRELLO'"),
        postgresql_where=text("stato = 'NUOVO_CARRELLO'"),
    ),
    # Listed by a portal and never opened: they are forgotten.
    Index(
        "ix_sessioni_non_aperte",
        "expires_at",
        sqlite_where=text("tipo = 'PRECARICATO_ANONIMO_ENTE' AND stato = 'SCADUTO'"),
        postgresql_where=text("tipo = 'PRECARICATO_ANONIMO_ENTE' AND stato = 'SCADUTO'"),
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
    Index(
        "uq_carrelli_dominio_iuv_aperto",
        "dominio",
        "iuv",
        unique=True,
        sqlite_where=text("stato IN ('PREDISPOSTO', 'PAGAM_IN_CORSO')"),
        postgresql_where=text("stato IN ('PREDISPOSTO', 'PAGAM_IN_CORSO')"),
    ),
    Index("ix_carrelli_id_session", "id_session"),
    Index("ix_carrelli_ente_id_iuv", "ente_id", "iuv"),
)

# One row for each version of a payable item: `attuale` is the one that holds IUD and IUV now, the others are history.
# What sets versions that do not count any more apart; in the lines in which PostgreSQL gives it back.
_STORIA = "(\nCASE\nWHEN attuale THEN ''\nELSE id\nEND)"

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
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    # An IUD is taken for ever, but for rows that were cancelled. Source: pa-per-ente, uniqueness. History is in the
    # index too, under its own id: one index that says who holds a key and finds all that had it, where two would be a
    # tenth of an import each.
    Index("uq_dovuti_ente_id_iud", "ente_id", "iud", text(_STORIA), unique=True),
    # pagoPA's own key is dominio and IUV; the dovuti of one cart share it, each at its place.
    Index("uq_dovuti_dominio_iuv_posizione", "dominio", "iuv", "posizione", text(_STORIA), unique=True),
    Index("ix_dovuti_pagatore_codice", "pagatore_codice"),
    Index(
        "ix_dovuti_carrello_id",
        "carrello_id",
        sqlite_where=text("carrello_id IS NOT NULL"),
        postgresql_where=text("carrello_id IS NOT NULL"),
    ),
    # History that still holds its ids: few rows, and an import asks for each of its chunks.
    Index(
        "ix_dovuti_storia",
        "ente_id",
        "iud",
        sqlite_where=text("NOT attuale AND stato <> 'ANNULLATO'"),
        postgresql_where=text("NOT attuale AND stato <> 'ANNULLATO'"),
    ),
    # What exports of paid items read in pages, by day of the outcome and by instant of the last change.
    Index(
        "ix_dovuti_pagati_data_esito",
        "ente_id",
        "data_esito",
        "id",
        sqlite_where=text("stato = 'COMPLETATO'"),
        postgresql_where=text("stato = 'COMPLETATO'"),
    ),
    Index(
        "ix_dovuti_pagati_updated_at",
        "ente_id",
        "updated_at",
        "id",
        sqlite_where=text("stato = 'COMPLETATO'"),
        postgresql_where=text("stato = 'COMPLETATO'"),
    ),
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
    Index(
        "uq_tentativi_carrello_aperto",
        "carrello_id",
        unique=True,
        sqlite_where=text("stato IN ('DA_INVIARE', 'SCONOSCIUTO', 'ACCETTATO') AND superato_at IS NULL"),
        postgresql_where=text("stato IN ('DA_INVIARE', 'SCONOSCIUTO', 'ACCETTATO') AND superato_at IS NULL"),
    ),
    # Those without an outcome, by age: they are few beside the others.
    Index(
        "ix_tentativi_aperti",
        "updated_at",
        "id",
        sqlite_where=text("stato IN ('DA_INVIARE', 'SCONOSCIUTO', 'ACCETTATO')"),
        postgresql_where=text("stato IN ('DA_INVIARE', 'SCONOSCIUTO', 'ACCETTATO')"),
    ),
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
    Index(
        "ix_outbox_da_prendere",
        "next_attempt_at",
        "id",
        sqlite_where=text("stato IN ('DA_INVIARE', 'SCONOSCIUTO', 'IN_INVIO')"),
        postgresql_where=text("stato IN ('DA_INVIARE', 'SCONOSCIUTO', 'IN_INVIO')"),
    ),
    Index(
        "ix_outbox_topic_chiave_id",
        "topic",
        "chiave",
        "id",
        sqlite_where=text("stato IN ('DA_INVIARE', 'SCONOSCIUTO', 'IN_INVIO')"),
        postgresql_where=text("stato IN ('DA_INVIARE', 'SCONOSCIUTO', 'IN_INVIO')"),
    ),
    Index(
        "ix_outbox_parcheggiati",
        "ente_id",
        "id",
        sqlite_where=text("stato = 'PARCHEGGIATO'"),
        postgresql_where=text("stato = 'PARCHEGGIATO'"),
    ),
)

# Where the outcomes of a tipo go; the key signs them and is kept sealed.
endpoint_esito = Table(
    "endpoint_esito",
    metadata,
    Column("ente_id", Id, ForeignKey("enti.id"), primary_key=True, autoincrement=False),
    Column("tipo", String(64), primary_key=True),
    Column("url", String(2048), nullable=False),
    Column("client_id", String(256)),
    Column("mail", String(256)),
    Column("chiave_cifrata", Text, nullable=False),
    Column("tentativi_max", Integer, nullable=False),
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

# Who may open the console. `ente_id` None: an operator of the installation, who sees every ente.
operatori = Table(
    "operatori",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("nome", String(64), nullable=False),
    Column("hash", String(256), nullable=False),
    Column("ente_id", Id, ForeignKey("enti.id")),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    # A name is free again when its operator is revoked.
    Index(
        "uq_operatori_nome",
        "nome",
        unique=True,
        sqlite_where=text("revoked_at IS NULL"),
        postgresql_where=text("revoked_at IS NULL"),
    ),
)
