"""Faults of the dovuti that are kept: ImportaDovuto and RegistraPagamento. Source: pa-per-ente, 2.5, 2.6."""

from __future__ import annotations

from hub.domain.guasti import guasto as g
from hub.domain.guasti.guasto import Guasto, Ripetere

_IMPORTA = (g.IMPORTA,)

GUASTI = (
    Guasto(
        "PAA_AZIONE_NON_VALIDO",
        "`azione` non è `I`, `M`, `A` o `S` (maiuscole)",
        "correggere l'azione, che è l'ultimo elemento del documento",
        Ripetere.NO,
        _IMPORTA,
    ),
    Guasto(
        "PAA_IUV_NON_VALIDO",
        "IUV malformato (17 cifre con il codice di segregazione dell'ente, 15 cifre, o 25 caratteri) o con cifre di "
        "controllo errate; con `flagGeneraIuv`, un numero che l'hub deve ancora emettere; con azione `S`, nessun "
        "dovuto da pagare con questo IUV",
        "correggere lo IUV, o chiederne uno con `flagGeneraIuv`",
        Ripetere.NO,
        _IMPORTA,
    ),
    Guasto(
        "PAA_IMPORTO_SINGOLO_VERSAMENTO_NON_VALIDO",
        "importo zero o oltre 999999999.99, oppure `commissioneCaricoPA` oltre 999999999.99, oppure un importo che con "
        "la quota dell'ente secondario esce da quei limiti",
        "correggere l'importo",
        Ripetere.NO,
        _IMPORTA,
    ),
    Guasto(
        "PAA_IDENT_TIPO_DOVUTO_NON_PRESENTE",
        "`identificativoTipoDovuto` vuoto",
        "scrivere un tipo dell'ente",
        Ripetere.NO,
        _IMPORTA,
    ),
    Guasto(
        "PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_VALIDO",
        "tipo dovuto sconosciuto per l'ente, non attivo, oppure `MARCA_BOLLO_DIGITALE`",
        "usare un tipo attivo dell'ente",
        Ripetere.NO,
        _IMPORTA,
    ),
    Guasto(
        "PAA_SOGG_PAG_NON_VALORIZZATO",
        "manca `soggettoPagatore`, obbligatorio per ogni azione",
        "mandare il pagatore anche con `A` e `S`",
        Ripetere.NO,
        _IMPORTA,
    ),
    Guasto(
        "PAA_DATI_SPECIFICI_RISCOSSIONE_NON_VALIDO",
        "`datiSpecificiRiscossione` non ha la forma `9/codice tassonomia/`, oppure la tassonomia dell'ente "
        "secondario non esiste o, per un dovuto nuovo, oggi non è in vigore",
        "mandare un codice della tassonomia dei servizi di incasso",
        Ripetere.NO,
        _IMPORTA,
    ),
    Guasto(
        "PAA_LIMITAZIONE_ENTI_SECONDARI_ERROR",
        "più di un ente secondario",
        "mandarne uno solo",
        Ripetere.NO,
        _IMPORTA,
    ),
    Guasto(
        "PAA_IMPORT_COD_TIPO_DOVUTO_INESISTENTE",
        "il tipo dovuto non esiste per l'ente (controllo dell'archivio)",
        "usare un tipo attivo dell'ente",
        Ripetere.NO,
        _IMPORTA,
    ),
    Guasto(
        "PAA_IMPORT_OPERATORE_NO_PERMESSI",
        "chi chiama non ha il permesso sul tipo dovuto",
        "concedere il tipo all'applicazione nella configurazione",
        Ripetere.NO,
        _IMPORTA,
    ),
    Guasto(
        "PAA_IMPORT_DATA_SCADENZA_PAGAMENTO_OBBLIGATORIA",
        "`dataEsecuzionePagamento` assente dove il tipo dovuto la vuole, o passata",
        "mandare una scadenza da oggi in poi",
        Ripetere.NO,
        _IMPORTA,
    ),
    Guasto(
        "PAA_IMPORT_IUD_DUPLICATO",
        "azione `I` con uno IUD che l'ente ha già, da pagare o pagato",
        "se la prima risposta si è persa, leggere per IUD con `paaSILChiediPagatiConRicevuta` e poi mandare `M`",
        Ripetere.IUD_NUOVO,
        _IMPORTA,
    ),
    Guasto(
        "PAA_IMPORT_IUV_DUPLICATO",
        "lo IUV è di un altro dovuto; con `M`, diverso da quello del dovuto (anche perché `flagGeneraIuv` ne chiede "
        "uno nuovo)",
        "mandare lo IUV del dovuto, o toglierlo",
        Ripetere.NO,
        _IMPORTA,
    ),
    Guasto(
        "PAA_IMPORT_IUV_NO_NULLABLE",
        "azione `M` senza IUV su un dovuto che ne ha uno",
        "rimandare lo IUV del dovuto: `M` riscrive tutto",
        Ripetere.NO,
        _IMPORTA,
    ),
    Guasto(
        "PAA_IMPORT_TIPO_DOVUTO_NON_MODIFICABILE",
        "azione `M` con un tipo dovuto diverso da quello archiviato",
        "annullare il dovuto con `A` e inserirlo di nuovo",
        Ripetere.NO,
        _IMPORTA,
    ),
    Guasto(
        "PAA_SYSTEM_ERROR",
        "`M` o `A` su un dovuto sconosciuto o non più da pagare; `S` senza IUV o con `flagGeneraIuv`; troppe "
        "password errate dallo stesso indirizzo (HTTP 429)",
        "chiedere prima l'esito del dovuto: se è in pagamento, aspettare; se è pagato o annullato non c'è altro da "
        "fare",
        Ripetere.DIPENDE,
        _IMPORTA,
    ),
)
