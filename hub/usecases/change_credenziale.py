"""Give, replace and take away the credentials of those who call for an ente.

`applicazione` None is the ente's own password. A password that is not given is drawn; it is returned once and only its
hash is kept.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from hub.domain.errors import Conflict, InvalidRequest, NotFound
from hub.formats.segreti import hash_password
from hub.store import credenziali, enti, tipi
from hub.store.database import Database, Session
from hub.usecases.apply_config import grant_values

# The contract's stPassword admits 8 to 15 characters: clients that validate refuse a longer one.
_LENGTH = 15
_ALPHABET = string.ascii_letters + string.digits


def draw_password() -> str:
    """Return a random password of 15 letters and digits (89 bits)."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def add_credenziale(
    db: Database,
    cod_ipa_ente: str,
    applicazione: str | None,
    password: str | None,
    granted_tipi: tuple[str, ...] | None,
    granted_operazioni: tuple[str, ...] | None,
    now: datetime,
) -> str:
    """Keep a new credential and return its password.

    Raises: NotFound (unknown ente), Conflict (the application has one already), InvalidRequest (unknown tipo).
    """
    clear = password or draw_password()
    hash = hash_password(clear)
    with db.transaction() as session:
        ente = enti.by_cod_ipa(session, cod_ipa_ente)
        if _of(session, ente.id, applicazione, now):
            raise Conflict(f"{_subject(cod_ipa_ente, applicazione)} ha già una credenziale: usare rotate")
        for codice in granted_tipi or ():
            if tipi.find(session, ente.id, codice) is None:
                raise InvalidRequest(f"il tipo {codice} non è fra i tipi dell'ente {cod_ipa_ente}")
        credenziali.add(
            session,
            ente_id=ente.id,
            applicazione=applicazione,
            hash=hash,
            created_at=now,
            **grant_values(granted_tipi, granted_operazioni),
        )
    return clear


def rotate_credenziale(
    db: Database, cod_ipa_ente: str, applicazione: str | None, password: str | None, overlap: timedelta, now: datetime
) -> str:
    """Replace a password and return the new one; the old one works until `now + overlap`.

    Raises: NotFound (unknown ente, no credential to replace).
    """
    clear = password or draw_password()
    hash = hash_password(clear)
    with db.transaction() as session:
        ente = enti.by_cod_ipa(session, cod_ipa_ente)
        old = _of(session, ente.id, applicazione, now)
        if not old:
            raise NotFound(f"{_subject(cod_ipa_ente, applicazione)} non ha credenziali")
        latest = old[-1]
        for row in old:
            if not overlap:
                credenziali.revoke(session, row.id, now)
            elif row.expires_at is None or row.expires_at > now + overlap:
                credenziali.change(session, row.id, expires_at=now + overlap)
        credenziali.add(
            session,
            ente_id=ente.id,
            applicazione=applicazione,
            hash=hash,
            created_at=now,
            tipi=latest.tipi,
            operazioni=latest.operazioni,
        )
    return clear


def revoke_credenziale(db: Database, cod_ipa_ente: str, applicazione: str | None, now: datetime) -> int:
    """Shut the door at once and return how many passwords were taken away.

    Raises: NotFound (unknown ente, nothing to revoke).
    """
    with db.transaction() as session:
        ente = enti.by_cod_ipa(session, cod_ipa_ente)
        rows = _of(session, ente.id, applicazione, now)
        if not rows:
            raise NotFound(f"{_subject(cod_ipa_ente, applicazione)} non ha credenziali")
        for row in rows:
            credenziali.revoke(session, row.id, now)
    return len(rows)


def _of(session: Session, ente_id: int, applicazione: str | None, now: datetime) -> Sequence[Row[Any]]:
    return [row for row in credenziali.attive(session, ente_id, now) if row.applicazione == applicazione]


def _subject(cod_ipa_ente: str, applicazione: str | None) -> str:
    return f"l'applicazione {applicazione} dell'ente {cod_ipa_ente}" if applicazione else f"l'ente {cod_ipa_ente}"
