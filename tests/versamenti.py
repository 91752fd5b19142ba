"""The documents `Versamento` and `DovutiEntiSecondari` that tests arrange: give only what matters to the case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hub.domain.iuv import build_iuv
from tests.factories import CODICE_FISCALE
from tests.soap.stage import DOVUTI, bilancio, element

# Far enough ahead for any tipo that wants a due date.
SCADENZA = (datetime.now(UTC) + timedelta(days=60)).date().isoformat()


@dataclass
class Versamento:
    """A `Versamento`, every text as it is written; None leaves the element out."""

    iud: str | None
    azione: str | None = "I"
    iuv: str | None = None
    tipo: str | None = "TARI"
    importo: str = "100.00"
    commissione: str | None = None
    causale: str = "Tassa rifiuti"
    dati_specifici: str = "9/0101101IM/"
    bilancio: str | None = None
    scadenza: str | None = SCADENZA
    tipo_versamento: str | None = "ALL"
    has_pagatore: bool = True
    tipo_pagatore: str = "F"
    codice_pagatore: str = CODICE_FISCALE
    nome: str = "Mario Rossi"
    indirizzo: str | None = None
    civico: str | None = None
    cap: str | None = None
    provincia: str | None = None
    nazione: str | None = None

    @property
    def xml(self) -> bytes:
        codice = [
            ("tipoIdentificativoUnivoco", self.tipo_pagatore),
            ("codiceIdentificativoUnivoco", self.codice_pagatore),
        ]
        pagatore: list[tuple[str, Any]] = [
            ("identificativoUnivocoPagatore", codice),
            ("anagraficaPagatore", self.nome),
            ("indirizzoPagatore", self.indirizzo),
            ("civicoPagatore", self.civico),
            ("capPagatore", self.cap),
            ("provinciaPagatore", self.provincia),
            ("nazionePagatore", self.nazione),
        ]
        versamento: list[tuple[str, Any]] = [
            ("dataEsecuzionePagamento", self.scadenza),
            ("tipoVersamento", self.tipo_versamento),
            ("identificativoUnivocoVersamento", self.iuv),
            ("identificativoUnivocoDovuto", self.iud),
            ("importoSingoloVersamento", self.importo),
            ("commissioneCaricoPA", self.commissione),
            ("identificativoTipoDovuto", self.tipo),
            ("causaleVersamento", self.causale),
            ("datiSpecificiRiscossione", self.dati_specifici),
            ("bilancio", bilancio(self.bilancio)),
        ]
        inside: list[tuple[str, Any]] = [("versioneOggetto", "6.2.0")]
        if self.has_pagatore:
            inside.append(("soggettoPagatore", pagatore))
        inside += [("datiVersamento", versamento), ("azione", self.azione)]
        return element("Versamento", inside, DOVUTI).encode()


@dataclass
class EnteSecondario:
    importo: str = "5.00"
    dati_specifici: str = "9/0201102IM/"
    iban: str = "IT60X0542811101000000123456"

    @property
    def xml(self) -> bytes:
        versamento = [
            ("codiceFiscaleBeneficiario", "98765432103"),
            ("denominazioneBeneficiario", "Provincia di Prova"),
            ("ibanAccreditoBeneficiario", self.iban),
            ("datiSpecificiRiscossione", self.dati_specifici),
            ("importoSingoloVersamento", self.importo),
        ]
        inside: list[tuple[str, Any]] = [("versioneOggetto", "6.2.0"), ("datiVersamentoEntiSecondari", versamento)]
        return element("DovutiEntiSecondari", inside, DOVUTI).encode()


def own_iuv(number: int, segregazione: int = 1) -> str:
    """An IUV in the ente's own space (digits 3-4 are not 00)."""
    return build_iuv(segregazione, number, sistema=10)
