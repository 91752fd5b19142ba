"""paaSILChiediEsitoCarrelloDovuti: what became of a session over one or more enti, one entry for each carrello.

Source: pa-per-ente, paaSILChiediEsitoCarrelloDovuti (2.4.3), states and their descriptions (5.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from hub.domain import errors
from hub.domain.stati import CARRELLI_CON_ESITO, StatoCarrello, StatoSessione
from hub.store import carrelli
from hub.store.database import Database, Session
from hub.usecases.authenticate import Callers, Chiamante, Presentazione
from hub.usecases.chiedi_pagati import Esito, own_sessione, read_esito
from hub.usecases.parti_sessione import configurato_of, read_parti

OPERATION = "paaSILChiediEsitoCarrelloDovuti"

# What the original's register of states calls them, where it is not the code itself.
DESCRIZIONI: Mapping[str, str] = {
    "NUOVO_CARRELLO": "NUOVO",
    "PAGAM_IN_CORSO": "PAGAMENTO IN CORSO",
    "NON_PAGATO": "NON PAGATO",
    "PARZ_PAGATO": "PARZIALMENTE PAGATO",
    "DECORR_TERM": "DECORRENZA TERMINI",
    "DECORR_TERM_PARZ": "DECORRENZA TERMINI PARZIALE",
    "SCADUTO": "CARRELLO SCADUTO",
}


@dataclass(frozen=True, slots=True)
class EsitoCarrello:
    """`esito`: the state as this ente wants it said; `id`: the carrello; `documento`: only when there is an outcome."""

    esito: str
    cod_ipa_ente: str
    id: str
    documento: Esito | None = None


def chiedi_esito_carrello(
    db: Database, callers: Callers, chi: Presentazione, id_session: str, *, grace: timedelta, now: datetime
) -> list[EsitoCarrello]:
    """Return an entry for each carrello of a session of the caller's ente.

    Before the payer goes on: an entry for each dovuto, PREDISPOSTO. Past its term: one entry, SCADUTO.
    Raises: EnteNonValido, IdSessionNonValido.
    """
    chiamante = callers.authenticate(chi, OPERATION, now, stato_error=errors.EnteNonValido)
    with db.reading() as session:
        try:
            row = own_sessione(session, chiamante.configurato, id_session)
        except errors.IdSessionNonValido as refusal:
            refusal.id = "n/a"
            raise
        found = carrelli.of_session(session, id_session)
        codes = {
            carrello.ente_id: configurato_of(callers.anagrafe, carrello.ente_id, now).ente.cod_ipa_ente
            for carrello in found
        }
        if found:
            return [_entry(session, chiamante, codes[carrello.ente_id], carrello) for carrello in found]
    # The field is mandatory in the contract; before a carrello exists the session names itself, without hyphens.
    id_carrello = id_session.replace("-", "")
    if row.stato == StatoSessione.SCADUTO or now >= row.expires_at + grace:
        return [EsitoCarrello(_said(StatoCarrello.SCADUTO, chiamante), chiamante.ente.cod_ipa_ente, id_carrello)]
    return [
        EsitoCarrello(StatoCarrello.PREDISPOSTO, parte.configurato.ente.cod_ipa_ente, id_carrello)
        for parte in read_parti(db, callers.anagrafe, row, now)
        for _ in parte.documento.dovuti
    ]


def _entry(session: Session, chiamante: Chiamante, cod_ipa_ente: str, carrello: Row[Any]) -> EsitoCarrello:
    stato = StatoCarrello(carrello.stato)
    documento = None
    if stato in CARRELLI_CON_ESITO:
        documento = read_esito(session, carrello, chiamante.ente.livelli_base64_pagati, con_ricevuta=True)
    return EsitoCarrello(_said(stato, chiamante), cod_ipa_ente, carrello.id, documento)


def _said(stato: StatoCarrello, chiamante: Chiamante) -> str:
    """The state as this ente's software expects it: described, as the original does, or its code."""
    return str(stato) if chiamante.ente.esito_carrello == "codice" else DESCRIZIONI.get(stato, str(stato))
