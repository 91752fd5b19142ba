"""What a conformance report judges: the calls of an integrator, his flow files, what his endpoint and the hub answered.

Everything is as read: nothing here says whether it is right. Texts of people (names, codes, addresses) are not kept,
only what was found of them. Source: pa-per-ente, 1.1 to 1.6, 3.1 to 3.8, 4.2; flows, 1.3, 2.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class ErroreSchema:
    """What a schema has against a document. `is_struttura`: a missing, foreign or displaced element; else a value.

    `is_vuoto`: the element is there without a text.
    """

    elemento: str
    regola: str
    is_struttura: bool = False
    is_vuoto: bool = False


@dataclass(frozen=True, slots=True)
class Marca:
    """`datiMarcaBolloDigitale`. `is_impronta`: the hash is the base64 of 32 bytes."""

    is_impronta: bool
    provincia: str


@dataclass(frozen=True, slots=True)
class Voce:
    """One dovuto of a document. `importo` as written, `importo_cent` None when it cannot be read.

    `vigore`: how its code stands in the taxonomy. `bilancio_cent`: the sum of the accounting split, None without one.
    """

    iud: str
    importo: str
    tipo: str
    causale: str
    dati_specifici: str
    importo_cent: int | None = None
    vigore: str = "VALIDO"
    marca: Marca | None = None
    bilancio_cent: int | None = None


@dataclass(frozen=True, slots=True)
class Pagatore:
    """The payer, without saying who it is. `impronta`: the same for the same code; `is_valido`: the code checks."""

    tipo: str
    is_valido: bool = True
    is_anonimo: bool = False
    is_canonico: bool = True
    impronta: str = ""
    has_nome: bool = True
    has_email: bool = False
    is_email: bool = True
    cap: str = ""
    is_cap: bool = True
    provincia: str = ""
    is_provincia: bool = True
    nazione: str = ""
    is_nazione: bool = True
    is_indirizzo_ascii: bool | None = None


@dataclass(frozen=True, slots=True)
class Secondario:
    """The second beneficiary of a cart or of a stored dovuto."""

    is_codice: bool
    is_iban: bool
    importo_cent: int | None


@dataclass(frozen=True, slots=True)
class Documento:
    """One inner document. `livelli`: of base64, 0 when it is none. `problema`: why the XML cannot be read.

    `azione`, `scadenza`: of a `Versamento`. `problema_iuv`: what is wrong with an IUV that the ente supplies.
    """

    campo: str
    livelli: int = 1
    problema: str = ""
    has_doctype: bool = False
    is_codifica: bool = True
    is_namespace: bool = True
    radice: str = ""
    radice_attesa: str = ""
    errori: tuple[ErroreSchema, ...] = ()
    versione: str = "6.2.0"
    pagatore: Pagatore | None = None
    voci: tuple[Voce, ...] = ()
    tipo_versamento: str | None = None
    is_tipo_versamento: bool = True
    iuv: str | None = None
    problema_iuv: str = ""
    azione: str = ""
    scadenza: str | None = None
    giorno: date | None = None
    secondario: Secondario | None = None


@dataclass(frozen=True, slots=True)
class Busta:
    """The SOAP envelope. `codifica`: of the XML declaration, lower case, empty without one.

    `qualificati`: children of the operation that are in a namespace. `header_ente`: codIpaEnte of `intestazionePPT`.
    """

    codifica: str = ""
    soap: str = "http://schemas.xmlsoap.org/soap/envelope/"
    elementi_nel_body: int = 1
    namespace: str = "http://www.regione.veneto.it/pagamenti/ente/"
    qualificati: tuple[str, ...] = ()
    has_intestazione: bool = False
    is_intestazione_namespace: bool = True
    header_ente: str | None = None
    is_header_ente_qualificato: bool = False
    obblighi_estranei: tuple[str, ...] = ()
    tipi_scritti: tuple[str, ...] = ()
    errori: tuple[ErroreSchema, ...] = ()


@dataclass(frozen=True, slots=True)
class Risposta:
    """What the hub answered, as far as rules need it. `codice_esito`: of the document inside `pagati`."""

    is_soap_fault: bool = False
    id_session: str = ""
    codice_esito: str = ""
    has_pagati: bool = False
    has_rt: bool = False
    stato: str = ""
    request_token: str = ""
    date_to: str = ""
    iuv: str = ""


@dataclass(frozen=True, slots=True)
class Chiamata:
    """One recorded call. `esito`: OK or the fault's code. `intestazioni`: HTTP headers by lower-case name.

    `busta` is None when the message cannot be read: `problema` says why. `is_codifica`: whether the bytes are of the
    encoding that they declare. `campi`: the texts of the operation's children. `impronta`: the same for the same bytes.
    """

    numero: int
    istante: datetime
    operazione: str
    esito: str = "OK"
    stato_http: int = 200
    durata_us: int = 0
    intestazioni: Mapping[str, str] = field(default_factory=dict)
    problema: str = ""
    is_codifica: bool = True
    has_doctype: bool = False
    busta: Busta | None = None
    campi: Mapping[str, str] = field(default_factory=dict)
    documenti: tuple[Documento, ...] = ()
    risposta: Risposta = Risposta()
    impronta: str = ""

    def __str__(self) -> str:
        return f"chiamata {self.numero} ({self.istante:%d/%m %H:%M:%S} UTC, {self.operazione or 'illeggibile'})"

    @property
    def is_riuscita(self) -> bool:
        return self.esito == "OK" and self.stato_http < 400


@dataclass(frozen=True, slots=True)
class Scartata:
    """A row of a flow that would be rejected, for one of its reasons."""

    linea: int
    campo: str
    codice: str
    messaggio: str


@dataclass(frozen=True, slots=True)
class Flusso:
    """One file of a folder of flows. `problema_nome`: code of what is wrong with its name, empty when nothing is.

    `problema`: why it cannot be opened (code, sentence). `iud`: those it inserts. `colonne`: of header and rows.
    """

    nome: str
    size_bytes: int = 0
    problema_nome: str = ""
    cod_ipa_ente: str = ""
    iuf: str = ""
    versione: str = ""
    problema: tuple[str, str] | None = None
    is_utf8: bool = True
    has_bom: bool = False
    intestazione: tuple[str, ...] = ()
    intestazione_attesa: tuple[str, ...] = ()
    separatore: str = ";"
    righe: int = 0
    scartate: tuple[Scartata, ...] = ()
    iud: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sonda:
    """One question that was put to an endpoint, and what came back. `stato` 0: nothing did, `errore` says why."""

    nome: str
    stato: int = 0
    durata_ms: int = 0
    errore: str = ""
    intestazioni: Mapping[str, str] = field(default_factory=dict)
    fault_code: str = ""
    fault_completo: bool = True
    descrizione: str = ""
    size_bytes: int = 0
    is_json: bool = True
    note: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TipoNoto:
    """A tipo dovuto of the ente, as configured."""

    attivo: bool = True
    anonimo: bool = False
    scadenza_obbligatoria: bool = False
    importo_cent: int | None = None


@dataclass(frozen=True, slots=True)
class Prove:
    """Everything a report judges. `inoltro`: an outcome is pushed to the ente, who then need not ask.

    `callback`: address that was called, empty when none was; `indirizzo_hub` likewise.
    """

    cod_ipa_ente: str
    adesso: datetime
    tipi: Mapping[str, TipoNoto] = field(default_factory=dict)
    chiamate: tuple[Chiamata, ...] = ()
    flussi: tuple[Flusso, ...] = ()
    callback: str = ""
    has_chiave: bool = False
    sonde_callback: Mapping[str, Sonda] = field(default_factory=dict)
    indirizzo_hub: str = ""
    sonde_hub: Mapping[str, Sonda] = field(default_factory=dict)
    inoltro: bool = False
