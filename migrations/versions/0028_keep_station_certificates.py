"""Keep the certificate that a station shows to the node, and its sealed key."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.add_column("stazioni", sa.Column("certificato", sa.Text()))
    op.add_column("stazioni", sa.Column("chiave_certificato_cifrata", sa.Text()))
