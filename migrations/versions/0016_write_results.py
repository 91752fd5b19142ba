"""Tell the flows whose files of results are written from those that still wait for them."""

import sqlalchemy as sa
from alembic import op

from hub.store.schema import Instant

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("flussi_import", sa.Column("risultati_at", Instant()))
