"""paaSILInviaDovuti: take 1..5 new dovuti of one payer and open a session where they are paid.

Source: pa-per-ente, paaSILInviaDovuti, table of checks (numbers in the comments).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.domain import errors
from hub.domain.stati import StatoSessione
from hub.formats.documenti_ente import decode_base64_field
from hub.formats.dovuti import read_dovuti
from hub.store import sessioni
from hub.store.database import Database
from hub.usecases.authenticate import Callers, Presentazione
from hub.usecases.controlli_dovuti import (
    check_anagrafica,
    check_dovuti,
    check_dovuti_new,
    check_testata,
    check_url,
)

OPERATION = "paaSILInviaDovuti"


@dataclass(frozen=True, slots=True)
class RichiestaInviaDovuti:
    """The request as written, `dovuti` still in base64; absent fields are None."""

    dovuti: str
    url_esito: str | None
    show_mypay: str | None


def invia_dovuti(
    db: Database,
    callers: Callers,
    chi: Presentazione,
    richiesta: RichiestaInviaDovuti,
    *,
    correlation_id: str,
    ttl: timedelta,
    now: datetime,
) -> str:
    """Open a session and return its idSession.

    Nothing is reserved: the same request may be repeated and opens another session each time, until one of them is
    paid for; an IUD is taken when the payer goes on.
    Raises: a HubError per row of the table.
    """
    chiamante = callers.authenticate(chi, OPERATION, now, stato_error=errors.StatoEnteNonValido)  # 1, 2, 3
    data = decode_base64_field(richiesta.dovuti)
    documento = read_dovuti(data)  # 4, 5
    show_mypay = richiesta.show_mypay or "SHORT"
    check_testata(documento, chiamante)  # 6, 7, 8
    url_esito = (richiesta.url_esito or chiamante.ente.url_esito or "").strip()
    try:
        check_dovuti_new(documento, chiamante, set())  # 9-18, but for IUDs used before
        if show_mypay == "NONE":
            check_anagrafica(documento.pagatore)  # 19
        check_url(url_esito)
    except errors.HubError:
        check_dovuti(db, documento, chiamante)  # one that was used before stands higher in the table
        raise

    id_session = str(uuid.uuid4())
    is_open = sessioni.open_unless_taken(
        db,
        [dovuto.iud for dovuto in documento.dovuti],
        id_session=id_session,
        ente_id=chiamante.ente.id,
        applicazione=chiamante.applicazione,
        stato=str(StatoSessione.NUOVO_CARRELLO),
        show_mypay=show_mypay,
        url_esito=url_esito,
        documento=data,
        created_at=now,
        updated_at=now,
        expires_at=now + ttl,
        correlation_id=correlation_id,
    )
    if not is_open:
        check_dovuti(db, documento, chiamante)  # 10, with the name of the one that was used
        raise AssertionError("an IUD that was used is free again")
    return id_session
