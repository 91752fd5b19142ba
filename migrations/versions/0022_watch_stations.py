"""Give a station addresses and time-outs of its own and a circuit for each service, and find open attempts by age."""

import sqlalchemy as sa
from alembic import op

from hub.store.schema import Instant

revision = "0022"
down_revision = "0021"

_APERTI = sa.text("stato IN ('DA_INVIARE', 'SCONOSCIUTO', 'ACCETTATO')")


def upgrade() -> None:
    op.add_column("stazioni", sa.Column("indirizzi", sa.JSON()))
    op.add_column("stazioni", sa.Column("attese", sa.JSON()))
    op.create_table(
        "circuiti",
        sa.Column("stazione_id", sa.String(35), nullable=False),
        sa.Column("servizio", sa.String(16), nullable=False),
        sa.Column("guasti", sa.Integer(), server_default="0", nullable=False),
        sa.Column("aperture", sa.Integer(), server_default="0", nullable=False),
        sa.Column("aperto_at", Instant()),
        sa.Column("riprova_at", Instant()),
        sa.Column("ultimo_codice", sa.String(64)),
        sa.Column("ultimo_guasto_at", Instant()),
        sa.ForeignKeyConstraint(["stazione_id"], ["stazioni.id"], name="fk_circuiti_stazione_id"),
        sa.PrimaryKeyConstraint("stazione_id", "servizio", name="pk_circuiti"),
    )
    op.create_index(
        "ix_tentativi_aperti", "tentativi", ["updated_at", "id"], sqlite_where=_APERTI, postgresql_where=_APERTI
    )
