"""Let the sweep of the archive wait for a person after the database was restored from a copy."""

import sqlalchemy as sa
from alembic import op

from hub.store.schema import Instant

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    op.add_column("pulizie_archivio", sa.Column("sospesa_at", Instant()))
