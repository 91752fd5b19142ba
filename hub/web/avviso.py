"""The printed notice behind the address that paaSILImportaDovuto gives. Source: pa-per-ente, `urlFileAvviso` (2.5)."""

from __future__ import annotations

from flask import Flask, Response, abort, request

from hub.formats.avviso import render_avviso
from hub.formats.gettoni_firmati import is_avviso_allowed
from hub.usecases.avviso_dovuto import PERCORSO, find_avviso
from hub.web.context import runtime, secret


def register(app: Flask) -> None:
    app.add_url_rule(PERCORSO, "avviso", avviso)


def avviso() -> Response:
    """Give the notice as it is to be paid now. 401: the token does not open it (any more); 404: nothing to pay."""
    now = runtime().clock()
    version_id = request.args.get("id", "")
    if not is_avviso_allowed(secret(), request.args.get("securityToken", ""), version_id, now):
        abort(401)
    found = find_avviso(runtime().db, runtime().callers.anagrafe, version_id, now)
    headers = {"Content-Disposition": f'inline; filename="{found.nome_file}.pdf"'}
    return Response(render_avviso(found, runtime().config.modelli_dir), mimetype="application/pdf", headers=headers)
