"""The tracciato of the export of paid items. A version states only its difference; so does a booking with receipts.

`;` between the fields, every field in quotes, a header. Source: flows, 3.3.
"""

from __future__ import annotations

from hub.domain.pagato import Pagato
from hub.formats.tracciati.esportate import (
    Base64,
    Esportata,
    Esportazione,
    Euro,
    Foglio,
    Giorno,
    Libero,
    OraLocale,
)


class ExportPagati_1_0(Esportazione):
    """The 64 columns that every version has."""

    version = "1.0"
    iuf = Esportata("iuf", "iuf")
    riga = Esportata("numRigaFlusso", "riga")
    iud = Esportata("codIud", "iud")
    iuv = Esportata("codIuv", "iuv")
    versione = Esportata("versioneOggetto", "rt.versione")
    dominio = Esportata("identificativoDominio", "rt.dominio")
    stazione = Esportata("identificativoStazioneRichiedente", "rt.stazione")
    id_messaggio = Esportata("identificativoMessaggioRicevuta", "rt.id_messaggio")
    messaggio_at = OraLocale("dataOraMessaggioRicevuta", "rt.messaggio_at")
    riferimento_messaggio = Esportata("riferimentoMessaggioRichiesta", "rt.riferimento_messaggio")
    riferimento_data = Giorno("riferimentoDataRichiesta", "rt.riferimento_data")
    attestante_tipo = Esportata("tipoIdentificativoUnivoco", "rt.attestante.tipo")
    attestante_codice = Esportata("codiceIdentificativoUnivoco", "rt.attestante.codice")
    attestante_denominazione = Libero("denominazioneAttestante", "rt.attestante.denominazione")
    attestante_codice_unita = Esportata("codiceUnitOperAttestante", "rt.attestante.codice_unita")
    attestante_denominazione_unita = Libero("denomUnitOperAttestante", "rt.attestante.denominazione_unita")
    attestante_indirizzo = Libero("indirizzoAttestante", "rt.attestante.indirizzo")
    attestante_civico = Libero("civicoAttestante", "rt.attestante.civico")
    attestante_cap = Libero("capAttestante", "rt.attestante.cap")
    attestante_localita = Libero("localitaAttestante", "rt.attestante.localita")
    attestante_provincia = Libero("provinciaAttestante", "rt.attestante.provincia")
    attestante_nazione = Libero("nazioneAttestante", "rt.attestante.nazione")
    beneficiario_tipo = Esportata("enteBenefTipoIdentificativoUnivoco", "rt.ente.tipo")
    beneficiario_codice = Esportata("enteBenefCodiceIdentificativoUnivoco", "rt.ente.codice")
    beneficiario_denominazione = Libero("denominazioneBeneficiario", "rt.ente.denominazione")
    beneficiario_codice_unita = Esportata("codiceUnitOperBeneficiario", "rt.ente.codice_unita")
    beneficiario_denominazione_unita = Libero("denomUnitOperBeneficiario", "rt.ente.denominazione_unita")
    beneficiario_indirizzo = Libero("indirizzoBeneficiario", "rt.ente.indirizzo")
    beneficiario_civico = Libero("civicoBeneficiario", "rt.ente.civico")
    beneficiario_cap = Libero("capBeneficiario", "rt.ente.cap")
    beneficiario_localita = Libero("localitaBeneficiario", "rt.ente.localita")
    beneficiario_provincia = Libero("provinciaBeneficiario", "rt.ente.provincia")
    beneficiario_nazione = Libero("nazioneBeneficiario", "rt.ente.nazione")
    versante_tipo = Esportata("soggVersTipoIdentificativoUnivoco", "versante.tipo")
    versante_codice = Esportata("soggVersCodiceIdentificativoUnivoco", "versante.codice")
    versante_anagrafica = Libero("anagraficaVersante", "versante.anagrafica")
    versante_indirizzo = Libero("indirizzoVersante", "versante.indirizzo")
    versante_civico = Libero("civicoVersante", "versante.civico")
    versante_cap = Libero("capVersante", "versante.cap")
    versante_localita = Libero("localitaVersante", "versante.localita")
    versante_provincia = Libero("provinciaVersante", "versante.provincia")
    versante_nazione = Libero("nazioneVersante", "versante.nazione")
    versante_email = Libero("emailVersante", "versante.email")
    pagatore_tipo = Esportata("soggPagTipoIdentificativoUnivoco", "rt.pagatore.tipo")
    pagatore_codice = Esportata("soggPagCodiceIdentificativoUnivoco", "rt.pagatore.codice")
    pagatore_anagrafica = Libero("anagraficaPagatore", "rt.pagatore.anagrafica")
    pagatore_indirizzo = Libero("indirizzoPagatore", "rt.pagatore.indirizzo")
    pagatore_civico = Libero("civicoPagatore", "rt.pagatore.civico")
    pagatore_cap = Libero("capPagatore", "rt.pagatore.cap")
    pagatore_localita = Libero("localitaPagatore", "rt.pagatore.localita")
    pagatore_provincia = Libero("provinciaPagatore", "rt.pagatore.provincia")
    pagatore_nazione = Libero("nazionePagatore", "rt.pagatore.nazione")
    pagatore_email = Libero("emailPagatore", "rt.pagatore.email")
    codice_esito = Esportata("codiceEsitoPagamento", "rt.codice_esito")
    importo_cent = Euro("importoTotalePagato", "rt.importo_cent")
    iuv_pagato = Esportata("identificativoUnivocoVersamento", "rt.iuv")
    ccp = Esportata("codiceContestoPagamento", "rt.ccp")
    singolo_importo_cent = Euro("singoloImportoPagato", "singolo.importo_cent")
    singolo_esito = Libero("esitoSingoloPagamento", "singolo.esito")
    singolo_data_esito = Giorno("dataEsitoSingoloPagamento", "singolo.data_esito")
    iur = Esportata("identificativoUnivocoRiscoss", "singolo.iur")
    causale = Libero("causaleVersamento", "singolo.causale")
    dati_specifici = Esportata("datiSpecificiRiscossione", "singolo.dati_specifici")
    tipo = Esportata("tipoDovuto", "tipo")


