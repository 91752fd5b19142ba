"""Keep how the calls of the sandbox came: the HTTP headers that a report of conformance judges."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    op.add_column("chiamate_sandbox", sa.Column("intestazioni", sa.Text()))
