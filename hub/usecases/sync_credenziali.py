"""Bring the credentials of an ente and of its applications to what a configuration says.

A password that is given replaces the one in force; a list of certificates that is given is the whole list. A token is
drawn, never written: the file can only say that the one there is stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from hub.domain.configurazione import INVARIATO, Differenza, Ente, Titolare
from hub.domain.credenziali import GENERI, Certificato, Genere, NuovaCredenziale
from hub.formats.segreti import hash_password, verify_password
from hub.store import credenziali
from hub.store.database import Session

_SECRET = "password"


class Passwords:
    """Hashes and checks made once: argon2id is slow, and must not be paid while a transaction is open.

    `on_done` is told each password of which no more is to be made, once.
    """

    def __init__(self, on_done: Callable[[], None] = lambda: None) -> None:
        self._on_done = on_done
        self._done: set[str] = set()
        self._checked: dict[tuple[str, str], bool] = {}
        self._hashed: dict[str, str] = {}

    def matches(self, hash: str, clear: str) -> bool:
        if (hash, clear) not in self._checked:
            self._checked[hash, clear] = verify_password(hash, clear)
        return self._checked[hash, clear]

    def hash(self, owner: str, clear: str) -> str:
        if owner not in self._hashed:
            self._hashed[owner] = hash_password(clear)
        return self._hashed[owner]

    def done(self, owner: str) -> None:
        if owner not in self._done:
            self._done.add(owner)
            self._on_done()


class Confronto:
    """One comparison of the database with what is wanted: the differences, the problems, and whether to write."""

    def __init__(self, session: Session, now: datetime, *, write: bool) -> None:
        self.session, self.now, self.write = session, now, write
        self.found: list[Differenza] = []
        self.problems: list[tuple[str, str]] = []

    def compare(self, subject: str, row: Row[Any], values: dict[str, Any]) -> dict[str, Any]:
        """Note the columns that differ and return them."""
        changed = {column: value for column, value in values.items() if getattr(row, column) != value}
        for column, value in changed.items():
            before = getattr(row, column)
            self.found.append(Differenza("modifica", subject, column, _shown(before), _shown(value)))
        return changed


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def sync_credenziali(
    confronto: Confronto, passwords: Passwords, subject: str, ente_id: int | None, wanted: Ente
) -> None:
    """Compare and, where the comparison says so, write the credentials of one ente (`ente_id` None: not there yet)."""
    rows = [] if ente_id is None else list(credenziali.kept(confronto.session, ente_id, confronto.now))
    if not _can_be_called(wanted, rows):
        confronto.problems.append((subject, "nessuna credenziale fra quelle ammesse: nessuno potrebbe chiamare"))
        return
    _Titolare(confronto, passwords, subject, ente_id, None, {}, rows).sync(wanted)
    for one in wanted.applicazioni or ():
        values = grant_values(one.tipi, one.operazioni) | {
            "software_house": one.software_house,
            "chiamate_al_secondo": one.chiamate_al_secondo,
            "chiamate_insieme": one.chiamate_insieme,
        }
        name = f"{subject}, applicazione {one.nome}"
        _Titolare(confronto, passwords, name, ente_id, one.nome, values, rows).sync(one)
    if wanted.applicazioni is not None:
        named = {one.nome for one in wanted.applicazioni}
        gone = [row for row in rows if row.applicazione is not None and row.applicazione not in named]
        for nome in dict.fromkeys(row.applicazione for row in gone):
            confronto.found.append(Differenza("revoca", f"{subject}, applicazione {nome} (non è nel file)"))
        if confronto.write:
            for row in gone:
                credenziali.revoke(confronto.session, row.id, confronto.now)


def grant_values(granted_tipi: tuple[str, ...] | None, granted_operazioni: tuple[str, ...] | None) -> dict[str, Any]:
    """Return the columns that limit a credential; None means all."""
    return {
        "tipi": None if granted_tipi is None else list(granted_tipi),
        "operazioni": None if granted_operazioni is None else list(granted_operazioni),
    }


def _can_be_called(wanted: Ente, rows: Sequence[Row[Any]]) -> bool:
    """Say whether a credential of an accepted kind is there or wanted."""
    callers: list[Titolare] = [wanted, *(wanted.applicazioni or ())]
    given = {kind for one in callers for kind in _given(one)}
    spoken = {None} | {one.nome for one in wanted.applicazioni or ()}
    staying = {row.genere for row in rows if wanted.applicazioni is None or row.applicazione in spoken}
    return bool((given | staying) & set(wanted.autenticazione or GENERI))


def _given(one: Titolare) -> set[str]:
    # What is to stay as it is and is not there is a problem of its own, with better words.
    given = {
        Genere.PASSWORD: one.password,
        Genere.TOKEN: one.token,
        Genere.CERTIFICATO: one.certificati,
        Genere.FIRMA: one.firme,
    }
    return {str(genere) for genere, value in given.items() if value}


class _Titolare:
    """The credentials of one caller: an application, or the ente itself (`nome` None)."""

    def __init__(
        self,
        confronto: Confronto,
        passwords: Passwords,
        subject: str,
        ente_id: int | None,
        nome: str | None,
        values: dict[str, Any],
        rows: Sequence[Row[Any]],
    ) -> None:
        self._confronto, self._passwords, self._subject = confronto, passwords, subject
        self._ente_id, self._nome, self._values = ente_id, nome, values
        self._mine = [row for row in rows if row.applicazione == nome]
        self._has_been_named = bool(self._mine) or nome is None

    def sync(self, wanted: Titolare) -> None:
        self._grants()
        if wanted.password is not None:
            self._password(wanted.password)
            self._passwords.done(self._subject)
        if wanted.token is not None and not self._of(Genere.TOKEN):
            self._problem(f'il token "{INVARIATO}" non è ancora registrato: si crea con pontepa credenziale add')
        if wanted.certificati is not None:
            self._certificates(Genere.CERTIFICATO, wanted.certificati)
        if wanted.firme is not None:
            self._certificates(Genere.FIRMA, wanted.firme)
        if not self._has_been_named and not self._mine:
            self._problem("nessuna credenziale: serve password, certificati o firme")

    def _of(self, genere: Genere) -> list[Row[Any]]:
        return [row for row in self._mine if row.genere == genere]

    def _problem(self, sentence: str) -> None:
        self._has_been_named = True
        self._confronto.problems.append((self._subject, sentence))

    def _grants(self) -> None:
        for row in self._mine:
            changed = self._confronto.compare(self._subject, row, self._values)
            if changed and self._confronto.write:
                credenziali.change(self._confronto.session, row.id, **changed)

    def _password(self, clear: str) -> None:
        rows = self._of(Genere.PASSWORD)
        if clear == INVARIATO:
            if not rows:
                self._problem(f'la password "{INVARIATO}" non è ancora registrata')
            return
        # The one that a rotation did not set to expire is the one in force.
        lasting = [row for row in rows if row.expires_at is None]
        if any(self._passwords.matches(row.hash, clear) for row in lasting):
            return
        if rows:
            self._confronto.found.append(Differenza("modifica", self._subject, _SECRET, INVARIATO, INVARIATO))
        else:
            self._note_new(_SECRET)
        self._replace(rows, [NuovaCredenziale(Genere.PASSWORD, self._passwords.hash(self._subject, clear))])

    def _certificates(self, genere: Genere, wanted: tuple[Certificato, ...]) -> None:
        rows = {row.impronta: row for row in self._of(genere)}
        new = [one for one in wanted if one.impronta not in rows]
        for one in new:
            self._note_new(f"{genere} {one.impronta[:16]}")
        gone = [row for impronta, row in rows.items() if impronta not in {one.impronta for one in wanted}]
        for row in gone:
            subject = f"{self._subject}, {genere} {row.impronta[:16]} (non è nel file)"
            self._confronto.found.append(Differenza("revoca", subject))
        self._replace(gone, [NuovaCredenziale(genere, impronta=one.impronta, certificato=one) for one in new])

    def _note_new(self, what: str) -> None:
        """Note a new credential; with the first one of an application the application itself is new."""
        subject = f"{self._subject}, {what}" if self._has_been_named else self._subject
        self._has_been_named = True
        self._confronto.found.append(Differenza("aggiunge", subject))

    def _replace(self, old: Sequence[Row[Any]], new: Sequence[NuovaCredenziale]) -> None:
        if not self._confronto.write:
            return
        for row in old:
            credenziali.revoke(self._confronto.session, row.id, self._confronto.now)
        assert self._ente_id is not None
        for nuova in new:
            credenziali.add(
                self._confronto.session, self._ente_id, nuova, self._confronto.now,
                applicazione=self._nome, **self._values,
            )  # fmt: skip
