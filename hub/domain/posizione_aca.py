"""A debt position as the platform's archive of notices keeps it. Source: node, ACA and debt positions (2.13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hub.domain.posizione import Trasferimento

IMPORTO_MAX_CENT = 99_999_999_999


class StatoPosizione(StrEnum):
    """Where a position stands at the platform."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    VALID = "VALID"
    INVALID = "INVALID"
    EXPIRED = "EXPIRED"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    REPORTED = "REPORTED"


PAGATE = frozenset({StatoPosizione.PARTIALLY_PAID, StatoPosizione.PAID, StatoPosizione.REPORTED})
CHIUSE = PAGATE | {StatoPosizione.INVALID, StatoPosizione.EXPIRED}


@dataclass(frozen=True, slots=True)
class PosizioneAca:
    """What is published of a notice; `importo_cent` 0 invalidates it. `scade_at`: an aware instant.

    `is_perentoria`: after `scade_at` it may not be paid any more. `trasferimenti`: none for one amount to one account.
    """

    dominio: str
    iuv: str
    numero_avviso: str
    debitore_tipo: str
    debitore_codice: str
    debitore_nome: str
    importo_cent: int
    causale: str
    scade_at: datetime
    iban: str | None = None
    iban_postale: str | None = None
    is_perentoria: bool = False
    nome_ente: str = ""
    trasferimenti: tuple[Trasferimento, ...] = ()

    @property
    def is_chiusura(self) -> bool:
        return self.importo_cent == 0


def iupd_of(dominio: str, iuv: str) -> str:
    """Return the platform's own name of a position that was published so.

    >>> iupd_of("12345678903", "01000000000000144")
    'ACA_12345678903_01000000000000144'
    """
    return f"ACA_{dominio}_{iuv}"
