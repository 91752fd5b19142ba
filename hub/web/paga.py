"""The payer's pages: confirm, wait for the node, go there, come back, go home to the ente.

Source: pa-per-ente, browser redirect (4.1) and session started by InviaDovuti (5.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from flask import Flask, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue as Answer

from hub.domain.errors import Misconfigured, NotFound
from hub.domain.stati import StatoSessione
from hub.formats.firma_ritorno import Ritorno, sign_ritorno
from hub.log import get_logger
from hub.usecases.return_payer import return_from_checkout, return_payer
from hub.usecases.start_pagamento import SessionePagamento, find_sessione, start_pagamento
from hub.web import ritorno, tokens
from hub.web.context import ID_SESSION, runtime, secret
from hub.web.testi import DatiPagatore

JSON_ENDPOINTS = frozenset({"paga_stato", "carrello_outcome"})

_PARAMETER_MAX = 128
# What Checkout's addresses of return say -> what is remembered of it: never that it was paid.
_DETTI = {"ok": "ATTESA", "attesa": "ATTESA", "annullato": ritorno.ERROR, "errore": ritorno.ERROR}
# Without JavaScript the page reloads itself: quickly at first, then sparing who waits (and listens) for long.
_RELOADS_FAST = 15
_RELOADS_SLOW = 40


class Vista(StrEnum):
    """What the payer is shown."""

    MODULO = "modulo"
    ATTESA = "attesa"
    PRONTO = "pronto"
    CONFERMA = "conferma"
    NON_CONCLUSO = "non_concluso"
    PAGATO = "pagato"
    NON_PAGATO = "non_pagato"
    RIFIUTATO = "rifiutato"
    SCADUTO = "scaduto"


_VISTA: Mapping[StatoSessione, Vista] = {
    StatoSessione.NUOVO_CARRELLO: Vista.MODULO,
    StatoSessione.PREDISPOSTO: Vista.ATTESA,
    StatoSessione.PAGAM_IN_CORSO: Vista.ATTESA,
    StatoSessione.PAGATO: Vista.PAGATO,
    StatoSessione.PARZ_PAGATO: Vista.PAGATO,
    StatoSessione.NON_PAGATO: Vista.NON_PAGATO,
    StatoSessione.ABORT: Vista.NON_PAGATO,
    StatoSessione.SCADUTO: Vista.SCADUTO,
    StatoSessione.SCADUTO_ELABORATO: Vista.SCADUTO,
    StatoSessione.IMPOSSIBILE_INVIARE_CARRELLO_RP: Vista.RIFIUTATO,
}

# What the ente's page is told. An expired basket that nobody paid is no longer there, as in the original.
_OUTCOME: Mapping[Vista, str] = {
    Vista.MODULO: "TO_PAY",
    Vista.ATTESA: "INITIATED",
    Vista.PRONTO: "INITIATED",
    Vista.CONFERMA: "INITIATED",
    Vista.NON_CONCLUSO: "INITIATED",
    Vista.PAGATO: "PAID_OK",
    Vista.NON_PAGATO: "PAID_KO",
    Vista.RIFIUTATO: "PAID_KO",
    Vista.SCADUTO: "NOT_FOUND",
}
_NEVER_STARTED = frozenset({Vista.MODULO, Vista.SCADUTO, Vista.RIFIUTATO})
_STATUS = {Vista.SCADUTO: 410}


def register(app: Flask) -> None:
    """Add the pages under /paga and the outcome that the ente's page polls."""
    app.add_url_rule("/paga/ritorno", "paga_ritorno", come_back)
    app.add_url_rule("/paga/<id_session>", "paga", show)
    app.add_url_rule("/paga/<id_session>", "paga_conferma", confirm, methods=["POST"])
    app.add_url_rule("/paga/<id_session>/attesa", "paga_attesa", wait)
    app.add_url_rule("/paga/<id_session>/stato", "paga_stato", stato)
    app.add_url_rule("/paga/<id_session>/torna", "paga_torna", go_home)
    app.add_url_rule("/paga/<id_session>/checkout/<detto>", "paga_checkout", come_back_from_checkout)
    app.add_url_rule("/public/carrello/outcome", "carrello_outcome", outcome)


def vista_of(sessione: SessionePagamento) -> Vista:
    """Return what a session looks like from the payer's side."""
    vista = _VISTA[sessione.stato]
    if vista is Vista.MODULO and sessione.is_expired:
        return Vista.SCADUTO
    if vista is not Vista.ATTESA:
        return vista
    if sessione.esito_ritorno is not None:
        return Vista.NON_CONCLUSO if sessione.esito_ritorno == ritorno.ERROR else Vista.CONFERMA
    return Vista.PRONTO if ritorno.safe_url(sessione.url_nodo) else Vista.ATTESA


