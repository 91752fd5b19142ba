"""Make a database that was restored from an older copy safe to go on with: no number of an IUV is drawn a second time.

What it forgot is looked for where it can be: in the marks of this machine, in the files of the archive, in its own rows
(a receipt may be there and its dovuto not). On top of that every counter skips a stretch, for what nobody knows of.
Source: flows, 2.4 (an IUV is one debt's for ever).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from hub.domain.errors import FlussoRifiutato, InvalidRequest, Misconfigured, NotFound
from hub.domain.iuv import PROGRESSIVO_MAX, is_drawn, is_valid
from hub.formats.iuv_restituiti import SUFFISSO, read_iuv
from hub.ports import Archivio
from hub.store import installazione, iuv_noti, lavori_flussi, pulizie_archivio
from hub.store.database import Database
from hub.store.iuv import move_past
from hub.store.segni import Marche, Segni

# Heartbeats, one a minute: more than another machine can have seen since this one last looked.
_BATTITI = 10_000
# An IUV: segregation code (2), information system (2), progressive number (11), check (2).
_SEGREGAZIONE, _NUMERO = slice(0, 2), slice(4, 15)


@dataclass(frozen=True, slots=True)
class Contatore:
    """A counter that was moved: the next number before and now."""

    codice_fiscale: str
    segregazione: str
    prima: int
    dopo: int


@dataclass(frozen=True, slots=True)
class Ripristino:
    """What was done.

    `primo`: where a counter begins that is not there yet. `messaggi`: how many will be asked about before they leave.
    `flussi`: those that were being loaded and go on with other numbers. `file`: results of flows that the database does
    not know; `illeggibili`: those that nobody can read.
    """

    contatori: tuple[Contatore, ...]
    primo: int
    messaggi: int
    flussi: int
    file: tuple[str, ...]
    illeggibili: tuple[str, ...]


@dataclass(slots=True)
class _Scoperti:
    """What the files say that nobody knows of. `ends`: the number after the last one, by codIpaEnte and segregation."""

    ends: dict[tuple[str, str], int] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def dopo_ripristino(db: Database, archivio: Archivio, segni: Segni, gap: int, now: datetime) -> Ripristino:
    """Move the counters past everything that may have been drawn, doubt every message that waits, and let no file of
    the archive be swept before somebody says so.

    Harmless to repeat: numbers are skipped again. `gap`: how many numbers each counter skips beyond what is known.
    Raises: OutOfService, InvalidRequest (a counter would pass the largest number there is).
    """
    try:
        marche = segni.read()
    except Misconfigured:
        # Nobody can read them: they are written anew.
        marche = Marche()
    with db.reading() as session:
        noti = iuv_noti.enti_noti(session)
        highest = iuv_noti.highest(session)
        before = installazione.contatori(session)
        counted = installazione.battito(session)
    scoperti = _look(db, archivio)
    orphan = 0
    for (cod_ipa_ente, segregazione), end in scoperti.ends.items():
        if cod_ipa_ente in noti:
            key = noti[cod_ipa_ente][0], segregazione
            highest[key] = max(highest.get(key, 0), end)
        else:
            orphan = max(orphan, end)
    for key, (_, end) in marche.numeri.items():
        highest[key] = max(highest.get(key, 0), end)
    keys = {*noti.values(), *before, *highest}
    dopo = {key: max(before.get(key, installazione.PRIMO), highest.get(key, 0)) + gap for key in keys}
    primo = max([installazione.PRIMO, orphan, *(end for _, end in marche.numeri.values())]) + gap
    for (codice_fiscale, segregazione), number in dopo.items():
        if number > PROGRESSIVO_MAX:
            raise InvalidRequest(
                f"--gap {gap}: i numeri dell'ente {codice_fiscale}, codice di segregazione {segregazione}, finirebbero"
            )
    with db.transaction() as session:
        beats = max(marche.battito - counted, 0) + _BATTITI
        beaten = installazione.add_battiti(session, beats, now)
        installazione.begin_counters(session, primo, now)
        for key, number in dopo.items():
            move_past(session, *key, number - 1)
        flussi = lavori_flussi.forget_numbers(session)
        messaggi = installazione.doubt_outbox(session, now)
        # Of files that came after the copy no row knows: the sweep would take them for nobody's.
        pulizie_archivio.suspend(session, now)
        now_at = installazione.contatori(session)
    segni.restart(beaten, now_at)
    moved = [Contatore(*key, before.get(key, installazione.PRIMO), now_at[key]) for key in sorted(keys)]
    return Ripristino(
        tuple(moved), primo, messaggi, flussi, tuple(scoperti.files), tuple(scoperti.unreadable)
    )


def _look(db: Database, archivio: Archivio) -> _Scoperti:
    """Look into the files of IUVs that no flow names."""
    found = _Scoperti()
    for page in archivio.pages():
        paths = [file.path for file in page if file.path.endswith(SUFFISSO) and not file.is_incompiuto]
        if not paths:
            continue
        with db.reading() as session:
            known = lavori_flussi.known_iuv_files(session, paths)
        for path in sorted(set(paths) - known):
            try:
                ends = _ends_of(archivio, path)
            except (FlussoRifiutato, NotFound):
                found.unreadable.append(path)
                continue
            found.files.append(path)
            for segregazione, end in ends.items():
                key = path.partition("/")[0], segregazione
                found.ends[key] = max(found.ends.get(key, 0), end)
    return found


def _ends_of(archivio: Archivio, path: str) -> dict[str, int]:
    """Return the number after the last one of a file by segregation code, of those that the hub had drawn."""
    versione = path.removesuffix(SUFFISSO).rpartition("-")[2]
    ends: dict[str, int] = {}
    with archivio.open(path) as file:
        for iuv in read_iuv(file, versione):
            if is_drawn(iuv) and is_valid(iuv):
                segregazione = iuv[_SEGREGAZIONE]
                ends[segregazione] = max(ends.get(segregazione, 0), int(iuv[_NUMERO]) + 1)
    return ends
