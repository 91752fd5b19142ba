"""Which tables a sandbox forgets when it is reset, and which never: each table of the hub is in one of the two."""

from __future__ import annotations

from sqlalchemy import delete

from hub.store.database import Session
from hub.store.schema import metadata

# Payments and what came of them, files of flows, what is under way.
SVUOTATE = frozenset(
    {
        *("sessioni", "sessioni_elementi", "carrelli", "dovuti", "tentativi", "quote_secondarie"),
        *("rt_ricevute", "trasferimenti_ricevute", "ricerche_ricevute", "attivazioni", "attivazioni_ccp"),
        *("avvisi_richiesti", "posizioni_pubblicate", "ripassi_posizioni", "outbox", "eventi_esito", "circuiti"),
        *("flussi_import", "flussi_righe", "prenotazioni_export", "chiusure_export", "consegne_export"),
        *("rendicontazioni", "rendicontazioni_righe", "acquisizioni_fdr", "lacune_fdr", "stazioni_fdr"),
        "chiamate_sandbox",
    }
)
# Configuration; the journal, whose chains have no holes; above all the counters: an IUV is never given twice.
RESTANO = frozenset(
    {
        *("iuv_blocchi", "installazione", "enti", "stazioni", "loghi", "tipi", "credenziali", "operatori"),
        *("endpoint_esito", "servizi_rest", "servizi_avviso", "export_giornalieri", "messaggi_visti"),
        *("giornale", "giornale_catene", "giornale_firme", "voci_tassonomia", "stato_tassonomia", "misure"),
        *("pulizie_archivio", "revisione_configurazione"),
    }
)


def empty(session: Session) -> int:
    """Forget all payments of the installation; return how many rows that were."""
    removed = 0
    # Who refers goes before what is referred to.
    for table in reversed(metadata.sorted_tables):
        if table.name in SVUOTATE:
            removed += session.execute(delete(table)).rowcount
    return removed
