"""Remember which settlement flows were looked at for receipts that nobody brought."""

import sqlalchemy as sa
from alembic import op

from hub.store.schema import Id, Instant

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.create_table(
        "ricerche_ricevute",
        sa.Column("rendicontazione_id", Id, autoincrement=False, nullable=False),
        sa.Column("mancanti", sa.Integer(), nullable=False),
        sa.Column("cercata_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["rendicontazione_id"], ["rendicontazioni.id"], name="fk_ricerche_ricevute_rendicontazione_id"
        ),
        sa.PrimaryKeyConstraint("rendicontazione_id", name="pk_ricerche_ricevute"),
    )
