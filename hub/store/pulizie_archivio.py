"""Who sweeps the archive of files, what was removed, and which files a row names."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Row, Select, exists, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from hub.domain.pulizia import Genere, Motivo, Origine
from hub.domain.stati import IMPORT_APERTI, StatoConsegna, StatoExport, StatoImport
from hub.store.database import Session
from hub.store.schema import consegne_export, flussi_import, prenotazioni_export, pulizie_archivio

_ID = 1
# Their files are still to be carried to the ente.
_ON_THE_WAY = (StatoConsegna.PRENOTATA, StatoConsegna.IN_CONSEGNA)
_IMPORT_FINITI = (StatoImport.IMPORT_ESEGUITO, StatoImport.IMPORT_ABORTITO)
_FILES = ("file", "file_scarti", "file_iuv", "file_avvisi")


def is_due(session: Session, now: datetime) -> bool:
    """Whether `take` may succeed; asked first, so that a database at rest is only read."""
    found = session.execute(select(pulizie_archivio.c.non_prima_at, pulizie_archivio.c.sospesa_at)).one_or_none()
    return found is None or (found.non_prima_at <= now and found.sospesa_at is None)


def take(session: Session, now: datetime, until: datetime) -> int | None:
    """Take the sweeping of the archive until an instant and return the fence; None when it is not due, or another's."""
    table = pulizie_archivio
    taken = update(table).where(table.c.id == _ID, table.c.non_prima_at <= now, table.c.sospesa_at.is_(None))
    values = {"non_prima_at": until, "fence": table.c.fence + 1}
    fence = session.execute(taken.values(values).returning(table.c.fence)).scalar_one_or_none()
    if fence is not None or session.execute(select(table.c.id)).first() is not None:
        return fence
    try:
        with session.begin_nested():
            session.execute(insert(table), {"id": _ID, "non_prima_at": until, "fence": 1})
    except IntegrityError:
        return None  # another was first
    return 1


def keep(session: Session, fence: int, until: datetime, removed: Mapping[Motivo, int], size_bytes: int) -> bool:
    """Add what was removed and say until when nobody else begins; False when another has it by now."""
    table = pulizie_archivio
    counts = {str(motivo).lower(): number for motivo, number in removed.items()} | {"size_bytes": size_bytes}
    values: dict[str, Any] = {name: table.c[name] + number for name, number in counts.items()}
    mine = update(table).where(table.c.id == _ID, table.c.fence == fence, table.c.sospesa_at.is_(None))
    return session.execute(mine.values(non_prima_at=until, **values)).rowcount == 1


def suspend(session: Session, now: datetime) -> None:
    """Let nobody sweep before `resume`, whoever is at it included."""
    # Where nobody ever swept there is no row yet.
    take(session, now, now)
    session.execute(update(pulizie_archivio).where(pulizie_archivio.c.id == _ID).values(sospesa_at=now))


def resume(session: Session) -> bool:
    """Let the sweep go on; False: it was not suspended."""
    statement = update(pulizie_archivio).where(pulizie_archivio.c.sospesa_at.is_not(None))
    return session.execute(statement.values(sospesa_at=None)).rowcount > 0


def sospesa_at(session: Session) -> datetime | None:
    """Since when the sweep is suspended; None: it is not."""
    return session.execute(select(pulizie_archivio.c.sospesa_at)).scalar_one_or_none()


def removed(session: Session) -> tuple[dict[str, int], int]:
    """How many files were removed since ever, by why, and their bytes."""
    row = session.execute(select(pulizie_archivio)).mappings().one_or_none()
    if row is None:
        return {str(motivo): 0 for motivo in Motivo}, 0
    return {str(motivo): row[str(motivo).lower()] for motivo in Motivo}, row["size_bytes"]


def wanted(session: Session, files: Mapping[str, Origine], enti: Mapping[str, int]) -> set[str]:
    """Those of these files that a row names, or may come to name: what it is about is not over.

    A file of an ente that is not here is nobody's to judge: wanted.
    """
    found = {path for path, origine in files.items() if origine.cod_ipa_ente not in enti}
    for genere in Genere:
        asked = {path: one for path, one in files.items() if one.genere == genere and path not in found}
        if not asked:
            continue
        ids = {enti[origine.cod_ipa_ente] for origine in asked.values()}
        rows: dict[tuple[int, Any], list[Row[Any]]] = {}
        for row in session.execute(_rows(genere, ids, {_key(origine) for origine in asked.values()})):
            rows.setdefault((row.ente_id, row.chiave), []).append(row)
        for path, origine in asked.items():
            mine = rows.get((enti[origine.cod_ipa_ente], _key(origine)), ())
            if any(row.stato in _OPEN[genere] or path in files_of(row) for row in mine):
                found.add(path)
    return found


