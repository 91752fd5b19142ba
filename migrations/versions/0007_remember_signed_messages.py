"""Remember the signed messages that were seen, so that none is taken twice."""

import sqlalchemy as sa
from alembic import op

from hub.store.schema import Instant

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "messaggi_visti",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("impronta", sa.String(length=64), nullable=False),
        sa.Column("message_id", sa.String(length=256), nullable=False),
        sa.Column("visto_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messaggi_visti")),
        sa.UniqueConstraint("impronta", "message_id", name="uq_messaggi_visti_impronta_message_id"),
    )
    op.create_index("ix_messaggi_visti_visto_at", "messaggi_visti", ["visto_at"], unique=False)
