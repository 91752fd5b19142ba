"""Sweep the archive of files: when it may be done again, what was removed, flows whose files are not kept any more."""

import sqlalchemy as sa
from alembic import op

from hub.store.schema import Instant

revision = "0019"
down_revision = "0018"

_COUNTS = ("incompiuto", "sconosciuto", "parte", "export_scaduto", "flusso_scaduto", "size_bytes")


def upgrade() -> None:
    op.add_column("flussi_import", sa.Column("file_rimossi_at", Instant()))
    op.create_table(
        "pulizie_archivio",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("non_prima_at", Instant(), nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        *(sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in _COUNTS),
        sa.PrimaryKeyConstraint("id", name="pk_pulizie_archivio"),
    )
