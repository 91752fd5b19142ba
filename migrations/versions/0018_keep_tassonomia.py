"""Keep the taxonomy that pagoPA gives, and how fetching it stands."""

import sqlalchemy as sa
from alembic import op

from hub.store.schema import Instant

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "voci_tassonomia",
        sa.Column("codice", sa.String(length=16), nullable=False),
        sa.Column("tipo_ente", sa.String(length=500), nullable=False),
        sa.Column("macro_area", sa.String(length=500), nullable=False),
        sa.Column("servizio", sa.String(length=500), nullable=False),
        sa.Column("versione", sa.Integer(), nullable=False),
        sa.Column("valido_dal", sa.Date(), nullable=False),
        sa.Column("valido_al", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("codice", name="pk_voci_tassonomia"),
    )
    op.create_table(
        "stato_tassonomia",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("generazione", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sha256", sa.String(length=64)),
        sa.Column("etag", sa.String(length=256)),
        sa.Column("prossima_at", Instant()),
        sa.Column("letta_at", Instant()),
        sa.Column("cambiata_at", Instant()),
        sa.Column("errore", sa.String(length=500)),
        sa.Column("avvisi", sa.JSON(none_as_null=True)),
        sa.PrimaryKeyConstraint("id", name="pk_stato_tassonomia"),
    )
    op.execute("INSERT INTO stato_tassonomia (id) VALUES (1)")
