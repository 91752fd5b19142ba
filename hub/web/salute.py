"""Liveness, readiness and metrics: what a supervisor, a balancer and Prometheus ask."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from flask import Flask, Response, current_app, jsonify

from hub.domain.avanzamento import avanzamento_di
from hub.domain.tassonomia import Vigore
from hub.formats.resources import resource
from hub.store import (
    acquisizioni_fdr,
    circuiti,
    migrate,
    outbox,
    pulizie_archivio,
    registro,
    rendicontazioni,
    rt_ricevute,
    tassonomia,
    tentativi,
)
from hub.usecases.scadenze_stazioni import scadenze_stazioni
from hub.usecases.tentativi_aperti import VECCHIO
from hub.web import metrics
from hub.web.context import METRICS, runtime

# Nought where there is none, so that an alarm ends.
_STATI_TENTATIVO = dict.fromkeys(("DA_INVIARE", "SCONOSCIUTO", "IN_ATTESA", "IN_RITARDO", "VECCHIO"), 0)
_HEAD = "pontepa.migrations.head"


def register(app: Flask) -> None:
    """Add /health/live, /health/ready and /metrics. What the newest migration is, is read once, here."""
    app.extensions[_HEAD] = migrate.head(resource("migrations"))
    app.add_url_rule("/health/live", view_func=live)
    app.add_url_rule("/health/ready", view_func=ready)
    app.add_url_rule("/metrics", view_func=exposition)


def live() -> Response:
    """Answer that the process runs; nothing else is looked at."""
    return jsonify(stato="ok")


def ready() -> tuple[Response, int]:
    """Answer 200 when the database answers and its schema is this version's, else 503.

    An exception on the way becomes 503 in the door's translation.
    """
    db = runtime().db
    db.ping()
    is_ready = migrate.current(db) == current_app.extensions[_HEAD]
    stato = "ok" if is_ready else "non pronto"
    return jsonify(stato=stato, database=True, migrazioni=is_ready), 200 if is_ready else 503


def exposition() -> Response:
    """Answer the counts of this process, and of the outbox and the flows, which are everybody's."""
    now = runtime().clock()
    attesa = timedelta(seconds=runtime().config.ricevuta_attesa_s)
    with runtime().db.reading() as session:
        under_way = [avanzamento_di(row, now) for row in registro.in_elaboration(session)]
        oldest = registro.oldest_waiting(session)
        rimossi, rimossi_bytes = pulizie_archivio.removed(session)
        conti = metrics.Conti(
            outbox=outbox.depth(session),
            imports=registro.count_imports(session),
            flussi=registro.count_flussi(session),
            exports=registro.count_exports(session),
            tassonomia=_tipi_to_mend(tassonomia.stato(session).avvisi or {}),
            righe_decise=sum(fatto.righe for fatto in under_way),
            righe_rimaste=sum(fatto.righe_rimaste for fatto in under_way),
            rimossi=rimossi,
            rimossi_bytes=rimossi_bytes,
            tentativi=_STATI_TENTATIVO | tentativi.count_open(session, now - attesa, now - VECCHIO),
            circuiti={(row.stazione_id, row.servizio): row.aperto_at is not None for row in circuiti.all_rows(session)},
            attesa_s=_age_s(oldest, now),
            ricevute=rt_ricevute.counts(session),
            rendicontazioni=rendicontazioni.count_by_stato(session),
            rendicontazioni_ferme=acquisizioni_fdr.count_stopped(session),
            elenco_fdr_eta_s=_age_s(acquisizioni_fdr.oldest_list(session), now),
            scadenze=scadenze_stazioni(session),
            ricevute_attesa_s=_age_s(rt_ricevute.oldest_waiting(session), now),
        )
    return Response(current_app.extensions[METRICS].exposition(conti), content_type=metrics.CONTENT_TYPE)


def _age_s(since: datetime | None, now: datetime) -> int:
    return 0 if since is None else (now - since) // timedelta(seconds=1)


def _tipi_to_mend(avvisi: Mapping[str, int]) -> dict[str, int]:
    """As the worker counted them last; nought where it found none, so that an alarm ends."""
    return {vigore: avvisi.get(vigore, 0) for vigore in Vigore if vigore != Vigore.VALIDO}
