"""Operators of the console: added, revoked, let in."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from hub.domain.errors import Conflict, InvalidRequest, NotFound, TroppiTentativi
from hub.domain.operatore import Operatore
from hub.formats.segreti import DUMMY_HASH, hash_password, verify_password
from hub.store import enti, operatori
from hub.store.database import Database
from hub.store.failures import FailedPasswords

PASSWORD_MIN = 12
PASSWORD_MAX = 128
_NOME = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")


def add_operatore(db: Database, nome: str, password: str, cod_ipa_ente: str | None, now: datetime) -> None:
    """Keep a new operator, of an ente or (None) of the installation.

    Raises: InvalidRequest (name or password), NotFound (unknown ente), Conflict (the name is taken).
    """
    check_nome(nome)
    hash = hash_of(password)
    with db.transaction() as session:
        ente_id = None if cod_ipa_ente is None else enti.by_cod_ipa(session, cod_ipa_ente).id
        if operatori.find_by_nome(session, nome) is not None:
            raise Conflict(f"l'operatore {nome} esiste già")
        operatori.add(session, nome=nome, hash=hash, ente_id=ente_id, created_at=now)


def check_nome(nome: str) -> None:
    """Raises: InvalidRequest."""
    if not _NOME.fullmatch(nome):
        raise InvalidRequest(f"nome {nome[:64]!r} non ammesso: da 2 a 64 minuscole, cifre, punto, trattino, _ o @")


def hash_of(password: str) -> str:
    """Return what is kept of a password. Raises: InvalidRequest (too short, too long)."""
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise InvalidRequest(f"la password deve avere da {PASSWORD_MIN} a {PASSWORD_MAX} caratteri")
    return hash_password(password)


def revoke_operatore(db: Database, nome: str, now: datetime) -> None:
    """Close the console to an operator at once. Raises: NotFound."""
    with db.transaction() as session:
        if not operatori.revoke(session, nome, now):
            raise NotFound(f"operatore {nome} sconosciuto")


def enter(db: Database, failures: FailedPasswords, nome: str, password: str, source: str) -> Operatore | None:
    """Return the operator; None for a wrong name or password, which cost the same.

    Raises: TroppiTentativi (this source guessed too often).
    """
    wait_s = failures.wait_s(source)
    if wait_s:
        raise TroppiTentativi(
            f"troppe password errate da questo indirizzo: riprovare fra {wait_s} secondi", retry_after_s=wait_s
        )
    with db.reading() as session:
        row = operatori.find_by_nome(session, nome)
    is_right = verify_password(DUMMY_HASH if row is None else row.hash, password[:PASSWORD_MAX])
    if row is None or not is_right:
        failures.add(source)
        return None
    return _said(row)


def find_operatore(db: Database, id: int, segno: str) -> Operatore | None:
    """Return who opened the console before; None when revoked since, or with another password."""
    with db.reading() as session:
        row = operatori.find(session, id)
    if row is None or _segno(row.hash) != segno:
        return None
    return _said(row)


def _said(row: Row[Any]) -> Operatore:
    return Operatore(row.id, row.nome, row.ente_id, _segno(row.hash))


def _segno(hash: str) -> str:
    return hashlib.sha256(hash.encode()).hexdigest()[:16]
