"""paaSILAutorizzaImportFlusso: a request to load a flow, and the token that may bring its file once.

Source: pa-per-ente, 2.7; flows, 1.1 and 1.2.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from hub.domain.errors import GettoneNonValido, GettoneUsato, RichiestaNonEseguibile
from hub.domain.stati import StatoImport
from hub.formats.gettoni_firmati import UPLOAD_TTL, Autorizzazione, autorizzazione_token, read_autorizzazione
from hub.store import enti, flussi_import
from hub.store.database import Database, Session
from hub.usecases.authenticate import Callers, Presentazione

# A caller that asks in a loop and never sends a file must not fill the table; an hour later they are gone.
ATTESE_MAX = 1000


@dataclass(frozen=True, slots=True)
class FlussoAutorizzato:
    request_token: str
    authorization_token: str


def autorizza_import_flusso(
    db: Database, callers: Callers, chi: Presentazione, secret: str, now: datetime
) -> FlussoAutorizzato:
    """Open a request to load a flow and return its keys. An ente that is still INSERITO may (flows, 1.1).

    Raises: EnteNonValido, RichiestaNonEseguibile (too many authorisations wait for their file).
    """
    chiamante = callers.authenticate(chi, "paaSILAutorizzaImportFlusso", now)
    what = Autorizzazione(str(uuid.uuid4()), chiamante.ente.cod_ipa_ente, uuid.uuid4().hex)
    with db.transaction() as session:
        if flussi_import.waiting(session, chiamante.ente.id) >= ATTESE_MAX:
            raise RichiestaNonEseguibile(
                "troppe autorizzazioni senza file",
                f"l'ente {what.cod_ipa_ente} ha già {ATTESE_MAX} autorizzazioni non usate: inviare i file o attendere",
            )
        flussi_import.add(
            session,
            request_token=what.request_token,
            ente_id=chiamante.ente.id,
            applicazione=chiamante.applicazione,
            tipi=None if chiamante.tipi is None else sorted(chiamante.tipi),
            jti=what.jti,
            authorization_expires_at=now + UPLOAD_TTL,
            now=now,
        )
    return FlussoAutorizzato(what.request_token, autorizzazione_token(secret, what, now))


def find_autorizzato(session: Session, secret: str, token: str, now: datetime) -> Row[Any]:
    """Return the request for which a token may bring a file.

    Raises: GettoneNonValido, GettoneUsato (its file has come).
    """
    what = read_autorizzazione(secret, token, now)
    row = None if what is None else flussi_import.find(session, what.request_token)
    if what is None or row is None or row.jti != what.jti:
        raise GettoneNonValido("authorizationToken non valido o scaduto: chiederne uno nuovo")
    if enti.by_id(session, row.ente_id).cod_ipa_ente != what.cod_ipa_ente:
        raise GettoneNonValido("authorizationToken di un altro ente")
    if row.stato != StatoImport.AUTORIZZATO:
        raise GettoneUsato("authorizationToken già usato: serve una nuova autorizzazione")
    return row


def accept_flusso(
    session: Session,
    secret: str,
    token: str,
    *,
    nome_file: str,
    size_bytes: int,
    sha256: str,
    md5: str,
    file: str,
    now: datetime,
) -> Row[Any]:
    """Take the file of an authorised request: it becomes LOAD_IMPORT and the token is used up; return the row before.

    In the transaction of who keeps the file, at the path `file` of the archive: an upload that is refused leaves the
    token good for another try.
    Raises: GettoneNonValido, GettoneUsato, Conflict (another upload with this token has just been accepted).
    """
    row = find_autorizzato(session, secret, token, now)
    flussi_import.move(
        session,
        row,
        to=StatoImport.LOAD_IMPORT,
        at=now,
        nome_file=nome_file,
        size_bytes=size_bytes,
        sha256=sha256,
        md5=md5,
        file=file,
        received_at=now,
    )
    return row
