"""The trial of a flow over HTTP: what would be refused, what would change; nothing is kept. Source: flows, 2.3 to 2.6.

Whoever may authorise an import may try one, with what the web service asks for: HTTP Basic (codIpaEnte and password), a
Bearer credential with `?ente=`, the TLS certificate of the connection.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from itertools import chain

from flask import Flask, Response, current_app, g, request

from hub.domain.errors import CaricamentoNonValido, FileTroppoGrande, OutOfService
from hub.domain.flussi import read_nome
from hub.domain.provenienza import find_source
from hub.formats.prova_a_parte import Domanda
from hub.usecases.authenticate import Chiamante, Presentazione
from hub.usecases.receive_flusso import LimitiCarico
from hub.web.arrivo import ZIP, read_file
from hub.web.context import CERTIFICATE, runtime
from hub.web.prova_a_parte import ProvaAParte

CHECK = "/flussi/check"
ENDPOINT = "check_flusso"
# A trial is worth the right to load: the one grant opens both.
_OPERATION = "paaSILAutorizzaImportFlusso"
_MEDIA = (*ZIP, "text/csv")
_TURNS = "pontepa.prove"
# Each is a process that computes all the time: more at once only make everybody late.
_TURNS_MAX = 2


class _Turns:
    """Room for a few trials."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = 0

    def take(self) -> None:
        """Raises: OutOfService (enough trials go on)."""
        with self._lock:
            if self._taken >= _TURNS_MAX:
                raise OutOfService("altre prove di flussi sono in corso: riprovare fra poco")
            self._taken += 1

    def give_back(self) -> None:
        with self._lock:
            self._taken -= 1


def register(app: Flask) -> None:
    app.extensions[_TURNS] = _Turns()
    app.add_url_rule(CHECK, ENDPOINT, check, methods=["POST"])


def check() -> Response:
    """Try a flow, CSV or ZIP, and tell what was found while it goes on, as `pontepa flusso check --json` does.

    A file that is no flow at all is refused at once; what turns out half-way stands in the answer as `rifiuto`. It is
    computed in a process of its own: in this one it would make every call beside it wait for the interpreter.
    """
    run, now = runtime(), runtime().clock()
    chiamante = run.callers.authenticate(_shown(), _OPERATION, now)
    ente = chiamante.ente.cod_ipa_ente
    turns: _Turns = current_app.extensions[_TURNS]
    turns.take()
    with ExitStack() as stack:
        stack.callback(turns.give_back)
        arrivato = stack.enter_context(read_file(request.args.get("nome", ""), _MEDIA))
        _check_size(chiamante, arrivato.size_bytes)
        read_nome(arrivato.nome)
        g.log = {"ente": ente, "nome_file": arrivato.nome, "size_bytes": arrivato.size_bytes}
        # Whatever the process is to read must be in the file, and the file on the disk.
        arrivato.contenuto.flush()
        domanda = Domanda(
            file=arrivato.contenuto.fileno(),
            nome_file=arrivato.nome,
            ente=ente,
            concessi=chiamante.tipi,
            now=now,
            iuv_quindici_fino_al=run.config.iuv_quindici_fino_al,
            database_url=run.db.url,
            log_format=run.config.log_format,
            log_level=run.config.log_level,
        )
        prova = stack.enter_context(ProvaAParte(domanda))
        # A file that cannot be read at all is refused here, with a status of its own.
        response = Response(chain([prova.begin()], prova.rest()), mimetype="application/json")
        response.call_on_close(stack.pop_all().close)
    return response


def _check_size(chiamante: Chiamante, size_bytes: int) -> None:
    """Raises: FileTroppoGrande."""
    config = runtime().config
    bytes_max = LimitiCarico(config.max_upload_bytes, config.upload_ceiling_bytes).of_ente(chiamante.ente)
    if size_bytes > bytes_max:
        raise FileTroppoGrande(f"il file ha {size_bytes} byte, più dei {bytes_max} ammessi: provarne una parte")


def _shown() -> Presentazione:
    """Return who says to be calling, and what is shown for it.

    Raises: CaricamentoNonValido (two different enti are named).
    """
    given = request.authorization
    is_basic = given is not None and given.type == "basic"
    user = (given.username or "") if given is not None and is_basic else ""
    ente = request.args.get("ente", "") or user
    if user and user != ente:
        raise CaricamentoNonValido("l'ente dell'indirizzo non è quello che si autentica: indicarne uno solo")
    token = given.token if given is not None and given.type == "bearer" else None
    certificate: Callable[[dict[str, object]], str | None] | None = current_app.extensions[CERTIFICATE]
    forwarded = request.headers.get("X-Forwarded-For", "")
    return Presentazione(
        ente,
        given.password if given is not None and is_basic else None,
        find_source(request.environ.get("REMOTE_ADDR", ""), forwarded, runtime().config.trusted_proxies),
        token,
        None if certificate is None else certificate(request.environ),
    )
