"""What an operator does with messages that do not leave: look, try again, set aside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hub.domain.errors import NotFound
from hub.domain.operatore import Operatore
from hub.domain.stati import StatoMessaggio
from hub.log import get_logger
from hub.store import outbox
from hub.store.database import Database, Session

PAGE = 50


@dataclass(frozen=True, slots=True)
class MessaggioFermo:
    """A message as the console shows it. The payload is left out: it names the payer."""

    id: int
    topic: str
    ente: str
    chiave: str
    stato: StatoMessaggio
    attempts: int
    motivo: str
    code: str
    created_at: datetime
    at: datetime


def list_fermi(db: Database, operatore: Operatore, stato: StatoMessaggio, after_id: int) -> list[MessaggioFermo]:
    """Return a page of the parked messages, or (DA_INVIARE) of those that failed and wait for their next attempt.

    `at`: when it was set aside, or when it is tried again. One more than PAGE means that there is another page.
    """
    is_parked = stato == StatoMessaggio.PARCHEGGIATO
    with db.reading() as session:
        rows = outbox.list_stuck(session, operatore.ente_id, is_parked=is_parked, after_id=after_id, limit=PAGE + 1)
    return [
        MessaggioFermo(
            id=row.id,
            topic=row.topic,
            ente=row.ente_nome or "",
            chiave=row.chiave,
            stato=StatoMessaggio(row.stato),
            attempts=row.attempts,
            motivo=row.motivo or "",
            code=row.last_code or "",
            created_at=row.created_at,
            at=row.settled_at if is_parked and row.settled_at else row.next_attempt_at,
        )
        for row in rows
    ]


def retry_message(db: Database, operatore: Operatore, id: int, now: datetime) -> None:
    """Let a message leave now. Raises: NotFound (or of another ente), Conflict (settled already, or being sent)."""
    with db.transaction() as session:
        _check(session, operatore, id)
        outbox.retry(session, id, now)
    get_logger().info("message_retried", message=id, operatore=operatore.nome)


def park_message(db: Database, operatore: Operatore, id: int, motivo: str, now: datetime) -> None:
    """Set a message aside, with the operator's words. Raises: NotFound (or of another ente), Conflict."""
    with db.transaction() as session:
        _check(session, operatore, id)
        outbox.park(session, id, f"{motivo or 'messo da parte'} ({operatore.nome})", now)
    get_logger().info("message_parked", message=id, operatore=operatore.nome)


def _check(session: Session, operatore: Operatore, id: int) -> None:
    row = outbox.find(session, id)
    if row is None or not operatore.may_see(row.ente_id):
        raise NotFound(f"messaggio {id} sconosciuto")
