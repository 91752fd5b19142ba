"""The tables of what is configured: stations, enti and their tipi, who may call and who may look. Part of `schema`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
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
    Column("codice_convenzione", String(35)),  # its agreement with the PSPs, named in its carts
    UniqueConstraint("cod_ipa_ente", name="uq_enti_cod_ipa_ente"),
    # Who sees every ente is one alone.
    partial_index("uq_enti_amministratore", "amministratore", unique=True, where="amministratore"),
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
    Column("chiamate_al_secondo", Integer),  # in each process; None: the installation's
    Column("chiamate_insieme", Integer),
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
    partial_index("uq_operatori_nome", "nome", unique=True, where="revoked_at IS NULL"),
)
