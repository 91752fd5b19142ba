"""Let an ente upload flows of its own size; without a value the installation's limit holds."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("enti", sa.Column("flusso_bytes_max", sa.BigInteger()))