def show(id_session: str) -> Answer:
    """Show where the payment stands, or send the browser on to the node."""
    sessione = _load(id_session)
    vista = vista_of(sessione)
    if vista is Vista.PRONTO:
        return redirect(str(ritorno.safe_url(sessione.url_nodo)), 303)
    if vista is Vista.ATTESA:
        return _waiting(sessione, vista)
    if vista is not Vista.MODULO:
        return _page(sessione, vista)
    if sessione.show_mypay == "SHORT":
        return _form(sessione, DatiPagatore(sessione.pagatore_nome or "", sessione.pagatore_email or ""))
    if _is_only_looking():
        return _waiting(sessione, Vista.ATTESA)
    _start(id_session, None, None)
    return _waiting(sessione, Vista.ATTESA)


def confirm(id_session: str) -> Answer:
    """Take the payer's confirmation and start; a second click changes nothing."""
    sessione = _load(id_session)
    if vista_of(sessione) is not Vista.MODULO or sessione.show_mypay != "SHORT":
        return redirect(url_for("paga_attesa", id_session=id_session), 303)
    dati = DatiPagatore.read(request.form.get("nome", ""), request.form.get("email", ""))
    max_age_s = runtime().config.session_ttl_s
    if not tokens.is_form_sealed(secret(), request.form.get("sigillo", ""), id_session, max_age_s):
        messaggio = "La pagina è rimasta aperta troppo a lungo: controlla i dati e conferma di nuovo."
        return _form(sessione, dati, {"": messaggio}, 400)
    if errori := dati.errori():
        return _form(sessione, dati, errori, 422)
    _start(id_session, dati.nome, dati.email)
    # Not straight to the node: browsers hold the redirects of a form to the form-action of its page, which is 'self'.
    return redirect(url_for("paga_attesa", id_session=id_session), 303)


def wait(id_session: str) -> Answer:
    """Show the waiting page; its next step, by script or by reload, is the page of the session."""
    sessione = _load(id_session)
    vista = vista_of(sessione)
    if vista in (Vista.ATTESA, Vista.PRONTO):
        return _waiting(sessione, vista)
    return redirect(url_for("paga", id_session=id_session), 303)


def stato(id_session: str) -> Answer:
    """Tell the waiting script what the page would show now. Shape: {"vista", "vai"}."""
    return jsonify(vista=vista_of(_load(id_session)), vai=url_for("paga", id_session=id_session))


def come_back() -> Answer:
    """Receive the browser from the node and send it to the ente, or to our own outcome page.

    The parameters are not signed: they choose words, never a state (node, 2.2, redirect back).
    """
    given = {name: request.args.get(name, "") for name in ("idDominio", "idSession", "esito")}
    if not given["idSession"] or any(len(value) > _PARAMETER_MAX for value in given.values()):
        raise NotFound("sessione di pagamento sconosciuta")
    run = runtime()
    dominio, id_nodo, said = given.values()
    sessione = return_payer(run.db, run.callers.anagrafe, dominio, id_nodo, said, run.clock())
    g.sessione = sessione
    esito = sessione.esito or (ritorno.OK if said == ritorno.OK else ritorno.ERROR)
    return redirect(_address_home(sessione, esito) or url_for("paga", id_session=sessione.id_session), 303)


def come_back_from_checkout(id_session: str, detto: str) -> Answer:
    """Receive the browser from Checkout. What the address says proves nothing: who may have paid waits here for the
    receipt, who gave up or failed goes back to the ente (node, Checkout carts, 2.11)."""
    if detto not in _DETTI or not ID_SESSION.fullmatch(id_session):
        raise NotFound("sessione di pagamento sconosciuta")
    run = runtime()
    sessione = return_from_checkout(run.db, run.callers.anagrafe, id_session, _DETTI[detto], run.clock())
    g.sessione = sessione
    own_page = url_for("paga", id_session=id_session)
    if sessione.esito is None and _DETTI[detto] != ritorno.ERROR:
        return redirect(own_page, 303)
    return redirect(_address_home(sessione, sessione.esito or ritorno.ERROR) or own_page, 303)


def go_home(id_session: str) -> Answer:
    """Send the browser to the ente with what is known now; the token is made when it is needed."""
    sessione = _load(id_session)
    address = _address_home(sessione, _esito(sessione))
    return redirect(address or url_for("paga", id_session=id_session), 303)


