"""The tracciato of the export of expired positions: one version, fields without quotes but where they need them.

Source: flows, 3.4. `dataEsecuzionePagamento` is the due date, as in the import.
"""

from __future__ import annotations

from hub.domain.scaduto import Scaduto
from hub.formats.tracciati.esportate import Bandiera, Esportata, Esportazione, Euro, Foglio, Giorno, Libero


class ExportScaduti(Esportazione):
    iud = Esportata("IUD", "iud")
    iuv = Esportata("codIuv", "iuv")
    created_at = Giorno("dataCreazione", "created_at")
    pagatore_tipo = Esportata("tipoIdentificativoUnivoco", "pagatore.tipo")
    pagatore_codice = Esportata("codiceIdentificativoUnivoco", "pagatore.codice")
    anagrafica = Libero("anagraficaPagatore", "pagatore.anagrafica")
    indirizzo = Libero("indirizzoPagatore", "pagatore.indirizzo")
    civico = Libero("civicoPagatore", "pagatore.civico")
    cap = Libero("capPagatore", "pagatore.cap")
    localita = Libero("localitaPagatore", "pagatore.localita")
    provincia = Libero("provinciaPagatore", "pagatore.provincia")
    nazione = Libero("nazionePagatore", "pagatore.nazione")
    email = Libero("mailPagatore", "pagatore.email")
    scadenza = Giorno("dataEsecuzionePagamento", "scadenza")
    importo_cent = Euro("importoDovuto", "importo_cent")
    commissione_cent = Euro("commissioneCaricoPa", "commissione_cent")
    tipo = Esportata("tipoDovuto", "tipo")
    tipo_versamento = Esportata("tipoVersamento", "tipo_versamento")
    causale = Libero("causaleVersamento", "causale")
    dati_specifici = Esportata("datiSpecificiRiscossione", "dati_specifici")
    bilancio = Esportata("bilancio", "bilancio_xml")
    genera_iuv = Bandiera("flgGeneraIuv", "is_iuv_drawn")


def foglio_scaduti() -> Foglio[Scaduto]:
    return Foglio(ExportScaduti.colonne)
