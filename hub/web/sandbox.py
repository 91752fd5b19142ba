"""The page of the sandbox: calls as they happen, each with its reason; faults of the node; all payments forgotten.

It is there in a sandbox only. What is shown is what others wrote: it is text, never markup.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from flask import (
    Flask,
    abort,
    current_app,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue as Answer

from hub.domain.prove_nodo import PROVE, VOLTE, find_prova
from hub.domain.visitatore import Visitatore
from hub.formats.leggibile import leggibile
from hub.log import get_logger
from hub.store import chiamate_sandbox
from hub.store.failures import FailedPasswords
from hub.usecases import visita_sandbox
from hub.web import sandbox_file
from hub.web.context import RUNTIME, runtime
from hub.web.ingresso import Ingresso, View
from hub.web.testi import CANALI, millesimi, secondo

PREFIX = "/sandbox"
SESSION_TTL = timedelta(hours=12)
PAGE = 50
_INGRESSO = Ingresso(PREFIX, "sandbox", SESSION_TTL, lambda: _error_page(403))
_FAILURES = "pontepa.sandbox.failures"
_FIELD_MAX = 128
# An id is a 64-bit number.
_ID_MAX = 2**63 - 1
# Numbers are given before their rows are there: a page that is open looks back so far.
_OVERLAP = 32
_ESITI = {"ok": True, "rifiutate": False}
_DETTO = {
    "acceso": "Il guasto è acceso.",
    "spento": "Tutti i guasti sono spenti.",
    "azzerato": "I dati sono stati cancellati. Enti, credenziali e configurazione restano; gli IUV non si ripetono.",
}
_ERRORI = {
    403: (
        "Richiesta non valida",
        "La pagina è rimasta aperta troppo a lungo, oppure la richiesta non viene da qui: non è stato fatto nulla.",
    ),
    404: ("Chiamata non trovata", "Questa chiamata non c’è: è stata cancellata, o non è del tuo ente."),
}


def register(app: Flask) -> None:
    """Add the pages under /sandbox, in a sandbox."""
    config = app.extensions[RUNTIME].config
    if not config.sandbox:
        return
    pairs = {"zip_con_se": lambda words: [(one, one) for one in words]}
    app.jinja_env.filters.update(secondo=secondo, millesimi=millesimi, **pairs)
    app.jinja_env.globals["canali"] = CANALI
    app.extensions[_FAILURES] = FailedPasswords(config.auth_failures_max)
    ours = _INGRESSO.from_a_form_of_ours
    app.add_url_rule(PREFIX, "sandbox", _entered(show))
    app.add_url_rule(f"{PREFIX}/accesso", "sandbox_accesso", show_login)
    app.add_url_rule(f"{PREFIX}/accesso", "sandbox_entra", ours(log_in), methods=["POST"])
    app.add_url_rule(f"{PREFIX}/uscita", "sandbox_uscita", ours(_INGRESSO.log_out), methods=["POST"])
    app.add_url_rule(f"{PREFIX}/chiamate.json", "sandbox_nuove", _entered(show_new))
    app.add_url_rule(f"{PREFIX}/chiamate.zip", "sandbox_zip", _entered(give_all))
    app.add_url_rule(f"{PREFIX}/chiamate/<int:id>", "sandbox_chiamata", _entered(show_one))
    app.add_url_rule(f"{PREFIX}/chiamate/<int:id>.zip", "sandbox_chiamata_zip", _entered(give_one))
    app.add_url_rule(f"{PREFIX}/chiamate/<int:id>/<any(richiesta,risposta):lato>", "sandbox_corpo", _entered(give_body))
    for name, view in (("guasti", switch_on), ("guasti-via", switch_off), ("azzera", reset)):
        app.add_url_rule(f"{PREFIX}/{name}", f"sandbox_{name}", ours(_entered(_of_owner(view))), methods=["POST"])


def show_login() -> Answer:
    """Show the form; who is in already goes on."""
    return redirect(url_for("sandbox"), 303) if _visitatore() is not None else _INGRESSO.page()


def log_in() -> Answer:
    """Let somebody in."""
    return _INGRESSO.log_in(_riconosci)


def show(visitatore: Visitatore, errore: str = "", status: int = 200) -> Answer:
    """Show the newest calls, the faults of the node and the button that forgets everything."""
    run = runtime()
    filters, before = _filters(visitatore), _number("prima")
    with run.db.reading() as session:
        rows = chiamate_sandbox.last(session, **filters, before_id=before or None, limit=PAGE + 1)
        scelte = {one: chiamate_sandbox.parole(session, one, visitatore.ente) for one in ("applicazione", "operazione")}
    guasti = run.simulatore.guasti() if run.simulatore is not None and visitatore.is_padrone else None
    visita = _INGRESSO.visita()
    page = render_template(
        "sandbox.html", chi=visitatore, chiamate=rows[:PAGE], scelte=scelte, guasti=guasti, prove=PROVE,
        altre=rows[PAGE - 1].id if len(rows) > PAGE else None, is_prima=not before, filtri=_asked(), errore=errore,
        detto=_DETTO.get(request.args.get("detto", ""), ""), csrf=_INGRESSO.csrf(visita),
        ultima=rows[0].id if rows else 0,
    )  # fmt: skip
    answer = make_response(page, status)
    _INGRESSO.keep(answer, visita)
    return answer


def show_new(visitatore: Visitatore) -> Answer:
    """Give the rows of the calls after a number as markup of ours, the oldest first; the page has some already."""
    after = _number("dopo")
    with runtime().db.reading() as session:
        rows = chiamate_sandbox.last(
            session, **_filters(visitatore), after_id=max(0, after - _OVERLAP), limit=PAGE + _OVERLAP
        )
    told = [
        {
            "id": row.id,
            "riga": render_template("_sandbox_riga.html", chiamata=row),
            "operazione": row.operazione,
            "applicazione": row.applicazione,
        }
        for row in reversed(rows)
    ]
    return jsonify(chiamate=told)


def show_one(visitatore: Visitatore, id: int) -> Answer:
    """Show a call whole."""
    row = _found(visitatore, id)
    visita = _INGRESSO.visita()
    page = render_template(
        "sandbox_chiamata.html", chi=visitatore, chiamata=row, richiesta=leggibile(bytes(row.richiesta)),
        risposta=leggibile(bytes(row.risposta)), csrf=_INGRESSO.csrf(visita),
        intestazioni=leggibile((row.intestazioni or "").encode()),
    )  # fmt: skip
    answer = make_response(page)
    _INGRESSO.keep(answer, visita)
    return answer


def give_body(visitatore: Visitatore, id: int, lato: str) -> Answer:
    """Give one side of a call as a file."""
    return sandbox_file.body(_found(visitatore, id), lato)


def give_one(visitatore: Visitatore, id: int) -> Answer:
    """Give a call as a file."""
    return sandbox_file.archive([_found(visitatore, id)], f"chiamata-{id}.zip")


def give_all(visitatore: Visitatore) -> Answer:
    """Give the calls that the filter shows as one file."""
    run, filters = runtime(), _filters(visitatore)
    return sandbox_file.archive(sandbox_file.walk(run.db, filters), "chiamate.zip")


def switch_on(visitatore: Visitatore) -> Answer:
    """Let something go wrong at the simulated node."""
    prova, volte = find_prova(request.form.get("prova", "")), request.form.get("volte", "")
    simulatore = runtime().simulatore
    if prova is None or volte not in VOLTE:
        return show(visitatore, "Scegli un guasto e quante volte.", 422)
    if simulatore is None or not simulatore.accendi(prova, VOLTE[volte]):
        return show(visitatore, "Il nodo simulato non ha preso il guasto: è acceso?", 502)
    get_logger().warning("sandbox_fault_on", fault=prova.nome, times=volte, by=visitatore.nome)
    return redirect(url_for("sandbox", detto="acceso"), 303)


def switch_off(visitatore: Visitatore) -> Answer:
    """End all faults of the simulated node."""
    simulatore = runtime().simulatore
    if simulatore is None or not simulatore.spegni():
        return show(visitatore, "Il nodo simulato non risponde: è acceso?", 502)
    get_logger().warning("sandbox_faults_off", by=visitatore.nome)
    return redirect(url_for("sandbox", detto="spento"), 303)


def reset(visitatore: Visitatore) -> Answer:
    """Forget all payments, here and at the simulated node; only of who says that he means it."""
    if request.form.get("conferma") != "si":
        return show(visitatore, "Per cancellare i dati spunta la conferma.", 422)
    run = runtime()
    removed = visita_sandbox.azzera(run.db)
    is_node_empty = run.simulatore is not None and run.simulatore.azzera()
    get_logger().warning("sandbox_reset", rows=removed, node=is_node_empty, by=visitatore.nome)
    return redirect(url_for("sandbox", detto="azzerato"), 303)


def _entered(view: View) -> View:
    """Give the view who entered; who did not is sent to the form."""

    @wraps(view)
    def checked(**values: Any) -> Answer:
        visitatore = _visitatore()
        return redirect(url_for("sandbox_accesso"), 303) if visitatore is None else view(visitatore, **values)

    return checked


def _of_owner(view: Callable[[Visitatore], Answer]) -> View:
    """Refuse who may only look."""

    @wraps(view)
    def checked(visitatore: Visitatore) -> Answer:
        if not visitatore.is_padrone:
            return show(visitatore, "Lo può fare solo chi gestisce l’installazione.", 403)
        return view(visitatore)

    return checked


def _visitatore() -> Visitatore | None:
    claims, run = _INGRESSO.claims(), runtime()
    return None if claims is None else visita_sandbox.find_visitatore(run.db, run.callers, claims, run.clock())


def _found(visitatore: Visitatore, id: int) -> Any:
    """Return a call that this visitor may see; the page says 404 also when it is another ente's."""
    with runtime().db.reading() as session:
        row = chiamate_sandbox.find(session, id, visitatore.ente) if id <= _ID_MAX else None
    if row is None:
        abort(make_response(_error_page(404)))
    return row


def _asked() -> dict[str, str]:
    """The filters of the address, as they were written."""
    return {name: request.args.get(name, "")[:_FIELD_MAX] for name in ("applicazione", "operazione", "esito")}


def _filters(visitatore: Visitatore) -> dict[str, Any]:
    asked = {name: "".join(c for c in value if c.isprintable()) for name, value in _asked().items()}
    return {
        "cod_ipa_ente": visitatore.ente,
        "applicazione": asked["applicazione"] or None,
        "operazione": asked["operazione"] or None,
        "is_ok": _ESITI.get(asked["esito"]),
    }


def _number(name: str) -> int:
    given = request.args.get(name, "")
    return min(int(given), _ID_MAX) if given.isascii() and given.isdigit() and len(given) < 20 else 0


def _error_page(status: int) -> tuple[str, int]:
    titolo, spiegazione = _ERRORI[status]
    return render_template("sandbox_errore.html", titolo=titolo, spiegazione=spiegazione), status


def _riconosci(nome: str, password: str, source: str) -> dict[str, Any] | None:
    run, failures = runtime(), current_app.extensions[_FAILURES]
    return visita_sandbox.enter(run.db, run.callers, failures, nome, password, source, run.clock())
