"""Keep the receipts of the new model beside the classic ones, and what each of them moves."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for column in (
        sa.Column("intermediario", sa.String(length=35)),
        sa.Column("primitiva", sa.String(length=16), server_default="paaInviaRT", nullable=False),
        sa.Column("dominio_avviso", sa.String(length=35)),
        sa.Column("numero_avviso", sa.String(length=35)),
        sa.Column("importo_cent", sa.BigInteger()),
        sa.Column("charset", sa.String(length=16)),
        sa.Column("rt", sa.LargeBinary()),
        sa.Column("segnalazioni", sa.JSON(none_as_null=True)),
        sa.Column("ignoti", sa.JSON(none_as_null=True)),
    ):
        op.add_column("rt_ricevute", column)
    op.create_index("ix_rt_ricevute_dominio_ccp", "rt_ricevute", ["dominio", "ccp"])
    for name, columns, condition in (
        ("ix_rt_ricevute_in_vista", ["stato", "id"], "stato <> 'ELABORATA'"),
        ("ix_rt_ricevute_segnalate", ["id"], "segnalazioni IS NOT NULL"),
    ):
        where = sa.text(condition)
        op.create_index(name, "rt_ricevute", columns, sqlite_where=where, postgresql_where=where)
    op.create_table(
        "trasferimenti_ricevute",
        sa.Column("ricevuta_id", _ID, autoincrement=False, nullable=False),
        sa.Column("posizione", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("indice", sa.Integer(), nullable=False),
        sa.Column("codice_fiscale", sa.String(length=35), nullable=False),
        sa.Column("importo_cent", sa.BigInteger(), nullable=False),
        sa.Column("iban", sa.String(length=35)),
        sa.Column("causale", sa.String(length=140), nullable=False),
        sa.Column("categoria", sa.String(length=140), nullable=False),
        sa.Column("marca_sha256", sa.String(length=64)),
        sa.ForeignKeyConstraint(["ricevuta_id"], ["rt_ricevute.id"], name="fk_trasferimenti_ricevute_ricevuta_id"),
        sa.PrimaryKeyConstraint("ricevuta_id", "posizione", name="pk_trasferimenti_ricevute"),
    )
    op.create_index(
        "ix_trasferimenti_ricevute_codice_fiscale", "trasferimenti_ricevute", ["codice_fiscale", "ricevuta_id"]
    )
