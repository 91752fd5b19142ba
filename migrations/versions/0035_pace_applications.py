"""Say how often, and how many at once, an application may call; where it is not said the installation does."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    op.add_column("credenziali", sa.Column("chiamate_al_secondo", sa.Integer()))
    op.add_column("credenziali", sa.Column("chiamate_insieme", sa.Integer()))
