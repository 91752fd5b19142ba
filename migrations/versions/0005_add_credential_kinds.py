"""Add the kinds of credential: tokens and certificates beside passwords, and what an ente accepts."""

import sqlalchemy as sa
from alembic import op

from hub.store.schema import Instant

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("enti", sa.Column("autenticazione", sa.JSON(), nullable=True))
    for column in (
        sa.Column("software_house", sa.String(length=100), nullable=True),
        sa.Column("genere", sa.String(length=16), server_default="password", nullable=False),
        sa.Column("impronta", sa.String(length=64), nullable=True),
        sa.Column("certificato", sa.LargeBinary(), nullable=True),
        sa.Column("valido_dal", Instant(), nullable=True),
        sa.Column("valido_fino", Instant(), nullable=True),
    ):
        op.add_column("credenziali", column)
