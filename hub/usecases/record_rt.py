"""paaInviaRT: keep the bytes of a receipt first, answer second, understand third.

Source: node, paaInviaRT (3.9), idempotency (3.0.6), what a KO means to the node (3.0.7).
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from hub.domain import errors, errors_nodo
from hub.domain.delivery import ChiaveRpt, Stazione
from hub.domain.documenti import Rt
from hub.domain.ricevuta import KEY_MAX, Primitiva
from hub.domain.stati import StatoRt
from hub.formats.rt import decode_rt_field, is_rt, read_rt
from hub.store import rt_ricevute, tentativi
from hub.store.database import Database, Session
from hub.usecases.destinatario_ricevuta import refuse_destinatario
from hub.usecases.record_ricevuta import keep

# A receipt of five lines is under 20 kB; a stamp's attachment adds a few more.
RT_MAX_BYTES = 1_000_000
_CARRELLO = re.compile(r"([0-9]{11})[0-9]{18}-[0-9]{5}")


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

    The same bytes again change nothing. Bytes that nobody expected, that do not fit their RPT, or whose header is
    refused, are kept all the same. A text of the header that is missing is empty. Raises: RichiestaNonValida,
    IntermediarioErrato, StazioneErrata, DominioErrato, RtNonLeggibile, RptSconosciuta, RtIncoerente; OutOfService (the
    bytes could not be kept: the node must send them again).
    """
    raw, refusal = _decode(rt_base64)
    refusal = _refused_header(db, intestazione) or refusal
    if refusal is not None:
        refusal.id = intestazione.dominio or "n/a"
    if not raw:
        assert refusal is not None
        raise refusal
    rt_id = keep(db, _columns(intestazione, raw) | {"correlation_id": correlation_id, "received_at": now}, refusal)
    if refusal is not None and not isinstance(refusal, errors_nodo.RtNonLeggibile):
        raise refusal
    if rt_id is None:
        return
    if refusal is not None:
        raise refusal
    with db.transaction() as session:
        esito = set_aside(session, rt_ricevute.by_id(session, rt_id, lock=True), now)
    if esito is not None and esito.refusal is not None:
        raise esito.refusal


def record_copia(
    db: Database, stazione: Stazione, chiave: ChiaveRpt, raw: bytes, correlation_id: str, now: datetime
) -> None:
    """Keep the copy of a receipt that the hub itself has asked for: from here on it is like one that arrived.

    The same bytes again change nothing; what does not fit its RPT is set aside and seen by the operators.
    Source: node, nodoChiediCopiaRT (2.4).
    """
    intestazione = IntestazioneRt(stazione.intermediario, stazione.id, chiave.dominio, chiave.iuv, chiave.ccp)
    rt_id = keep(db, _columns(intestazione, raw) | {"correlation_id": correlation_id, "received_at": now}, None)
    if rt_id is not None:
        with db.transaction() as session:
            set_aside(session, rt_ricevute.by_id(session, rt_id, lock=True), now)


@dataclass(frozen=True, slots=True)
class Accantonata:
    """A receipt that is not applied. `refusal`: what the node is told; None: it is thanked."""

    refusal: errors.HubError | None = None


def set_aside(session: Session, row: Row[Any], now: datetime) -> Accantonata | None:
    """Set aside a receipt that cannot be applied; None when it can be. Source: node, 3.9 steps 3-5."""
    if row.stato not in (StatoRt.RICEVUTA, StatoRt.ORFANA):
        return None
    try:
        rt = read_rt(bytes(row.raw))
    except errors_nodo.RtNonLeggibile as refusal:
        rt_ricevute.settle(session, row, StatoRt.QUARANTENA, now, refusal.description[:500])
        refusal.id = row.dominio
        # A document of which a part is not understood is a person's to read: the node can do no more about it.
        return Accantonata(None if is_rt(bytes(row.raw)) else refusal)
    tentativo = tentativi.find_by_key(session, row.dominio, row.iuv, row.ccp)
    if tentativo is None and is_for_secondary(row.dominio, row.ccp):
        words = "RT per l'ente secondario di un carrello: conservata"
        rt_ricevute.settle(session, row, StatoRt.ELABORATA, now, words, importo_cent=rt.importo_cent)
        return Accantonata()
    if tentativo is None:
        if row.stato == StatoRt.RICEVUTA:
            words = "nessuna RPT con questa chiave"
            rt_ricevute.settle(session, row, StatoRt.ORFANA, now, words, importo_cent=rt.importo_cent)
        key = f"IUV {row.iuv}, CCP {row.ccp}"
        return Accantonata(errors_nodo.RptSconosciuta("RPT sconosciuta", key, id=row.dominio))
    different = mismatch(rt, row, tentativo)
    if different is not None:
        rt_ricevute.settle(session, row, StatoRt.QUARANTENA, now, different, importo_cent=rt.importo_cent)
        words = "la ricevuta non corrisponde alla sua RPT"
        return Accantonata(errors_nodo.RtIncoerente(words, different, id=row.dominio))
    return None


