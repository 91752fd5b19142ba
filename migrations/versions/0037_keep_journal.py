"""Keep the journal of events: chains, events, what is signed of them."""

import sqlalchemy as sa
from alembic import op

from hub.store.schema import Id, Instant

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.create_table(
        "giornale_catene",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("nome", sa.String(35), nullable=False),
        sa.Column("ente_id", Id),
        sa.Column("ultimo_numero", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("ultima_impronta", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["enti.id"], name="fk_giornale_catene_ente_id"),
        sa.PrimaryKeyConstraint("id", name="pk_giornale_catene"),
        sa.UniqueConstraint("nome", name="uq_giornale_catene_nome"),
    )
    op.create_table(
        "giornale",
        sa.Column("catena_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("numero", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("verso", sa.String(8), nullable=False),
        sa.Column("operazione", sa.String(64), nullable=False),
        sa.Column("esito", sa.String(10), nullable=False),
        sa.Column("codice", sa.String(64), nullable=False),
        sa.Column("durata_ms", sa.Integer(), nullable=False),
        sa.Column("correlation_id", sa.String(64), nullable=False),
        sa.Column("ricevuto", sa.LargeBinary()),
        sa.Column("inviato", sa.LargeBinary()),
        sa.Column("precedente", sa.LargeBinary(), nullable=False),
        sa.Column("impronta", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("catena_id", "numero", name="pk_giornale"),
    )
    op.create_table(
        "giornale_firme",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("catena_id", Id, nullable=False),
        sa.Column("genere", sa.String(8), nullable=False),
        sa.Column("giorno", sa.Date(), nullable=False),
        sa.Column("numero", sa.BigInteger(), nullable=False),
        sa.Column("impronta", sa.LargeBinary(), nullable=False),
        sa.Column("catene", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("chiave", sa.LargeBinary(), nullable=False),
        sa.Column("firma", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["catena_id"], ["giornale_catene.id"], name="fk_giornale_firme_catena_id"),
        sa.PrimaryKeyConstraint("id", name="pk_giornale_firme"),
        sa.UniqueConstraint("catena_id", "genere", "numero", name="uq_giornale_firme_catena_id_genere_numero"),
    )
