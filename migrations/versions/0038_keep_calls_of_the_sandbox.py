"""Keep the calls of the sandbox."""

import sqlalchemy as sa
from alembic import op

from hub.store.schema import Id, Instant

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    op.create_table(
        "chiamate_sandbox",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("istante", Instant(), nullable=False),
        sa.Column("applicazione", sa.String(64)),
        sa.Column("cod_ipa_ente", sa.String(35)),
        sa.Column("canale", sa.String(16), nullable=False),
        sa.Column("operazione", sa.String(64), nullable=False),
        sa.Column("richiesta", sa.LargeBinary(), nullable=False),
        sa.Column("risposta", sa.LargeBinary(), nullable=False),
        sa.Column("stato_http", sa.Integer()),
        sa.Column("esito", sa.String(64), nullable=False),
        sa.Column("durata_us", sa.BigInteger(), nullable=False),
        sa.Column("correlazione", sa.String(64), nullable=False),
        sa.Column("spiegazione", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_chiamate_sandbox"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_chiamate_sandbox_cod_ipa_ente_id", "chiamate_sandbox", ["cod_ipa_ente", "id"])
