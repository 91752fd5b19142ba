"""Keep the agreement of an ente with the PSPs, and the fee that it bore for a payment under it."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    op.add_column("enti", sa.Column("codice_convenzione", sa.String(35)))
    op.add_column("dovuti", sa.Column("commissione_pa_cent", sa.BigInteger))
