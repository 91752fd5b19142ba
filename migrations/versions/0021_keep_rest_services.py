"""Keep the REST services that a station uses, with their sealed subscription keys."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "servizi_rest",
        sa.Column("stazione_id", sa.String(length=35), nullable=False),
        sa.Column("servizio", sa.String(length=16), nullable=False),
        sa.Column("chiave_cifrata", sa.Text(), nullable=False),
        sa.Column("chiave_secondaria_cifrata", sa.Text()),
        sa.Column("scade_il", sa.Date()),
        sa.Column("versione", sa.Integer(), server_default="2", nullable=False),
        sa.ForeignKeyConstraint(["stazione_id"], ["stazioni.id"], name="fk_servizi_rest_stazione_id"),
        sa.PrimaryKeyConstraint("stazione_id", "servizio", name="pk_servizi_rest"),
    )
