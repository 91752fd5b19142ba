"""paaSILRegistraPagamento: an item was paid through a channel that the hub did not see (rendicontazione, code 9).

The ente is believed: no amount is compared, an unknown IUV is taken too. What does not fit is written in the log, and
what the node says afterwards is kept beside it. Source: pa-per-ente, 2.6, uniqueness (6), defects 2 and 12 (8).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row

from hub.crash import Punto, crash_point
from hub.domain import errors
from hub.domain.documenti import Organizzazione, Rt, SingoloRt, Soggetto
from hub.domain.stati import (
    ESITI_POSITIVI,
    StatoCarrello,
    StatoDovuto,
    StatoTentativo,
    is_legal,
)
from hub.formats.istanti import giorno_di
from hub.formats.rt import render_rt
from hub.formats.testi import rome_text
from hub.log import get_logger
from hub.store import carrelli, depositati, dovuti, enti, tentativi, tipi
from hub.store.database import Database, Session
from hub.usecases.apply_rt import close_sessione
from hub.usecases.authenticate import Callers, Chiamante, Presentazione
from hub.usecases.inoltro_esito import queue_esito
from hub.usecases.pubblica_posizioni import queue_posizioni

OPERATION = "paaSILRegistraPagamento"
ORIGINE = "REND9"
TIPO_SCONOSCIUTO = "DEFAULT"
ESITO_REND9 = "PAGATO CON RENDICONTAZIONE 9"
CCP_ASSENTE = "n/a"
# No code of the taxonomy fits what nobody knows.
_DATI_SPECIFICI = "9/DEFAULT/"
_CAUSALE = "Pagamento registrato dall'ente"
_ANONIMO = Soggetto("F", "ANONIMO", "ANONIMO")
# The prefix keeps the hub's own IUD apart from any that an ente may send. Source: flows, 4.4.
_IUD = "000{}"
# Of a dovuto that ends with its session. Source: node, annex on outcomes of a receipt (1: not paid).
_NON_PAGATO = 1

@dataclass(frozen=True, slots=True)
class PagamentoEsterno:
    """What the ente says of the payment. `ccp` None: not known; `data_esito` a civil day of Europe/Rome."""

    iuv: str
    importo_cent: int
    data_esito: date
    iur: str
    attestante: Organizzazione
    ccp: str | None = None


def registra_pagamento(
    db: Database, callers: Callers, chi: Presentazione, pagamento: PagamentoEsterno, now: datetime
) -> None:
    """Record a payment settled outside the hub; a second time changes nothing.

    Of several dovuti under one IUV the first is taken. An attempt still open at the node is closed: its RPT does not
    leave any more, and a receipt that comes all the same is kept as a payment in excess.
    Raises: EnteNonValido, StatoEnteInserito, RichiestaNonEseguibile (no IUV; a tipo not granted to the application; an
    IUV of another ente of the same tax code).
    """
    chiamante = callers.authenticate(chi, OPERATION, now, stato_error=errors.StatoEnteInserito)
    if not pagamento.iuv:
        raise errors.RichiestaNonEseguibile("identificativoUnivocoVersamento vuoto")
    with db.transaction() as session:
        rows = _held(session, chiamante.ente.id, pagamento.iuv)
        if any(_is_paid(row) or dovuti.has_paid(session, row.ente_id, row.iud) for row in rows):
            return
        row = rows[0] if rows else None
        if row is not None:
            _check_grant(chiamante, row)
            row = _payable(session, row, now)
        if row is None:
            row = _add_unknown(session, chiamante, pagamento, now)
        _pay(session, chiamante.ente, row, pagamento, now)
        crash_point(Punto.REGISTRA_SCRITTO)
    crash_point(Punto.REGISTRA_TENUTO)


def paga_da_rendicontazione(
    session: Session, ente: Row[Any], pagamento: PagamentoEsterno, indice: int | None, now: datetime
) -> bool:
    """Mark the position of a payment that a settlement flow tells without a receipt (outcomes 8 and 9) as paid.

    Of several dovuti under one IUV that at `indice` is taken, or the first. False when none of the ente's is to be paid
    (unknown, paid already). A receipt that comes later takes the place of this outcome. Source: node, 6.2.
    """
    rows = _held(session, ente.id, pagamento.iuv)
    if not rows or any(_is_paid(row) and row.iur == pagamento.iur for row in rows):
        return False
    row = next((one for one in rows if one.posizione == indice), rows[0])
    if _is_paid(row) or dovuti.has_paid(session, row.ente_id, row.iud):
        return False
    payable = _payable(session, row, now)
    if payable is None:
        return False
    _pay(session, ente, payable, pagamento, now)
    return True


def _held(session: Session, ente_id: int, iuv: str) -> Sequence[Row[Any]]:
    """Every version under an IUV of the ente; nobody else pays these dovuti, or imports any, until we are done."""
    enti.lock(session, ente_id)
    dovuti.hold(session, depositati.all_by_iuv(session, ente_id, iuv))
    return depositati.all_by_iuv(session, ente_id, iuv)


def _is_paid(row: Row[Any]) -> bool:
    if row.stato != StatoDovuto.COMPLETATO:
        return False
    # Of a cart that was paid in part, the lines that were not paid have no amount.
    return row.codice_esito == 0 or (row.codice_esito in ESITI_POSITIVI and bool(row.importo_pagato_cent))


def _check_grant(chiamante: Chiamante, row: Row[Any]) -> None:
    if chiamante.tipi is not None and row.tipo not in chiamante.tipi:
        raise errors.RichiestaNonEseguibile(
            f"l'applicazione {chiamante.applicazione} non ha il permesso sul tipo dovuto {row.tipo}"
        )


def _payable(session: Session, row: Row[Any], now: datetime) -> Row[Any] | None:
    """The dovuto itself, or a copy of one that was cancelled or given up, which stays the history it is.

    None when its IUD is another dovuto's by now.
    """
    if row.stato == StatoDovuto.COMPLETATO or is_legal(StatoDovuto(row.stato), StatoDovuto.COMPLETATO):
        return row
    holder = dovuti.find_attuale(session, row.ente_id, row.iud)
    if holder is not None and holder.id != row.id:
        return None
    version_id = uuid.uuid4().hex
    dovuti.renew(session, row, version_id, now)
    return depositati.find_version(session, version_id)


def _pay(session: Session, ente: Row[Any], row: Row[Any], pagamento: PagamentoEsterno, now: datetime) -> None:
    expected_cent = row.importo_cent + (row.secondario["importo_cent"] if row.secondario else 0)
    if pagamento.importo_cent != expected_cent:
        get_logger().warning(
            "registra_pagamento_importo_diverso",
            ente=ente.cod_ipa_ente,
            iuv=pagamento.iuv,
            importo_cent=pagamento.importo_cent,
            atteso_cent=expected_cent,
        )
    carrello_id = _close_carrello(session, ente, row, pagamento, now)
    outcome = {
        "carrello_id": carrello_id,
        "codice_esito": 0,
        "importo_pagato_cent": pagamento.importo_cent,
        "iur": pagamento.iur,
        "data_esito": pagamento.data_esito,
    }
    if row.stato == StatoDovuto.COMPLETATO:
        dovuti.correct_outcome(session, row, now, **outcome)
    else:
        dovuti.move(session, row, to=StatoDovuto.COMPLETATO, at=now, **outcome)
    _end_others(session, carrello_id, row.id, now)
    paid = depositati.find_version(session, row.id)
    assert paid is not None
    queue_esito(session, ente, paid, None, now)
    queue_posizioni(session, row.ente_id, [row.iuv], now)


def _end_others(session: Session, carrello_id: str, dovuto_id: str, now: datetime) -> None:
    """The other dovuti of a carrello end with it, unpaid: only one is told of, and nobody could pay them any more."""
    for other in carrelli.dovuti_of(session, carrello_id):
        if other.id != dovuto_id and is_legal(StatoDovuto(other.stato), StatoDovuto.COMPLETATO):
            dovuti.move(
                session, other, to=StatoDovuto.COMPLETATO, at=now, codice_esito=_NON_PAGATO, importo_pagato_cent=0
            )


def _close_carrello(
    session: Session, ente: Row[Any], row: Row[Any], pagamento: PagamentoEsterno, now: datetime
) -> str:
    """Take the carrello of the dovuto to PAGATO, or make one that has no session; return its id."""
    outcome = render_rt(_outcome(ente, row, pagamento, now))
    carrello = None if row.carrello_id is None else carrelli.by_id(session, row.carrello_id)
    if carrello is not None and is_legal(StatoCarrello(carrello.stato), StatoCarrello.PAGATO):
        tentativo = tentativi.last_of(session, carrello.id)
        if tentativo is not None and tentativo.stato != StatoTentativo.CHIUSO:
            tentativi.move(session, tentativo, to=StatoTentativo.CHIUSO, at=now)
        # What a receipt had said before (not paid) does not decide any more.
        carrelli.move(session, carrello, to=StatoCarrello.PAGATO, at=now, esito_locale=outcome, rt_id=None)
        if carrello.id_session is not None:
            close_sessione(session, carrello.id_session, now)
        return str(carrello.id)
    return carrelli.add_settled(
        session,
        ente_id=row.ente_id,
        dominio=ente.codice_fiscale,
        iuv=pagamento.iuv,
        importo_cent=pagamento.importo_cent,
        esito_locale=outcome,
        now=now,
    )


def _outcome(ente: Row[Any], row: Row[Any], pagamento: PagamentoEsterno, now: datetime) -> Rt:
    """A positive RT as the node would have written it, with ids that are nobody's."""
    return Rt(
        versione="6.2.0",
        dominio=ente.codice_fiscale,
        stazione=ente.stazione_id,
        id_messaggio=uuid.uuid4().hex,
        messaggio_at=rome_text(now),
        riferimento_messaggio=uuid.uuid4().hex,
        riferimento_data=giorno_di(now),
        attestante=pagamento.attestante,
        ente=Organizzazione(tipo="G", codice=ente.codice_fiscale, denominazione=ente.nome[:70]),
        pagatore=Soggetto(**row.pagatore) if row.pagatore else _ANONIMO,
        codice_esito=0,
        importo_cent=pagamento.importo_cent,
        iuv=pagamento.iuv,
        ccp=pagamento.ccp or CCP_ASSENTE,
        pagamenti=(
            SingoloRt(
                importo_cent=pagamento.importo_cent,
                esito=ESITO_REND9,
                data_esito=pagamento.data_esito,
                iur=pagamento.iur,
                causale=row.causale,
                dati_specifici=row.dati_specifici,
            ),
        ),
    )


