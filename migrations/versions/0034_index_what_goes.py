"""Find what goes when its time is over, and what a message is about, by indexes of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"

_PARTIAL = (
    ("ix_outbox_consegnati", "outbox", ["settled_at", "id"], "stato = 'CONSEGNATO'"),
    ("ix_sessioni_scadute", "sessioni", ["expires_at"], "stato = 'SCADUTO'"),
)


def upgrade() -> None:
    op.create_index("ix_outbox_chiave_id", "outbox", ["chiave", "id"])
    for name, table, columns, where in _PARTIAL:
        op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
