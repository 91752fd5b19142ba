"""Receipts of the new model as the hub says them, and what is told of a receipt beside its state.

Amounts are integer cents. Source: node, paSendRT (3.4), paSendRTV2 (3.5), processing (3.5.1).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from hub.domain.documenti import Soggetto

KEY_MAX = 35


class Primitiva(StrEnum):
    """How a receipt came."""

    INVIA_RT = "paaInviaRT"
    SEND_RT = "paSendRT"
    SEND_RT_V2 = "paSendRTV2"
    BIZ_EVENTS = "bizEvents"


class Segnalazione(StrEnum):
    """What an operator should look at in a receipt that had its effect all the same."""

    STAND_IN = "STAND_IN"
    ALTRA_STAZIONE = "ALTRA_STAZIONE"
    IMPORTO_DIVERSO = "IMPORTO_DIVERSO"
    TRASFERIMENTI_DIVERSI = "TRASFERIMENTI_DIVERSI"
    POSIZIONE_ANNULLATA = "POSIZIONE_ANNULLATA"
    POSIZIONE_SCADUTA = "POSIZIONE_SCADUTA"
    PAGAMENTO_IN_CORSO = "PAGAMENTO_IN_CORSO"
    MARCA_DIVERSA = "MARCA_DIVERSA"


@dataclass(frozen=True, slots=True)
class Testata:
    """Who sends a receipt to whom, and its keys; a text that is missing is empty. `dominio`: whose notice it is."""

    id_pa: str
    intermediario: str
    stazione: str
    receipt_id: str
    numero_avviso: str
    iuv: str
    dominio: str

    @property
    def token(self) -> str:
        """The receipt's id as a key and as IUR, which have 35 characters: no contract bounds it, the node's have 32."""
        if len(self.receipt_id) <= KEY_MAX:
            return self.receipt_id
        return hashlib.sha256(self.receipt_id.encode()).hexdigest()[:KEY_MAX]


@dataclass(frozen=True, slots=True)
class Trasferimento:
    """What one body gets. `iban` None: a digital stamp, whose bytes are `marca`, untouched."""

    indice: int
    importo_cent: int
    codice_fiscale: str
    iban: str | None
    marca: bytes | None
    causale: str
    categoria: str
    denominazione: str | None = None


@dataclass(frozen=True, slots=True)
class Ricevuta:
    """A receipt of paSendRT or paSendRTV2.

    `esito` is the code as written. `pagato_at`: an aware instant, None when the receipt does not say. `ignoti`: paths
    of elements and codes that no contract of ours knows.
    """

    testata: Testata
    esito: str
    importo_cent: int
    descrizione: str
    ente_nome: str
    debitore: Soggetto
    trasferimenti: tuple[Trasferimento, ...]
    psp: str
    psp_nome: str
    canale: str
    versante: Soggetto | None = None
    nota: str | None = None
    commissione_cent: int | None = None
    commissione_ente_cent: int | None = None
    pagato_at: datetime | None = None
    data_applicazione: date | None = None
    is_stand_in: bool = False
    ignoti: tuple[str, ...] = ()

    def propri(self, codice_fiscale: str) -> tuple[Trasferimento, ...]:
        """The transfers of one body, in order."""
        return tuple(
            trasferimento for trasferimento in self.trasferimenti if trasferimento.codice_fiscale == codice_fiscale
        )

    def is_same_payment(self, other: Ricevuta) -> bool:
        """Whether two receipts tell one payment: the versions of the message differ, the money may not."""
        return self._payment() == other._payment()

    def _payment(self) -> tuple[object, ...]:
        moved = tuple((one.indice, one.importo_cent, one.codice_fiscale) for one in self.trasferimenti)
        return (self.testata.receipt_id, self.testata.iuv, self.testata.dominio, self.esito, self.importo_cent, moved)
