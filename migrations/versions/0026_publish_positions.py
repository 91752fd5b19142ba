"""Say by which transport an attempt began; keep what the platform was told of each notice."""

import sqlalchemy as sa
from alembic import op

from hub.store.schema import Id, Instant

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.add_column("tentativi", sa.Column("profilo", sa.String(length=16), server_default="rpt", nullable=False))
    op.add_column(
        "enti", sa.Column("pubblica_posizioni", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_table(
        "posizioni_pubblicate",
        sa.Column("dominio", sa.String(length=11), nullable=False),
        sa.Column("iuv", sa.String(length=35), nullable=False),
        sa.Column("ente_id", Id, nullable=False),
        sa.Column("importo_cent", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("stato", sa.String(length=16), nullable=False),
        sa.Column("motivo", sa.String(length=500)),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["enti.id"], name="fk_posizioni_pubblicate_ente_id"),
        sa.PrimaryKeyConstraint("dominio", "iuv", name="pk_posizioni_pubblicate"),
    )
    op.create_index(
        "ix_posizioni_pubblicate_rifiutate",
        "posizioni_pubblicate",
        ["ente_id", "updated_at"],
        sqlite_where=sa.text("stato = 'RIFIUTATA'"),
        postgresql_where=sa.text("stato = 'RIFIUTATA'"),
    )
    op.create_table(
        "ripassi_posizioni",
        sa.Column("ente_id", Id, autoincrement=False, nullable=False),
        sa.Column("iniziato_at", Instant(), nullable=False),
        sa.Column("fino_a", sa.String(length=32)),
        sa.ForeignKeyConstraint(["ente_id"], ["enti.id"], name="fk_ripassi_posizioni_ente_id"),
        sa.PrimaryKeyConstraint("ente_id", name="pk_ripassi_posizioni"),
    )
