"""Export what was paid every day, by itself: what an ente gets, until when it has it, where the files are left."""

import sqlalchemy as sa
from alembic import op

from hub.store.schema import Instant

revision = "0015"
down_revision = "0014"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "export_giornalieri",
        sa.Column("ente_id", _ID, autoincrement=False, nullable=False),
        sa.Column("attivo", sa.Boolean(), nullable=False),
        sa.Column("ora", sa.String(length=5), nullable=False),
        sa.Column("versione", sa.String(length=3), nullable=False),
        sa.Column("ricevuta", sa.Boolean(), nullable=False),
        sa.Column("tipi", sa.JSON()),
        sa.Column("sftp_host", sa.String(length=255)),
        sa.Column("sftp_porta", sa.Integer()),
        sa.Column("sftp_utente", sa.String(length=64)),
        sa.Column("sftp_cartella", sa.String(length=512)),
        sa.Column("sftp_chiave_host", sa.Text()),
        sa.Column("sftp_password_cifrata", sa.Text()),
        sa.Column("sftp_chiave_cifrata", sa.Text()),
        sa.Column("fino_a", Instant()),
        sa.ForeignKeyConstraint(["ente_id"], ["enti.id"], name="fk_export_giornalieri_ente_id"),
        sa.PrimaryKeyConstraint("ente_id", name="pk_export_giornalieri"),
    )
    op.create_table(
        "consegne_export",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("ente_id", _ID, nullable=False),
        sa.Column("istante_da", Instant(), nullable=False),
        sa.Column("istante_a", Instant(), nullable=False),
        sa.Column("prenotazione_id", _ID, nullable=False),
        sa.Column("tentativi", sa.Integer(), server_default="1", nullable=False),
        sa.Column("stato", sa.String(length=16), nullable=False),
        sa.Column("messaggio_id", _ID),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["enti.id"], name="fk_consegne_export_ente_id"),
        sa.ForeignKeyConstraint(
            ["prenotazione_id"], ["prenotazioni_export.id"], name="fk_consegne_export_prenotazione_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consegne_export"),
        sa.UniqueConstraint("ente_id", "istante_da", name="uq_consegne_export_ente_id_istante_da"),
    )
    op.create_index("ix_consegne_export_messaggio_id", "consegne_export", ["messaggio_id"])
    where = sa.text("stato = 'PRENOTATA'")
    op.create_index(
        "ix_consegne_export_prenotate", "consegne_export", ["id"], sqlite_where=where, postgresql_where=where
    )
