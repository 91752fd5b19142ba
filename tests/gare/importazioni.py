"""Eight processes import dovuti at once, half of the IUDs the same for all: one dovuto each, one IUV each.

Whoever comes second is refused with the code of the contract or, where the ente wants it so, told the IUV of the first.
Source: pa-per-ente, paaSILImportaDovuto (2.5), uniqueness (6).
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import select, update

from hub import log
from hub.domain.errors import HubError
from hub.domain.iuv import is_valid
from hub.store import schema
from hub.store.anagrafe import Anagrafe
from hub.store.database import Database
from hub.store.iuv import IuvBlocks
from hub.usecases.authenticate import Callers
from hub.usecases.importa_dovuto import ImportaDovuto, RichiestaImportaDovuto
from tests.factories import encode
from tests.gare.campo import Campo, Esito
from tests.importati import CUT_OFF
from tests.prova.palco import CONTEXT, Quiet
from tests.versamenti import Versamento
from tests.world import chi

_DOPPIO = "PAA_IMPORT_IUD_DUPLICATO"
_BLOCK = 10
_barrier: Any = None


@dataclass(frozen=True, slots=True)
class Risposta:
    """What one call was answered: the IUV of its dovuto, or a code. `error`: what no caller may ever see."""

    iud: str
    iuv: str | None = None
    code: str = ""
    error: str = ""


def race(campo: Campo, *, processes: int = 8, imports: int = 500, is_known: bool = False) -> Esito:
    """`is_known`: the ente wants a repeated import recognised, not refused."""
    way = "riconosciuti" if is_known else "rifiutati"
    esito = Esito(f"{processes} processi, {imports} importazioni ciascuno, doppi {way}", processes * imports)
    prefix = way[:3].upper()
    with campo.db.transaction() as session:
        wanted = "riconosciuto" if is_known else "rifiutato"
        session.execute(update(schema.enti).where(schema.enti.c.id == 1).values(import_ripetuto=wanted))
    started = time.monotonic()
    with CONTEXT.Pool(processes, _begin, (CONTEXT.Barrier(processes),)) as pool:
        told = pool.map(partial(_import_all, campo.url, imports, prefix), range(processes), 1)
    esito.recovery_s = time.monotonic() - started
    _check(campo, esito, [one for each in told for one in each], processes, imports, prefix, is_known=is_known)
    return esito


def _begin(barrier: Any) -> None:
    global _barrier
    _barrier = barrier
    log.configure(Quiet())


def _import_all(url: str, imports: int, prefix: str, who: int) -> list[Risposta]:
    """What one process does: of every two dovuti one is its own, and one is everybody's."""
    db = Database.open(url)
    callers = Callers(Anagrafe(db), 100)
    importa = ImportaDovuto(db, callers, IuvBlocks(db, _BLOCK), CUT_OFF)
    # The password is looked at once, before the start.
    callers.authenticate(chi(), "paaSILImportaDovuto", datetime.now(UTC))
    _barrier.wait()
    iuds = [f"{prefix}-{number if number % 2 else f'{who}-{number}'}" for number in range(imports)]
    try:
        return [_import(importa, iud) for iud in iuds]
    finally:
        db.close()


def _import(importa: ImportaDovuto, iud: str) -> Risposta:
    richiesta = RichiestaImportaDovuto(encode(Versamento(iud).xml), genera_iuv=True)
    try:
        return Risposta(iud, importa(chi(), richiesta, lambda iuv: None, datetime.now(UTC)).iuv)
    except HubError as refusal:
        return Risposta(iud, code=refusal.code)
    # A broken constraint or a locked database that reaches the caller is what the race is about.
    except Exception as error:
        return Risposta(iud, error=f"{type(error).__name__}: {error}")


def _check(
    campo: Campo, esito: Esito, told: list[Risposta], processes: int, imports: int, prefix: str, *, is_known: bool
) -> None:
    iuvs, codes = defaultdict(set), Counter(one.code for one in told if one.iuv is None and not one.error)
    for one in told:
        if one.error:
            esito.lost.append(f"{one.iud}: {one.error}")
        if one.iuv is not None:
            iuvs[one.iud].add(one.iuv)
    shared = imports // 2
    distinct = shared + processes * (imports - shared)
    with campo.db.reading() as session:
        mine = schema.dovuti.c.iud.startswith(f"{prefix}-")
        rows = session.execute(select(schema.dovuti.c.iud, schema.dovuti.c.iuv).where(mine)).all()
    esito.count("dovuti", len(rows), distinct)
    esito.count("IUV diversi e validi", len({row.iuv for row in rows if is_valid(row.iuv)}), distinct)
    esito.count("IUD con risposta", len(iuvs), distinct)
    different = [row for row in rows if iuvs[row.iud] != {row.iuv}]
    esito.lost += [f"{row.iud}: risposto {iuvs[row.iud]}, tenuto {row.iuv}" for row in different]
    esito.count("doppi rifiutati", codes.pop(_DOPPIO, 0), 0 if is_known else processes * imports - distinct)
    esito.lost += [f"risposte {code}: {count}" for code, count in codes.items()]
