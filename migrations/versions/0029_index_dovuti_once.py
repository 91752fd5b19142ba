"""Let one index say who holds an IUD or an IUV and find all that had it: an import writes each for every row."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

STORIA = sa.text("(CASE WHEN attuale THEN '' ELSE id END)")


def upgrade() -> None:
    for name in (
        "uq_dovuti_ente_id_iud",
        "uq_dovuti_dominio_iuv_posizione",
        "ix_dovuti_ente_id_iud",
        "ix_dovuti_ente_id_iuv",
    ):
        op.drop_index(name, "dovuti")
    op.create_index("uq_dovuti_ente_id_iud", "dovuti", ["ente_id", "iud", STORIA], unique=True)
    op.create_index(
        "uq_dovuti_dominio_iuv_posizione", "dovuti", ["dominio", "iuv", "posizione", STORIA], unique=True
    )
