"""An operator of the installation brings the file of a flow by hand. Source: flows, 1.2 (second entry)."""

from __future__ import annotations

import uuid
from datetime import datetime

from hub.domain.arrivo import FileArrivato
from hub.domain.errors import FileTroppoGrande, FlussoGiaRicevuto, FlussoRifiutato
from hub.formats.gettoni_firmati import UPLOAD_TTL, Autorizzazione, autorizzazione_token
from hub.log import get_logger
from hub.ports import Archivio
from hub.store import enti, flussi_import
from hub.store.database import Database
from hub.usecases.receive_flusso import FlussoRicevuto, LimitiCarico, receive_flusso


def carica_flusso(
    db: Database,
    archivio: Archivio,
    secret: str,
    limiti: LimitiCarico,
    cod_ipa_ente: str,
    operatore: str,
    arrivato: FileArrivato,
    now: datetime,
) -> FlussoRicevuto:
    """Open a request for an ente, all its tipi, and bring its file at once, judged as strictly as any.

    A file that is refused leaves no request behind.
    Raises: NotFound (ente), FileTroppoGrande, FlussoRifiutato, FlussoGiaRicevuto, OutOfService.
    """
    what = Autorizzazione(str(uuid.uuid4()), cod_ipa_ente, uuid.uuid4().hex)
    with db.transaction() as session:
        flussi_import.add(
            session,
            request_token=what.request_token,
            ente_id=enti.by_cod_ipa(session, cod_ipa_ente).id,
            jti=what.jti,
            authorization_expires_at=now + UPLOAD_TTL,
            operatore=operatore,
            now=now,
        )
    token = autorizzazione_token(secret, what, now)
    try:
        ricevuto = receive_flusso(db, archivio, secret, limiti, token, arrivato, now, is_strict=True)
    except (FileTroppoGrande, FlussoRifiutato, FlussoGiaRicevuto):
        with db.transaction() as session:
            flussi_import.forget(session, what.request_token)
        raise
    get_logger().info(
        "flusso_caricato_a_mano",
        ente=cod_ipa_ente,
        request_token=ricevuto.request_token,
        nome_file=ricevuto.nome_file,
        operatore=operatore,
    )
    return ricevuto
