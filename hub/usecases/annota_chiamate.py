"""The calls to the outside: the ports of the hub with a witness beside them.

Each call leaves its event in the journal and, in the sandbox, its bytes.

Whose call it is comes from the message of the outbox that is being relayed, or from the question itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from typing import BinaryIO, TypeVar

from hub.domain.acquisizione_fdr import DomandaFdr, Elenco, EsitoDomanda, FlussoElencato, Scarico
from hub.domain.archivio import ChiaveArchivio, PagamentoPsp, RispostaArchivio
from hub.domain.chiamata_sandbox import CORPO_MAX_BYTES, OK, Canale, Chiamata
from hub.domain.delivery import Delivery, Outcome, Stazione
from hub.domain.export_giornaliero import Recapito
from hub.domain.giornale import Esito, Evento, Verso
from hub.domain.inoltro import InvioEsito
from hub.domain.pagamento_online import PagamentoOnline, TentativoCercato, Trovato
from hub.domain.servizi_rest import ChiaviServizio, Servizio
from hub.domain.spiegazioni import spiega_fatta
from hub.domain.traccia import Traccia, traccia
from hub.formats.guasto_letto import read_guasto
from hub.ports import (
    ArchivioEsterno,
    FlussiRendicontazione,
    Nodo,
    Posizioni,
    Recapiti,
    Ricevute,
    SistemaEnte,
    Via,
)
from hub.store.outbox import Claimed
from hub.usecases.giornale import Giornale
from hub.usecases.registra_chiamata import Registratore
from hub.usecases.relay_outbox import Topic

# What moves money is settled when its event is durable; a journal that is not well holds nobody up for longer.
ATTESA_S = 1.0
_ESITI = {
    Outcome.DELIVERED: Esito.OK,
    Outcome.REFUSED: Esito.KO,
    Outcome.TRY_AGAIN: Esito.RIPROVARE,
    Outcome.UNKNOWN: Esito.IGNOTO,
}
_ESITI_FDR = {EsitoDomanda.RIFIUTATA: Esito.KO, EsitoDomanda.RIPROVARE: Esito.RIPROVARE}
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class _DiChi:
    ente_id: int | None = None
    correlation_id: str = ""


_NESSUNO = _DiChi()
_di_chi: ContextVar[_DiChi] = ContextVar("di_chi", default=_NESSUNO)


def annotato(topic: Topic) -> Topic:
    """The same topic, whose calls know which message they are of."""

    def with_owner(deed: Callable[[Claimed], Delivery]) -> Callable[[Claimed], Delivery]:
        def called(message: Claimed) -> Delivery:
            token = _di_chi.set(_DiChi(message.ente_id, message.correlation_id))
            try:
                return deed(message)
            finally:
                _di_chi.reset(token)

        return called

    return replace(topic, deliver=with_owner(topic.deliver), ask=with_owner(topic.ask))


class Testimone:
    """Makes a call and leaves its event; a call of which no byte was asked of the network leaves none."""

    def __init__(self, giornale: Giornale | None, registratore: Registratore | None = None) -> None:
        """One of the two may be missing."""
        self._giornale, self._registratore = giornale, registratore
        self._copia_bytes = 0 if registratore is None else CORPO_MAX_BYTES

    def call(
        self,
        operazione: str,
        call: Callable[[], R],
        ended: Callable[[R], tuple[Esito, str]],
        *,
        ente: str = "",
        correlation_id: str = "",
        attesa_s: float = 0.0,
        canale: Canale = Canale.VERSO_NODO,
    ) -> R:
        """Return what `call` returns; `ended` says how that is told."""
        with self._noted(operazione, ente, correlation_id, attesa_s, canale) as told:
            answer = call()
            told.append(ended(answer))
        return answer

    @contextmanager
    def _noted(
        self, operazione: str, ente: str, correlation_id: str, attesa_s: float, canale: Canale
    ) -> Iterator[list[tuple[Esito, str]]]:
        at = self._now()
        started, owner = time.perf_counter(), _di_chi.get()
        told: list[tuple[Esito, str]] = []
        with traccia(self._copia_bytes) as bytes_of:
            try:
                yield told
            finally:
                esito, codice = told[0] if told else (Esito.ERRORE, "ERRORE_INTERNO")
                if bytes_of.is_begun:
                    durata_s = time.perf_counter() - started
                    evento = Evento(
                        at=at,
                        verso=Verso.USCITA,
                        operazione=bytes_of.operazione or operazione,
                        esito=esito,
                        durata_ms=round(durata_s * 1000),
                        correlation_id=correlation_id or owner.correlation_id,
                        ente=ente,
                        ente_id=None if ente else owner.ente_id,
                        codice=codice,
                        ricevuto=bytes_of.ricevuto,
                        inviato=bytes_of.inviato,
                    )
                    if self._giornale is not None:
                        self._giornale.annota(evento, attesa_s)
                    if self._registratore is not None:
                        self._registratore.registra(_chiamata(evento, canale, durata_s, bytes_of))

    def _now(self) -> datetime:
        clock = self._giornale or self._registratore
        assert clock is not None
        return clock.clock()


def _chiamata(evento: Evento, canale: Canale, durata_s: float, bytes_of: Traccia) -> Chiamata:
    risposta = bytes_of.risposta.testo
    return Chiamata(
        istante=evento.at,
        canale=canale,
        operazione=evento.operazione,
        esito=OK if evento.esito is Esito.OK else evento.codice or evento.esito,
        durata_us=round(durata_s * 1_000_000),
        richiesta=bytes_of.richiesta.testo,
        risposta=risposta,
        spiegazione=spiega_fatta(evento.esito, evento.codice, read_guasto(risposta)),
        correlazione=evento.correlation_id,
        stato_http=bytes_of.stato,
        ente=evento.ente,
        ente_id=evento.ente_id,
    )


def _of_delivery(delivery: Delivery) -> tuple[Esito, str]:
    return _ESITI[delivery.outcome], delivery.code


def _of_found(found: Trovato) -> tuple[Esito, str]:
    return _of_delivery(found.delivery)


def _of_archive(risposta: RispostaArchivio) -> tuple[Esito, str]:
    return _ESITI[risposta.outcome], risposta.code


def _of_fdr(answer: Elenco | Scarico) -> tuple[Esito, str]:
    return _ESITI_FDR.get(answer.esito, Esito.OK), answer.codice


class ViaAnnotata:
    """See `hub.ports.Via`."""

    def __init__(self, via: Via, testimone: Testimone) -> None:
        self._via, self._testimone = via, testimone
        self.nome = via.nome

    def ask(self, stazione: Stazione, cercato: TentativoCercato, correlation_id: str) -> Trovato:
        return self._testimone.call(
            self.nome,
            lambda: self._via.ask(stazione, cercato, correlation_id),
            _of_found,
            ente=cercato.chiave.dominio,
            correlation_id=correlation_id,
        )


class NodoAnnotato:
    """See `hub.ports.Nodo`."""

    def __init__(self, nodo: Nodo, nome: str, testimone: Testimone) -> None:
        self._nodo, self._nome, self._testimone = nodo, nome, testimone
        self.vie: Sequence[Via] = [ViaAnnotata(via, testimone) for via in nodo.vie]
        self.is_repeatable = nodo.is_repeatable
        self.servizio: Servizio | None = nodo.servizio

    def write(self, pagamento: PagamentoOnline) -> bytes:
        return self._nodo.write(pagamento)

    def send(self, stazione: Stazione, payload: bytes, correlation_id: str) -> Delivery:
        return self._testimone.call(
            self._nome,
            lambda: self._nodo.send(stazione, payload, correlation_id),
            _of_delivery,
            correlation_id=correlation_id,
            attesa_s=ATTESA_S,
        )


class PosizioniAnnotate:
    """See `hub.ports.Posizioni`."""

    def __init__(self, posizioni: Posizioni, testimone: Testimone) -> None:
        self._posizioni, self._testimone = posizioni, testimone

    def publish(self, body: bytes, chiavi: ChiaviServizio, correlation_id: str) -> Delivery:
        return self._testimone.call(
            "ACA paCreatePosition",
            lambda: self._posizioni.publish(body, chiavi, correlation_id),
            _of_delivery,
            correlation_id=correlation_id,
        )


class RicevuteAnnotate:
    """See `hub.ports.Ricevute`."""

    def __init__(self, ricevute: Ricevute, testimone: Testimone) -> None:
        self._ricevute, self._testimone = ricevute, testimone

    def ask(self, dominio: str, iur: str, iuv: str, chiavi: ChiaviServizio, correlation_id: str) -> Trovato:
        return self._testimone.call(
            "BizEvents getReceipt",
            lambda: self._ricevute.ask(dominio, iur, iuv, chiavi, correlation_id),
            _of_found,
            ente=dominio,
            correlation_id=correlation_id,
        )


class SistemaEnteAnnotato:
    """See `hub.ports.SistemaEnte`."""

    def __init__(self, sistema: SistemaEnte, testimone: Testimone) -> None:
        self._sistema, self._testimone = sistema, testimone

    def push_esito(self, invio: InvioEsito) -> Delivery:
        return self._testimone.call(
            "ente.esito", lambda: self._sistema.push_esito(invio), _of_delivery, canale=Canale.VERSO_ENTE
        )


class RecapitiAnnotati:
    """See `hub.ports.Recapiti`."""

    def __init__(self, recapiti: Recapiti, testimone: Testimone) -> None:
        self._recapiti, self._testimone = recapiti, testimone

    def leave(
        self, recapito: Recapito, nome: str, contenuto: BinaryIO, size_bytes: int, tentativo: int
    ) -> Delivery:
        return self._testimone.call(
            "ente.sftp",
            lambda: self._recapiti.leave(recapito, nome, contenuto, size_bytes, tentativo),
            _of_delivery,
            canale=Canale.VERSO_ENTE,
        )

    def ask(self, recapito: Recapito, nome: str, size_bytes: int) -> Delivery:
        return self._testimone.call(
            "ente.sftp.stato",
            lambda: self._recapiti.ask(recapito, nome, size_bytes),
            _of_delivery,
            canale=Canale.VERSO_ENTE,
        )


class ArchivioAnnotato:
    """See `hub.ports.ArchivioEsterno`."""

    def __init__(self, archivio: ArchivioEsterno, testimone: Testimone) -> None:
        self._archivio, self._testimone = archivio, testimone

    def verifica(self, url: str, chiave: ChiaveArchivio, psp: str) -> RispostaArchivio:
        return self._call("paaSILVerificaEsterna", chiave, lambda: self._archivio.verifica(url, chiave, psp))

    def attiva(self, url: str, chiave: ChiaveArchivio, pagamento: PagamentoPsp) -> RispostaArchivio:
        return self._call("paaSILAttivaEsterna", chiave, lambda: self._archivio.attiva(url, chiave, pagamento))

    def verifica_avviso(self, url: str, chiave: ChiaveArchivio, numero_avviso: str) -> RispostaArchivio:
        return self._call(
            "paExternalVerifyPaymentNotice",
            chiave,
            lambda: self._archivio.verifica_avviso(url, chiave, numero_avviso),
        )

    def _call(
        self, operazione: str, chiave: ChiaveArchivio, call: Callable[[], RispostaArchivio]
    ) -> RispostaArchivio:
        return self._testimone.call(
            operazione, call, _of_archive, ente=chiave.dominio, canale=Canale.VERSO_ENTE
        )


class FdrAnnotato:
    """See `hub.ports.FlussiRendicontazione`."""

    def __init__(self, flussi: FlussiRendicontazione, testimone: Testimone) -> None:
        self._flussi, self._testimone = flussi, testimone

    def elenca(self, domanda: DomandaFdr, dal: datetime) -> Elenco:
        return self._testimone.call(
            "FdR elenco", lambda: self._flussi.elenca(domanda, dal), _of_fdr, ente=domanda.dominio
        )

    def scarica(self, domanda: DomandaFdr, flusso: FlussoElencato, copia: BinaryIO) -> Scarico:
        return self._testimone.call(
            "FdR flusso", lambda: self._flussi.scarica(domanda, flusso, copia), _of_fdr, ente=domanda.dominio
        )
