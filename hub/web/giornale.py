"""The event of a call about files of flows, for the journal: digests of what is read and of what leaves, as it does.

In the sandbox the first bytes themselves are kept beside them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import g, request

from hub.domain.chiamata_sandbox import CORPO_MAX_BYTES, OK, Canale, Chiamata
from hub.domain.giornale import Esito, Evento, Verso
from hub.domain.spiegazioni import GuastoLetto, spiega_ricevuta
from hub.domain.traccia import Copia
from hub.formats.guasto_letto import read_guasto
from hub.usecases.giornale import Giornale
from hub.usecases.registra_chiamata import Registratore

# Key of the WSGI environment: what the pages say of a call (endpoint, correlation id, ente, code of the refusal).
_DETTI = "pontepa.evento"
_SCONOSCIUTA = "http"


def tell() -> None:
    """Leave what the pages know of the call that they have answered."""
    said = g.get("log", {})
    request.environ[_DETTI] = {
        "operazione": request.endpoint or _SCONOSCIUTA,
        "correlation_id": g.correlation_id,
        "ente": str(said.get("ente", "")),
        "codice": str(g.get("refusal", "")),
    }


def annotating(
    app: WSGIApplication, giornale: Giornale | None, registratore: Registratore | None, prefixes: Collection[str]
) -> WSGIApplication:
    """Return the same application, whose calls under these paths leave an event when their answer has left.

    Where nobody wants one, the application itself.
    """
    asked = giornale or registratore
    if asked is None:
        return app
    copia_bytes = 0 if registratore is None else CORPO_MAX_BYTES
    destinatari = _Destinatari(_tellers(giornale, registratore), copia_bytes, asked.clock)
    paths = tuple(prefixes)

    def annotated(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not environ.get("PATH_INFO", "").startswith(paths):
            return app(environ, start_response)
        read = _Letto(environ["wsgi.input"], copia_bytes)
        environ["wsgi.input"] = read
        status = ["500"]

        def recording(line: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            status[0] = line[:3]
            return start_response(line, headers, exc_info) if exc_info else start_response(line, headers)

        return _Inviato(lambda: app(environ, recording), environ, read, status, destinatari)

    return annotated


@dataclass(frozen=True, slots=True)
class _Compiuta:
    """A call of which all is known: its event, its bytes each way, what it took."""

    evento: Evento
    stato_http: int
    durata_us: int
    richiesta: bytes
    risposta: bytes


_Tell = Callable[[_Compiuta], object]


@dataclass(frozen=True, slots=True)
class _Destinatari:
    """Who is told of a call, and how many of its bytes they want."""

    tell: Sequence[_Tell]
    copia_bytes: int
    clock: Callable[[], datetime]


def _tellers(giornale: Giornale | None, registratore: Registratore | None) -> list[_Tell]:
    found: list[_Tell] = []
    if giornale is not None:
        journal = giornale
        found.append(lambda compiuta: journal.annota(compiuta.evento))
    if registratore is not None:
        recorder = registratore
        found.append(lambda compiuta: recorder.registra(_of_sandbox(compiuta)))
    return found


def _of_sandbox(compiuta: _Compiuta) -> Chiamata:
    evento = compiuta.evento
    letto = read_guasto(compiuta.risposta) if evento.esito is not Esito.OK else GuastoLetto()
    esito = OK if evento.esito is Esito.OK else evento.codice or evento.esito
    return Chiamata(
        istante=evento.at,
        canale=Canale.FLUSSI,
        operazione=evento.operazione,
        esito=esito,
        durata_us=compiuta.durata_us,
        richiesta=compiuta.richiesta,
        risposta=compiuta.risposta,
        spiegazione=spiega_ricevuta(evento.operazione, esito, letto),
        correlazione=evento.correlation_id,
        stato_http=compiuta.stato_http,
        ente=evento.ente,
    )


class _Letto:
    """A body that is hashed while it is read."""

    def __init__(self, stream: Any, copia_bytes: int) -> None:
        self._stream = stream
        self.copia = Copia(copia_bytes)
        self._digest = sha256()
        self._has_any = False

    @property
    def impronta(self) -> bytes | None:
        return self._digest.digest() if self._has_any else None

    def read(self, size: int = -1) -> bytes:
        return self._note(self._stream.read(size))

    def readline(self, size: int = -1) -> bytes:
        return self._note(self._stream.readline(size))

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line

    def _note(self, data: bytes) -> bytes:
        if data:
            self._digest.update(data)
            self._has_any = True
            self.copia.add(data)
        return data


class _Inviato:
    """An answer that is hashed while it leaves; its end leaves the event, however it ends."""

    def __init__(
        self,
        answer: Callable[[], Iterable[bytes]],
        environ: WSGIEnvironment,
        read: _Letto,
        status: list[str],
        destinatari: _Destinatari,
    ) -> None:
        self._environ, self._read, self._status, self._destinatari = environ, read, status, destinatari
        self._copia = Copia(destinatari.copia_bytes)
        self._at, self._started = destinatari.clock(), time.perf_counter()
        self._digest, self._has_any, self._is_noted = sha256(), False, False
        try:
            self._parts = answer()
        except BaseException:
            self._note()
            raise
        self._blocks = iter(self._parts)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        block = next(self._blocks)
        if block:
            self._digest.update(block)
            self._has_any = True
            self._copia.add(block)
        return block

    def close(self) -> None:
        try:
            getattr(self._parts, "close", lambda: None)()
        finally:
            self._note()

    def _note(self) -> None:
        if self._is_noted:
            return
        self._is_noted = True
        said = self._environ.get(_DETTI, {})
        status, refusal = self._status[0], said.get("codice", "")
        durata_s = time.perf_counter() - self._started
        evento = Evento(
            at=self._at,
            verso=Verso.ENTRATA,
            operazione=said.get("operazione", _SCONOSCIUTA),
            esito=Esito.ERRORE if status >= "500" else Esito.KO if status >= "400" or refusal else Esito.OK,
            durata_ms=round(durata_s * 1000),
            correlation_id=said.get("correlation_id", ""),
            ente=said.get("ente", ""),
            codice=refusal or (f"HTTP_{status}" if status >= "400" else ""),
            ricevuto=self._read.impronta,
            inviato=self._digest.digest() if self._has_any else None,
        )
        compiuta = _Compiuta(
            evento, int(status), round(durata_s * 1_000_000), self._read.copia.testo, self._copia.testo
        )
        for tell in self._destinatari.tell:
            tell(compiuta)
