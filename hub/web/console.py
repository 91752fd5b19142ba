"""The operators' console: who enters, and the messages that do not leave.

Each POST carries a token bound to the visit; the session is a signed cookie that expires. Everything shown is what the
operator's ente owns.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from flask import Flask, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue as Answer

from hub.domain.errors import Conflict, NotFound
from hub.domain.operatore import Operatore
from hub.domain.stati import StatoMessaggio
from hub.store.failures import FailedPasswords
from hub.usecases import tend_outbox
from hub.usecases.operatori import enter, find_operatore
from hub.web.context import RUNTIME, runtime
from hub.web.ingresso import Ingresso, View

PREFIX = "/console"
# A working morning; then the name and password again.
SESSION_TTL = timedelta(hours=4)
_INGRESSO = Ingresso(PREFIX, "console", SESSION_TTL, lambda: (render_template("console_errore.html"), 403))
_FAILURES = "pontepa.console.failures"
_MOTIVO_MAX = 200
_FIELD_MAX = 128
# An id is a 64-bit number.
_ID_MAX = 2**63 - 1


def register(app: Flask) -> None:
    """Add the pages under /console."""
    app.extensions[_FAILURES] = FailedPasswords(app.extensions[RUNTIME].config.auth_failures_max)
    app.add_url_rule(PREFIX, "console", _entered(show))
    app.add_url_rule(f"{PREFIX}/accesso", "console_accesso", show_login)
    ours = _INGRESSO.from_a_form_of_ours
    app.add_url_rule(f"{PREFIX}/accesso", "console_entra", ours(log_in), methods=["POST"])
    app.add_url_rule(f"{PREFIX}/uscita", "console_uscita", ours(_INGRESSO.log_out), methods=["POST"])
    for name, view in (("riprova", retry), ("parcheggia", park)):
        rule = f"{PREFIX}/messaggi/<int:id>/{name}"
        app.add_url_rule(rule, f"console_{name}", ours(_entered(view)), methods=["POST"])


def show_login() -> Answer:
    """Show the form of name and password; who is in already goes on."""
    return redirect(url_for("console"), 303) if _operatore() is not None else _INGRESSO.page()


def log_in() -> Answer:
    """Let an operator in."""
    return _INGRESSO.log_in(_riconosci)


def show(operatore: Operatore, detto: str = "", errore: str = "", status: int = 200) -> Answer:
    """Show the messages that wait for a person and those that wait for their next attempt."""
    run = runtime()
    parked = tend_outbox.list_fermi(run.db, operatore, StatoMessaggio.PARCHEGGIATO, _after("dopo"))
    waiting = tend_outbox.list_fermi(run.db, operatore, StatoMessaggio.DA_INVIARE, _after("attesa_dopo"))
    visita = _INGRESSO.visita()
    page = render_template(
        "console.html", chi=operatore, detto=detto or _DETTO.get(request.args.get("detto", ""), ""),
        errore=errore, parcheggiati=parked[: tend_outbox.PAGE], in_attesa=waiting[: tend_outbox.PAGE],
        altri_parcheggiati=parked[tend_outbox.PAGE - 1].id if len(parked) > tend_outbox.PAGE else None,
        altri_in_attesa=waiting[tend_outbox.PAGE - 1].id if len(waiting) > tend_outbox.PAGE else None,
        csrf=_INGRESSO.csrf(visita), motivo_max=_MOTIVO_MAX,
    )  # fmt: skip
    answer = make_response(page, status)
    _INGRESSO.keep(answer, visita)
    return answer


# The words after a button, by what stands in the address: nothing of the address itself is shown.
_DETTO = {
    "riprova": "Il messaggio parte adesso.",
    "parcheggia": "Il messaggio è messo da parte: non parte più da solo.",
}


def retry(operatore: Operatore, id: int) -> Answer:
    """Let a message leave now."""
    return _act(operatore, "riprova", lambda: tend_outbox.retry_message(runtime().db, operatore, id, runtime().clock()))


def park(operatore: Operatore, id: int) -> Answer:
    """Set a message aside, with the operator's words."""
    motivo = " ".join("".join(c if c.isprintable() else " " for c in request.form.get("motivo", "")).split())
    return _act(
        operatore,
        "parcheggia",
        lambda: tend_outbox.park_message(runtime().db, operatore, id, motivo[:_MOTIVO_MAX], runtime().clock()),
    )


def _act(operatore: Operatore, name: str, deed: Callable[[], None]) -> Answer:
    try:
        deed()
    except NotFound:
        return show(operatore, errore="Questo messaggio non c’è, o non è del tuo ente.", status=404)
    except Conflict:
        return show(operatore, errore="Nel frattempo lo stato del messaggio è cambiato: guarda l’elenco.", status=409)
    return redirect(url_for("console", detto=name), 303)


def _after(name: str) -> int:
    given = request.args.get(name, "")
    return min(int(given), _ID_MAX) if given.isascii() and given.isdigit() and len(given) < 20 else 0


def _riconosci(nome: str, password: str, source: str) -> dict[str, Any] | None:
    operatore = enter(runtime().db, current_app.extensions[_FAILURES], nome, password, source)
    return None if operatore is None else {"sub": str(operatore.id), "segno": operatore.segno}


def _entered(view: View) -> View:
    """Give the view who entered; who did not is sent to the form."""

    @wraps(view)
    def checked(**values: Any) -> Answer:
        operatore = _operatore()
        return redirect(url_for("console_accesso"), 303) if operatore is None else view(operatore, **values)

    return checked


def _operatore() -> Operatore | None:
    claims = _INGRESSO.claims()
    if claims is None or not str(claims["sub"]).isdigit():
        return None
    return find_operatore(runtime().db, int(claims["sub"]), str(claims.get("segno", "")))
