"""A row of an import flow, read: one dovuto and what to do with it. Source: flows, 2.2 and 2.6."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from hub.domain.documenti import QuotaSecondaria, Soggetto


class DovutoImportato(NamedTuple):
    """The columns of the largest tracciato in their order; what a version does not have is absent.

    Absent texts are empty, absent amounts and days None. A tuple and not a dataclass: one is made for each row of
    flows of a million, and a frozen dataclass of 36 fields costs more than reading them.
    """

    riga: int
    iud: str
    iuv: str
    pagatore_tipo: str
    pagatore_codice: str
    anagrafica: str
    indirizzo: str
    civico: str
    cap: str
    localita: str
    provincia: str
    nazione: str
    mail: str
    scadenza: date | None
    importo_cent: int
    commissione_cent: int | None
    tipo: str
    tipo_versamento: str
    causale: str
    dati_specifici: str
    bilancio: str
    genera_iuv: bool
    multi_beneficiario: bool
    secondario_codice: str
    secondario_denominazione: str
    secondario_iban: str
    secondario_indirizzo: str
    secondario_civico: str
    secondario_cap: str
    secondario_localita: str
    secondario_provincia: str
    secondario_nazione: str
    secondario_dati_specifici: str
    secondario_causale: str
    secondario_importo_cent: int | None
    azione: str

    @property
    def pagatore(self) -> Soggetto:
        return Soggetto(
            self.pagatore_tipo, self.pagatore_codice, self.anagrafica, self.indirizzo or None, self.civico or None,
            self.cap or None, self.localita or None, self.provincia or None, self.nazione or None, self.mail or None,
        )  # fmt: skip

    @property
    def secondario(self) -> QuotaSecondaria | None:
        """The share of the second beneficiary, which is added to `importo_cent`. Source: flows, 7.1."""
        if not self.multi_beneficiario:
            return None
        return QuotaSecondaria(
            codice_fiscale=self.secondario_codice,
            denominazione=self.secondario_denominazione,
            iban=self.secondario_iban,
            importo_cent=self.secondario_importo_cent or 0,
            dati_specifici=self.secondario_dati_specifici,
            indirizzo=self.secondario_indirizzo or None,
            civico=self.secondario_civico or None,
            cap=self.secondario_cap or None,
            localita=self.secondario_localita or None,
            provincia=self.secondario_provincia or None,
            nazione=self.secondario_nazione or None,
            causale=self.secondario_causale or None,
        )

    @property
    def totale_cent(self) -> int:
        """What the payer pays."""
        return self.importo_cent + (self.secondario_importo_cent or 0)