def is_for_secondary(dominio: str, ccp: str) -> bool:
    """Whether a receipt is for the second beneficiary of a cart: its CCP is the cart's id, which names another body.

    Source: node, multi-beneficiary cart (2.2).

    >>> cart = "12345678903" + "301000000000000144" + "-00001"
    >>> is_for_secondary("98765432103", cart), is_for_secondary("12345678903", cart), is_for_secondary("1", "n/a")
    (True, False, False)
    """
    match = _CARRELLO.fullmatch(ccp)
    return match is not None and match[1] != dominio


def mismatch(rt: Rt, row: Row[Any], tentativo: Row[Any]) -> str | None:
    """The first field in which receipt, header and RPT differ fatally; None when they agree."""
    pairs = (
        ("identificativoDominio", rt.dominio, row.dominio),
        ("identificativoUnivocoVersamento", rt.iuv, row.iuv),
        ("CodiceContestoPagamento", rt.ccp, row.ccp),
        ("riferimentoMessaggioRichiesta", rt.riferimento_messaggio, tentativo.id_messaggio),
    )
    return next((f"{name}: diverso da quello della RPT" for name, found, wanted in pairs if found != wanted), None)


def _refused_header(db: Database, intestazione: IntestazioneRt) -> errors.HubError | None:
    """Steps 1 to 4 of the order of checks."""
    missing = next((name for name, text in asdict(intestazione).items() if not text), None)
    if missing is not None:
        return errors_nodo.RichiestaNonValida("intestazionePPT assente o incompleta", f"manca {missing}")
    with db.reading() as session:
        return refuse_destinatario(
            session, intestazione.intermediario, intestazione.stazione, intestazione.dominio, intestazione.iuv
        )


def _decode(rt_base64: str) -> tuple[bytes, errors.HubError | None]:
    """The bytes to keep and what is wrong with them: of what is no base64 its text is kept."""
    if not rt_base64.strip():
        return b"", errors_nodo.RichiestaNonValida("ricevuta assente", "Elemento rt: manca o è vuoto")
    try:
        raw = decode_rt_field(rt_base64)
    except errors_nodo.RtNonLeggibile as refusal:
        return rt_base64.encode(), refusal
    if len(raw) > RT_MAX_BYTES:
        return raw, errors_nodo.RtNonLeggibile(f"rt: oltre {RT_MAX_BYTES} byte")
    return raw, None


def _columns(intestazione: IntestazioneRt, raw: bytes) -> dict[str, Any]:
    """The columns of a receipt; a key that the header does not have is that of the document, when it can be read."""
    found = asdict(intestazione)
    if not all(found.values()):
        with contextlib.suppress(errors_nodo.RtNonLeggibile):
            rt = read_rt(raw)
            read = {"dominio": rt.dominio, "iuv": rt.iuv, "ccp": rt.ccp}
            found |= {name: found[name] or text for name, text in read.items()}
    cut = {name: text[:KEY_MAX] for name, text in found.items()}
    return {
        "primitiva": str(Primitiva.INVIA_RT),
        "dominio": cut["dominio"],
        "iuv": cut["iuv"],
        "ccp": cut["ccp"],
        "intermediario": cut["intermediario"],
        "stazione_id": cut["stazione"],
        "sha256": hashlib.sha256(raw).hexdigest(),
        "raw": raw,
    }
