"""Fetch the taxonomy, once a day and by one worker, and put it in the place of the one that is kept.

What is broken, older or much smaller than what is there is refused, and what is there stays. A code that a newer table
lacks ends the day before: no code is ever forgotten. Source: flows, 7.3; node, 7.3 (import rule).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from hashlib import sha256

from hub.domain.prelievo import EsitoPrelievo, Prelievo
from hub.domain.tassonomia import Tassonomia, VoceTassonomia
from hub.formats.istanti import giorno_di, istante_di
from hub.formats.tassonomia import TavolaNonLeggibile, read_tassonomia
from hub.log import get_logger
from hub.ports import FonteTassonomia
from hub.store import tassonomia as store
from hub.store.database import Database
from hub.usecases.avvisi_tassonomia import active_avvisi
from hub.usecases.tassonomia_vigente import tassonomia_vigente

# Longer than the fetching may take; then whoever held the turn is dead.
_LEASE = timedelta(minutes=10)
# pagoPA's service has bad hours; a table changes a few times a year.
_RETRY_AFTER = timedelta(hours=1)
# Of the codes in force, those that may be missing from a newer table: more is a table cut short.
_MISSING_MAX_PERCENT = 10
# Of its rows, those that may not hold together: pagoPA's own has had one or two.
_BAD_MAX_PERCENT = 5
_REASON_MAX = 500


@dataclass(frozen=True, slots=True)
class Aggiornamento:
    """What came of asking: the table that counts now; codes added, changed, ended; why it was refused.

    `scartate`: rows that did not hold together, each with its number.
    """

    esito: EsitoPrelievo
    versione: int
    codici: int
    motivo: str = ""
    aggiunti: int = 0
    cambiati: int = 0
    cessati: int = 0
    scartate: Sequence[tuple[int, str]] = ()


def run_once(
    db: Database, fonte: FonteTassonomia | None, ora: time, preavviso: timedelta, now: datetime
) -> bool:
    """Look for a newer table when the hour of the day has come, and count the tipi that need care; True: it was time.

    `fonte`: None, nothing is fetched, and only the tipi are looked at.
    """
    with db.reading() as session:
        due_at = store.stato(session).prossima_at
    if due_at is not None and now < due_at:
        return False
    with db.transaction() as session:
        # A new installation waits for the hour: it has the table that it came with.
        until = _next(ora, now) if due_at is None else now + _LEASE
        if not store.take_turn(session, due_at, until) or due_at is None:
            return False
    fetched = fonte is None or _fetch(db, fonte, now)
    _count(db, preavviso, now)
    with db.transaction() as session:
        store.take_turn(session, until, _next(ora, now) if fetched else min(now + _RETRY_AFTER, _next(ora, now)))
    return True


def _next(ora: time, now: datetime) -> datetime:
    today = giorno_di(now)
    at = istante_di(today, ora)
    return at if at > now else istante_di(today + timedelta(days=1), ora)


def _fetch(db: Database, fonte: FonteTassonomia, now: datetime) -> bool:
    fatto = aggiorna(db, fonte, now)
    if fatto.esito == EsitoPrelievo.NON_RIUSCITO:
        get_logger().warning("tassonomia_not_updated", reason=fatto.motivo, versione=fatto.versione)
        return False
    get_logger().info(
        "tassonomia_updated",
        esito=str(fatto.esito),
        versione=fatto.versione,
        codici=fatto.codici,
        aggiunti=fatto.aggiunti,
        cambiati=fatto.cambiati,
        cessati=fatto.cessati,
        scartate=len(fatto.scartate),
    )
    return True


def _count(db: Database, preavviso: timedelta, now: datetime) -> None:
    """Write down how the codes of the active tipi stand: one line, and what /metrics tells."""
    with db.transaction() as session:
        found = active_avvisi(session, tassonomia_vigente(session), giorno_di(now), preavviso)
        counts = Counter(str(avviso.vigore) for avviso in found)
        store.note(session, avvisi=dict(counts))
    log = get_logger().warning if found else get_logger().info
    log("tassonomia_tipi", **{stato.lower(): count for stato, count in sorted(counts.items())}, tipi=len(found))


def aggiorna(db: Database, fonte: FonteTassonomia, now: datetime) -> Aggiornamento:
    """Ask for the table and keep it if it is new; where nothing usable came, what is there stays.

    Raises: Conflict (another process was faster).
    """
    with db.reading() as session:
        # A tag speaks of a table that is kept: without one the shipped table is the only one.
        etag = store.stato(session).etag
    return carica(db, fonte.fetch(etag), now)


def carica(db: Database, prelievo: Prelievo, now: datetime) -> Aggiornamento:
    """Keep a table that came, from the network or from a file. Raises: as `aggiorna`."""
    with db.reading() as session:
        stato, held = store.stato(session), tassonomia_vigente(session)
    impronta = sha256(prelievo.corpo).hexdigest()
    if prelievo.esito == EsitoPrelievo.NON_RIUSCITO:
        return _refuse(db, held, f"la tassonomia di pagoPA non si può leggere: {prelievo.codice}")
    if prelievo.esito == EsitoPrelievo.INVARIATO or impronta == stato.sha256:
        with db.transaction() as session:
            store.note(session, letta_at=now, errore=None)
        return Aggiornamento(EsitoPrelievo.INVARIATO, held.versione, len(held))
    try:
        letta = read_tassonomia(prelievo.corpo)
    except TavolaNonLeggibile as error:
        return _refuse(db, held, f"la tassonomia ricevuta {error}")
    reason = _why_not(letta.voci, letta.scartate, held, now)
    if reason is not None:
        return _refuse(db, held, reason)
    merged, fatto = _merge(letta.voci, held, now)
    with db.transaction() as session:
        store.replace(
            session,
            stato.generazione,
            merged,
            sha256=impronta,
            etag=prelievo.etag,
            letta_at=now,
            cambiata_at=now,
            errore=None,
        )
    return replace(fatto, scartate=letta.scartate)


def _refuse(db: Database, held: Tassonomia, reason: str) -> Aggiornamento:
    with db.transaction() as session:
        store.note(session, errore=reason[:_REASON_MAX])
    return Aggiornamento(EsitoPrelievo.NON_RIUSCITO, held.versione, len(held), motivo=reason)


def _why_not(
    voci: Sequence[VoceTassonomia], scartate: Sequence[tuple[int, str]], held: Tassonomia, now: datetime
) -> str | None:
    if len(scartate) * 100 > _BAD_MAX_PERCENT * (len(voci) + len(scartate)):
        number, why = scartate[0]
        return f"la tassonomia ricevuta ha {len(scartate)} righe errate, la prima è la {number}: {why}"
    versione = max((voce.versione for voce in voci), default=0)
    if versione < held.versione:
        return f"la tassonomia ricevuta è la versione {versione}, c'è già la {held.versione}"
    today, codici = giorno_di(now), {voce.codice for voce in voci}
    in_force = [voce.codice for voce in held if voce.is_in_force(today)]
    missing = sum(codice not in codici for codice in in_force)
    if missing * 100 > _MISSING_MAX_PERCENT * len(in_force):
        return f"la tassonomia ricevuta non ha {missing} dei {len(in_force)} codici in vigore: è incompleta"
    return None


def _merge(
    voci: Sequence[VoceTassonomia], held: Tassonomia, now: datetime
) -> tuple[list[VoceTassonomia], Aggiornamento]:
    """The new table, and after it what the old one had besides, ended."""
    yesterday = giorno_di(now) - timedelta(days=1)
    before = {voce.codice: voce for voce in held}
    codici = {voce.codice for voce in voci}
    gone = [voce for voce in held if voce.codice not in codici]
    merged = [*voci, *(replace(voce, valido_al=min(voce.valido_al, yesterday)) for voce in gone)]
    fatto = Aggiornamento(
        EsitoPrelievo.NUOVO,
        versione=max(voce.versione for voce in merged),
        codici=len(merged),
        aggiunti=sum(voce.codice not in before for voce in voci),
        cambiati=sum(voce.codice in before and _meaning(before[voce.codice]) != _meaning(voce) for voce in voci),
        cessati=sum(voce.valido_al > yesterday for voce in gone),
    )
    return merged, fatto


def _meaning(voce: VoceTassonomia) -> VoceTassonomia:
    """A code without the number of the table that it stands in, which changes for all of them."""
    return replace(voce, versione=0)
