"""A call that came by SOAP, as the sandbox keeps it."""

from __future__ import annotations

from datetime import timedelta

from hub.domain.chiamata_sandbox import OK, Canale, Chiamata
from hub.domain.spiegazioni import spiega_ricevuta
from hub.formats.guasto_letto import read_guasto
from hub.soap.operation import Call, ente_of
from hub.soap.server import Journal
from hub.usecases.registra_chiamata import Registratore

# Of what the contract has against a request; the first ones are the cause of the others.
_VIOLATIONS_TOLD = 20


def build_recorder(registratore: Registratore, canale: Canale) -> Journal:
    """Return what a door calls when an answer is made."""

    def record(call: Call, request: bytes, response: bytes, duration_ms: int) -> None:
        ente = ente_of(call, call.said)
        esito = OK if call.outcome == "ok" else call.outcome
        violazioni = [f"riga {error.line}, {error}" for error in call.violations[:_VIOLATIONS_TOLD]]
        applicazione = call.log.get("applicazione")
        registratore.registra(
            Chiamata(
                istante=registratore.clock() - timedelta(microseconds=call.duration_us),
                canale=canale,
                operazione=call.operation,
                esito=esito,
                durata_us=call.duration_us,
                richiesta=request,
                risposta=response,
                spiegazione=spiega_ricevuta(call.operation, esito, read_guasto(response), violazioni),
                correlazione=call.correlation_id,
                stato_http=int(call.http_status[:3]),
                ente=ente if isinstance(ente, str) else "",
                applicazione=applicazione if isinstance(applicazione, str) else None,
                intestazioni=call.http_headers,
            )
        )

    return record
