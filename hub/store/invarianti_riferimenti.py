"""What must hold of what the database does not look at by itself: references without a foreign key, JSON."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Column, ColumnElement, and_, exists, func, or_, select, true
from sqlalchemy.types import JSON

from hub.domain.stati import StatoConsegna
from hub.domain.verifica import Rilievo
from hub.store import schema, schema_verifica
from hub.store.columns import metadata
from hub.store.lettura import Lettura, rilievo
from hub.store.schema import carrelli, dovuti, enti, flussi_import, flussi_righe, outbox, rt_ricevute, tentativi

# Left without a key where looking it up at each row would cost too much, or where the row referred to comes later.
RIFERIMENTI: tuple[tuple[Column[object], Column[object]], ...] = (
    (dovuti.c.ente_id, enti.c.id),
    (dovuti.c.carrello_id, carrelli.c.id),
    (dovuti.c.flusso_id, flussi_import.c.id),
    (carrelli.c.rt_id, rt_ricevute.c.id),
    (outbox.c.ente_id, enti.c.id),
    (schema.rendicontazioni.c.superata_da, schema.rendicontazioni.c.id),
)
# As above, for as long as the message is not delivered: then its own row says so, and the message goes in its time.
MESSAGGI: tuple[tuple[Column[object], ColumnElement[bool]], ...] = (
    (schema.eventi_esito.c.messaggio_id, schema.eventi_esito.c.consegnato_at.is_not(None)),
    (schema.consegne_export.c.messaggio_id, schema.consegne_export.c.stato == str(StatoConsegna.CONSEGNATA)),
)
# What the column holds where it is not empty; the rest of the JSON columns hold a list.
_OGGETTI = frozenset(
    {
        schema.stazioni.c.indirizzi, schema.stazioni.c.attese, enti.c.contatti, schema.tipi.c.metadati, dovuti.c.marca,
        dovuti.c.pagatore, dovuti.c.secondario, schema_verifica.attivazioni_ccp.c.dati,
        schema_verifica.servizi_avviso.c.campi, schema.stato_tassonomia.c.avvisi,
        schema.misure.c.valori,
    }
)  # fmt: skip


def riferimento_esistente(lettura: Lettura) -> Iterator[Rilievo]:
    """What a row refers to is there, where no foreign key watches over it; of a receipt that paid, above all.

    Source: hub.store.schema, where each of them says why it has no key; node, 3.5.1 (nothing that was answered OK is
    lost).
    """
    of_messages = ((column, outbox.c.id, ~is_delivered) for column, is_delivered in MESSAGGI)
    for column, target, counts in (*((column, target, true()) for column, target in RIFERIMENTI), *of_messages):
        other = target.table.alias("riferito")
        (key,) = column.table.primary_key
        lost = and_(counts, ~exists().where(other.c[target.name] == column))
        query = select(key.label("id"), *_shown(column)).where(column.is_not(None), lost)
        for row in lettura.rows(query, key):
            words = f"{column.name} si riferisce a una riga di {target.table.name} che non c'è"
            yield rilievo(row, column.table.name, words)


def riga_di_flusso(lettura: Lettura) -> Iterator[Rilievo]:
    """The rows that left no dovuto belong to a flow that is there. Source: flows, 2.4; hub.store.schema_flussi."""
    righe = flussi_righe
    lost = ~exists().where(flussi_import.c.id == righe.c.flusso_id)
    query = select(righe.c.flusso_id.label("id"), func.count().label("n")).where(lost).group_by(righe.c.flusso_id)
    for row in lettura.rows(query, righe.c.flusso_id):
        yield rilievo(row, "flussi_righe", f"{row.n} righe di un flusso che non c'è")


def messaggio_con_tentativo(lettura: Lettura) -> Iterator[Rilievo]:
    """A message for the node that has not ended is about an attempt that is there: else it can never leave.

    Source: hub.usecases.invio_rpt (the key of the message is the attempt's id).
    """
    m = outbox
    lost = ~exists().where(tentativi.c.id == m.c.chiave)
    about_attempts = or_(m.c.topic.startswith("nodo."), m.c.topic == "recupero")
    is_open = m.c.stato.in_(["DA_INVIARE", "IN_INVIO", "SCONOSCIUTO", "PARCHEGGIATO"])
    query = select(m.c.id, m.c.ente_id).where(is_open, about_attempts, lost)
    for row in lettura.rows(query, m.c.id):
        yield rilievo(row, "outbox", "messaggio per il nodo di un tentativo che non c'è")


def json_leggibile(lettura: Lettura) -> Iterator[Rilievo]:
    """A column of JSON holds JSON, a list or an object as its readers expect.

    SQLite keeps anything; PostgreSQL refuses what is no JSON, not what is of another kind. Source: hub.store.schema.
    """
    is_postgresql = lettura.session.dialect.name == "postgresql"
    for column in (one for table in metadata.sorted_tables for one in table.c if isinstance(one.type, JSON)):
        kind = "object" if column in _OGGETTI else "array"
        wrong: ColumnElement[bool]
        if is_postgresql:
            wrong = func.json_typeof(column).not_in([kind, "null"])
        else:
            # In one condition they would be asked in any order, and the second cannot bear what the first finds.
            wrong = func.iif(func.json_valid(column) == 1, func.json_type(column).not_in([kind, "null"]), True)
        key = column.table.primary_key.columns[0]
        query = select(key.label("id")).where(and_(column.is_not(None), wrong))
        for row in lettura.rows(query, key):
            yield rilievo(row, column.table.name, f"{column.name} non è leggibile come JSON ({kind})")


def _shown(column: Column[object]) -> list[Column[object]]:
    return [column.table.c[name] for name in ("ente_id", "iuv") if name in column.table.c]