# While a row is so, it may come to name a file that it does not name yet. A request whose file has not come is
# forgotten in time, and then no file can come for it any more.
_OPEN: Mapping[Genere, frozenset[str]] = {
    Genere.RICEVUTO: frozenset({StatoImport.AUTORIZZATO}),
    Genere.RISULTATO: IMPORT_APERTI,
    Genere.PARTE: IMPORT_APERTI,
    Genere.EXPORT: frozenset({StatoExport.LOAD_EXPORT, StatoExport.EXPORT_IN_ELAB}),
    Genere.SCADUTI: frozenset({StatoExport.LOAD_EXPORT, StatoExport.EXPORT_IN_ELAB}),
}
_KEYS: Mapping[Genere, Column[Any]] = {
    Genere.RICEVUTO: flussi_import.c.request_token,
    Genere.RISULTATO: flussi_import.c.nome_file,
    Genere.PARTE: flussi_import.c.id,
    Genere.EXPORT: prenotazioni_export.c.id,
    Genere.SCADUTI: prenotazioni_export.c.request_token,
}


def _key(origine: Origine) -> Any:
    """The key of a path as its column has it."""
    if origine.genere in (Genere.PARTE, Genere.EXPORT):
        return int(origine.chiave)
    return f"{origine.chiave}.zip" if origine.genere == Genere.RISULTATO else origine.chiave


def _rows(genere: Genere, ente_ids: Collection[int], keys: Collection[Any]) -> Select[Any]:
    key = _KEYS[genere]
    table = key.table
    files = [table.c[name] for name in _FILES if name in table.c]
    query = select(key.label("chiave"), table.c.ente_id, table.c.stato, *files)
    return query.where(table.c.ente_id.in_(ente_ids), key.in_(keys))


def files_of(row: Row[Any]) -> list[str]:
    """The files that a row of an import or of an export names."""
    values = row._mapping
    return [values[name] for name in _FILES if values.get(name) is not None]


def imports_with_files(session: Session, after: int, limit: int) -> Sequence[Row[Any]]:
    """Imports that name a file, in the order of their ids after one."""
    table = flussi_import
    query = select(table).where(table.c.id > after, or_(*(table.c[name].is_not(None) for name in _FILES)))
    return session.execute(query.order_by(table.c.id).limit(limit)).all()


def exports_with_files(session: Session, after: int, limit: int) -> Sequence[Row[Any]]:
    """Executed exports that name a file, in the order of their ids after one."""
    table = prenotazioni_export
    query = select(table).where(table.c.id > after, table.c.file.is_not(None))
    query = query.where(table.c.stato == StatoExport.EXPORT_ESEGUITO)
    return session.execute(query.order_by(table.c.id).limit(limit)).all()


def finished_imports(
    session: Session, before: datetime, after: int, limit: int, *, lock: bool = False
) -> Sequence[Row[Any]]:
    """Imports that ended before an instant and name a file, in the order of their ids after one."""
    table = flussi_import
    query = select(table).where(table.c.id > after, or_(*(table.c[name].is_not(None) for name in _FILES)))
    query = query.where(table.c.stato.in_(_IMPORT_FINITI), table.c.finished_at < before)
    query = query.order_by(table.c.id).limit(limit)
    return session.execute(query.with_for_update(skip_locked=True) if lock else query).all()


def finished_exports(
    session: Session, before: datetime, after: int, limit: int, *, lock: bool = False
) -> Sequence[Row[Any]]:
    """Exports that ended before an instant, name a file and need not carry it to the ente any more; as above."""
    table = prenotazioni_export
    query = select(table).where(table.c.id > after, table.c.file.is_not(None), table.c.finished_at < before)
    query = query.where(
        table.c.stato == StatoExport.EXPORT_ESEGUITO,
        ~exists().where(consegne_export.c.prenotazione_id == table.c.id, consegne_export.c.stato.in_(_ON_THE_WAY)),
    )
    query = query.order_by(table.c.id).limit(limit)
    return session.execute(query.with_for_update(skip_locked=True) if lock else query).all()


def forget_files(session: Session, row: Row[Any], at: datetime) -> None:
    """Say of a finished import that its files are not kept any more."""
    values = dict.fromkeys(_FILES) | {"file_rimossi_at": at, "updated_at": at}
    session.execute(update(flussi_import).where(flussi_import.c.id == row.id).values(**values))
