"""Let an ente have an insertion that is sent twice recognised; the default refuses it, as the original does."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("enti", sa.Column("import_ripetuto", sa.String(16), nullable=False, server_default="rifiutato"))