def _add_unknown(session: Session, chiamante: Chiamante, pagamento: PagamentoEsterno, now: datetime) -> Row[Any]:
    """Keep a dovuto for an IUV that nobody knows; an operator must look at it."""
    ente = chiamante.ente
    tipi.add_if_missing(
        session,
        ente_id=ente.id,
        codice=TIPO_SCONOSCIUTO,
        descrizione="Pagamenti di dovuti sconosciuti",
        tassonomia="",
        modalita=[],
        attivo=False,
        scadenza_obbligatoria=False,
        stampa_data_scadenza=False,
        anonimo=True,
    )
    version_id = uuid.uuid4().hex
    unknown = dict(
        id=version_id,
        ente_id=ente.id,
        dominio=ente.codice_fiscale,
        posizione=1,
        iud=_IUD.format(uuid.uuid4().hex),
        iuv=pagamento.iuv,
        tipo=TIPO_SCONOSCIUTO,
        importo_cent=pagamento.importo_cent,
        causale=_CAUSALE,
        dati_specifici=_DATI_SPECIFICI,
        pagatore_tipo=_ANONIMO.tipo,
        pagatore_codice=_ANONIMO.codice,
        pagatore=asdict(_ANONIMO),
        origine=ORIGINE,
        stato=str(StatoDovuto.INSERIMENTO_DOVUTO),
        created_at=now,
        updated_at=now,
    )
    try:
        depositati.add(session, **unknown)
    except errors.ImportIuvDuplicato as error:
        raise errors.RichiestaNonEseguibile(
            f"lo IUV {pagamento.iuv} è di un altro ente con lo stesso codice fiscale"
        ) from error
    get_logger().warning(
        "audit_pagamento_iuv_sconosciuto",
        ente=ente.cod_ipa_ente,
        applicazione=chiamante.applicazione,
        iuv=pagamento.iuv,
        importo_cent=pagamento.importo_cent,
        dovuto=version_id,
    )
    row = depositati.find_version(session, version_id)
    assert row is not None
    return row
