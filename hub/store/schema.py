"""The tables. Uniqueness that money depends on stands here, with a name, and in the migrations.

Instants are aware UTC; amounts are integer cents; stored codes are the specification's.
"""

from __future__ import annotations

from hub.store.columns import Id as Id
from hub.store.columns import Instant as Instant
from hub.store.columns import metadata as metadata
from hub.store.schema_configurazione import credenziali as credenziali
from hub.store.schema_configurazione import endpoint_esito as endpoint_esito
from hub.store.schema_configurazione import enti as enti
from hub.store.schema_configurazione import loghi as loghi
from hub.store.schema_configurazione import messaggi_visti as messaggi_visti
from hub.store.schema_configurazione import operatori as operatori
from hub.store.schema_configurazione import stazioni as stazioni
from hub.store.schema_configurazione import tipi as tipi
from hub.store.schema_consegne import consegne_export as consegne_export
from hub.store.schema_consegne import export_giornalieri as export_giornalieri
from hub.store.schema_flussi import chiusure_export as chiusure_export
from hub.store.schema_flussi import flussi_import as flussi_import
from hub.store.schema_flussi import flussi_righe as flussi_righe
from hub.store.schema_flussi import prenotazioni_export as prenotazioni_export
from hub.store.schema_flussi import pulizie_archivio as pulizie_archivio
from hub.store.schema_flussi import quote_secondarie as quote_secondarie
from hub.store.schema_giornale import giornale as giornale
from hub.store.schema_giornale import giornale_catene as giornale_catene
from hub.store.schema_giornale import giornale_firme as giornale_firme
from hub.store.schema_installazione import installazione as installazione
from hub.store.schema_installazione import revisione_configurazione as revisione_configurazione
from hub.store.schema_pagamenti import carrelli as carrelli
from hub.store.schema_pagamenti import dovuti as dovuti
from hub.store.schema_pagamenti import iuv_blocchi as iuv_blocchi
from hub.store.schema_pagamenti import sessioni as sessioni
from hub.store.schema_pagamenti import sessioni_elementi as sessioni_elementi
from hub.store.schema_pagamenti import tentativi as tentativi
from hub.store.schema_rendicontazione import acquisizioni_fdr as acquisizioni_fdr
from hub.store.schema_rendicontazione import lacune_fdr as lacune_fdr
from hub.store.schema_rendicontazione import rendicontazioni as rendicontazioni
from hub.store.schema_rendicontazione import rendicontazioni_righe as rendicontazioni_righe
from hub.store.schema_rendicontazione import stazioni_fdr as stazioni_fdr
from hub.store.schema_rest import posizioni_pubblicate as posizioni_pubblicate
from hub.store.schema_rest import ricerche_ricevute as ricerche_ricevute
from hub.store.schema_rest import ripassi_posizioni as ripassi_posizioni
from hub.store.schema_rest import servizi_rest as servizi_rest
from hub.store.schema_ricevute import rt_ricevute as rt_ricevute
from hub.store.schema_ricevute import trasferimenti_ricevute as trasferimenti_ricevute
from hub.store.schema_sandbox import chiamate_sandbox as chiamate_sandbox
from hub.store.schema_tassonomia import stato_tassonomia as stato_tassonomia
from hub.store.schema_tassonomia import voci_tassonomia as voci_tassonomia
from hub.store.schema_uscita import circuiti as circuiti
from hub.store.schema_uscita import eventi_esito as eventi_esito
from hub.store.schema_uscita import misure as misure
from hub.store.schema_uscita import outbox as outbox
from hub.store.schema_verifica import attivazioni as attivazioni
from hub.store.schema_verifica import attivazioni_ccp as attivazioni_ccp
from hub.store.schema_verifica import avvisi_richiesti as avvisi_richiesti
from hub.store.schema_verifica import servizi_avviso as servizi_avviso
