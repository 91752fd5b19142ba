"""Tell since when a call probes an open circuit, so that others wait a moment and not as long as a call may take."""

import sqlalchemy as sa
from alembic import op

from hub.store.schema import Instant

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.add_column("circuiti", sa.Column("sonda_at", Instant()))
