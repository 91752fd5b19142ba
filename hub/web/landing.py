"""Where a citizen's portal sends the payer of an open position. Source: pa-per-ente, 2.11 (`urlPagamento`)."""

from __future__ import annotations

from flask import Flask, redirect, request, url_for
from flask.typing import ResponseReturnValue as Answer

from hub.domain.errors import NotFound, UrlNonValida
from hub.usecases.land_precaricato import land_precaricato
from hub.web import ritorno
from hub.web.context import ID_SESSION, runtime
from hub.web.testi import is_email

PERCORSO = "/public/landing/precaricato"


def register(app: Flask) -> None:
    app.add_url_rule(PERCORSO, "precaricato", precaricato)


def precaricato() -> Answer:
    """Keep the portal's address and send the payer to the page of the session, where nothing has started yet.

    An e-mail that is none is left out: the page asks for one. 422: `backUrl` is missing or no address of the web.
    """
    id_session = request.args.get("id", "")
    if not ID_SESSION.fullmatch(id_session):
        raise NotFound("sessione di pagamento sconosciuta")
    back_url = request.args.get("backUrl", "").strip()
    if ritorno.safe_url(back_url) is None:
        raise UrlNonValida("backUrl non è un indirizzo web valido")
    email = request.args.get("email", "").strip()
    land_precaricato(runtime().db, id_session, back_url, email if is_email(email) else None, runtime().clock())
    return redirect(url_for("paga", id_session=id_session), 303)
