"""Keep what the node is told and asks about notices: answers to a get, classic activations, notices on demand."""

import sqlalchemy as sa
from alembic import op

from hub.store.schema import Id, Instant

revision = "0023"
down_revision = "0022"

_APERTI = sa.text("stato IN ('DA_INVIARE', 'SCONOSCIUTO', 'ACCETTATO') AND superato_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "attivazioni",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("dominio", sa.String(length=11), nullable=False),
        sa.Column("iuv", sa.String(length=35), nullable=False),
        sa.Column("impronta", sa.String(length=64), nullable=False),
        sa.Column("importo_cent", sa.BigInteger(), nullable=False),
        sa.Column("trasferimenti", sa.JSON(), nullable=False),
        sa.Column("stazione_id", sa.String(length=35), nullable=False),
        sa.Column("primitiva", sa.String(length=32), nullable=False),
        sa.Column("nota", sa.String(length=210)),
        sa.Column("prima_at", Instant(), nullable=False),
        sa.Column("ultima_at", Instant(), nullable=False),
        sa.Column("volte", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attivazioni"),
        sa.UniqueConstraint("dominio", "iuv", "impronta", name="uq_attivazioni_dominio_iuv_impronta"),
    )
    op.create_table(
        "attivazioni_ccp",
        sa.Column("tentativo_id", sa.String(length=32), nullable=False),
        sa.Column("psp", sa.String(length=35), nullable=False),
        sa.Column("intermediario_psp", sa.String(length=35), nullable=False),
        sa.Column("canale", sa.String(length=35), nullable=False),
        sa.Column("dati", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("tentativo_id", name="pk_attivazioni_ccp"),
        sa.ForeignKeyConstraint(["tentativo_id"], ["tentativi.id"], name="fk_attivazioni_ccp_tentativo_id"),
    )
    op.create_table(
        "servizi_avviso",
        sa.Column("ente_id", Id, autoincrement=False, nullable=False),
        sa.Column("id_servizio", sa.String(length=5), nullable=False),
        sa.Column("id_soggetto", sa.String(length=5), nullable=False),
        sa.Column("tipo", sa.String(length=64), nullable=False),
        sa.Column("causale", sa.String(length=140), nullable=False),
        sa.Column("campi", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("ente_id", "id_servizio", "id_soggetto", name="pk_servizi_avviso"),
        sa.ForeignKeyConstraint(["ente_id"], ["enti.id"], name="fk_servizi_avviso_ente_id"),
    )
    op.create_table(
        "avvisi_richiesti",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("ente_id", Id, nullable=False),
        sa.Column("id_servizio", sa.String(length=5), nullable=False),
        sa.Column("id_soggetto", sa.String(length=5), nullable=False),
        sa.Column("impronta", sa.String(length=64), nullable=False),
        sa.Column("iud", sa.String(length=35), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_avvisi_richiesti"),
        sa.UniqueConstraint(
            "ente_id", "id_servizio", "id_soggetto", "impronta", name="uq_avvisi_richiesti_ente_id_servizio_impronta"
        ),
        sa.ForeignKeyConstraint(["ente_id"], ["enti.id"], name="fk_avvisi_richiesti_ente_id"),
    )
    op.add_column("enti", sa.Column("ripiego_archivio", sa.String(length=16), server_default="errore", nullable=False))
    op.add_column("tipi", sa.Column("metadati", sa.JSON(none_as_null=True)))
    # An attempt whose lock lapsed gives way to another one and stays open: what became of it is still asked.
    op.add_column("tentativi", sa.Column("superato_at", Instant()))
    op.drop_index("uq_tentativi_carrello_aperto", table_name="tentativi")
    op.create_index(
        "uq_tentativi_carrello_aperto",
        "tentativi",
        ["carrello_id"],
        unique=True,
        sqlite_where=_APERTI,
        postgresql_where=_APERTI,
    )
