"""Bring the database to a configuration, say first what would change.

What the file does not speak of stays as it is. A list that is given is the whole list: an application left out of
`applicazioni` is revoked, a tipo left out of `tipi` is switched off (its dovuti remain).
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from typing import Any

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
from hub.formats.segreti import Cassaforte
from hub.store import dovuti, enti, loghi, stazioni, tipi
from hub.store.database import Database, Session
from hub.usecases.sync_certificato import sync_certificato
from hub.usecases.sync_credenziali import Confronto, Passwords, sync_credenziali
from hub.usecases.sync_export import sync_export
from hub.usecases.sync_fdr import sync_fdr
from hub.usecases.sync_inoltro import sync_inoltro
from hub.usecases.sync_servizi import sync_servizi
from hub.usecases.sync_servizi_rest import sync_servizi_rest

_SECRET = "password"


class _Sync:
    """One comparison of the database with what is wanted; `write` carries it out."""

    def __init__(
        self, session: Session, cassaforte: Cassaforte, passwords: Passwords, now: datetime, *, write: bool
    ) -> None:
        self.session, self.cassaforte, self.passwords, self.write = session, cassaforte, passwords, write
        self.confronto = Confronto(session, now, write=write)
        self.found, self.problems = self.confronto.found, self.confronto.problems
        self._compare = self.confronto.compare

    def run(self, wanted: Configurazione) -> list[Differenza]:
        for stazione in wanted.stazioni:
            self._stazione(stazione)
            sync_servizi_rest(self.confronto, self.cassaforte, stazione)
            sync_fdr(self.confronto, stazione)
            sync_certificato(self.confronto, self.cassaforte, stazione)
        self._check_amministratore(wanted)
        # Who is to be the administrator comes last: the one before must have let go.
        for ente in sorted(wanted.enti, key=lambda ente: ente.amministratore):
            self._ente(ente)
        self._left_alone(wanted)
        if self.problems:
            raise ConfigurazioneNonValida(self.problems)
        return self.found

    def _check_amministratore(self, wanted: Configurazione) -> None:
        named = {ente.cod_ipa_ente for ente in wanted.enti}
        chosen = next((ente.cod_ipa_ente for ente in wanted.enti if ente.amministratore), None)
        for row in enti.all_rows(self.session):
            if chosen is not None and row.amministratore and row.cod_ipa_ente not in named:
                self.problems.append((f"ente {chosen}", f"l'ente amministratore è già {row.cod_ipa_ente}"))

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

    def _stazione(self, wanted: Stazione) -> None:
        subject = f"stazione {wanted.id}"
        values = asdict(wanted)
        clear = values.pop("password")
        del values["servizi_rest"], values["fdr"], values["certificato"]
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
            if row.codice_fiscale != wanted.codice_fiscale and dovuti.has_any(self.session, row.id):
                reason = "l'ente ha già dovuti, che pagoPA conosce con quello di prima: aggiungere un ente nuovo"
                self.problems.append((subject, f"codice_fiscale: {reason}"))
            changed = self._compare(subject, row, values)
            if changed and self.write:
                enti.change(self.session, row.id, **changed)
        self._mypivot(subject, ente_id, None if row is None else row.password_mypivot_hash, wanted.password_mypivot)
        self._logo(subject, ente_id, wanted.logo)
        if wanted.tipi is not None:
            self._tipi(subject, ente_id, wanted.tipi)
        sync_credenziali(self.confronto, self.passwords, subject, ente_id, wanted)
        sync_inoltro(self.confronto, self.cassaforte, subject, ente_id, wanted)
        sync_servizi(self.confronto, subject, ente_id, wanted)
        sync_export(self.confronto, self.cassaforte, subject, ente_id, wanted.export_giornaliero)

    def _mypivot(self, subject: str, ente_id: int | None, hash: str | None, clear: str | None) -> None:
        if clear is None or (hash is not None and (clear == INVARIATO or self.passwords.matches(hash, clear))):
            return
        if clear == INVARIATO:
            self.problems.append((subject, f'la password_mypivot "{INVARIATO}" non è ancora registrata'))
            return
        self.found.append(Differenza("modifica", subject, "password_mypivot", INVARIATO if hash else "", INVARIATO))
        hashed = self.passwords.hash(f"{subject}, mypivot", clear)
        if self.write and ente_id is not None:
            enti.change(self.session, ente_id, password_mypivot_hash=hashed)

    def _logo(self, subject: str, ente_id: int | None, png: bytes | None) -> None:
        before = None if ente_id is None else loghi.find(self.session, ente_id)
        if before == png:
            return
        self.found.append(Differenza("modifica", subject, "logo", _picture(before), _picture(png)))
        if self.write and ente_id is not None:
            loghi.put(self.session, ente_id, png)

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


def _picture(png: bytes | None) -> str:
    """Name a picture in a few characters: how large, and which."""
    return f"PNG di {len(png)} byte, sha256 {sha256(png).hexdigest()[:12]}" if png else ""


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
        "amministratore": ente.amministratore,
        "quota_secondaria": ente.quota_secondaria,
        "esito_carrello": ente.esito_carrello,
        "import_ripetuto": ente.import_ripetuto,
        "autenticazione": None if ente.autenticazione is None else list(ente.autenticazione),
        "inoltro_esito": ente.inoltro_esito,
        "url_archivio_esterno": ente.url_archivio_esterno,
        "ripiego_archivio": ente.ripiego_archivio,
        "codice_convenzione": ente.codice_convenzione,
        "beneficiario": ente.beneficiario,
        "codice_cbill": ente.codice_cbill,
        "autorizzazione_stampa": ente.autorizzazione_stampa,
        "contatti": None if ente.contatti is None else _given(asdict(ente.contatti)),
        "flusso_bytes_max": ente.flusso_bytes_max,
        "pubblica_posizioni": ente.pubblica_posizioni,
    }


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def tipo_values(tipo: Tipo) -> dict[str, Any]:
    """Return the columns of a tipo; where its outcomes go is kept apart."""
    values = {**asdict(tipo), "modalita": list(tipo.modalita)}
    del values["endpoint_esito"]
    return values


def plan(db: Database, desired: Configurazione, cassaforte: Cassaforte, now: datetime) -> list[Differenza]:
    """Return what `apply` would do; nothing is written.

    Raises: ConfigurazioneNonValida (a secret left as it is that is not there, an ente that nobody could call).
    """
    with db.reading() as session:
        return compare(session, desired, cassaforte, Passwords(), now)


def compare(
    session: Session, desired: Configurazione, cassaforte: Cassaforte, passwords: Passwords, now: datetime
) -> list[Differenza]:
    """Return what `write` would do. Raises: ConfigurazioneNonValida."""
    return _Sync(session, cassaforte, passwords, now, write=False).run(desired)


def apply(db: Database, desired: Configurazione, cassaforte: Cassaforte, now: datetime) -> list[Differenza]:
    """Bring the database to the configuration and return what was done; a second time does nothing.

    Raises: ConfigurazioneNonValida, and then nothing is written.
    """
    passwords = Passwords()
    with db.reading() as session:
        found = compare(session, desired, cassaforte, passwords, now)
    if not any(difference.is_change for difference in found):
        return found
    with db.transaction() as session:
        return write(session, desired, cassaforte, passwords, now)


def write(
    session: Session, desired: Configurazione, cassaforte: Cassaforte, passwords: Passwords, now: datetime
) -> list[Differenza]:
    """Bring the database to the configuration within a transaction; return what was done.

    `passwords`: those of a plan, so that nothing is hashed again while others wait. Raises: ConfigurazioneNonValida.
    """
    return _Sync(session, cassaforte, passwords, now, write=True).run(desired)
