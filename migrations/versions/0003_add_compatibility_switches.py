"""Add what an ente chooses between the original's behaviour and a better one, and the due date on the notice.

The defaults are the original's behaviour: what is there goes on as before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("enti", sa.Column("quota_secondaria", sa.String(16), nullable=False, server_default="originale"))
    op.add_column("enti", sa.Column("esito_carrello", sa.String(16), nullable=False, server_default="descrizione"))
    op.add_column("tipi", sa.Column("stampa_data_scadenza", sa.Boolean(), nullable=False, server_default=sa.true()))
