"""The external archive of an ente: what the hub asks it about what is owed, and what it answers.

Source: pa-per-ente, ente as archive (4.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from hub.domain.delivery import Outcome
from hub.domain.documenti import Soggetto


@dataclass(frozen=True, slots=True)
class ChiaveArchivio:
    """Of what the archive is asked: station, dominio, IUV; `ccp`: context of the payment, of the old model only."""

    intermediario: str
    stazione: str
    dominio: str
    iuv: str
    ccp: str = "n/a"


@dataclass(frozen=True, slots=True)
class PagamentoPsp:
    """What the PSP says when it activates a payment in the old model."""

    psp: str
    importo_cent: int
    intermediario: str | None = None
    canale: str | None = None
    iban_appoggio: str | None = None
    bic_appoggio: str | None = None
    iban_addebito: str | None = None
    bic_addebito: str | None = None
    versante: Soggetto | None = None
    pagatore: Soggetto | None = None


@dataclass(frozen=True, slots=True)
class PosizioneEsterna:
    """What the archive says is owed; texts that its operation does not carry are empty, the rest None.

    `dettaglio` and `tutti_ccp` (new model): the original platform drops them. `dovuto`: the document of an activation.
    """

    importo_cent: int
    causale: str
    iban: str | None = None
    bic: str | None = None
    credenziali_pagatore: str | None = None
    scadenza: date | None = None
    codice_fiscale: str = ""
    nome_ente: str = ""
    ufficio: str = ""
    dettaglio: str = ""
    tutti_ccp: bool | None = None
    dovuto: bytes | None = None


@dataclass(frozen=True, slots=True)
class RispostaArchivio:
    """The archive's behaviour as a value.

    `outcome`: DELIVERED with `posizione`; REFUSED, a fault or KO (`code`); TRY_AGAIN, the question never arrived;
    UNKNOWN, no answer that can be read. Nothing is repeated: who asked tells the node at once.
    """

    outcome: Outcome
    code: str = ""
    detail: str = ""
    posizione: PosizioneEsterna | None = None