class ExportPagati_1_1(ExportPagati_1_0):
    """The same columns; files have another name."""

    version = "1.1"


class ExportPagati_1_2(ExportPagati_1_1):
    """Adds the accounting breakdown."""

    version = "1.2"
    bilancio = Esportata("bilancio", "bilancio_xml")


class ExportPagati_1_3(ExportPagati_1_2):
    """Adds the ente that collected, for who is the second beneficiary."""

    version = "1.3"
    primario_codice_fiscale = Esportata("cod_fiscale_pa1", "primario.codice_fiscale")
    primario_nome = Libero("de_nome_pa1", "primario.nome")
    primario_codice_tassonomico = Esportata("cod_tassonomico_dovuto_pa1", "primario.codice_tassonomico")


class ConRicevuta(Esportazione):
    """What a booking with `ricevuta` adds, after the columns of the first version and before those of later ones."""

    tipo_firma = Esportata("tipoFirma", "tipo_firma")
    rt = Base64("rt", "raw")
    indice = Esportata("indiceDatiSingoloPagamento", "indice")
    commissioni_psp_cent = Euro(
        "numRtDatiPagDatiSingPagCommissioniApplicatePsp", "singolo.commissioni_psp_cent"
    )
    allegato_tipo = Esportata("codRtDatiPagDatiSingPagAllegatoRicevutaTipo", "singolo.allegato_tipo")
    allegato = Base64("blbRtDatiPagDatiSingPagAllegatoRicevutaTest", "singolo.allegato")


VERSIONI: dict[str, type[Esportazione]] = {
    one.version: one for one in (ExportPagati_1_0, ExportPagati_1_1, ExportPagati_1_2, ExportPagati_1_3)
}


def foglio_pagati(versione: str, *, con_ricevuta: bool) -> Foglio[Pagato]:
    """Return the rows of a version, as contracts spell it (`1.0`)."""
    first, added = ExportPagati_1_0.colonne, VERSIONI[versione].colonne[len(ExportPagati_1_0.colonne) :]
    return Foglio((*first, *(ConRicevuta.colonne if con_ricevuta else ()), *added))
