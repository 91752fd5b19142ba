"""Keep the requests to load a flow, the booked exports, and the secret of the module that reconciles."""

import sqlalchemy as sa
from alembic import op

from hub.store.schema import Instant

revision = "0006"
down_revision = "0005"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("enti", sa.Column("password_mypivot_hash", sa.String(length=256)))
    op.create_table(
        "flussi_import",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("request_token", sa.String(length=36), nullable=False),
        sa.Column("ente_id", _ID, nullable=False),
        sa.Column("applicazione", sa.String(length=64)),
        sa.Column("tipi", sa.JSON()),
        sa.Column("jti", sa.String(length=32), nullable=False),
        sa.Column("authorization_expires_at", Instant(), nullable=False),
        sa.Column("stato", sa.String(length=16), nullable=False),
        sa.Column("codice_errore", sa.String(length=512)),
        sa.Column("nome_file", sa.String(length=256)),
        sa.Column("size_bytes", sa.BigInteger()),
        sa.Column("sha256", sa.String(length=64)),
        sa.Column("righe_totali", sa.Integer()),
        sa.Column("righe_caricate", sa.Integer()),
        sa.Column("file_scarti", sa.String(length=512)),
        sa.Column("file_iuv", sa.String(length=512)),
        sa.Column("file_avvisi", sa.String(length=512)),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("received_at", Instant()),
        sa.Column("started_at", Instant()),
        sa.Column("finished_at", Instant()),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["enti.id"], name="fk_flussi_import_ente_id"),
        sa.PrimaryKeyConstraint("id", name="pk_flussi_import"),
        sa.UniqueConstraint("request_token", name="uq_flussi_import_request_token"),
    )
    _partial_index(
        "ix_flussi_import_aperti", "flussi_import", ["stato", "id"], "'AUTORIZZATO', 'LOAD_IMPORT', 'IMPORT_IN_ELAB'"
    )
    op.create_table(
        "prenotazioni_export",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("request_token", sa.String(length=36), nullable=False),
        sa.Column("ente_id", _ID, nullable=False),
        sa.Column("applicazione", sa.String(length=64)),
        sa.Column("genere", sa.String(length=16), nullable=False),
        sa.Column("versione", sa.String(length=3)),
        sa.Column("tipi", sa.JSON()),
        sa.Column("ente_secondario", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("giorno_da", sa.Date()),
        sa.Column("giorno_a", sa.Date()),
        sa.Column("istante_da", Instant()),
        sa.Column("istante_a", Instant()),
        sa.Column("data_scadenza", sa.Date()),
        sa.Column("ricevuta", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("incrementale", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("stato", sa.String(length=40), nullable=False),
        sa.Column("codice_errore", sa.String(length=512)),
        sa.Column("file", sa.String(length=512)),
        sa.Column("righe", sa.Integer()),
        sa.Column("eseguibile_at", Instant(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("started_at", Instant()),
        sa.Column("finished_at", Instant()),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["enti.id"], name="fk_prenotazioni_export_ente_id"),
        sa.PrimaryKeyConstraint("id", name="pk_prenotazioni_export"),
        sa.UniqueConstraint("request_token", name="uq_prenotazioni_export_request_token"),
    )
    _partial_index(
        "ix_prenotazioni_export_aperte",
        "prenotazioni_export",
        ["stato", "eseguibile_at", "id"],
        "'LOAD_EXPORT', 'EXPORT_IN_ELAB'",
    )


def _partial_index(name: str, table: str, columns: list[str], stati: str) -> None:
    where = sa.text(f"stato IN ({stati})")
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
