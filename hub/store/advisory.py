"""Locks on what has no row of its own, held until the end of the transaction. SQLite's one writer holds them all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sqlalchemy import text

from hub.store.database import Session

_ALONE = text("SELECT pg_advisory_xact_lock(:key)")
_SHARED = text("SELECT pg_advisory_xact_lock_shared(:key)")


def hold(session: Session, what: str, keys: Iterable[str], *, shared: bool = False) -> None:
    """Wait for the locks and hold them, always in one order. `what`: the kind of thing that the keys are of.

    A statement after this one sees what whoever held them has committed.
    """
    if session.dialect.name != "postgresql":
        return
    for key in sorted(set(keys)):
        digest = hashlib.sha256(f"{what}:{key}".encode()).digest()
        number = int.from_bytes(digest[:8], "big", signed=True)
        session.execute(_SHARED if shared else _ALONE, {"key": number})
