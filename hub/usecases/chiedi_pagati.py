"""paaSILChiediPagati and paaSILChiediPagatiConRicevuta: the outcome of a payment, from the receipt's own bytes.

Source: pa-per-ente, outcome operations (tables by session, by IUV, by IUD). What belongs to another ente does not
exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from hub.domain import errors
from hub.domain.stati import CARRELLI_CON_ESITO, ESITI_POSITIVI, StatoCarrello, StatoDovuto, StatoSessione
from hub.formats.istanti import giorno_di
from hub.formats.pagati import encode_pagati, render_pagati
from hub.formats.rt import read_rt
from hub.store import carrelli, dovuti, sessioni
from hub.store.anagrafe import EnteConfigurato
from hub.store.database import Database, Session
from hub.usecases.authenticate import Callers, Presentazione


@dataclass(frozen=True, slots=True)
class Esito:
    """`pagati`: text of the base64 element, in the levels the ente expects; `rt`: the receipt as it came, if any."""

    pagati: str
    rt: bytes | None


def chiedi_pagati(
    db: Database,
    callers: Callers,
    chi: Presentazione,
    id_session: str,
    *,
    grace: timedelta,
    now: datetime,
) -> Esito:
    """Return the outcome of a session of the caller's ente.

    Raises: EnteNonValido, IdSessionNonValido, PagamentoNonIniziato, PagamentoInCorso, PagamentoAnnullato,
    PagamentoScaduto, RichiestaNonEseguibile.
    """
    chiamante = callers.authenticate(chi, "paaSILChiediPagati", now, stato_error=errors.EnteNonValido)
    with db.reading() as session:
        return _by_session(session, chiamante.configurato, id_session, grace, now, con_ricevuta=False)


def chiedi_pagati_con_ricevuta(
    db: Database,
    callers: Callers,
    chi: Presentazione,
    *,
    id_session: str | None,
    iuv: str | None,
    iud: str | None,
    grace: timedelta,
    now: datetime,
) -> Esito:
    """Return outcome and receipt by exactly one key; a blank key counts as absent.

    Raises: as `chiedi_pagati`, and IuvNonValido, IudNonValido for an unknown key.
    """
    chiamante = callers.authenticate(chi, "paaSILChiediPagatiConRicevuta", now)
    keys = [key for key in (id_session, iuv, iud) if key]
    if len(keys) != 1:
        raise errors.RichiestaNonEseguibile(
            "serve una sola chiave di ricerca",
            f"idSession, identificativoUnivocoVersamento, identificativoUnivocoDovuto: ne serve esattamente una, "
            f"ricevute {len(keys)}",
        )
    with db.reading() as session:
        if id_session:
            return _by_session(session, chiamante.configurato, id_session, grace, now, con_ricevuta=True)
        rows = dovuti.find_by_key(session, chiamante.ente.id, iuv=iuv or None, iud=iud or None)
        if not rows:
            if iuv:
                raise errors.IuvNonValido(f"IUV {iuv} sconosciuto per l'ente {chiamante.ente.cod_ipa_ente}")
            raise errors.IudNonValido(f"IUD {iud} sconosciuto per l'ente {chiamante.ente.cod_ipa_ente}")
        live = [row for row in rows if row.stato in _LIVE]
        if live:
            raise _refuse_live(live[0], chiamante.configurato, now)
        return _of_processed(session, chiamante.configurato, rows)


_LIVE = frozenset(
    {StatoDovuto.INSERIMENTO_DOVUTO, StatoDovuto.PREDISPOSTO, StatoDovuto.PAGAMENTO_INIZIATO, StatoDovuto.SCADUTO}
)


def _by_session(
    session: Session,
    configurato: EnteConfigurato,
    id_session: str,
    grace: timedelta,
    now: datetime,
    *,
    con_ricevuta: bool,
) -> Esito:
    row = own_sessione(session, configurato, id_session)
    found = carrelli.of_session(session, id_session)
    if not found:
        if row.stato == StatoSessione.SCADUTO or now >= row.expires_at + grace:
            raise errors.PagamentoScaduto("la sessione è scaduta senza che il pagatore iniziasse il pagamento")
        if row.stato == StatoSessione.ABORT:
            raise errors.PagamentoAnnullato("il pagamento è stato annullato")
        raise errors.PagamentoNonIniziato("il pagatore non ha ancora iniziato il pagamento")
    # Of a cart over several enti: the part of the one who asks.
    own = next((carrello for carrello in found if carrello.ente_id == configurato.ente.id), found[0])
    return _of_carrello(session, configurato, own, con_ricevuta=con_ricevuta)


def own_sessione(session: Session, configurato: EnteConfigurato, id_session: str) -> Row[Any]:
    """Return a session of this ente; what belongs to another does not exist. Raises: IdSessionNonValido."""
    row = sessioni.find(session, id_session) if len(id_session) <= 36 else None
    if row is None or row.ente_id != configurato.ente.id:
        raise errors.IdSessionNonValido(
            f"idSession {id_session[:36]} sconosciuto per l'ente {configurato.ente.cod_ipa_ente}"
        )
    return row


def _of_carrello(session: Session, configurato: EnteConfigurato, carrello: Row[Any], *, con_ricevuta: bool) -> Esito:
    stato = StatoCarrello(carrello.stato)
    if stato == StatoCarrello.PREDISPOSTO:
        raise errors.PagamentoNonIniziato("il pagatore non ha ancora iniziato il pagamento")
    if stato == StatoCarrello.PAGAM_IN_CORSO:
        raise errors.PagamentoInCorso("il pagamento è in corso: richiedere l'esito più tardi")
    if stato == StatoCarrello.ABORT:
        raise errors.PagamentoAnnullato("il pagamento è stato annullato")
    if stato in {StatoCarrello.SCADUTO, StatoCarrello.SCADUTO_ELABORATO}:
        raise errors.PagamentoScaduto("il pagamento è scaduto")
    if stato not in CARRELLI_CON_ESITO:
        raise errors.RichiestaNonEseguibile(f"stato del carrello {stato} senza esito leggibile")
    return read_esito(session, carrello, configurato.ente.livelli_base64_pagati, con_ricevuta=con_ricevuta)


def read_esito(session: Session, carrello: Row[Any], livelli: int, *, con_ricevuta: bool) -> Esito:
    """Return the outcome of a carrello that has one, `pagati` in so many levels of base64."""
    raw = carrelli.rt_bytes(session, carrello)
    rt = read_rt(raw if raw is not None else carrello.esito_locale)
    iud = [row.iud for row in carrelli.dovuti_of(session, carrello.id)]
    return Esito(encode_pagati(render_pagati(rt, iud, con_ricevuta), livelli), raw if con_ricevuta else None)


def _refuse_live(row: Row[Any], configurato: EnteConfigurato, now: datetime) -> errors.HubError:
    """The fault for a dovuto that is still to be paid. Clients match the words "dovuto scaduto"."""
    if row.stato == StatoDovuto.SCADUTO:
        return errors.PagamentoScaduto("il dovuto è scaduto")
    if row.stato == StatoDovuto.PAGAMENTO_INIZIATO:
        return errors.PagamentoInCorso("il pagamento è in corso: richiedere l'esito più tardi")
    if is_scaduto(row, configurato, now):
        return errors.RichiestaNonEseguibile("richiesta non eseguibile: dovuto scaduto", "dovuto scaduto")
    return errors.PagamentoNonIniziato("il pagamento non è ancora iniziato")


def is_scaduto(row: Row[Any], configurato: EnteConfigurato, now: datetime) -> bool:
    """Whether the due date of a dovuto has passed, for a tipo that makes it mandatory. Judged in Europe/Rome."""
    tipo = configurato.tipi.get(row.tipo)
    if tipo is None or not tipo.scadenza_obbligatoria or row.scadenza is None:
        return False
    return bool(row.scadenza < giorno_di(now))


def _of_processed(session: Session, configurato: EnteConfigurato, rows: list[Row[Any]]) -> Esito:
    """Several rows of several attempts: the positive one if any, else the latest (rows come newest first)."""
    row = next((row for row in rows if row.codice_esito in ESITI_POSITIVI and row.importo_pagato_cent), rows[0])
    if row.carrello_id is not None:
        carrello = carrelli.by_id(session, row.carrello_id)
        return _of_carrello(session, configurato, carrello, con_ricevuta=True)
    if row.stato == StatoDovuto.SCADUTO_ELABORATO:
        raise errors.PagamentoScaduto("il dovuto è scaduto")
    if row.stato in {StatoDovuto.ANNULLATO, StatoDovuto.ABORT}:
        raise errors.PagamentoAnnullato("il dovuto è stato annullato")
    raise errors.RichiestaNonEseguibile(f"dovuto in stato {row.stato} senza ricevuta")
