"""paaInviaRT: keep the bytes of a receipt first, answer second, understand third.

Source: node, paaInviaRT (3.9), idempotency (3.0.6), what a KO means to the node (3.0.7).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from hub.domain import errors
from hub.domain.documenti import Rt
from hub.domain.stati import StatoRt
from hub.formats.rt import decode_rt_field, read_rt
from hub.store import enti, outbox, rt_ricevute, stazioni, tentativi
from hub.store.database import Database, Session

# A receipt of five lines is under 20 kB; a stamp's attachment adds a few more.
RT_MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class IntestazioneRt:
    """Header `intestazionePPT` of the call."""

    intermediario: str
    stazione: str
    dominio: str
    iuv: str
    ccp: str


def record_rt(db: Database, intestazione: IntestazioneRt, rt_base64: str, correlation_id: str, now: datetime) -> None:
    """Keep a receipt; when this returns its bytes are durable and the node may forget them.

    The same bytes again change nothing. Bytes that nobody expected, or that do not fit their RPT, are kept all the
    same. Raises: IntermediarioErrato, StazioneErrata, DominioErrato, RtNonLeggibile, RptSconosciuta, RtIncoerente;
    OutOfService (the bytes could not be kept: the node must send them again).
    """
    _check_intestazione(db, intestazione)
    raw = _decode(rt_base64, intestazione.dominio)
    rt_id = _keep(db, intestazione, raw, correlation_id, now)
    if rt_id is None:
        return
    with db.transaction() as session:
        refusal = set_aside(session, rt_ricevute.by_id(session, rt_id, lock=True), now)
    if refusal is not None:
        raise refusal


def set_aside(session: Session, row: Row[Any], now: datetime) -> errors.HubError | None:
    """Set aside a receipt that cannot be applied and return the refusal; None when it can be applied."""
    if row.stato not in (StatoRt.RICEVUTA, StatoRt.ORFANA):
        return None
    try:
        rt = read_rt(bytes(row.raw))
    except errors.RtNonLeggibile as refusal:
        rt_ricevute.settle(session, row, StatoRt.QUARANTENA, now, str(refusal)[:500])
        refusal.id = row.dominio
        return refusal
    tentativo = tentativi.find_by_key(session, row.dominio, row.iuv, row.ccp)
    if tentativo is None:
        if row.stato == StatoRt.RICEVUTA:
            rt_ricevute.settle(session, row, StatoRt.ORFANA, now, "nessuna RPT con questa chiave")
        return errors.RptSconosciuta("RPT sconosciuta", f"IUV {row.iuv}, CCP {row.ccp}", id=row.dominio)
    different = mismatch(rt, row, tentativo)
    if different is not None:
        rt_ricevute.settle(session, row, StatoRt.QUARANTENA, now, different)
        return errors.RtIncoerente("la ricevuta non corrisponde alla sua RPT", different, id=row.dominio)
    return None


def mismatch(rt: Rt, row: Row[Any], tentativo: Row[Any]) -> str | None:
    """The first field in which receipt, header and RPT differ fatally; None when they agree."""
    pairs = (
        ("identificativoDominio", rt.dominio, row.dominio),
        ("identificativoUnivocoVersamento", rt.iuv, row.iuv),
        ("CodiceContestoPagamento", rt.ccp, row.ccp),
        ("riferimentoMessaggioRichiesta", rt.riferimento_messaggio, tentativo.id_messaggio),
    )
    return next((f"{name}: diverso da quello della RPT" for name, found, wanted in pairs if found != wanted), None)


def _check_intestazione(db: Database, intestazione: IntestazioneRt) -> None:
    with db.reading() as session:
        stazione = stazioni.find(session, intestazione.stazione)
        ente = enti.find_by_dominio(session, intestazione.dominio)
        is_ours = stazioni.has_intermediario(session, intestazione.intermediario)
    if not is_ours:
        raise errors.IntermediarioErrato("intermediario sconosciuto", id=intestazione.dominio)
    if stazione is None or stazione.intermediario != intestazione.intermediario:
        raise errors.StazioneErrata("stazione sconosciuta per questo intermediario", id=intestazione.dominio)
    if ente is None or ente.stazione_id != stazione.id:
        raise errors.DominioErrato("dominio sconosciuto su questa stazione", id=intestazione.dominio)


def _decode(rt_base64: str, dominio: str) -> bytes:
    try:
        raw = decode_rt_field(rt_base64)
    except errors.RtNonLeggibile as refusal:
        refusal.id = dominio
        raise
    if not raw or len(raw) > RT_MAX_BYTES:
        raise errors.RtNonLeggibile(f"rt: vuota o oltre {RT_MAX_BYTES} byte", id=dominio)
    return raw


def _keep(db: Database, intestazione: IntestazioneRt, raw: bytes, correlation_id: str, now: datetime) -> int | None:
    """Make the bytes durable and return their id; None when they were kept before."""
    with db.transaction() as session:
        rt_id = rt_ricevute.add(
            session,
            dominio=intestazione.dominio,
            iuv=intestazione.iuv,
            ccp=intestazione.ccp,
            sha256=hashlib.sha256(raw).hexdigest(),
            raw=raw,
            stazione_id=intestazione.stazione,
            stato=str(StatoRt.RICEVUTA),
            correlation_id=correlation_id,
            received_at=now,
        )
        if rt_id is not None:
            outbox.wake(session)
    return rt_id
