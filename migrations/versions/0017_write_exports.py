"""Write booked exports: who holds one, up to where windows were read out, shares of second beneficiaries.

The indexes of paid dovuti go on to the id, so that a page begins where the one before it ended.
"""

import sqlalchemy as sa
from alembic import op

from hub.store.schema import Instant

revision = "0017"
down_revision = "0016"

# Shares whose receipt has come; what the ente itself declared paid says nothing of the second beneficiary.
_QUOTE = """
INSERT INTO quote_secondarie (dovuto_id, codice_fiscale, data_esito, updated_at)
SELECT dovuti.id, {codice_fiscale}, dovuti.data_esito, dovuti.updated_at
FROM dovuti JOIN carrelli ON carrelli.id = dovuti.carrello_id
WHERE dovuti.stato = 'COMPLETATO' AND dovuti.codice_esito IN (0, 2, 4) AND dovuti.importo_pagato_cent > 0
  AND dovuti.data_esito IS NOT NULL AND dovuti.secondario IS NOT NULL AND carrelli.rt_id IS NOT NULL
"""
_CODICE = {
    "postgresql": "dovuti.secondario->>'codice_fiscale'",
    "sqlite": "json_extract(dovuti.secondario, '$.codice_fiscale')",
}


def upgrade() -> None:
    op.add_column("prenotazioni_export", sa.Column("lease_until", Instant()))
    op.add_column("prenotazioni_export", sa.Column("fence", sa.Integer(), server_default="0", nullable=False))
    op.create_index("ix_prenotazioni_export_ente_id_started_at", "prenotazioni_export", ["ente_id", "started_at"])
    for name in ("data_esito", "updated_at"):
        op.drop_index(f"ix_dovuti_pagati_{name}", "dovuti")
        where = sa.text("stato = 'COMPLETATO'")
        op.create_index(
            f"ix_dovuti_pagati_{name}", "dovuti", ["ente_id", name, "id"], sqlite_where=where, postgresql_where=where
        )
    op.create_table(
        "chiusure_export",
        sa.Column("chiave", sa.String(length=48), nullable=False),
        sa.Column("fino_a", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("chiave", name="pk_chiusure_export"),
    )
    op.create_table(
        "quote_secondarie",
        sa.Column("dovuto_id", sa.String(length=32), nullable=False),
        sa.Column("codice_fiscale", sa.String(length=35), nullable=False),
        sa.Column("data_esito", sa.Date(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["dovuto_id"], ["dovuti.id"], name="fk_quote_secondarie_dovuto_id"),
        sa.PrimaryKeyConstraint("dovuto_id", name="pk_quote_secondarie"),
    )
    for name in ("data_esito", "updated_at"):
        op.create_index(
            f"ix_quote_secondarie_{name}", "quote_secondarie", ["codice_fiscale", name, "dovuto_id"]
        )
    op.execute(_QUOTE.format(codice_fiscale=_CODICE[op.get_bind().dialect.name]))
