"""Find the attempts of a carrello without reading all there are."""

from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    op.create_index("ix_tentativi_carrello_id", "tentativi", ["carrello_id"])
