"""Where outcomes are pushed, what was pushed, whose a message is, who may open the console."""

import sqlalchemy as sa
from alembic import op

from hub.store.schema import Instant

revision = "0004"
down_revision = "0003"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("enti", sa.Column("inoltro_esito", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("enti", sa.Column("chiave_ritorno_cifrata", sa.Text(), nullable=True))
    op.add_column("enti", sa.Column("url_archivio_esterno", sa.String(length=2048), nullable=True))
    op.add_column("tipi", sa.Column("notifica_esito", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("outbox", sa.Column("ente_id", _ID, nullable=True))
    # What already waits is an attempt of a carrello: its ente is known.
    op.execute(
        "UPDATE outbox SET ente_id = (SELECT c.ente_id FROM tentativi t JOIN carrelli c ON c.id = t.carrello_id "
        "WHERE t.id = outbox.chiave) WHERE topic = 'nodo.rpt'"
    )
    op.create_index(
        "ix_outbox_parcheggiati",
        "outbox",
        ["ente_id", "id"],
        sqlite_where=sa.text("stato = 'PARCHEGGIATO'"),
        postgresql_where=sa.text("stato = 'PARCHEGGIATO'"),
    )
    op.create_table(
        "endpoint_esito",
        sa.Column("ente_id", _ID, autoincrement=False, nullable=False),
        sa.Column("tipo", sa.String(length=64), nullable=False),
        sa.Column("url", sa.String(length=2048), nullable=False),
        sa.Column("client_id", sa.String(length=256), nullable=True),
        sa.Column("mail", sa.String(length=256), nullable=True),
        sa.Column("chiave_cifrata", sa.Text(), nullable=False),
        sa.Column("tentativi_max", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["enti.id"], name=op.f("fk_endpoint_esito_ente_id")),
        sa.PrimaryKeyConstraint("ente_id", "tipo", name=op.f("pk_endpoint_esito")),
    )
    op.create_table(
        "eventi_esito",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("ente_id", _ID, nullable=False),
        sa.Column("iud", sa.String(length=35), nullable=False),
        sa.Column("sequenza", sa.Integer(), nullable=False),
        sa.Column("iuv", sa.String(length=35), nullable=True),
        sa.Column("tipo", sa.String(length=64), nullable=False),
        sa.Column("codice_esito", sa.Integer(), nullable=False),
        sa.Column("messaggio_id", _ID, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("consegnato_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["ente_id"], ["enti.id"], name=op.f("fk_eventi_esito_ente_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eventi_esito")),
        sa.UniqueConstraint("ente_id", "iud", "sequenza", name="uq_eventi_esito_ente_id_iud_sequenza"),
    )
    op.create_index("ix_eventi_esito_messaggio_id", "eventi_esito", ["messaggio_id"])
    op.create_table(
        "operatori",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("nome", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=256), nullable=False),
        sa.Column("ente_id", _ID, nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["ente_id"], ["enti.id"], name=op.f("fk_operatori_ente_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operatori")),
    )
    op.create_index(
        "uq_operatori_nome",
        "operatori",
        ["nome"],
        unique=True,
        sqlite_where=sa.text("revoked_at IS NULL"),
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
