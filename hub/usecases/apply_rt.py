"""Apply a classic receipt to its carrello: the outcome of an RT, and what happens when two of them disagree.

Source: node, outcome of an RT (4.5), paaInviaRT steps 6-8; pa-per-ente, effect of a receipt (5.3).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from hub.domain.documenti import Rt, SingoloRt
from hub.domain.ricevuta import Primitiva, Segnalazione
from hub.domain.stati import (
    CARRELLO_BY_ESITO,
    ESITI_POSITIVI,
    ORIGINI_NON_ARCHIVIATE,
    StatoCarrello,
    StatoDovuto,
    StatoRt,
    StatoSessione,
    StatoTentativo,
    TipoSessione,
    goes_back,
    is_legal,
    sessione_of_carrelli,
)
from hub.formats.rt import check_rt
from hub.log import get_logger
from hub.store import carrelli, dovuti, quote_secondarie, rt_ricevute, sessioni, tentativi
from hub.store.database import Session
from hub.usecases.confronta_ricevuta import confronta_rt
from hub.usecases.inoltro_esito import queue_carrello
from hub.usecases.pubblica_posizioni import queue_posizioni

# Of what the schema has against a receipt: so many violations, so long.
_IGNOTI_MAX, _IGNOTO_MAX = 20, 80


@dataclass(frozen=True, slots=True)
class Effetto:
    """What became of a receipt. `segnalazioni`: what an operator should look at all the same."""

    stato: StatoRt
    motivo: str | None = None
    segnalazioni: tuple[Segnalazione, ...] = ()


def apply_rt(session: Session, row: Row[Any], rt: Rt, now: datetime) -> Effetto:
    """Give a receipt its effect, write it on its row and return it.

    The receipt wins over a late outcome of the send, and a positive one over any negative one; what cannot change the
    carrello any more is kept: a second payment of the same dovuto as ECCEDENZA.
    """
    tentativo = _held(session, row)
    carrello = carrelli.by_id(session, tentativo.carrello_id)
    if tentativo.stato != StatoTentativo.CHIUSO:
        tentativi.move(session, tentativo, to=StatoTentativo.CHIUSO, at=now)
    effetto = _effect(session, carrello, row, rt, now)
    rt_ricevute.settle(
        session,
        row,
        effetto.stato,
        now,
        effetto.motivo and effetto.motivo[:500],
        importo_cent=rt.importo_cent,
        segnalazioni=[str(flag) for flag in effetto.segnalazioni] or None,
        ignoti=[str(error)[:_IGNOTO_MAX] for error in check_rt(bytes(row.raw))[:_IGNOTI_MAX]] or None,
    )
    return effetto


def _held(session: Session, row: Row[Any]) -> Row[Any]:
    """The attempt of a receipt, whose dovuti nobody else pays until this transaction ends."""
    tentativo = tentativi.find_by_key(session, row.dominio, row.iuv, row.ccp)
    assert tentativo is not None
    dovuti.hold(session, carrelli.dovuti_of(session, tentativo.carrello_id))
    tentativo = tentativi.find_by_key(session, row.dominio, row.iuv, row.ccp)
    assert tentativo is not None
    return tentativo


def _effect(session: Session, carrello: Row[Any], row: Row[Any], rt: Rt, now: datetime) -> Effetto:
    stato = CARRELLO_BY_ESITO[rt.codice_esito]
    if is_legal(StatoCarrello(carrello.stato), stato):
        is_second = rt.codice_esito in ESITI_POSITIVI and _is_paid_elsewhere(session, carrello)
        close_carrello(session, carrello, row.id, bytes(row.raw), rt, stato, now)
        if is_second:
            return Effetto(StatoRt.ECCEDENZA, "dovuto già pagato con un altro tentativo: pagamento in eccedenza")
        return Effetto(StatoRt.ELABORATA, *confronta_rt(rt, carrello, carrelli.dovuti_of(session, carrello.id)))
    if carrello.rt_id is None and carrello.stato == stato and _is_same_payment(session, carrello, rt):
        # The hub had closed it by itself; now the node's own word is here.
        carrelli.replace_rt(session, carrello, row.id, now)
        queue_carrello(session, carrello.id, bytes(row.raw), now)
        return Effetto(StatoRt.ELABORATA)
    if rt.codice_esito not in ESITI_POSITIVI:
        return Effetto(StatoRt.ELABORATA, f"carrello già {carrello.stato}: conservata senza effetto")
    if _is_told_in_another_way(session, carrello, rt):
        words = f"stesso pagamento della ricevuta {carrello.rt_id}: conservata senza effetto"
        return Effetto(StatoRt.ELABORATA, words)
    return Effetto(StatoRt.ECCEDENZA, f"carrello già {carrello.stato}: pagamento in eccedenza")


def _is_told_in_another_way(session: Session, carrello: Row[Any], rt: Rt) -> bool:
    """Whether a receipt of the new model told this very payment: a body may be sent both."""
    decided = None if carrello.rt_id is None else rt_ricevute.find(session, carrello.rt_id)
    is_new_model = decided is not None and decided.primitiva != Primitiva.INVIA_RT
    return is_new_model and _is_same_payment(session, carrello, rt)


def _is_paid_elsewhere(session: Session, carrello: Row[Any]) -> bool:
    """Whether a stored dovuto of this carrello was paid in another attempt."""
    return any(
        not (row.stato == StatoDovuto.COMPLETATO and row.codice_esito in ESITI_POSITIVI)
        and dovuti.has_paid(session, row.ente_id, row.iud)
        for row in carrelli.dovuti_of(session, carrello.id)
    )


def _is_same_payment(session: Session, carrello: Row[Any], rt: Rt) -> bool:
    """Whether the receipt tells what the hub had written by itself: nothing paid, or paid with the same IUR."""
    if rt.codice_esito not in ESITI_POSITIVI:
        return True
    known = {row.iur for row in carrelli.dovuti_of(session, carrello.id)}
    return bool(rt.pagamenti) and all(pagamento.iur in known for pagamento in rt.pagamenti)


def close_carrello(
    session: Session, carrello: Row[Any], rt_id: int, raw: bytes, rt: Rt, stato: StatoCarrello, now: datetime
) -> None:
    """Take a carrello to the state that a receipt says, with its dovuti and its session, and tell its ente.

    `raw`: the receipt as the ente is given it, `rt` what it says.
    """
    carrelli.move(session, carrello, to=stato, at=now, rt_id=rt_id)
    close_dovuti(session, carrello, rt, now)
    queue_carrello(session, carrello.id, raw, now)
    if carrello.id_session is not None:
        close_sessione(session, carrello.id_session, now)


def close_sessione(session: Session, id_session: str, now: datetime) -> None:
    """Take a session to the outcome of its carrelli, once the last of them has one."""
    to = sessione_of_carrelli(StatoCarrello(carrello.stato) for carrello in carrelli.of_session(session, id_session))
    sessione = sessioni.by_id(session, id_session)
    if to is not None and is_legal(StatoSessione(sessione.stato), to):
        sessioni.move(session, sessione, to=to, at=now)


def close_dovuti(session: Session, carrello: Row[Any], rt: Rt, now: datetime) -> None:
    """Write the outcome of each line on its dovuto, first to first: the receipt has no line id.

    A stored dovuto that was not paid is payable again, unless another attempt has paid it.
    """
    for index, dovuto in enumerate(carrelli.dovuti_of(session, carrello.id)):
        pagamento = rt.pagamenti[index] if index < len(rt.pagamenti) else None
        importo_cent = pagamento.importo_cent if pagamento else 0
        outcome = {
            "codice_esito": rt.codice_esito,
            "importo_pagato_cent": importo_cent,
            "iur": pagamento.iur if pagamento else None,
            "data_esito": pagamento.data_esito if pagamento else None,
            "commissione_pa_cent": pagamento.commissioni_pa_cent if pagamento else None,
        }
        if dovuto.stato == StatoDovuto.COMPLETATO:
            at = dovuti.correct_outcome(session, dovuto, now, **outcome)
            _keep_share(session, dovuto, rt, pagamento, at)
            if not dovuto.attuale and rt.codice_esito in ESITI_POSITIVI:
                _take_over(session, dovuto, now)
            continue
        # A dovuto that nobody stored beforehand ends with its session: there is nothing to free. What was given up is
        # free already.
        is_free = dovuto.attuale and dovuto.origine not in ORIGINI_NON_ARCHIVIATE and not dovuti.has_paid(
            session, dovuto.ente_id, dovuto.iud
        )
        at = dovuti.move(session, dovuto, to=StatoDovuto.COMPLETATO, at=now, **outcome)
        _keep_share(session, dovuto, rt, pagamento, at)
        if not dovuto.attuale and rt.codice_esito in ESITI_POSITIVI:
            _take_over(session, dovuto, now)
        if not is_free:
            continue
        tipo = sessioni.by_id(session, carrello.id_session).tipo if carrello.id_session else None
        if goes_back(TipoSessione(tipo) if tipo else None, rt.codice_esito, importo_cent):
            dovuti.renew(session, dovuto, uuid.uuid4().hex, now)
    queue_posizioni(session, carrello.ente_id, [carrello.iuv], now)


def _keep_share(session: Session, dovuto: Row[Any], rt: Rt, pagamento: SingoloRt | None, at: datetime) -> None:
    """Let the second beneficiary find his share, when there is one and it was paid."""
    if dovuto.secondario and pagamento and rt.codice_esito in ESITI_POSITIVI and pagamento.importo_cent:
        quote_secondarie.put(session, dovuto, pagamento.data_esito, at)


def _take_over(session: Session, dovuto: Row[Any], now: datetime) -> None:
    """An attempt that had come to nothing is paid after all: its row counts again, the copy that waits does not.

    A copy that is in payment itself keeps its place until its own outcome comes: if it is paid too, that is a surplus.
    """
    copy = dovuti.find_attuale(session, dovuto.ente_id, dovuto.iud)
    if copy is not None and copy.stato != StatoDovuto.INSERIMENTO_DOVUTO:
        get_logger().warning("dovuto_paid_while_in_payment", dovuto=dovuto.id, carrello=copy.carrello_id)
        return
    if copy is not None:
        dovuti.move(session, copy, to=StatoDovuto.ANNULLATO, at=now, attuale=False)
    dovuti.set_attuale(session, dovuto, True)
