"""The browser comes back from the node: remembered for the page, never believed for the money."""

from __future__ import annotations

from datetime import datetime

from hub.domain.errors import NotFound
from hub.domain.stati import StatoSessione
from hub.store import carrelli, sessioni
from hub.store.anagrafe import Anagrafe
from hub.store.database import Database
from hub.usecases.expire_carrelli import release_stored
from hub.usecases.parti_sessione import configurato_of
from hub.usecases.start_pagamento import SessionePagamento, find_sessione


def return_payer(
    db: Database, anagrafe: Anagrafe, id_dominio: str, id_sessione_nodo: str, esito: str, now: datetime
) -> SessionePagamento:
    """Return the session that the node calls `id_sessione_nodo`, with `esito` noted on it.

    Raises: NotFound (no such session for this dominio).
    Source: node, nodoInviaCarrelloRPT, "Redirect back": the parameters are not signed.
    """
    with db.reading() as session:
        row = sessioni.by_id_nodo(session, id_sessione_nodo)
        domini = {carrello.dominio for carrello in carrelli.of_session(session, row.id_session)}
    if id_dominio not in domini | {configurato_of(anagrafe, row.ente_id, now).ente.codice_fiscale}:
        raise NotFound("sessione di pagamento sconosciuta")
    with db.transaction() as session:
        sessioni.set_ritorno(session, row.id_session, esito[:16], now)
    return find_sessione(db, anagrafe, row.id_session, now)


def return_from_checkout(
    db: Database, anagrafe: Anagrafe, id_session: str, detto: str, now: datetime
) -> SessionePagamento:
    """Return the session whose payer comes back from Checkout, with `detto` (ATTESA, ERROR) noted on it.

    Stored dovuti of a cart that came to nothing are payable again at once: nobody has to wait for the cart to expire,
    and if it was paid all the same its receipt wins. Raises: NotFound.
    """
    with db.transaction() as session:
        row = sessioni.by_id(session, id_session)
        if row.stato == StatoSessione.PAGAM_IN_CORSO:
            sessioni.set_ritorno(session, id_session, detto, now)
            if detto == "ERROR":
                release_stored(session, id_session, now)
    return find_sessione(db, anagrafe, id_session, now)
