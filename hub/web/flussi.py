"""Flows by HTTP: the legacy upload by token and its modern twin. Source: flows, 1.2; defects 8, 9, 16 (12)."""

from __future__ import annotations

from flask import Flask, Response, g, json, request

from hub.config import Config
from hub.domain.arrivo import FileArrivato
from hub.domain.errors import GettoneNonValido
from hub.usecases.receive_flusso import FlussoRicevuto, LimitiCarico, receive_flusso
from hub.web import prova, scarico
from hub.web.arrivo import FRAME_BYTES, ZIP, read_file, read_form
from hub.web.context import runtime, secret
from hub.web.problemi import legacy_answer

UPLOAD = "/public/mybox/uploadFlusso"
FLUSSI = "/flussi"
_TOKEN = "authorizationToken"

# How each door tells a refusal: the legacy one in its own shape, the others as problem documents.
LEGACY_ENDPOINTS = frozenset({"upload_flusso"})
PROBLEM_ENDPOINTS = frozenset({"import_flusso", prova.ENDPOINT, scarico.ENDPOINT})
PROBLEM_PATHS = (f"{FLUSSI}/", f"{scarico.DOWNLOAD}/", UPLOAD)


def long_paths(config: Config) -> dict[str, int]:
    """Return the paths of long requests and the longest body of each."""
    request_max = config.upload_ceiling_bytes + FRAME_BYTES
    return {UPLOAD: request_max, f"{FLUSSI}/": request_max, f"{scarico.DOWNLOAD}/": config.max_form_bytes}


def tells_problems(path: str) -> bool:
    """Whether what the server itself refuses at a path is told as a problem document."""
    return path.startswith(PROBLEM_PATHS)


def register(app: Flask) -> None:
    scarico.register(app)
    prova.register(app)
    app.add_url_rule(UPLOAD, "upload_flusso", upload, methods=["POST"])
    app.add_url_rule(f"{FLUSSI}/import", "import_flusso", import_flusso, methods=["POST"])


def upload() -> Response:
    """Take the file of an authorised request, as the older clients send it; a refusal has `codice`, and status 200."""
    with read_form() as (arrivato, fields):
        token = fields.get(_TOKEN) or request.args.get(_TOKEN, "")
        _receive(token.strip(), arrivato, is_strict=False)
    return legacy_answer({"fileName": arrivato.nome, "fileSize": str(arrivato.size_bytes), "fileType": arrivato.media})


def import_flusso() -> Response:
    """Take the file of an authorised request, or say at once why not, also what the import would abort it for."""
    given = request.authorization
    if given is None or given.type != "bearer" or not given.token:
        raise GettoneNonValido("manca Authorization: Bearer con l'authorizationToken: chiederne uno")
    with read_file(request.args.get("nome", ""), ZIP) as arrivato:
        ricevuto = _receive(given.token, arrivato, is_strict=True)
    values = {
        "requestToken": ricevuto.request_token,
        "ente": ricevuto.cod_ipa_ente,
        "nomeFile": ricevuto.nome_file,
        "byte": arrivato.size_bytes,
        "sha256": arrivato.sha256,
        "md5": arrivato.md5,
        "stato": "LOAD_IMPORT",
    }
    return Response(json.dumps(values, ensure_ascii=False), 201, mimetype="application/json")


def _receive(token: str, arrivato: FileArrivato, *, is_strict: bool) -> FlussoRicevuto:
    if not token:
        raise GettoneNonValido("manca authorizationToken: chiederlo con paaSILAutorizzaImportFlusso")
    run = runtime()
    limiti = LimitiCarico(run.config.max_upload_bytes, run.config.upload_ceiling_bytes)
    now = run.clock()
    ricevuto = receive_flusso(run.db, run.archivio, secret(), limiti, token, arrivato, now, is_strict=is_strict)
    g.log = {
        "ente": ricevuto.cod_ipa_ente,
        "request_token": ricevuto.request_token,
        "nome_file": ricevuto.nome_file,
        "size_bytes": arrivato.size_bytes,
    }
    return ricevuto
