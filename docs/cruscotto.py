"""docs/grafana/pontepa.json: the dashboard of an operator, for Grafana. Source: Grafana, "Dashboard JSON model".

What comes of the database is the same from whoever is asked: the maximum of it is shown. The rest is added up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("grafana") / "pontepa.json"
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_COLUMNS = 24


@dataclass(frozen=True)
class Pannello:
    """`linee`: expressions of PromQL, each with what its lines are called. `soglie`: green below the first, yellow, red
    from the second on; when the first is larger, the other way round. `width`: of 24 columns."""

    titolo: str
    linee: Sequence[tuple[str, str]]
    aiuto: str = ""
    unita: str = "short"
    genere: str = "timeseries"
    soglie: tuple[float, float] | None = None
    width: int = 8


def _p(metrica: str, per: str, quantile: str) -> str:
    """A percentile of a duration over five minutes, `per` some labels."""
    return f"histogram_quantile({quantile}, sum by ({per}, le) (rate({metrica}_bucket[5m])))"


_OPERAZIONI = "pontepa_operation_duration_seconds"
_CONSEGNE = "pontepa_delivery_duration_seconds"

_COLPO_D_OCCHIO = (
    Pannello("Database", [("min(pontepa_database_up)", "risponde")], genere="stat", soglie=(1, 0.5), width=3),
    Pannello("Processi", [("sum by (ruolo) (pontepa_processes)", "{{ruolo}}")], genere="stat", width=3),
    Pannello(
        "Errore ammesso che resta", [("pontepa:nodo_errore_residuo:30d", "30 giorni")],
        "Del 2% di risposte al nodo che possono essere tardive o guaste, quanto ne resta nei trenta giorni.",
        "percentunit", "stat", (0.25, 0), 3,
    ),
    Pannello(
        "Ritardo verso il nodo", [('max(pontepa_outbox_overdue_seconds{topic=~"nodo[.].*"})', "ritardo")],
        "Da quanto un messaggio doveva partire: oltre il minuto nessun worker lavora.", "s", "stat", (10, 60), 3,
    ),
    Pannello(
        "Pagamenti in dubbio", [('max(pontepa_attempts_open{stato="SCONOSCIUTO"})', "in dubbio")], genere="stat",
        soglie=(1, 50), width=3,
    ),
    Pannello(
        "Circuiti aperti", [("sum(max by (stazione, servizio) (pontepa_circuit_open)) or vector(0)", "aperti")],
        genere="stat", soglie=(1, 1), width=3,
    ),
    Pannello(
        "Messaggi parcheggiati", [('max(pontepa_outbox_messages{stato="PARCHEGGIATO"})', "parcheggiati")],
        genere="stat", soglie=(1, 50), width=3,
    ),
    Pannello(
        "Ricevute da guardare", [('sum(max by (stato) (pontepa_ricevute{stato=~"ORFANA|QUARANTENA|ECCEDENZA"}))', "n")],
        genere="stat", soglie=(1, 50), width=3,
    ),
)  # fmt: skip

_NODO = (
    Pannello(
        "Risposte al nodo entro il livello (98% entro 2 s)",
        [
            ("pontepa:nodo_buone:ratio5m", "5 minuti"),
            ("pontepa:nodo_buone:ratio1h", "un'ora"),
            ("vector(0.98)", "livello"),
        ],
        "Entro 2 secondi e senza un guasto nostro.", "percentunit",
    ),
    Pannello(
        "Consumo dell'errore ammesso", [("pontepa:nodo_consumo:1h", "un'ora"), ("pontepa:nodo_consumo:6h", "sei ore")],
        "1 lo consuma in trenta giorni, 14 in due.",
    ),
    Pannello(
        "Per operazione, un'ora", [("pontepa:nodo_buone_operazione:ratio1h", "{{operation}}")],
        "Il livello vale per ciascuna.", "percentunit",
    ),
    Pannello(
        "Durata delle risposte al nodo, p98",
        [('pontepa:operazione_secondi:p98_5m{servizio="nodo"}', "{{operation}}")], unita="s",
    ),
    Pannello(
        "Durata delle risposte al nodo, p50",
        [('pontepa:operazione_secondi:p50_5m{servizio="nodo"}', "{{operation}}")], unita="s",
    ),
    Pannello(
        "Risposte al nodo al secondo",
        [(f'sum by (operation, esito) (rate({_OPERAZIONI}_count{{servizio="nodo"}}[5m]))', "{{operation}} {{esito}}")],
        unita="reqps",
    ),
    Pannello(
        "Oltre 500 ms, 2 s, 5 s",
        [
            (
                f'sum(rate({_OPERAZIONI}_count{{servizio="nodo"}}[5m])) - '
                f'sum(rate({_OPERAZIONI}_bucket{{servizio="nodo",le="{soglia}"}}[5m]))',
                f"oltre {soglia} s",
            )
            for soglia in ("0.5", "2.0", "5.0")
        ],
        unita="reqps",
    ),
    Pannello(
        "Risposte sostituite", [("sum by (operation) (increase(pontepa_answers_replaced_total[1h]))", "{{operation}}")],
        "Non erano valide per il contratto: un nostro errore.",
    ),
    Pannello(
        "Guasti nostri al secondo",
        [
            (
                f'sum by (servizio, operation) (rate({_OPERAZIONI}_count{{esito="guasto"}}[5m]))',
                "{{servizio}} {{operation}}",
            )
        ],
        unita="reqps",
    ),
)  # fmt: skip

_GESTIONALI = (
    Pannello(
        "Chiamate dei gestionali al secondo",
        [(f'sum by (operation) (rate({_OPERAZIONI}_count{{servizio="ente"}}[5m]))', "{{operation}}")], unita="reqps",
    ),
    Pannello(
        "Durata, p98", [('pontepa:operazione_secondi:p98_5m{servizio="ente"}', "{{operation}}")], unita="s",
    ),
    Pannello(
        "Rifiuti al secondo",
        [(f'sum by (operation) (rate({_OPERAZIONI}_count{{servizio="ente",esito="rifiuto"}}[5m]))', "{{operation}}")],
        unita="reqps",
    ),
    Pannello(
        "Risposte HTTP al secondo", [("sum by (status) (rate(pontepa_http_requests_total[5m]))", "{{status}}")],
        unita="reqps",
    ),
    Pannello(
        "Respinte al secondo",
        [("sum by (lane, reason) (rate(pontepa_http_shed_total[5m]))", "{{lane}} {{reason}}")],
        "Senza posto (pieno), oltre il proprio turno (eccesso) o il proprio limite (frequenza): sovraccarico.md.",
        unita="reqps",
    ),
    Pannello(
        "Pagine, p98", [(_p("pontepa_http_request_duration_seconds", "route", "0.98"), "{{route}}")], unita="s",
    ),
)  # fmt: skip

_USCITA = (
    Pannello(
        "Messaggi aperti per destinazione",
        [
            (
                'sum by (topic) (max by (topic, stato) (pontepa_outbox_topic_messages{stato!="PARCHEGGIATO"}))',
                "{{topic}}",
            )
        ],
    ),
    Pannello("Ritardo", [("max by (topic) (pontepa_outbox_overdue_seconds)", "{{topic}}")], unita="s"),
    Pannello(
        "Il messaggio aperto più vecchio", [("max by (topic) (pontepa_outbox_oldest_seconds)", "{{topic}}")], unita="s",
    ),
    Pannello(
        "Consegne al secondo",
        [(f"sum by (topic, outcome) (rate({_CONSEGNE}_count[5m]))", "{{topic}} {{outcome}}")], unita="ops",
    ),
    Pannello("Durata di una consegna, p50", [(_p(_CONSEGNE, "topic", "0.5"), "{{topic}}")], unita="s"),
    Pannello("Durata di una consegna, p98", [("pontepa:consegna_secondi:p98_5m", "{{topic}}")], unita="s"),
    Pannello(
        "Circuiti", [("max by (stazione, servizio) (pontepa_circuit_open)", "{{stazione}} {{servizio}}")],
        "1: la stazione non chiama, perché l'altra parte tace o la rifiuta.",
    ),
    Pannello(
        "Parcheggiati",
        [('max by (topic) (pontepa_outbox_topic_messages{stato="PARCHEGGIATO"})', "{{topic}}")],
    ),
    Pannello(
        "Lavori ripresi e persi",
        [
            ("sum by (lavoro) (increase(pontepa_lease_takeovers_total[15m]))", "ripresi: {{lavoro}}"),
            ("sum by (topic) (increase(pontepa_lease_lost_total[15m]))", "persi: {{topic}}"),
        ],
        "Un worker che muore o si ferma: un altro prende il suo lavoro.",
    ),
)  # fmt: skip

_PAGAMENTI = (
    Pannello("Pagamenti senza esito", [("max by (stato) (pontepa_attempts_open)", "{{stato}}")]),
    Pannello(
        "In dubbio, per età", [('max by (eta) (pontepa_attempts_open_by_age{stato="SCONOSCIUTO"})', "{{eta}}")],
    ),
    Pannello("Il più vecchio", [("max by (stato) (pontepa_attempts_oldest_seconds)", "{{stato}}")], unita="s"),
    Pannello(
        "Ricevute", [("max by (stato) (pontepa_ricevute)", "{{stato}}")],
        "ECCEDENZA: pagato due volte. ORFANA: senza dovuto. QUARANTENA: non si è capita. RESPINTA: mandata male.",
    ),
    Pannello("Ricevute ferme", [("max(pontepa_ricevute_oldest_waiting_seconds)", "la più vecchia")], unita="s"),
    Pannello("Flussi di rendicontazione", [("max by (stato) (pontepa_rendicontazioni)", "{{stato}}")]),
    Pannello(
        "Pagamenti senza flusso di rendicontazione",
        [("max by (stato) (pontepa_rendicontazioni_missing_payments)", "{{stato}}")],
    ),
    Pannello(
        "Enti fermi e lacune",
        [("max(pontepa_rendicontazioni_stopped)", "enti fermi"), ("max(pontepa_rendicontazioni_gaps)", "lacune")],
    ),
    Pannello("L'elenco più vecchio", [("max(pontepa_rendicontazioni_list_seconds)", "età")], unita="s"),
)  # fmt: skip

_FLUSSI = (
    Pannello(
        "Righe al secondo dei flussi in lavorazione", [("max(pontepa_import_rows_per_second)", "righe al secondo")],
    ),
    Pannello(
        "Righe",
        [("max(pontepa_import_rows_decided)", "decise"), ("max(pontepa_import_rows_left)", "che restano")],
    ),
    Pannello("Il file che aspetta di più", [("max(pontepa_import_oldest_waiting_seconds)", "attesa")], unita="s"),
    Pannello("File arrivati", [("max by (stato) (pontepa_imports)", "{{stato}}")], width=6),
    Pannello("Flussi", [("max by (stato) (pontepa_flussi)", "{{stato}}")], width=6),
    Pannello("Export", [("max by (stato) (pontepa_exports)", "{{stato}}")], width=6),
    Pannello(
        "File tolti dall'archivio, un giorno",
        [
            ("max by (motivo) (increase(pontepa_archive_files_removed_total[1d]))", "{{motivo}}"),
            ("max(increase(pontepa_archive_bytes_removed_total[1d]))", "byte"),
        ],
        width=6,
    ),
)  # fmt: skip

_MACCHINE = (
    Pannello(
        "Connessioni al database",
        [
            ("sum by (instance) (pontepa_db_connections_in_use)", "{{instance}}"),
            ("sum by (instance) (pontepa_db_connections_max)", "{{instance}}, al più"),
        ],
    ),
    Pannello(
        "Attesa del database",
        [
            ("histogram_quantile(0.5, sum by (le) (rate(pontepa_db_wait_seconds_bucket[5m])))", "p50"),
            ("histogram_quantile(0.98, sum by (le) (rate(pontepa_db_wait_seconds_bucket[5m])))", "p98"),
        ],
        unita="s",
    ),
    Pannello(
        "Chi condivide un commit (SQLite)",
        [("sum(rate(pontepa_commit_group_size_sum[5m])) / sum(rate(pontepa_commit_group_size_count[5m]))", "in media")],
    ),
    Pannello(
        "Lavori falliti, 15 minuti", [("sum by (lavoro) (increase(pontepa_job_failures_total[15m]))", "{{lavoro}}")],
    ),
    Pannello("Morti del processo dei flussi, un'ora", [("sum(increase(pontepa_child_deaths_total[1h]))", "morti")]),
    Pannello(
        "Spazio libero", [("min by (instance, dove) (pontepa_disk_free_bytes)", "{{instance}} {{dove}}")],
        "Dove stanno i file e il database di SQLite; quello di PostgreSQL si guarda sulla sua macchina.", unita="bytes",
    ),
    Pannello(
        "Eventi del giornale perduti, un'ora", [("sum(increase(pontepa_journal_lost_total[1h]))", "perduti")],
        "La coda era piena, o il processo è finito senza database.",
    ),
    Pannello(
        "Lettura di questi numeri",
        [("max(pontepa_reading_age_seconds)", "età, s"), ("max(pontepa_reading_milliseconds) / 1000", "durata, s")],
        unita="s",
    ),
    Pannello(
        "Giorni prima che scadano certificati e chiavi",
        [
            (
                "(max by (stazione, cosa) (pontepa_station_expiry_timestamp_seconds) - time()) / 86400",
                "{{stazione}} {{cosa}}",
            )
        ],
        unita="d", genere="bargauge", soglie=(30, 7), width=12,
    ),
    Pannello(
        "Tipi il cui codice di tassonomia chiede una cura", [("max by (stato) (pontepa_tassonomia_tipi)", "{{stato}}")],
        genere="bargauge", soglie=(1, 10), width=12,
    ),
)  # fmt: skip

RIGHE: Sequence[tuple[str, Sequence[Pannello]]] = (
    ("A colpo d'occhio", _COLPO_D_OCCHIO),
    ("Le domande e le ricevute del nodo", _NODO),
    ("I gestionali e le pagine", _GESTIONALI),
    ("Ciò che deve partire", _USCITA),
    ("Pagamenti, ricevute, rendicontazioni", _PAGAMENTI),
    ("Flussi ed export", _FLUSSI),
    ("Macchine e scadenze", _MACCHINE),
)


def render() -> str:
    """Return the dashboard; it is the same for the same panels."""
    dashboard = {
        "uid": "pontepa",
        "title": "PontePA",
        "description": "Che cosa significa ogni numero: docs/metriche.md. Che cosa fare quando suona: docs/allarmi.md.",
        "tags": ["pontepa", "pagopa"],
        "timezone": "Europe/Rome",
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [{"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]
        },
        "annotations": {"list": []},
        "panels": list(_panels()),
    }
    return json.dumps(dashboard, indent=1, ensure_ascii=False) + "\n"


def _panels() -> Iterator[dict[str, Any]]:
    number, y = 1, 0
    for titolo, pannelli in RIGHE:
        row = {"id": number, "type": "row", "title": titolo, "collapsed": False, "panels": []}
        yield row | {"gridPos": _at(0, y, _COLUMNS, 1)}
        number, y, x = number + 1, y + 1, 0
        height = 4 if pannelli is _COLPO_D_OCCHIO else 8
        for pannello in pannelli:
            if x + pannello.width > _COLUMNS:
                x, y = 0, y + height
            yield _panel(number, pannello, _at(x, y, pannello.width, height))
            number, x = number + 1, x + pannello.width
        y += height


def _at(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}


def _panel(number: int, pannello: Pannello, place: dict[str, int]) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": pannello.unita}
    if pannello.unita == "percentunit":
        defaults["max"] = 1
    if pannello.soglie is not None:
        defaults |= {"thresholds": _thresholds(*pannello.soglie), "color": {"mode": "thresholds"}}
    targets = [
        {"refId": chr(ord("A") + n), "datasource": _SOURCE, "expr": expr, "legendFormat": name}
        for n, (expr, name) in enumerate(pannello.linee)
    ]
    return {
        "id": number,
        "type": pannello.genere,
        "title": pannello.titolo,
        "description": pannello.aiuto,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": targets,
    }


def _thresholds(first: float, second: float) -> dict[str, Any]:
    colours, values = ("green", "yellow", "red"), (None, first, second)
    if first > second:
        # Little is bad: red below the second one.
        colours, values = ("red", "yellow", "green"), (None, second, first)
    steps = [{"color": colour, "value": value} for colour, value in zip(colours, values, strict=True)]
    return {"mode": "absolute", "steps": steps}
