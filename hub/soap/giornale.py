"""The event of a call that came by SOAP, for the journal."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

from hub.domain.giornale import Esito, Evento, Verso
from hub.soap.operation import Call, ente_of
from hub.soap.server import Journal
from hub.usecases.giornale import Giornale

# The answer to these moves money: it leaves when its event is durable, or after this long if the journal is not well.
# Source: node, paSendRT (3.5), paSendRTV2 (3.6), paaInviaRT (3.9): after an OK the node forgets the receipt.
_ATTESE = frozenset({"paSendRT", "paSendRTV2", "paaInviaRT"})
_ATTESA_S = 1.0
_FAULT_SOAP = frozenset({"Client", "Server", "VersionMismatch", "MustUnderstand"})


def build_journal(giornale: Giornale) -> Journal:
    """Return what a door calls when an answer is made."""

    def journal(call: Call, request: bytes, response: bytes, duration_ms: int) -> None:
        ente = ente_of(call, call.said)
        evento = Evento(
            at=giornale.clock() - timedelta(milliseconds=duration_ms),
            verso=Verso.ENTRATA,
            operazione=call.operation,
            esito=_esito(call.outcome),
            durata_ms=duration_ms,
            correlation_id=call.correlation_id,
            ente=ente if isinstance(ente, str) else "",
            codice="" if call.outcome == "ok" else call.outcome,
            ricevuto=sha256(request).digest() if request else None,
            inviato=sha256(response).digest(),
        )
        giornale.annota(evento, _ATTESA_S if call.operation in _ATTESE else 0.0)

    return journal


def _esito(outcome: str) -> Esito:
    if outcome == "ok":
        return Esito.OK
    return Esito.ERRORE if outcome in _FAULT_SOAP else Esito.KO
