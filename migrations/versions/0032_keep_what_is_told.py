"""Keep for all processes what /metrics tells of the database, and count flows, exports and settlements by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"

_INDEXES = (
    ("ix_flussi_import_stato", "flussi_import", ["stato"]),
    ("ix_flussi_import_stato_flusso", "flussi_import", ["stato_flusso"]),
    ("ix_prenotazioni_export_stato", "prenotazioni_export", ["stato"]),
    ("ix_rendicontazioni_stato", "rendicontazioni", ["stato", "next_attempt_at"]),
)


def upgrade() -> None:
    op.create_table(
        "misure",
        sa.Column("lettura", sa.String(16), nullable=False),
        sa.Column("non_prima_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("letta_at", sa.DateTime(timezone=True)),
        sa.Column("durata_ms", sa.Integer),
        sa.Column("valori", sa.JSON),
        sa.PrimaryKeyConstraint("lettura", name="pk_misure"),
    )
    for name, table, columns in _INDEXES:
        op.create_index(name, table, columns)
