"""The documents of a payment as the hub says them: dovuti, RPT, RT.

Amounts are integer cents, civil days `date`, texts as in the specification. Source: PagInf_Dovuti_Pagati 6.2.0
(Dovuti, Pagati), PagInf_RPT_RT 6.2.0 (RPT, RT).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

# The one tipo of every ente that is a digital stamp.
TIPO_MARCA = "MARCA_BOLLO_DIGITALE"


@dataclass(frozen=True, slots=True)
class Soggetto:
    """A payer. `tipo` is F (natural) or G (legal person)."""

    tipo: str
    codice: str
    anagrafica: str
    indirizzo: str | None = None
    civico: str | None = None
    cap: str | None = None
    localita: str | None = None
    provincia: str | None = None
    nazione: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Organizzazione:
    """The beneficiary ente or the attesting institute. `tipo` is G, A (ABI) or B (BIC)."""

    tipo: str
    codice: str
    denominazione: str
    codice_unita: str | None = None
    denominazione_unita: str | None = None
    indirizzo: str | None = None
    civico: str | None = None
    cap: str | None = None
    localita: str | None = None
    provincia: str | None = None
    nazione: str | None = None


@dataclass(frozen=True, slots=True)
class MarcaBollo:
    tipo_bollo: str
    hash_documento: str
    provincia_residenza: str


@dataclass(frozen=True, slots=True)
class SingoloDovuto:
    """One payable item as the management software hands it over. `bilancio_xml` has no namespaces."""

    iud: str
    importo_cent: int
    tipo: str
    causale: str
    dati_specifici: str
    commissione_cent: int | None = None
    marca: MarcaBollo | None = None
    bilancio_xml: str | None = None
    bilancio_cent: int | None = None


@dataclass(frozen=True, slots=True)
class DocumentoDovuti:
    """The inner document `Dovuti`. `iuv` is there only when the caller supplied one (which is refused later)."""

    versione: str
    pagatore: Soggetto
    tipo_versamento: str
    dovuti: tuple[SingoloDovuto, ...]
    iuv: str | None = None

    @property
    def importo_cent(self) -> int:
        return sum(dovuto.importo_cent for dovuto in self.dovuti)


@dataclass(frozen=True, slots=True)
class DocumentoVersamento:
    """The inner document `Versamento`: one stored dovuto and what to do with it.

    `azione` is the letter as written; what the schema lets be absent and the rules do not is None (payer) or empty.
    `scadenza` is a civil day of Europe/Rome.
    """

    versione: str
    azione: str
    pagatore: Soggetto | None
    iud: str
    iuv: str | None
    importo_cent: int
    tipo: str
    causale: str
    dati_specifici: str
    tipo_versamento: str = ""
    scadenza: date | None = None
    commissione_cent: int | None = None
    bilancio_xml: str | None = None
    bilancio_cent: int | None = None


@dataclass(frozen=True, slots=True)
class QuotaSecondaria:
    """The share of a dovuto that belongs to a second beneficiary. `causale` None: that of the dovuto."""

    codice_fiscale: str
    denominazione: str
    iban: str
    importo_cent: int
    dati_specifici: str
    indirizzo: str | None = None
    civico: str | None = None
    cap: str | None = None
    localita: str | None = None
    provincia: str | None = None
    nazione: str | None = None
    causale: str | None = None


@dataclass(frozen=True, slots=True)
class SingoloRpt:
    importo_cent: int
    causale: str
    dati_specifici: str
    iban_accredito: str | None = None
    iban_appoggio: str | None = None
    marca: MarcaBollo | None = None


@dataclass(frozen=True, slots=True)
class Rpt:
    """A payment request of one ente. `creata_at` is an aware instant; it is written as Europe/Rome local time."""

    dominio: str
    stazione: str
    id_messaggio: str
    creata_at: datetime
    pagatore: Soggetto
    ente: Organizzazione
    data_esecuzione: date
    tipo_versamento: str
    iuv: str
    ccp: str
    versamenti: tuple[SingoloRpt, ...]
    autenticazione: str = "N/A"
    versante: Soggetto | None = None  # who pays on behalf of the debtor

    @property
    def importo_cent(self) -> int:
        return sum(versamento.importo_cent for versamento in self.versamenti)


@dataclass(frozen=True, slots=True)
class SingoloRt:
    importo_cent: int
    esito: str | None
    data_esito: date
    iur: str
    causale: str
    dati_specifici: str
    commissioni_psp_cent: int | None = None
    allegato_tipo: str | None = None
    allegato: bytes | None = None
    commissioni_pa_cent: int | None = None


@dataclass(frozen=True, slots=True)
class Rt:
    """A receipt of the classic model. `messaggio_at` is naive local time when the document has no offset.

    `codice_esito`: 0 paid, 1 not paid, 2 partly, 3 term expired, 4 partly expired.
    """

    versione: str
    dominio: str
    stazione: str | None
    id_messaggio: str
    messaggio_at: str
    riferimento_messaggio: str
    riferimento_data: date
    attestante: Organizzazione
    ente: Organizzazione
    pagatore: Soggetto
    codice_esito: int
    importo_cent: int
    iuv: str
    ccp: str
    pagamenti: tuple[SingoloRt, ...] = field(default=())
    versante: Soggetto | None = None  # who pays on behalf of the debtor
