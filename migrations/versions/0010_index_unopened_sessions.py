"""Find the sessions that a portal listed and nobody opened, to forget them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    where = sa.text("tipo = 'PRECARICATO_ANONIMO_ENTE' AND stato = 'SCADUTO'")
    op.create_index("ix_sessioni_non_aperte", "sessioni", ["expires_at"], sqlite_where=where, postgresql_where=where)
