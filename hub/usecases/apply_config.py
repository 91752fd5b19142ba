"""Bring the database to a configuration, say first what would change.

What the file does not speak of stays as it is. A list that is given is the whole list: an application left out of
`applicazioni` is revoked, a tipo left out of `tipi` is switched off (its dovuti remain).
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from hub.domain.configurazione import (
    INVARIATO,
    Configurazione,
    ConfigurazioneNonValida,
    Differenza,
    Ente,
    Stazione,
    Tipo,
)
from hub.domain.errors import Misconfigured
from hub.formats.segreti import Cassaforte, hash_password, verify_password
from hub.store import credenziali, enti, stazioni, tipi
from hub.store.database import Database, Session

_SECRET = "password"


class _Passwords:
    """Hashes and checks made once: argon2id is slow, and must not be paid while a transaction is open."""

    def __init__(self) -> None:
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


class _Sync:
    """One comparison of the database with what is wanted; `write` carries it out."""

    def __init__(
        self, session: Session, cassaforte: Cassaforte, passwords: _Passwords, now: datetime, *, write: bool
    ) -> None:
        self.session, self.cassaforte, self.passwords, self.now, self.write = session, cassaforte, passwords, now, write
        self.found: list[Differenza] = []
        self.problems: list[tuple[str, str]] = []

    def run(self, wanted: Configurazione) -> list[Differenza]:
        for stazione in wanted.stazioni:
            self._stazione(stazione)
        for ente in wanted.enti:
            self._ente(ente)
        self._left_alone(wanted)
        if self.problems:
            raise ConfigurazioneNonValida(self.problems)
        return self.found

    def _left_alone(self, wanted: Configurazione) -> None:
        named = {stazione.id for stazione in wanted.stazioni}
        self.found += [
            Differenza("lascia", f"stazione {row.id} (non è nel file)")
            for row in stazioni.all_rows(self.session)
            if row.id not in named
        ]
        codes = {ente.cod_ipa_ente for ente in wanted.enti}
        self.found += [
            Differenza("lascia", f"ente {row.cod_ipa_ente} (non è nel file)")
            for row in enti.all_rows(self.session)
            if row.cod_ipa_ente not in codes
        ]

    def _compare(self, subject: str, row: Row[Any], values: dict[str, Any]) -> dict[str, Any]:
        """Note the columns that differ and return them."""
        changed = {column: value for column, value in values.items() if getattr(row, column) != value}
        for column, value in changed.items():
            before = getattr(row, column)
            self.found.append(Differenza("modifica", subject, column, _shown(before), _shown(value)))
        return changed

    def _stazione(self, wanted: Stazione) -> None:
        subject = f"stazione {wanted.id}"
        values = asdict(wanted)
        clear = values.pop("password")
        row = stazioni.find(self.session, wanted.id)
        if row is None:
            if clear == INVARIATO:
                self.problems.append((subject, f'la password "{INVARIATO}" non è ancora registrata'))
                return
            self.found.append(Differenza("aggiunge", subject))
            if self.write:
                stazioni.add(self.session, **values, password_cifrata=self.cassaforte.seal(clear))
            return
        changed = self._compare(subject, row, values)
        if clear != INVARIATO and not self._is_sealed(row.password_cifrata, clear):
            self.found.append(Differenza("modifica", subject, _SECRET, INVARIATO, INVARIATO))
            changed["password_cifrata"] = self.cassaforte.seal(clear)
        if changed and self.write:
            stazioni.change(self.session, wanted.id, **changed)

    def _is_sealed(self, sealed: str, clear: str) -> bool:
        try:
            return self.cassaforte.open(sealed) == clear
        except Misconfigured:
            return False  # sealed with a key of another time: sealing it again is the cure

    def _ente(self, wanted: Ente) -> None:
        subject = f"ente {wanted.cod_ipa_ente}"
        values = ente_values(wanted)
        row = enti.find_by_cod_ipa(self.session, wanted.cod_ipa_ente)
        ente_id: int | None
        if row is None:
            self.found.append(Differenza("aggiunge", subject))
            ente_id = enti.add(self.session, **values) if self.write else None
        else:
            ente_id = row.id
            changed = self._compare(subject, row, values)
            if changed and self.write:
                enti.change(self.session, row.id, **changed)
        if wanted.tipi is not None:
            self._tipi(subject, ente_id, wanted.tipi)
        self._credenziali(subject, ente_id, wanted)

    def _tipi(self, subject: str, ente_id: int | None, wanted: tuple[Tipo, ...]) -> None:
        rows = {} if ente_id is None else {row.codice: row for row in tipi.of_ente(self.session, ente_id)}
        for tipo in wanted:
            row = rows.pop(tipo.codice, None)
            values = tipo_values(tipo)
            name = f"{subject}, tipo {tipo.codice}"
            if row is None:
                self.found.append(Differenza("aggiunge", name))
                if self.write:
                    tipi.add(self.session, ente_id=ente_id, **values)
                continue
            changed = self._compare(name, row, values)
            if changed and self.write:
                tipi.change(self.session, row.id, **changed)
        for row in rows.values():
            if row.attivo:
                self.found.append(Differenza("disattiva", f"{subject}, tipo {row.codice} (non è nel file)"))
                if self.write:
                    tipi.change(self.session, row.id, attivo=False)

    def _credenziali(self, subject: str, ente_id: int | None, wanted: Ente) -> None:
        rows = [] if ente_id is None else list(credenziali.attive(self.session, ente_id, self.now))
        staying = [row for row in rows if row.applicazione is None or wanted.applicazioni is None]
        if wanted.password is None and not wanted.applicazioni and not staying:
            self.problems.append((subject, "nessuna credenziale: serve una password o almeno un'applicazione"))
            return
        if wanted.password is not None:
            self._credenziale(subject, ente_id, None, wanted.password, None, None, rows)
        for one in wanted.applicazioni or ():
            self._credenziale(
                f"{subject}, applicazione {one.nome}", ente_id, one.nome, one.password, one.tipi, one.operazioni, rows
            )
        if wanted.applicazioni is not None:
            named = {one.nome for one in wanted.applicazioni}
            for row in rows:
                if row.applicazione is not None and row.applicazione not in named:
                    self.found.append(
                        Differenza("revoca", f"{subject}, applicazione {row.applicazione} (non è nel file)")
                    )
                    if self.write:
                        credenziali.revoke(self.session, row.id, self.now)

    def _credenziale(
        self,
        subject: str,
        ente_id: int | None,
        nome: str | None,
        clear: str,
        granted_tipi: tuple[str, ...] | None,
        granted_operazioni: tuple[str, ...] | None,
        rows: list[Row[Any]],
    ) -> None:
        mine = [row for row in rows if row.applicazione == nome]
        values = grant_values(granted_tipi, granted_operazioni)
        if clear == INVARIATO and not mine:
            self.problems.append((subject, f'la password "{INVARIATO}" non è ancora registrata'))
            return
        # The one that a rotation did not set to expire is the one in force.
        lasting = [row for row in mine if row.expires_at is None]
        if mine and (clear == INVARIATO or any(self.passwords.matches(row.hash, clear) for row in lasting)):
            for row in mine:
                changed = self._compare(subject, row, values)
                if changed and self.write:
                    credenziali.change(self.session, row.id, **changed)
            return
        self.found.append(
            Differenza("modifica", subject, _SECRET, INVARIATO, INVARIATO)
            if mine
            else Differenza("aggiunge", f"{subject}, password" if nome is None else subject)
        )
        hash = self.passwords.hash(subject, clear)
        if self.write:
            for row in mine:
                credenziali.revoke(self.session, row.id, self.now)
            credenziali.add(self.session, ente_id=ente_id, applicazione=nome, hash=hash, created_at=self.now, **values)


def ente_values(ente: Ente) -> dict[str, Any]:
    """Return the columns of an ente."""
    return {
        "cod_ipa_ente": ente.cod_ipa_ente,
        "codice_fiscale": ente.codice_fiscale,
        "nome": ente.nome,
        "stato": str(ente.stato),
        "stazione_id": ente.stazione,
        "codice_segregazione": ente.codice_segregazione,
        "iban": ente.iban,
        "url_esito": ente.url_esito,
        "livelli_base64_pagati": ente.livelli_base64_pagati,
        "quota_secondaria": ente.quota_secondaria,
        "esito_carrello": ente.esito_carrello,
    }


def tipo_values(tipo: Tipo) -> dict[str, Any]:
    """Return the columns of a tipo."""
    return {**asdict(tipo), "modalita": list(tipo.modalita)}


def grant_values(granted_tipi: tuple[str, ...] | None, granted_operazioni: tuple[str, ...] | None) -> dict[str, Any]:
    """Return the columns that limit a credential; None means all."""
    return {
        "tipi": None if granted_tipi is None else list(granted_tipi),
        "operazioni": None if granted_operazioni is None else list(granted_operazioni),
    }


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def plan(db: Database, desired: Configurazione, cassaforte: Cassaforte, now: datetime) -> list[Differenza]:
    """Return what `apply` would do; nothing is written.

    Raises: ConfigurazioneNonValida (a secret left as it is that is not there, an ente that nobody could call).
    """
    with db.reading() as session:
        return _Sync(session, cassaforte, _Passwords(), now, write=False).run(desired)


def apply(db: Database, desired: Configurazione, cassaforte: Cassaforte, now: datetime) -> list[Differenza]:
    """Bring the database to the configuration and return what was done; a second time does nothing.

    Raises: ConfigurazioneNonValida, and then nothing is written.
    """
    passwords = _Passwords()
    with db.reading() as session:
        found = _Sync(session, cassaforte, passwords, now, write=False).run(desired)
    if not any(difference.is_change for difference in found):
        return found
    with db.transaction() as session:
        return _Sync(session, cassaforte, passwords, now, write=True).run(desired)
