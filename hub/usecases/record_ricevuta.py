"""paSendRT and paSendRTV2: keep the bytes of a receipt first, answer second; the job of the receipts understands them.

A KO is final to the node, so it is answered only to what is not ours, and what is refused is kept all the same.
Source: node, paSendRT (3.4), order of checks (3.0.4, steps 1-4), idempotency (3.0.6), what a KO means (3.0.7).
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from hub.crash import Punto, crash_point
from hub.domain import errors, errors_nodo
from hub.domain.ricevuta import KEY_MAX, Primitiva, Testata
from hub.domain.stati import StatoRt
from hub.formats.ricevuta import content_of, payload_of, read_testata
from hub.log import get_logger
from hub.store import outbox, rt_ricevute
from hub.store.database import Database, Session
from hub.usecases.destinatario_ricevuta import refuse_destinatario


def record_ricevuta(
    db: Database, primitiva: Primitiva, raw: bytes, charset: str | None, correlation_id: str, now: datetime
) -> Testata:
    """Keep a receipt; when this returns its bytes are durable and the node may forget them.

    `raw`: the message as it came, `charset` of its HTTP header. The same receipt again changes nothing, whatever it is
    wrapped in. `receipt/fiscalCode` may be anybody's, and the station any of the intermediary's. Raises:
    RicevutaNonLeggibile, IntermediarioErrato, StazioneErrata, DominioErrato; OutOfService (the bytes could not be kept:
    the node must send them again).
    """
    payload = payload_of(raw, charset)
    testata = read_testata(payload)
    with db.reading() as session:
        refusal = _refusal(session, testata)
    values = {
        "primitiva": str(primitiva),
        "dominio": testata.id_pa[:KEY_MAX],
        "dominio_avviso": testata.dominio[:KEY_MAX],
        "iuv": testata.iuv[:KEY_MAX],
        "ccp": testata.token,
        "numero_avviso": testata.numero_avviso[:KEY_MAX],
        "intermediario": testata.intermediario[:KEY_MAX],
        "stazione_id": testata.stazione[:KEY_MAX],
        "sha256": hashlib.sha256(content_of(payload)).hexdigest(),
        "raw": raw,
        "charset": charset,
        "correlation_id": correlation_id,
        "received_at": now,
    }
    keep(db, values, refusal)
    if refusal is not None:
        raise refusal
    return testata


def keep(db: Database, values: dict[str, Any], refusal: errors.HubError | None) -> int | None:
    """Make a receipt durable and return its id; None when it was kept before. One that is refused is set aside.

    One that was set aside and comes again when it is not refused any more takes its turn.
    Raises: OutOfService.
    """
    if refusal is None:
        values = values | {"stato": str(StatoRt.RICEVUTA)}
    else:
        motivo = f"{refusal.code}: {refusal.description}"[:500]
        values = values | {"stato": str(StatoRt.RESPINTA), "motivo": motivo}
    crash_point(Punto.RICEVUTA_LETTA)
    with db.transaction() as session:
        rt_id = rt_ricevute.add(session, **values)
        if rt_id is None and refusal is None:
            rt_id = rt_ricevute.readmit(session, values)
        if rt_id is not None and refusal is None:
            outbox.wake(session)
        crash_point(Punto.RICEVUTA_SCRITTA)
    crash_point(Punto.RICEVUTA_TENUTA)
    if rt_id is not None and refusal is not None:
        get_logger().warning("receipt_refused", rt_id=rt_id, code=refusal.code, dominio=values["dominio"])
    return rt_id


def _refusal(session: Session, testata: Testata) -> errors.HubError | None:
    """Steps 1 to 4, with the recipient's domain as the fault's id."""
    refusal: errors.HubError | None = None
    if not testata.receipt_id or not testata.id_pa:
        name = "idPA" if testata.receipt_id else "receipt/receiptId"
        refusal = errors_nodo.RicevutaNonLeggibile("ricevuta senza chiave", f"Elemento {name}: manca o è vuoto")
    else:
        refusal = refuse_destinatario(session, testata.intermediario, testata.stazione, testata.id_pa, testata.iuv)
    if refusal is not None:
        refusal.id = testata.id_pa[:KEY_MAX] or "n/a"
    return refusal
