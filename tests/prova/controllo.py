"""What `pontepa verify` says of the database that a proof has left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from adapters.cartella.client import CartellaArchivio
from hub.store.database import Database
from hub.usecases.verifica import CONTROLLI, CONTROLLO_FILE, verifica
from tests.prova.tabella import Row

_SHOWN = 5


def rilievi(db: Database, archivio: Path | None = None) -> list[str]:
    """What does not hold together, a line each; with an archive its files are looked at too."""
    nomi = [*CONTROLLI] if archivio is None else [*CONTROLLI, CONTROLLO_FILE]
    kept = CartellaArchivio(archivio or Path())
    return [
        f"{esame.controllo}: {one.tabella} {one.id}, {one.dettaglio}"
        for esame in verifica(db, nomi, kept, lambda *_: None, limit=_SHOWN)
        for one in esame.rilievi
    ]


def row(parte: str, looked_at: int, found: Sequence[str]) -> Row:
    """The row of a part's check: what does not hold together counts as lost."""
    for line in found:
        print(f"{parte}: {line}", flush=True)
    return f"{parte}: pontepa verify", looked_at, len(found), 0, 0.0
