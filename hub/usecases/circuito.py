"""The circuit of a station towards one service: who gets no answer stops calling, and one call at a time tries again.

It is kept in the database, not in the process: the first worker that is refused spares all the others the same refusal,
a restart forgets nothing, and metrics and commands of other processes see it. What it costs is one read for each call,
and a write only when something goes wrong or is well again.

Closed: calls go. A 429 asks for a pause: no call of the station before its end. After `GUASTI_MAX` calls in a row
without an answer, or one refusal of the station itself (password, station, intermediary, 401, 403), it opens: messages
are held as they are, which is no attempt. When the pause is over one call probes (half open); an answer closes it, no
answer makes the pause longer. A refusal that may be one ente's own (its domain, a PSP) counts like a missing answer, so
that one badly configured ente stops itself and not its neighbours. Source: node, 2.0.4 class C, 2.0.5.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from hub.domain.delivery import Classe, Delivery, Outcome
from hub.log import get_logger
from hub.store import circuiti, outbox
from hub.store.database import Database

Clock = Callable[[], datetime]

CODE = "CIRCUITO_APERTO"
# With four answers in ten lost, ten lost in a row come once in ten thousand calls: a real silence comes first.
GUASTI_MAX = 10
# Seconds that a circuit stays open: the first time, the second in a row, and so on.
_APERTO_S = (5, 15, 30, 60, 120, 300)
# A wrong password does not mend itself, and each probe costs a payment.
_RIFIUTATA_S = (60, 300, 900, 1800)
# Without a Retry-After: the gateway counts over ten seconds (node, 2.0.5).
_PAUSA_S = 10.0
# Who finds a probe under way looks again so soon: it usually ends well.
_SONDA = timedelta(seconds=5)
# The refusals that speak of the station, whoever of its enti was asked for.
OF_STATION = (
    "PPT_AUTENTICAZIONE",
    "PPT_INTERMEDIARIO_PA_SCONOSCIUTO",
    "PPT_INTERMEDIARIO_PA_DISABILITATO",
    "PPT_STAZIONE_INT_PA_SCONOSCIUTA",
    "PPT_STAZIONE_INT_PA_DISABILITATA",
    "HTTP_401",
    "HTTP_403",
)
# The call was never made: it says nothing of the other side.
_MAI_CHIESTO = "SENZA_CHIAVE"


def call(
    db: Database,
    stazione_id: str,
    servizio: str,
    exchange: Callable[[], Delivery],
    clock: Clock,
    lasts: timedelta,
    of_station: Collection[str] = OF_STATION,
) -> Delivery:
    """Make one call if the circuit lets it, and tell the circuit how it ended; otherwise a delivery that is held.

    `servizio`: `nodo`, or one of domain.servizi_rest. `lasts`: the longest that the call may take. `of_station`: the
    codes that open it at once.
    """
    now = clock()
    with db.reading() as session:
        row = circuiti.find(session, stazione_id, servizio)
    is_probe = False
    if row is not None and row.riprova_at is not None:
        if row.riprova_at > now:
            wait = row.riprova_at - now
            return _held(row.ultimo_codice, min(wait, _SONDA) if row.sonda_at is not None else wait)
        if row.aperto_at is not None:
            with db.transaction() as session:
                is_probe = circuiti.take_probe(session, row, now, now + lasts)
            if not is_probe:
                return _held(row.ultimo_codice, _SONDA)
    delivery = exchange()
    is_refused = delivery.code in of_station
    _record(db, stazione_id, servizio, delivery, clock(), is_probe=is_probe, is_refused=is_refused)
    return delivery


def _record(
    db: Database,
    stazione_id: str,
    servizio: str,
    delivery: Delivery,
    now: datetime,
    *,
    is_probe: bool,
    is_refused: bool,
) -> None:
    if delivery.code == _MAI_CHIESTO:
        return
    if delivery.code == "HTTP_429":
        pause = timedelta(seconds=_PAUSA_S if delivery.retry_after_s is None else delivery.retry_after_s)
        with db.transaction() as session:
            circuiti.pause(session, stazione_id, servizio, delivery.code, now, now + pause)
    elif delivery.is_answered and delivery.classe is not Classe.CONFIGURAZIONE:
        _note_answer(db, stazione_id, servizio, now)
    else:
        _note_failure(db, stazione_id, servizio, delivery.code, now, is_probe=is_probe, is_refused=is_refused)


def _note_answer(db: Database, stazione_id: str, servizio: str, now: datetime) -> None:
    with db.reading() as session:
        row = circuiti.find(session, stazione_id, servizio)
    if row is None or not (row.guasti or row.aperto_at is not None):
        return
    with db.transaction() as session:
        circuiti.close(session, stazione_id, servizio)
        if row.aperto_at is not None:
            outbox.release(session, CODE, now)
    if row.aperto_at is not None:
        get_logger().info("circuit_closed", stazione=stazione_id, servizio=servizio)


def _note_failure(
    db: Database, stazione_id: str, servizio: str, code: str, now: datetime, *, is_probe: bool, is_refused: bool
) -> None:
    with db.transaction() as session:
        row = circuiti.note_failure(session, stazione_id, servizio, code, now)
        is_late = row.aperto_at is not None and not is_probe
        if is_late or not (is_probe or is_refused or row.guasti >= GUASTI_MAX):
            return
        aperture = row.aperture + 1
        waits = _RIFIUTATA_S if is_refused else _APERTO_S
        riprova_at = now + timedelta(seconds=waits[min(aperture, len(waits)) - 1])
        circuiti.open(session, row, aperture, now, riprova_at)
    get_logger().error(
        "circuit_opened", stazione=stazione_id, servizio=servizio, code=code, aperture=aperture, until=str(riprova_at)
    )


def _held(code: str | None, wait: timedelta) -> Delivery:
    reason = f"circuito della stazione aperto: {code}" if code else "circuito della stazione aperto"
    return Delivery(Outcome.TRY_AGAIN, CODE, reason, retry_after_s=wait.total_seconds(), is_held=True)
