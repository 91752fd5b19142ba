"""Number the configuration: who has read a state of it asks one number whether it is still that one."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    table = op.create_table(
        "revisione_configurazione",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
        sa.Column("numero", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(table, [{"id": 1, "numero": 1}])
