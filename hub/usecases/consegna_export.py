"""The topic `export.sftp`: the file of a daily export is left on the server of its ente.

The name says whether it is there: written beside its place and renamed, so that who finds it finds all of it. After an
unknown end the server is asked for the name and its size before anything is sent again. Source: flows, 3.5.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import Row

from hub.domain.attesa import before_ente
from hub.domain.configurazione import INOLTRO_TENTATIVI
from hub.domain.delivery import Delivery, Outcome
from hub.domain.errors import Conflict, Misconfigured, NotFound, OutOfService
from hub.domain.export_giornaliero import Recapito
from hub.domain.stati import StatoConsegna, StatoMessaggio
from hub.formats.segreti import Cassaforte
from hub.ports import Archivio, Recapiti
from hub.store import enti, export_giornalieri
from hub.store.database import Database, Session
from hub.store.outbox import Claimed
from hub.usecases.relay_outbox import Pazienza, Topic

TOPIC_EXPORT = "export.sftp"
CORSIA = "sftp"
# The longest that one file may take: half a gigabyte over a slow line.
INVIO_S = 1200
MARGINE = timedelta(seconds=INVIO_S + 60)
LEASE = MARGINE + timedelta(minutes=4)
_NOME_DI_PROVA = ".pontepa-prova"


def build_topic(db: Database, archivio: Archivio, recapiti: Recapiti, cassaforte: Cassaforte) -> Topic:
    """The topic over the servers of the entes; address and keys are those configured now."""

    def deliver(message: Claimed) -> Delivery:
        found = _find(db, cassaforte, message)
        if isinstance(found, Delivery):
            return found
        recapito, path = found
        try:
            size_bytes = archivio.size_bytes(path)
            with archivio.open(path) as file:
                return recapiti.leave(recapito, PurePosixPath(path).name, file, size_bytes or 0, message.attempts)
        except NotFound as error:
            return Delivery(Outcome.REFUSED, "FILE_ASSENTE", str(error))
        except OutOfService as error:
            # Before the renaming: nothing has the file's name.
            return Delivery(Outcome.TRY_AGAIN, "ARCHIVIO_ASSENTE", str(error))

    def ask(message: Claimed) -> Delivery:
        found = _find(db, cassaforte, message)
        if isinstance(found, Delivery):
            return found
        recapito, path = found
        try:
            size_bytes = archivio.size_bytes(path)
        except OutOfService as error:
            return Delivery(Outcome.UNKNOWN, "ARCHIVIO_ASSENTE", str(error))
        if size_bytes is None:
            return Delivery(Outcome.REFUSED, "FILE_ASSENTE", f"file {path} assente dall'archivio")
        return recapiti.ask(recapito, PurePosixPath(path).name, size_bytes)

    return Topic(deliver, ask, settle, pazienza, CORSIA)


def prova_recapito(db: Database, recapiti: Recapiti, cassaforte: Cassaforte, cod_ipa_ente: str) -> Delivery:
    """Go in where an ente's files are left and look under a name that nobody has; nothing is written.

    TRY_AGAIN with ASSENTE: all is well. Raises: NotFound (ente), Conflict (it has no server), Misconfigured (sealed
    with another key).
    """
    with db.reading() as session:
        row = export_giornalieri.find(session, enti.by_cod_ipa(session, cod_ipa_ente).id)
    if row is None or row.sftp_host is None:
        raise Conflict(f"l'ente {cod_ipa_ente} non ha un recapito SFTP: export_giornaliero.sftp nella configurazione")
    return recapiti.ask(_recapito(row, cassaforte), _NOME_DI_PROVA, 0)


def settle(session: Session, message: Claimed, delivery: Delivery, now: datetime) -> None:
    """Note that the file has arrived, or that somebody has to look."""
    row = export_giornalieri.by_messaggio(session, message.id)
    ends = {Outcome.DELIVERED: StatoConsegna.CONSEGNATA, Outcome.REFUSED: StatoConsegna.FALLITA}
    to = ends.get(delivery.outcome)
    if to is not None and row.stato != to:
        export_giornalieri.move(session, row, to=to, at=now)


def pazienza(session: Session, message: Claimed) -> Pazienza:
    """Almost three days, ever further apart; then a person looks."""
    return Pazienza(
        attempts_max=INOLTRO_TENTATIVI,
        before_retry=before_ente,
        before_question=before_ente,
        fine=StatoMessaggio.PARCHEGGIATO,
    )


def _find(db: Database, cassaforte: Cassaforte, message: Claimed) -> tuple[Recapito, str] | Delivery:
    """Where the file goes and its path in the archive; what to say when that is not known any more."""
    with db.reading() as session:
        consegna = export_giornalieri.by_messaggio(session, message.id)
        row = export_giornalieri.find(session, consegna.ente_id)
    if row is None or row.sftp_host is None:
        return Delivery(Outcome.REFUSED, "CONSEGNA_SPENTA", "l'ente non ha più un recapito SFTP")
    if consegna.file is None:
        return Delivery(Outcome.REFUSED, "FILE_ASSENTE", "l'export non ha più un file")
    try:
        return _recapito(row, cassaforte), consegna.file
    except Misconfigured as error:
        return Delivery(Outcome.REFUSED, "CHIAVE_ILLEGGIBILE", str(error))


def _recapito(row: Row[Any], cassaforte: Cassaforte) -> Recapito:
    password, chiave = row.sftp_password_cifrata, row.sftp_chiave_cifrata
    return Recapito(
        host=row.sftp_host,
        porta=row.sftp_porta,
        utente=row.sftp_utente,
        cartella=row.sftp_cartella,
        chiave_host=row.sftp_chiave_host,
        password=cassaforte.open(password) if password else None,
        chiave_privata=cassaforte.open(chiave) if chiave else None,
    )
