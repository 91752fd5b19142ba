"""Mark the one ente that may ask for the positions of all the others."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("enti", sa.Column("amministratore", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    where = sa.text("amministratore")
    op.create_index(
        "uq_enti_amministratore", "enti", ["amministratore"], unique=True, sqlite_where=where, postgresql_where=where
    )
