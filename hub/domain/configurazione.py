"""What an installation is configured with: stazioni, enti, tipi dovuto, applicazioni that call.

Source: configuration of an ente and of a tipo dovuto (flows, 8.1 and 8.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from hub.domain.avvisi_nodo import ServizioAvviso
from hub.domain.credenziali import Certificato, IdentitaTls
from hub.domain.errors import InvalidRequest
from hub.domain.export_giornaliero import ExportGiornaliero
from hub.domain.servizi_rest import Servizio, ServizioRest
from hub.domain.stati import StatoEnte

# Written in place of a secret: "leave as it is".
INVARIATO = "***"

# How a station lets its payers pay on line: RPTs by SOAP, or a cart of notices at Checkout. Source: node, 1.4.
PROFILI = ("rpt", "checkout")

# The services of the platform that a station calls, each at an address of its own. Source: node, 1.4.
SERVIZI = ("nodo", *Servizio)

# Seconds that a call may take, at most: to connect, to send what changes state, to read. Source: node, 2.0.5.
ATTESE_MAX_S: Mapping[str, int] = {"connessione": 30, "invio": 120, "lettura": 120}

# How a tipo may be paid: from the portal, from a flow, from the services. Source: flows, 8.2.
MODALITA = ("base", "flussi", "ipe")

# The secondary beneficiary's share: as the original does it (included by paaSILInviaCarrelloDovuti, added by
# paaSILImportaDovuto), or always the one or the other. Source: pa-per-ente, 2.2, 2.5 and 8.
QUOTA_SECONDARIA = ("originale", "aggiunta", "inclusa")

# How paaSILChiediEsitoCarrelloDovuti names a state: its description, as the original does, or its code.
ESITO_CARRELLO = ("descrizione", "codice")

# An identical paaSILImportaDovuto `I` sent again: refused, as the original does, or answered with what is stored.
# Source: pa-per-ente, uniqueness and idempotency (6).
IMPORT_RIPETUTO = ("rifiutato", "riconosciuto")

# A flow that an ente may upload, at least and at most; the first is below any honest one. Source: flows, 1.2.
CHIAMATE_AL_SECONDO_MAX = 10_000
CHIAMATE_INSIEME_MAX = 64
FLUSSO_BYTES_MIN = 64 * 1024
FLUSSO_BYTES_CEILING = 1024**3

# The services of pa-per-ente that a credential may be limited to.
OPERAZIONI = (
    "paaSILAutorizzaImportFlusso",
    "paaSILChiediAvvisiPendenti",
    "paaSILChiediEsitoCarrelloDovuti",
    "paaSILChiediPagati",
    "paaSILChiediPagatiConRicevuta",
    "paaSILChiediPosizioniAperte",
    "paaSILChiediStatoExportFlusso",
    "paaSILChiediStatoExportFlussoScaduti",
    "paaSILChiediStatoImportFlusso",
    "paaSILChiediStoricoPagamenti",
    "paaSILImportaDovuto",
    "paaSILInviaCarrelloDovuti",
    "paaSILInviaDovuti",
    "paaSILPrenotaExportFlusso",
    "paaSILPrenotaExportFlussoIncrementaleConRicevuta",
    "paaSILPrenotaExportFlussoScaduti",
    "paaSILRegistraPagamento",
    "paaSILVerificaAvviso",
)


class ConfigurazioneNonValida(InvalidRequest):
    """A configuration that cannot be applied; `problems` are (path, Italian sentence), all of them."""

    def __init__(self, problems: Iterable[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{path}: {problem}" if path else problem for path, problem in self.problems))


@dataclass(frozen=True, slots=True)
class Stazione:
    """A station of the intermediary. `pagamento_online`: one of PROFILI; `password` may be INVARIATO.

    `servizi_rest`: those of the platform that it uses; None: not spoken of, they stay as they are.
    `certificato`: what it shows to the node in TLS; empty texts: none any more; None: not spoken of, it stays.
    `indirizzi`: its own base address by service, `attese`: its own seconds by kind of wait; None: the installation's.
    `fdr`: how it asks for settlement flows (`Trasporto`); None: not spoken of, it stays as it is.
    """

    id: str
    intermediario: str
    password: str
    pagamento_online: str = "rpt"
    versione_primitive: int = 2
    primitiva_rpt: str = "nodoInviaCarrelloRPT"
    rileva_duplicati: bool = True
    servizi_rest: tuple[ServizioRest, ...] | None = None
    indirizzi: Mapping[str, str] | None = None
    attese: Mapping[str, int] | None = None
    fdr: str | None = None
    certificato: IdentitaTls | None = None


# Almost three days of attempts: a receiver that stops on Friday evening is still waited for on Monday.
INOLTRO_TENTATIVI = 15
# With a pause of a day at most between them, half a month; then it is not a fault that passes.
INOLTRO_TENTATIVI_MAX = 30


@dataclass(frozen=True, slots=True)
class EndpointEsito:
    """Where the outcomes of a tipo are pushed. `chiave` may be INVARIATO; `client_id` and `mail` together or neither.

    Source: pa-per-ente, push of the outcome (4.2).
    """

    url: str
    chiave: str = field(repr=False)
    client_id: str | None = None
    mail: str | None = None
    tentativi_max: int = INOLTRO_TENTATIVI


@dataclass(frozen=True, slots=True)
class Contatti:
    """How an ente is reached, as its notices say it; None leaves no trace on the paper. Source: flows, 8.1."""

    indirizzo: str | None = None
    telefono: str | None = None
    mail: str | None = None
    sito: str | None = None


@dataclass(frozen=True, slots=True)
class Tipo:
    """A tipo dovuto of an ente. `iban` None: the ente's; `importo_cent` None: any amount.

    `notifica_esito`: its outcomes are pushed; `endpoint_esito` None: not spoken of, it stays as it is.
    `stampa_avviso`: its dovuti have a printed notice, signed by `settore`; `conto_postale` None: the account inside
    `iban_postale`, or inside the IBAN where the money goes if that is postal. `metadati`: of its positions at the node.
    """

    codice: str
    descrizione: str
    tassonomia: str = ""
    modalita: tuple[str, ...] = MODALITA
    attivo: bool = True
    scadenza_obbligatoria: bool = True
    stampa_data_scadenza: bool = True
    anonimo: bool = False
    iban: str | None = None
    importo_cent: int | None = None
    notifica_esito: bool = False
    stampa_avviso: bool = True
    settore: str | None = None
    iban_postale: str | None = None
    conto_postale: str | None = None
    intestatario_conto_postale: str | None = None
    metadati: dict[str, str] | None = None
    endpoint_esito: EndpointEsito | None = None


class Titolare(Protocol):
    """Who has credentials: an ente or an application. None: not spoken of, it stays as it is; `token`: INVARIATO."""

    @property
    def password(self) -> str | None: ...
    @property
    def token(self) -> str | None: ...
    @property
    def certificati(self) -> tuple[Certificato, ...] | None: ...
    @property
    def firme(self) -> tuple[Certificato, ...] | None: ...


@dataclass(frozen=True, slots=True)
class Applicazione:
    """A product of a software house that calls for an ente. `tipi` and `operazioni` None: all.

    `chiamate_al_secondo`, `chiamate_insieme`: what each process takes of it; None: as much as the installation says.
    """

    nome: str
    password: str | None = None
    tipi: tuple[str, ...] | None = None
    operazioni: tuple[str, ...] | None = None
    software_house: str | None = None
    token: str | None = None
    certificati: tuple[Certificato, ...] | None = None
    firme: tuple[Certificato, ...] | None = None
    chiamate_al_secondo: int | None = None
    chiamate_insieme: int | None = None


@dataclass(frozen=True, slots=True)
class Ente:
    """An ente. Credentials, `export_giornaliero`, `applicazioni` and `tipi` None: not spoken of, they stay.

    `autenticazione`: the kinds of credential of which one must be shown; None: any of them is enough. `inoltro_esito`:
    outcomes are pushed to the ente's system; `chiave_ritorno`: signs the parameters of the payer's return (None: not
    spoken of); `url_archivio_esterno`: the ente answers itself for what it is owed, and
    when it is silent `ripiego_archivio` says what the node is told; `servizi_avviso`: who may ask for new notices.
    `amministratore`: the one ente whose credentials open the positions of all the others.
    On its notices: `codice_cbill`, `autorizzazione_stampa` (Poste's, without which there is no postal slip), `logo` (a
    PNG in greys), `contatti`, `beneficiario` where it is to be called otherwise than `nome`.
    `flusso_bytes_max`: of a flow that is uploaded; None: the installation's own limit. `pubblica_posizioni`: its open
    notices are kept at the platform too (ACA).
    """

    cod_ipa_ente: str
    codice_fiscale: str
    nome: str
    stazione: str
    codice_segregazione: str
    iban: str
    stato: StatoEnte = StatoEnte.INSERITO
    url_esito: str | None = None
    livelli_base64_pagati: int = 2
    quota_secondaria: str = "originale"
    esito_carrello: str = "descrizione"
    import_ripetuto: str = "rifiutato"
    amministratore: bool = False
    autenticazione: tuple[str, ...] | None = None
    inoltro_esito: bool = False
    chiave_ritorno: str | None = field(default=None, repr=False)
    url_archivio_esterno: str | None = None
    ripiego_archivio: str = "errore"
    beneficiario: str | None = None
    codice_cbill: str | None = None
    autorizzazione_stampa: str | None = None
    contatti: Contatti | None = None
    logo: bytes | None = field(default=None, repr=False)
    password: str | None = None
    token: str | None = None
    certificati: tuple[Certificato, ...] | None = None
    firme: tuple[Certificato, ...] | None = None
    password_mypivot: str | None = None
    flusso_bytes_max: int | None = None
    export_giornaliero: ExportGiornaliero | None = None
    pubblica_posizioni: bool = False
    codice_convenzione: str | None = None
    servizi_avviso: tuple[ServizioAvviso, ...] | None = None
    applicazioni: tuple[Applicazione, ...] | None = None
    tipi: tuple[Tipo, ...] | None = None


@dataclass(frozen=True, slots=True)
class Configurazione:
    stazioni: tuple[Stazione, ...] = ()
    enti: tuple[Ente, ...] = ()


@dataclass(frozen=True, slots=True)
class Differenza:
    """One thing that `apply` would do. `azione`: aggiunge, modifica, revoca, disattiva, lascia."""

    azione: str
    oggetto: str
    campo: str = ""
    prima: str = ""
    dopo: str = ""

    @property
    def is_change(self) -> bool:
        return self.azione != "lascia"

    def __str__(self) -> str:
        text = f"{self.azione} {self.oggetto}"
        if self.campo:
            text += f": {self.campo} {self.prima or '(vuoto)'} -> {self.dopo or '(vuoto)'}"
        return text


def insecure_addresses(configurazione: Configurazione) -> list[tuple[str, str]]:
    """The addresses that only a workbench may call, each with its place in the file."""
    sentence = "fuori dalla prova serve https://"
    found = []
    for i, ente in enumerate(configurazione.enti):
        if ente.url_archivio_esterno and not ente.url_archivio_esterno.startswith("https://"):
            found.append((f"enti[{i}].url_archivio_esterno", sentence))
        for j, tipo in enumerate(ente.tipi or ()):
            if tipo.endpoint_esito and not tipo.endpoint_esito.url.startswith("https://"):
                found.append((f"enti[{i}].tipi[{j}].endpoint_esito.url", sentence))
    return found
