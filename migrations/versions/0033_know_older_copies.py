"""Let a database that was restored from an older copy be known as such, and let counters begin past what it forgot."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.create_table(
        "installazione",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=False, nullable=False),
        sa.Column("battito", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("battito_at", sa.DateTime(timezone=True)),
        sa.Column("iuv_da", sa.BigInteger, server_default="1", nullable=False),
        sa.Column("ripristinato_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_installazione"),
    )
