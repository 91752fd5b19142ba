"""Let a dovuto name its carrello without a key that is looked at for every row of a flow, which has none."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    with op.batch_alter_table("dovuti") as dovuti:
        dovuti.drop_constraint("fk_dovuti_carrello_id", type_="foreignkey")
