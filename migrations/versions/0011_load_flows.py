"""Load flows: how far an import is, the rows it refused, which row of which flow brought a dovuto.

The key of dovuti on enti goes: looked at for each row, it takes a third of the time of an import.
"""

import sqlalchemy as sa
from alembic import op

from hub.store.schema import Instant

revision = "0011"
down_revision = "0010"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for column in (
        sa.Column("md5", sa.String(length=32)),
        sa.Column("file", sa.String(length=512)),
        sa.Column("operatore", sa.String(length=64)),
        sa.Column("iuf", sa.String(length=50)),
        sa.Column("versione", sa.String(length=3)),
        sa.Column("stato_flusso", sa.String(length=24)),
        sa.Column("csv_bytes", sa.BigInteger()),
        sa.Column("csv_letti", sa.BigInteger()),
        sa.Column("iuv_da", sa.BigInteger()),
        sa.Column("iuv_a", sa.BigInteger()),
        sa.Column("lease_until", Instant()),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("worked_at", Instant()),
    ):
        op.add_column("flussi_import", column)
    op.create_index("ix_flussi_import_ente_id_nome_file", "flussi_import", ["ente_id", "nome_file"])
    _partial_index(
        "uq_flussi_import_ente_id_iuf", "flussi_import", ["ente_id", "iuf"],
        "stato_flusso IN ('LOAD_FLOW', 'CARICATO')", unique=True,
    )  # fmt: skip
    op.create_table(
        "flussi_righe",
        sa.Column("flusso_id", _ID, autoincrement=False, nullable=False),
        sa.Column("riga", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("codici", sa.Text()),
        sa.Column("descrizioni", sa.Text()),
        sa.Column("iud", sa.String(length=35)),
        sa.Column("iuv", sa.String(length=35)),
        sa.PrimaryKeyConstraint("flusso_id", "riga", name="pk_flussi_righe"),
    )
    op.drop_index("ix_dovuti_carrello_id", "dovuti")
    with op.batch_alter_table("dovuti") as dovuti:
        dovuti.add_column(sa.Column("flusso_id", _ID))
        dovuti.add_column(sa.Column("riga", sa.Integer()))
        dovuti.drop_constraint("fk_dovuti_ente_id", type_="foreignkey")
    _partial_index("ix_dovuti_carrello_id", "dovuti", ["carrello_id"], "carrello_id IS NOT NULL")
    _partial_index("ix_dovuti_storia", "dovuti", ["ente_id", "iud"], "NOT attuale AND stato <> 'ANNULLATO'")
    _partial_index("ix_dovuti_pagati_data_esito", "dovuti", ["ente_id", "data_esito"], "stato = 'COMPLETATO'")
    _partial_index("ix_dovuti_pagati_updated_at", "dovuti", ["ente_id", "updated_at"], "stato = 'COMPLETATO'")


def _partial_index(name: str, table: str, columns: list[str], condition: str, unique: bool = False) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)
