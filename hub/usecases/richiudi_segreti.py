"""Seal again, with the key that seals now, what another of the keys has sealed; then that one may be taken away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hub.domain.errors import Misconfigured
from hub.formats.segreti import Cassaforte
from hub.store import sigilli
from hub.store.database import Database
from hub.store.sigilli import Sigillo

# In one transaction: what is done stays done when the command is interrupted.
_BATCH = 50


@dataclass(frozen=True, slots=True)
class Richiusi:
    """`attuali`: sealed with the first key; `altre`: with another one of the keys; `illeggibili`: places of secrets
    that no key opens; `richiusi`: of `altre`, those that were sealed again."""

    attuali: int
    altre: int
    richiusi: int
    illeggibili: tuple[str, ...]


def richiudi_segreti(
    db: Database, cassaforte: Cassaforte, told: Callable[[int, int], None], *, is_trial: bool = False
) -> Richiusi:
    """Seal every secret with the first key, in steps; harmless to repeat, and beside a hub that works.

    `told`: how many are done, of how many. `is_trial`: only look. A secret that somebody changes meanwhile is his.
    Raises: OutOfService.
    """
    with db.reading() as session:
        found = list(sigilli.everywhere(session))
    others = [one for one in found if not cassaforte.is_first(one.sealed)]
    unreadable, clear = [], []
    for one in others:
        try:
            clear.append((one, cassaforte.open(one.sealed)))
        except Misconfigured:
            unreadable.append(one.place)
    done = 0 if is_trial else _seal(db, cassaforte, clear, told)
    return Richiusi(len(found) - len(others), len(clear), done, tuple(unreadable))


def _seal(
    db: Database, cassaforte: Cassaforte, clear: list[tuple[Sigillo, str]], told: Callable[[int, int], None]
) -> int:
    done = 0
    for start in range(0, len(clear), _BATCH):
        with db.transaction() as session:
            for one, secret in clear[start : start + _BATCH]:
                done += sigilli.replace(session, one, cassaforte.seal(secret))
        told(min(start + _BATCH, len(clear)), len(clear))
    return done
