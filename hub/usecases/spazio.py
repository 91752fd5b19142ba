"""How much room there is where this machine keeps its files, and whether it is enough to go on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from hub.config import Config
from hub.store.database import Database

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Disco:
    """Room at a place. `dove`: dati, or database where it is a file; `libero_bytes`: None, nobody can say."""

    dove: str
    cartella: Path
    libero_bytes: int | None


def dischi(config: Config) -> list[Disco]:
    """Look at the places of this machine, each once; of PostgreSQL and of a bucket only they themselves know."""
    found = [_look("dati", config.data_dir)]
    if config.is_sqlite:
        file = config.database_url.removeprefix("sqlite:///").partition("?")[0]
        found.append(_look("database", Path(file).parent))
    return found


def problema(db: Database, config: Config) -> str | None:
    """Return why there is no room to go on, None when there is."""
    if db.is_full():
        return "il database non ha più spazio"
    floor = config.spazio_min_mib * _MIB
    for disco in dischi(config):
        if disco.libero_bytes is not None and disco.libero_bytes < floor:
            libero = disco.libero_bytes // _MIB
            return f"poco spazio in {disco.cartella} ({disco.dove}): {libero} MiB, ne servono {config.spazio_min_mib}"
    return None


def _look(dove: str, cartella: Path) -> Disco:
    try:
        told = os.statvfs(cartella)
    except OSError:
        return Disco(dove, cartella, None)
    return Disco(dove, cartella, told.f_bavail * told.f_frsize)