def outcome() -> Answer:
    """Tell the ente's page how the payment of its token stands, with a renewed token while it is under way."""
    now = runtime().clock()
    polling = tokens.read_polling_token(secret(), request.args.get("pollingToken", ""), now)
    body = {"status": _outcome_of(polling)}
    if polling is not None and body["status"] == "INITIATED":
        renewed = tokens.renewed_token(secret(), polling, now)
        body |= {"pollingToken": renewed} if renewed else {}
    answer = jsonify(body)
    # The token is the only key and travels in the address: the ente's page may read the answer from its own origin.
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


def way_back(sessione: SessionePagamento | None) -> str | None:
    """Return the link that brings the payer back to the ente; None when no address is known."""
    if sessione is None or ritorno.safe_url(sessione.url_ritorno) is None:
        return None
    return url_for("paga_torna", id_session=sessione.id_session)


def _load(id_session: str) -> SessionePagamento:
    if not ID_SESSION.fullmatch(id_session):
        raise NotFound("sessione di pagamento sconosciuta")
    sessione = find_sessione(runtime().db, runtime().callers.anagrafe, id_session, runtime().clock())
    g.sessione = sessione
    return sessione


def _start(id_session: str, nome: str | None, email: str | None) -> None:
    run = runtime()
    start_pagamento(run.db, run.iuv, run.callers.anagrafe, run.nodi, id_session, nome, email, run.clock())


def _outcome_of(polling: tokens.Polling | None) -> str:
    try:
        return _OUTCOME[vista_of(_load(polling.id_session))] if polling is not None else "NOT_FOUND"
    except NotFound:
        return "NOT_FOUND"


def _is_only_looking() -> bool:
    """Say whether nobody is behind this request yet: opening the page starts a payment, a preview must not."""
    purpose = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    return request.method == "HEAD" or "prefetch" in purpose


def _esito(sessione: SessionePagamento) -> str:
    """The receipt's word when there is one; else what the node's redirect said; nothing said is not OK."""
    if sessione.esito is not None:
        return sessione.esito
    return ritorno.OK if sessione.esito_ritorno == ritorno.OK else ritorno.ERROR


def _address_home(sessione: SessionePagamento, esito: str) -> str | None:
    token = None
    if vista_of(sessione) not in _NEVER_STARTED:
        now = runtime().clock()
        token = tokens.polling_token(secret(), tokens.Polling(sessione.id_session, now), now)
    return ritorno.return_url(sessione.url_ritorno, sessione.id_session, esito, token, _firma(sessione, esito))


def _firma(sessione: SessionePagamento, esito: str) -> str | None:
    """The signature of the parameters, for an ente that has a key (pa-per-ente, what integrators trip over, 20)."""
    if sessione.chiave_ritorno_cifrata is None:
        return None
    run = runtime()
    try:
        chiave = run.cassaforte.open(sessione.chiave_ritorno_cifrata)
    except Misconfigured:
        # The payer goes home all the same; the ente sees that nobody signed.
        get_logger().error("chiave_ritorno_unreadable", ente=sessione.ente_cod_ipa)
        return None
    said = Ritorno(run.config.public_url, sessione.ente_cod_ipa, sessione.id_session, esito)
    return sign_ritorno(chiave, said, run.clock())


def _form(
    sessione: SessionePagamento, dati: DatiPagatore, errori: Mapping[str, str] | None = None, status: int = 200
) -> Answer:
    sigillo = tokens.seal_form(secret(), sessione.id_session)
    page = render_template(
        "modulo.html", sessione=sessione, dati=dati, errori=errori or {}, sigillo=sigillo, ritorno=way_back(sessione)
    )
    return page, status


def _waiting(sessione: SessionePagamento, vista: Vista) -> Answer:
    given = request.args.get("n", "")
    reloads = min(int(given), _RELOADS_SLOW) if given.isascii() and given.isdigit() and len(given) < 4 else 0
    pause_s = 0 if vista is Vista.PRONTO else 1 if reloads < _RELOADS_FAST else 5
    page_url = url_for("paga", id_session=sessione.id_session)
    next_url = page_url if vista is Vista.PRONTO else f"{page_url}?n={reloads + 1}"
    return render_template(
        "attesa.html", sessione=sessione, vista=Vista.ATTESA, pause_s=pause_s, next_url=next_url,
        is_slow=reloads >= _RELOADS_FAST, stato_url=url_for("paga_stato", id_session=sessione.id_session),
        ritorno=way_back(sessione),
    )  # fmt: skip


def _page(sessione: SessionePagamento, vista: Vista) -> Answer:
    page = render_template(
        f"{vista}.html", sessione=sessione, vista=vista, ritorno=way_back(sessione),
        stato_url=url_for("paga_stato", id_session=sessione.id_session),
    )  # fmt: skip
    return page, _STATUS.get(vista, 200)
