"""Keep the settlement flows that the node lists: every revision once, their payments, the turns of asking for them."""

import sqlalchemy as sa
from alembic import op

from hub.store.schema import Instant

revision = "0025"
down_revision = "0024"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OPEN = sa.text("stato IN ('LISTED', 'DOWNLOADING', 'DOWNLOAD_ERROR', 'STORED')")
_ACTIVE = sa.text("attiva")


def upgrade() -> None:
    op.create_table(
        "lacune_fdr",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("dominio", sa.String(length=11), nullable=False),
        sa.Column("stazione_id", sa.String(length=35), nullable=False),
        sa.Column("dal", Instant(), nullable=False),
        sa.Column("al", Instant(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["stazione_id"], ["stazioni.id"], name="fk_lacune_fdr_stazione_id"),
        sa.PrimaryKeyConstraint("id", name="pk_lacune_fdr"),
        sa.UniqueConstraint("dominio", "stazione_id", "dal", name="uq_lacune_fdr_dal"),
    )
    op.create_table(
        "stazioni_fdr",
        sa.Column("stazione_id", sa.String(length=35), nullable=False),
        sa.Column("trasporto", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["stazione_id"], ["stazioni.id"], name="fk_stazioni_fdr_stazione_id"),
        sa.PrimaryKeyConstraint("stazione_id", name="pk_stazioni_fdr"),
    )
    op.create_table(
        "acquisizioni_fdr",
        sa.Column("dominio", sa.String(length=11), nullable=False),
        sa.Column("stazione_id", sa.String(length=35), nullable=False),
        sa.Column("ente_id", _ID, nullable=False),
        sa.Column("next_attempt_at", Instant(), nullable=False),
        sa.Column("lease_until", Instant()),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("elencata_at", Instant()),
        sa.Column("pubblicato_at", Instant()),
        sa.Column("errori", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ferma", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("codice", sa.String(length=64)),
        sa.Column("motivo", sa.Text()),
        sa.ForeignKeyConstraint(["ente_id"], ["enti.id"], name="fk_acquisizioni_fdr_ente_id"),
        sa.ForeignKeyConstraint(["stazione_id"], ["stazioni.id"], name="fk_acquisizioni_fdr_stazione_id"),
        sa.PrimaryKeyConstraint("dominio", "stazione_id", name="pk_acquisizioni_fdr"),
    )
    op.create_table(
        "rendicontazioni",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("dominio", sa.String(length=11), nullable=False),
        sa.Column("ente_id", _ID, nullable=False),
        sa.Column("stazione_id", sa.String(length=35), nullable=False),
        sa.Column("trasporto", sa.String(length=8), nullable=False),
        sa.Column("iuf", sa.String(length=64), nullable=False),
        sa.Column("psp", sa.String(length=35), nullable=False),
        sa.Column("elencato_at", Instant(), nullable=False),
        sa.Column("revisione", sa.Integer(), nullable=False),
        sa.Column("pubblicato_at", Instant()),
        sa.Column("stato", sa.String(length=20), nullable=False),
        sa.Column("attiva", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("superata_da", _ID),
        sa.Column("motivo", sa.String(length=500)),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", Instant()),
        sa.Column("lease_until", Instant()),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("file", sa.String(length=512)),
        sa.Column("sha256", sa.String(length=64)),
        sa.Column("size_bytes", sa.BigInteger()),
        sa.Column("illeggibile_sha256", sa.String(length=64)),
        sa.Column("versione", sa.String(length=16)),
        sa.Column("generato_at", Instant()),
        sa.Column("trn", sa.String(length=35)),
        sa.Column("regolato", sa.Date()),
        sa.Column("mittente_tipo", sa.String(length=1)),
        sa.Column("mittente_codice", sa.String(length=35)),
        sa.Column("mittente_nome", sa.String(length=140)),
        sa.Column("bic_riversamento", sa.String(length=35)),
        sa.Column("ricevente_codice", sa.String(length=35)),
        sa.Column("ricevente_nome", sa.String(length=140)),
        sa.Column("righe", sa.BigInteger()),
        sa.Column("importo_cent", sa.BigInteger()),
        sa.Column("osservazioni", sa.JSON(none_as_null=True)),
        sa.Column("righe_lette", sa.Integer(), server_default="0", nullable=False),
        sa.Column("netto_cent", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lordo_cent", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("somma", sa.String(length=8)),
        sa.Column("versante", sa.String(length=35)),
        sa.Column("listed_at", Instant(), nullable=False),
        sa.Column("stored_at", Instant()),
        sa.Column("parsed_at", Instant()),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["ente_id"], ["enti.id"], name="fk_rendicontazioni_ente_id"),
        sa.ForeignKeyConstraint(["stazione_id"], ["stazioni.id"], name="fk_rendicontazioni_stazione_id"),
        sa.PrimaryKeyConstraint("id", name="pk_rendicontazioni"),
        sa.UniqueConstraint("dominio", "psp", "iuf", "elencato_at", "revisione", name="uq_rendicontazioni_revisione"),
    )
    op.create_index(
        "ix_rendicontazioni_da_fare",
        "rendicontazioni",
        ["next_attempt_at", "id"],
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_index("ix_rendicontazioni_dominio_regolato", "rendicontazioni", ["dominio", "regolato"])
    op.create_index("ix_rendicontazioni_file", "rendicontazioni", ["file"])
    op.create_index(
        "uq_rendicontazioni_attiva",
        "rendicontazioni",
        ["dominio", "versante", "iuf"],
        unique=True,
        sqlite_where=_ACTIVE,
        postgresql_where=_ACTIVE,
    )
    op.create_table(
        "rendicontazioni_righe",
        sa.Column("rendicontazione_id", _ID, autoincrement=False, nullable=False),
        sa.Column("numero", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("iuv", sa.String(length=35), nullable=False),
        sa.Column("iur", sa.String(length=35), nullable=False),
        sa.Column("indice", sa.SmallInteger()),
        sa.Column("importo_cent", sa.BigInteger(), nullable=False),
        sa.Column("esito", sa.String(length=1), nullable=False),
        sa.Column("data_esito", sa.Date(), nullable=False),
        sa.Column("osservazioni", sa.JSON(none_as_null=True)),
        sa.ForeignKeyConstraint(
            ["rendicontazione_id"], ["rendicontazioni.id"], name="fk_rendicontazioni_righe_rendicontazione_id"
        ),
        sa.PrimaryKeyConstraint("rendicontazione_id", "numero", name="pk_rendicontazioni_righe"),
    )
    op.create_index("ix_rendicontazioni_righe_iuv_iur", "rendicontazioni_righe", ["iuv", "iur"])
