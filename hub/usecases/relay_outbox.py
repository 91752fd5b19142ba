"""The relay: claim, deliver with no transaction open, settle.

A message whose last sending has an unknown end is asked about before anything else. An outcome that comes back after
the lease was lost is dropped: somebody else holds the message. Source: node, write-ahead rule and fault classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from time import monotonic

from hub import misure
from hub.crash import Punto, crash_point
from hub.domain.attesa import before_question, before_retry
from hub.domain.delivery import Delivery, Outcome
from hub.domain.stati import StatoMessaggio
from hub.log import get_logger
from hub.misure import CONSEGNA_S, LEASE_PERSI
from hub.store import outbox
from hub.store.database import Database, Session
from hub.store.outbox import Claimed

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Pazienza:
    """How often a message is tried, how long it waits between, and where it ends when it cannot be delivered.

    `fine`: RIFIUTATO, over for good; PARCHEGGIATO, a person may try it again. `parks_unknown`: whether a doubt that has
    lasted for all attempts waits for a person; otherwise it is asked about for ever.
    """

    attempts_max: int
    before_retry: Callable[[int], timedelta] = before_retry
    before_question: Callable[[int], timedelta] = before_question
    fine: StatoMessaggio = StatoMessaggio.RIFIUTATO
    parks_unknown: bool = True


@dataclass(frozen=True, slots=True)
class Topic:
    """Where a kind of message goes and what its outcome means.

    `deliver`: send it; `ask`: find out what became of it (TRY_AGAIN: the other side never saw it, it may leave again
    as it is); `settle`: record what the outcome means, in the transaction that settles the message. `pazienza`: that of
    a message; None: the node's, with the relay's `attempts_max`. `corsia`: topics of one lane share its threads, so
    that a slow ente never keeps the node waiting.
    """

    deliver: Callable[[Claimed], Delivery]
    ask: Callable[[Claimed], Delivery]
    settle: Callable[[Session, Claimed, Delivery, datetime], None]
    pazienza: Callable[[Session, Claimed], Pazienza] | None = None
    corsia: str = "nodo"


@dataclass(frozen=True, slots=True)
class RelayLimits:
    """`slots`: messages in flight at once. `margin`: the longest a call may take; a message is not sent when its lease
    ends sooner. `per_ente`: how many of the slots one ente may hold (None: all), where each has a server of its own and
    a slow one must not keep the others waiting. `pausa_s`: between the end of a call and the next one, where nobody
    waits for it. `stop_s`: how long calls in flight may still take when the process stops."""

    slots: int
    lease: timedelta
    margin: timedelta
    attempts_max: int
    per_ente: int | None = None
    pausa_s: float = 0.0
    stop_s: float = 6.0


# While calls are in flight the outbox is looked at this often, so that a slow answer delays nobody else.
_LOOK_AGAIN_S = 0.01


def run_once(
    db: Database, topics: Mapping[str, Topic], pool: Executor, limits: RelayLimits, clock: Clock, stop: Event
) -> bool:
    """Relay the messages of `topics` until none is due and none in flight; True when there was something.

    No more is claimed than can leave at once, so that no lease runs while a message waits for its turn. After `stop`
    nothing more is claimed and what is in flight is settled, or given back when its answer does not come in time.
    """
    in_flight: dict[Future[None], Claimed] = {}
    has_worked = False
    ends_at: float | None = None
    while True:
        # With a share for each ente one is claimed at a time: the next one may have to be somebody else's.
        while (free := limits.slots - len(in_flight)) and not stop.is_set():
            busy = _busy(limits, (message.ente_id for message in in_flight.values()))
            claimed = _claim(db, topics, limits, free if limits.per_ente is None else 1, busy, clock())
            if claimed:
                crash_point(Punto.RELAY_PRESO)
            for message in claimed:
                future = pool.submit(_relay, db, topics[message.topic], message, limits, clock)
                in_flight[future] = message
            if limits.per_ente is None or not claimed:
                break
        if not in_flight:
            return has_worked
        has_worked = True
        if stop.is_set():
            ends_at = ends_at or monotonic() + limits.stop_s
            if monotonic() > ends_at:
                _give_back(db, topics, in_flight.values(), limits, clock())
                return True
        done, _ = wait(in_flight, timeout=_LOOK_AGAIN_S, return_when=FIRST_COMPLETED)
        for future in done:
            del in_flight[future]
            future.result()
        if done and limits.pausa_s:
            stop.wait(limits.pausa_s)


def _give_back(
    db: Database, topics: Mapping[str, Topic], messages: Iterable[Claimed], limits: RelayLimits, now: datetime
) -> None:
    """Let go of messages whose answers are still awaited: they are asked about when the call must be over there too."""
    delivery = Delivery(Outcome.UNKNOWN, "FERMATO", "il worker si è fermato prima della risposta")
    with db.transaction() as session:
        for message in messages:
            is_settled = outbox.settle(
                session,
                message,
                StatoMessaggio.SCONOSCIUTO,
                now,
                outcome=str(delivery.outcome),
                code=delivery.code,
                next_attempt_at=min(message.lease_until, now + limits.margin),
                motivo=delivery.detail,
            )
            if is_settled:
                topics[message.topic].settle(session, message, delivery, now)
                get_logger().warning("message_given_back", topic=message.topic, key=message.chiave)


def _busy(limits: RelayLimits, enti: Iterable[int | None]) -> frozenset[int]:
    """The entes that hold all the slots they may."""
    if limits.per_ente is None:
        return frozenset()
    held = Counter(ente for ente in enti if ente is not None)
    return frozenset(ente for ente, count in held.items() if count >= limits.per_ente)


def _claim(
    db: Database, topics: Collection[str], limits: RelayLimits, free: int, busy: Collection[int], now: datetime
) -> list[Claimed]:
    with db.reading() as session:
        due_at = outbox.next_due(session, topics, busy)
    if due_at is None or due_at > now:
        return []
    with db.transaction() as session:
        return outbox.claim(session, now, limits.lease, free, topics, busy)


def _relay(db: Database, topic: Topic, message: Claimed, limits: RelayLimits, clock: Clock) -> None:
    started_at = clock()
    delivery = _exchange(topic, message, limits, clock)
    if delivery is None:
        return
    crash_point(Punto.RELAY_INVIATO)
    settled_at = clock()
    with db.transaction() as session:
        is_settled = _settle(session, topic, message, delivery, limits, settled_at)
        crash_point(Punto.RELAY_SCRITTO)
    crash_point(Punto.RELAY_CHIUSO)
    outcome = "HELD" if delivery.is_held else str(delivery.outcome)
    misure.observe(CONSEGNA_S, (settled_at - started_at).total_seconds(), message.topic, outcome)
    if not is_settled:
        misure.count(LEASE_PERSI, message.topic)
    get_logger().info(
        "message_settled" if is_settled else "message_lost_to_another_worker",
        topic=message.topic,
        key=message.chiave,
        outcome=str(delivery.outcome),
        code=delivery.code,
        attempt=message.attempts,
        duration_ms=round((settled_at - started_at).total_seconds() * 1000, 1),
        correlation_id=message.correlation_id,
    )


def _exchange(topic: Topic, message: Claimed, limits: RelayLimits, clock: Clock) -> Delivery | None:
    """Ask if needed, send if allowed; None when the lease would end during the call (it is left to run out)."""
    if clock() + limits.margin > message.lease_until:
        return None
    if message.must_ask:
        answer = topic.ask(message)
        if answer.outcome != Outcome.TRY_AGAIN or answer.is_held:
            return answer
        if clock() + limits.margin > message.lease_until:
            return Delivery(Outcome.UNKNOWN, "LEASE")
    crash_point(Punto.RELAY_IN_PARTENZA)
    return topic.deliver(message)


def _settle(
    session: Session, topic: Topic, message: Claimed, delivery: Delivery, limits: RelayLimits, now: datetime
) -> bool:
    pazienza = topic.pazienza(session, message) if topic.pazienza else Pazienza(limits.attempts_max)
    delivery = _exhaust(message, delivery, pazienza)
    stato, next_attempt_at, motivo = _next_step(message, delivery, pazienza, now)
    is_settled = outbox.settle(
        session,
        message,
        stato,
        now,
        outcome=str(delivery.outcome),
        code=delivery.code,
        next_attempt_at=next_attempt_at,
        motivo=motivo,
        is_held=delivery.is_held,
    )
    if is_settled and not delivery.is_held:
        topic.settle(session, message, delivery, now)
    return is_settled


def _exhaust(message: Claimed, delivery: Delivery, pazienza: Pazienza) -> Delivery:
    """What surely was not processed and cannot be sent any more is refused, and the position is free."""
    if delivery.outcome == Outcome.TRY_AGAIN and message.attempts >= pazienza.attempts_max and not delivery.is_held:
        reason = ": ".join(filter(None, ("tentativi esauriti", delivery.detail)))
        return Delivery(Outcome.REFUSED, delivery.code, reason)
    return delivery


def _next_step(
    message: Claimed, delivery: Delivery, pazienza: Pazienza, now: datetime
) -> tuple[StatoMessaggio, datetime | None, str | None]:
    if delivery.is_held:
        stato = StatoMessaggio.SCONOSCIUTO if message.must_ask else StatoMessaggio.DA_INVIARE
        return stato, now + timedelta(seconds=delivery.retry_after_s or 1), delivery.detail[:500]
    match delivery.outcome:
        case Outcome.DELIVERED:
            return StatoMessaggio.CONSEGNATO, None, None
        case Outcome.REFUSED:
            return pazienza.fine, None, delivery.detail[:500] or None
        case Outcome.TRY_AGAIN:
            wait = pazienza.before_retry(message.attempts)
            if delivery.retry_after_s is not None:
                wait = max(wait, timedelta(seconds=delivery.retry_after_s))
            return StatoMessaggio.DA_INVIARE, now + wait, None
        case Outcome.UNKNOWN:
            if pazienza.parks_unknown and message.attempts >= pazienza.attempts_max:
                return StatoMessaggio.PARCHEGGIATO, None, "esito sconosciuto dopo tutti i tentativi"
            wait = pazienza.before_question(message.attempts)
            return StatoMessaggio.SCONOSCIUTO, now + wait, delivery.detail[:500] or None
