"""Print whole notices: what the paper says of ente and tipo, the ente's logo, the postal account."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for column in (
        sa.Column("beneficiario", sa.String(length=70)),
        sa.Column("codice_cbill", sa.String(length=5)),
        sa.Column("autorizzazione_stampa", sa.String(length=50)),
        sa.Column("contatti", sa.JSON()),
    ):
        op.add_column("enti", column)
    for column in (
        sa.Column("stampa_avviso", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("settore", sa.String(length=50)),
        sa.Column("iban_postale", sa.String(length=34)),
        sa.Column("conto_postale", sa.String(length=12)),
        sa.Column("intestatario_conto_postale", sa.String(length=50)),
    ):
        op.add_column("tipi", column)
    op.create_table(
        "loghi",
        sa.Column("ente_id", _ID, autoincrement=False, nullable=False),
        sa.Column("png", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["enti.id"], name="fk_loghi_ente_id"),
        sa.PrimaryKeyConstraint("ente_id", name="pk_loghi"),
    )
