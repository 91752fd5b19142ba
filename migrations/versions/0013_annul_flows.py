"""Cancel a whole flow: who did it, how far it is, what it cancelled and what it left."""

import sqlalchemy as sa
from alembic import op

from hub.store.schema import Instant

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    for column in (
        sa.Column("annullato_da", sa.String(length=64)),
        sa.Column("annullato_at", Instant()),
        sa.Column("annullamento_riga", sa.Integer()),
        sa.Column("dovuti_annullati", sa.Integer()),
        sa.Column("dovuti_pagati", sa.Integer()),
        sa.Column("dovuti_in_pagamento", sa.Integer()),
    ):
        op.add_column("flussi_import", column)
    where = sa.text("annullamento_riga IS NOT NULL")
    op.create_index(
        "ix_flussi_import_annullamenti", "flussi_import", ["id"], sqlite_where=where, postgresql_where=where
    )
