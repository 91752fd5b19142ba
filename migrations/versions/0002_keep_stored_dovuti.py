"""Keep dovuti that are stored before anybody pays, their versions, and sessions over several enti.

Columns only grow and limits only loosen, so that the version before goes on working on the new tables; what it writes
meanwhile has the defaults of a payment that starts at the ente.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ATTUALE = sa.text("attuale")
_APERTO = sa.text("stato IN ('PREDISPOSTO', 'PAGAM_IN_CORSO')")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.drop_index("uq_dovuti_ente_id_iud", "dovuti")
    with op.batch_alter_table("dovuti") as dovuti:
        dovuti.alter_column("scadenza", existing_type=sa.Date(), nullable=True)
        dovuti.add_column(sa.Column("dominio", sa.String(11)))
        dovuti.add_column(sa.Column("origine", sa.String(64), nullable=False, server_default="ESTERNO-ANONIMO"))
        dovuti.add_column(sa.Column("attuale", sa.Boolean(), nullable=False, server_default=sa.text("true")))
        dovuti.add_column(sa.Column("iuv_volatile", sa.Boolean(), nullable=False, server_default=sa.text("false")))
        dovuti.add_column(sa.Column("tipo_versamento", sa.String(32), nullable=False, server_default=""))
        dovuti.add_column(sa.Column("pagatore_tipo", sa.String(1)))
        dovuti.add_column(sa.Column("pagatore_codice", sa.String(35)))
        dovuti.add_column(sa.Column("pagatore", sa.JSON()))
        dovuti.add_column(sa.Column("marca", sa.JSON()))
        dovuti.add_column(sa.Column("secondario", sa.JSON()))
        dovuti.add_column(sa.Column("commissione_cent", sa.BigInteger()))
        dovuti.add_column(sa.Column("data_esito", sa.Date()))
    op.execute("UPDATE dovuti SET attuale = false WHERE stato = 'ANNULLATO'")
    op.execute("UPDATE dovuti SET dominio = (SELECT codice_fiscale FROM enti WHERE enti.id = dovuti.ente_id)")
    for name, columns in (
        ("uq_dovuti_ente_id_iud", ["ente_id", "iud"]),
        ("uq_dovuti_dominio_iuv_posizione", ["dominio", "iuv", "posizione"]),
    ):
        op.create_index(name, "dovuti", columns, unique=True, sqlite_where=_ATTUALE, postgresql_where=_ATTUALE)
    op.create_index("ix_dovuti_ente_id_iud", "dovuti", ["ente_id", "iud"])
    op.create_index("ix_dovuti_ente_id_iuv", "dovuti", ["ente_id", "iuv"])
    op.create_index("ix_dovuti_pagatore_codice", "dovuti", ["pagatore_codice"])

    with op.batch_alter_table("carrelli") as carrelli:
        carrelli.alter_column("id_session", existing_type=sa.String(36), nullable=True)
        carrelli.drop_constraint("uq_carrelli_dominio_iuv", type_="unique")
        carrelli.add_column(sa.Column("posizione", sa.Integer(), nullable=False, server_default="1"))
    op.create_index(
        "uq_carrelli_dominio_iuv_aperto",
        "carrelli",
        ["dominio", "iuv"],
        unique=True,
        sqlite_where=_APERTO,
        postgresql_where=_APERTO,
    )

    with op.batch_alter_table("sessioni") as sessioni:
        sessioni.alter_column("documento", existing_type=sa.LargeBinary(), nullable=True)
        sessioni.add_column(sa.Column("tipo", sa.String(32), nullable=False, server_default="ESTERNO_ANONIMO"))
    op.create_table(
        "sessioni_elementi",
        sa.Column("id_session", sa.String(36), nullable=False),
        sa.Column("posizione", sa.Integer(), nullable=False),
        sa.Column("ente_id", _ID, nullable=False),
        sa.Column("documento", sa.LargeBinary()),
        sa.Column("secondario", sa.LargeBinary()),
        sa.Column("dovuto_iud", sa.String(35)),
        sa.ForeignKeyConstraint(["id_session"], ["sessioni.id_session"], name="fk_sessioni_elementi_id_session"),
        sa.ForeignKeyConstraint(["ente_id"], ["enti.id"], name="fk_sessioni_elementi_ente_id"),
        sa.PrimaryKeyConstraint("id_session", "posizione", name="pk_sessioni_elementi"),
    )
