"""Give, replace and take away the credentials of those who call for an ente.

`applicazione` None is the ente itself. A secret is drawn or given, and returned once in `chiaro`: only its hash is
kept. Of a certificate the certificate itself is kept.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from hub.domain.credenziali import Certificato, Genere, NuovaCredenziale
from hub.domain.errors import Conflict, InvalidRequest, NotFound
from hub.formats.gettoni import draw_token
from hub.formats.segreti import hash_password
from hub.store import credenziali, enti, tipi
from hub.store.database import Database, Session
from hub.usecases.sync_credenziali import grant_values

# The contract's stPassword admits 8 to 15 characters: clients that validate refuse a longer one.
_LENGTH = 15
_ALPHABET = string.ascii_letters + string.digits
# What is said of an application in the configuration alone.
_PACE = ("chiamate_al_secondo", "chiamate_insieme")
# One secret of a kind is enough for a caller; its machines may have a certificate each.
_SINGLE = (Genere.PASSWORD, Genere.TOKEN)


def draw_password() -> str:
    """Return a random password of 15 letters and digits (89 bits)."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def new_password(clear: str | None = None) -> NuovaCredenziale:
    """Return a password to be kept, drawn unless given."""
    chiaro = clear or draw_password()
    return NuovaCredenziale(Genere.PASSWORD, hash_password(chiaro), chiaro)


def new_token() -> NuovaCredenziale:
    """Return a bearer token to be kept; always drawn."""
    chiaro, name = draw_token()
    return NuovaCredenziale(Genere.TOKEN, hash_password(chiaro), chiaro, name)


def new_certificato(genere: Genere, certificato: Certificato, now: datetime) -> NuovaCredenziale:
    """Return a certificate to be kept. Raises: InvalidRequest (it is over)."""
    if certificato.valido_fino <= now:
        raise InvalidRequest(f"il certificato è scaduto il {certificato.valido_fino:%d/%m/%Y}")
    return NuovaCredenziale(genere, impronta=certificato.impronta, certificato=certificato)


def add_credenziale(
    db: Database,
    cod_ipa_ente: str,
    applicazione: str | None,
    nuova: NuovaCredenziale,
    granted_tipi: tuple[str, ...] | None,
    granted_operazioni: tuple[str, ...] | None,
    now: datetime,
    software_house: str | None = None,
) -> None:
    """Keep a new credential. One of an application that has others gets what those grant.

    Raises: NotFound (unknown ente), Conflict (it has one already, it is another's, other grants), InvalidRequest
    (unknown tipo).
    """
    grants = grant_values(granted_tipi, granted_operazioni) | {"software_house": software_house}
    grants |= dict.fromkeys(_PACE)
    with db.transaction() as session:
        ente = enti.by_cod_ipa(session, cod_ipa_ente)
        every = credenziali.attive(session, ente.id, now)
        mine = [row for row in every if row.applicazione == applicazione]
        if nuova.genere in _SINGLE and any(row.genere == nuova.genere for row in mine):
            raise Conflict(f"{_subject(cod_ipa_ente, applicazione)} ha già una credenziale: usare rotate")
        if nuova.certificato and any((row.genere, row.impronta) == (nuova.genere, nuova.impronta) for row in every):
            raise Conflict(f"il certificato {nuova.impronta} è già di qualcuno in questo ente")
        for codice in granted_tipi or ():
            if tipi.find(session, ente.id, codice) is None:
                raise InvalidRequest(f"il tipo {codice} non è fra i tipi dell'ente {cod_ipa_ente}")
        if mine:
            known = {name: getattr(mine[-1], name) for name in grants}
            if any(value not in (None, known[name]) for name, value in grants.items()):
                raise Conflict(
                    f"{_subject(cod_ipa_ente, applicazione)} ha già altri permessi: cambiarli con pontepa config apply"
                )
            grants = known
        credenziali.add(session, ente.id, nuova, now, applicazione=applicazione, **grants)


def rotate_credenziale(
    db: Database,
    cod_ipa_ente: str,
    applicazione: str | None,
    nuova: NuovaCredenziale,
    overlap: timedelta,
    now: datetime,
) -> None:
    """Replace the credentials of one kind; the old ones work until `now + overlap`.

    Raises: NotFound (unknown ente, no credential of this kind to replace), Conflict (the certificate is there already).
    """
    with db.transaction() as session:
        ente = enti.by_cod_ipa(session, cod_ipa_ente)
        old = _of(session, ente.id, applicazione, nuova.genere, now)
        if not old:
            raise NotFound(f"{_subject(cod_ipa_ente, applicazione)} non ha credenziali di genere {nuova.genere}")
        if any(row.impronta == nuova.impronta is not None for row in credenziali.attive(session, ente.id, now)):
            raise Conflict(f"il certificato {nuova.impronta} è già di qualcuno in questo ente")
        latest = old[-1]
        for row in old:
            if not overlap:
                credenziali.revoke(session, row.id, now)
            elif row.expires_at is None or row.expires_at > now + overlap:
                credenziali.change(session, row.id, expires_at=now + overlap)
        credenziali.add(
            session, ente.id, nuova, now, applicazione=applicazione, software_house=latest.software_house,
            tipi=latest.tipi, operazioni=latest.operazioni, **{name: getattr(latest, name) for name in _PACE},
        )  # fmt: skip


def revoke_credenziale(
    db: Database,
    cod_ipa_ente: str,
    applicazione: str | None,
    now: datetime,
    genere: Genere | None = None,
    impronta: str | None = None,
) -> int:
    """Shut the door at once and return how many credentials were taken away; of one kind or name when given.

    Raises: NotFound (unknown ente, nothing to revoke).
    """
    with db.transaction() as session:
        ente = enti.by_cod_ipa(session, cod_ipa_ente)
        rows = [
            row for row in _of(session, ente.id, applicazione, genere, now) if impronta in (None, row.impronta)
        ]
        if not rows:
            raise NotFound(f"{_subject(cod_ipa_ente, applicazione)} non ha credenziali da revocare")
        for row in rows:
            credenziali.revoke(session, row.id, now)
    return len(rows)


def _of(
    session: Session, ente_id: int, applicazione: str | None, genere: Genere | None, now: datetime
) -> Sequence[Row[Any]]:
    return [
        row
        for row in credenziali.kept(session, ente_id, now)
        if row.applicazione == applicazione and genere in (None, row.genere)
    ]


def _subject(cod_ipa_ente: str, applicazione: str | None) -> str:
    return f"l'applicazione {applicazione} dell'ente {cod_ipa_ente}" if applicazione else f"l'ente {cod_ipa_ente}"
