"""Faults of the payments that start at the ente. Source: pa-per-ente, 2.1, 2.2, 2.3."""

from __future__ import annotations

from hub.domain.guasti import guasto as g
from hub.domain.guasti.guasto import Guasto, Ripetere

_NUOVI = (g.INVIA, g.CARRELLO)
_DATI = (g.INVIA, g.CARRELLO, g.IMPORTA)
_CON_URL = (g.INVIA, g.CARRELLO, g.VERIFICA)

GUASTI = (
    Guasto(
        "PAA_XML_NON_VALIDO",
        "il documento interno (`Dovuti`, `DovutiEntiSecondari`, `Versamento`) non è base64, non è XML ben formato o "
        "non rispetta lo schema",
        "`description` nomina elemento, valore e regola; gli elementi facoltativi vuoti si omettono, gli importi "
        "hanno punto e due decimali",
        Ripetere.NO,
        _DATI,
    ),
    Guasto(
        "PAA_IUV_NON_VALIDO",
        "`identificativoUnivocoVersamento` presente: lo IUV lo assegna l'hub",
        "togliere l'elemento dal documento",
        Ripetere.NO,
        _NUOVI,
    ),
    Guasto(
        "PAA_TIPO_VERSAMENTO_NON_VALIDO",
        "`tipoVersamento` non è `ALL` da solo né un elenco di `BBT`, `BP`, `AD`, `CP`, `PO`, `OBEP` uniti da una "
        "barra verticale",
        "mandare `ALL`",
        Ripetere.NO,
        _DATI,
    ),
    Guasto(
        "PAA_CODICE_FISCALE_NON_VALIDO",
        "pagatore di tipo `F` con codice fiscale o partita IVA dal carattere di controllo sbagliato; `ANONIMO` dove "
        "un tipo dovuto non lo ammette",
        "correggere il codice del pagatore",
        Ripetere.NO,
        _DATI,
    ),
    Guasto(
        "PAA_P_IVA_NON_VALIDO",
        "pagatore di tipo `G` con partita IVA che non ha undici cifre o ha la cifra di controllo sbagliata",
        "correggere la partita IVA, o usare il tipo `F`",
        Ripetere.NO,
        _DATI,
    ),
    Guasto(
        "PAA_IUD_NON_VALIDO",
        "IUD assente, vuoto o che inizia con `000`",
        "usare uno IUD di 1-35 caratteri che non inizi con `000`",
        Ripetere.NO,
        _DATI,
    ),
    Guasto(
        "PAA_IUD_DUPLICATO",
        "IUD già usato dall'ente, anche se il pagamento è fallito o il dovuto è stato annullato, oppure due volte "
        "nella richiesta",
        "usare uno IUD nuovo; per un dovuto già archiviato usare `paaSILVerificaAvviso`",
        Ripetere.IUD_NUOVO,
        _NUOVI,
    ),
    Guasto(
        "PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_VALIDO",
        "`identificativoTipoDovuto` non è un tipo dell'ente",
        "correggere il codice, o aggiungere il tipo (`pontepa tipo list`, `pontepa tipo add`)",
        Ripetere.NO,
        _NUOVI,
    ),
    Guasto(
        "PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_ABILITATO",
        "il tipo dovuto non è attivo, o non è concesso all'applicazione che chiama",
        "attivarlo, o concederlo all'applicazione, nella configurazione",
        Ripetere.NO,
        _NUOVI,
    ),
    Guasto(
        "PAA_IMPORTO_MARCA_BOLLO_DIGITALE_NON_VALIDA",
        "tipo `MARCA_BOLLO_DIGITALE` con importo diverso da quello configurato",
        "mandare l'importo che `description` indica",
        Ripetere.NO,
        _NUOVI,
    ),
    Guasto(
        "PAA_MARCA_BOLLO_DIGITALE_NON_VALIDA",
        "dati della marca assenti o incompleti, `hashDocumento` oltre 72 caratteri, oppure presenti con un altro "
        "tipo dovuto",
        "mandare `datiMarcaBolloDigitale` completi, e solo con il tipo `MARCA_BOLLO_DIGITALE`",
        Ripetere.NO,
        _NUOVI,
    ),
    Guasto(
        "PAA_DATI_SPECIFICI_RISCOSSIONE_NON_VALIDO",
        "`datiSpecificiRiscossione` non ha la forma cifra (0, 1, 2, 9), barra, da 3 a 138 caratteri senza spazi",
        "mandare il codice di tassonomia, per esempio `9/0101101IM/`",
        Ripetere.NO,
        _NUOVI,
    ),
    Guasto(
        "PAA_IMPORTO_SINGOLO_VERSAMENTO_NON_VALIDO",
        "importo zero (lo ferma già lo schema, con `PAA_XML_NON_VALIDO`: qui non dovrebbe arrivare)",
        "mandare un importo da 0.01 a 999999999.99",
        Ripetere.NO,
        _NUOVI,
    ),
    Guasto(
        "PAA_IMPORTO_BILANCIO_NON_VALIDO",
        "la somma degli importi di `bilancio` è diversa dall'importo del dovuto",
        "correggere le righe di bilancio",
        Ripetere.NO,
        _DATI,
    ),
    Guasto(
        "PAA_CAUSALE_NON_PRESENTE",
        "`causaleVersamento` vuota",
        "scrivere la causale che il pagatore leggerà",
        Ripetere.NO,
        _DATI,
    ),
    Guasto(
        "PAA_ANAGRAFICA_NON_VALIDA",
        "con `showMyPay=NONE`: e-mail assente o non valida, nome vuoto, CAP senza una nazione conosciuta o "
        "sbagliato per la nazione, indirizzo o civico con caratteri non ammessi",
        "completare il pagatore, o usare `showMyPay=SHORT` e lasciar completare a lui",
        Ripetere.NO,
        (g.INVIA,),
    ),
    Guasto(
        "PAA_URL_NON_VALIDA",
        "`enteSILInviaRispostaPagamentoUrl` non è un indirizzo `http` o `https`, o supera 2048 caratteri",
        "correggere l'indirizzo, o lasciarlo vuoto per usare quello configurato",
        Ripetere.NO,
        _CON_URL,
    ),
    Guasto(
        "PAA_LIMITE_MASSIMO_DOVUTI_CARRELLO",
        "più di cinque `elementoListaDovuti`: il nodo accetta carrelli di cinque enti al più",
        "dividere il carrello",
        Ripetere.NO,
        (g.CARRELLO,),
    ),
    Guasto(
        "PAA_LIMITE_MASSIMO_DOVUTI_MULTIBENEFICIARI",
        "con un ente secondario la richiesta ha più di un elemento, o più di un dovuto",
        "mandare un solo dovuto per richiesta",
        Ripetere.NO,
        (g.CARRELLO,),
    ),
    Guasto(
        "PAA_LIMITE_MASSIMO_DOVUTI_ENTI_SECONDARI",
        "più di un ente secondario",
        "mandarne uno solo",
        Ripetere.NO,
        (g.CARRELLO,),
    ),
    Guasto(
        "PAA_ENTE_SECONDARIO_NON_VALIDO",
        "ente secondario con codice fiscale, IBAN (27 caratteri), indirizzo, civico, nazione, CAP, provincia, comune, "
        "tassonomia (assente o oggi non in vigore) o importo sbagliati; che è lo stesso ente del dovuto; con una quota "
        "non minore dell'importo; con una marca da bollo",
        "correggere il campo che `description` nomina",
        Ripetere.NO,
        (g.CARRELLO,),
    ),
    Guasto(
        "PAA_ERRORE_RECUPERO_DOVUTI_ENTI_SECONDARI",
        "`dovutiEntiSecondari` non è base64",
        "correggere la codifica del documento",
        Ripetere.NO,
        (g.CARRELLO,),
    ),
    Guasto(
        "PAA_IUV_NON_VALIDO",
        "nessun dovuto da pagare con questo IUV: sconosciuto, già pagato o in pagamento, annullato, o di un tipo "
        "non attivo",
        "mandare lo IUV (17 cifre), non il numero avviso (18); se il pagamento è in corso chiederne l'esito",
        Ripetere.NO,
        (g.VERIFICA,),
    ),
    Guasto(
        "PAA_IUV_SCADUTO",
        "il dovuto è scaduto e il suo tipo rende obbligatoria la scadenza",
        "prorogarlo con `paaSILImportaDovuto`, azione `M`",
        Ripetere.NO,
        (g.VERIFICA,),
    ),
)
