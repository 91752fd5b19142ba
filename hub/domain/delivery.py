"""What came of handing a message to the outside: four outcomes, never folded into two.

Source: node, fault classes (2.0.4) and state of an RPT (annex A).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Mapping

from hub.domain.credenziali import IdentitaTls
from hub.domain.servizi_rest import ChiaviServizio


class Outcome(StrEnum):
    DELIVERED = "DELIVERED"
    REFUSED = "REFUSED"
    TRY_AGAIN = "TRY_AGAIN"
    UNKNOWN = "UNKNOWN"


class Classe(StrEnum):
    """What a fault of the node says about the request, whatever was asked. Source: node, fault classes (2.0.4)."""

    RICHIESTA = "P"
    CONFIGURAZIONE = "C"
    CHIAVE_SPESA = "N"
    AMBIGUA = "A"
    TRANSITORIA = "T"
    GIA_PAGATA = "D"
    INTERROGAZIONE = "Q"
    VERSO_PSP = "PSP"


class Azione(StrEnum):
    """What the state of an RPT at the node asks of us. Source: node, annex A."""

    ATTENDI = "ATTENDI"
    ATTENDI_OPERATORI = "ATTENDI_OPERATORI"  # wait, and after a day let the operators know
    ATTENDI_NEGATIVA = "ATTENDI_NEGATIVA"  # a negative receipt must come
    FALLITO = "FALLITO"
    SCADUTO = "SCADUTO"
    COPIA_POI = "COPIA_POI"  # the receipt is on its way: ask for a copy an hour later
    COPIA = "COPIA"


@dataclass(frozen=True, slots=True)
class Delivery:
    """The outside's behaviour as a value.

    `code`: the fault code, HTTP status or exception name; empty when accepted. `response`: named texts (`url`).
    `retry_after_s`: what the other side asked for, when it did. `classe`: of a fault of the node, None otherwise.
    `is_answered`: the other side has judged the request; False when the answer was none, or one that nobody can read.
    `is_held`: nothing left, a circuit is open: it is no attempt.
    """

    outcome: Outcome
    code: str = ""
    detail: str = ""
    response: Mapping[str, str] = field(default_factory=dict)
    retry_after_s: float | None = None
    classe: Classe | None = None
    is_answered: bool = True
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class Stazione:
    """A station of the intermediary, with its password in clear: lives only while a message is being sent.

    `primitiva_rpt`: nodoInviaCarrelloRPT or nodoInviaRPT. `rileva_duplicati`: the node refuses a second RPT with the
    same key, so the same bytes may be sent again. `indirizzi`: its own base address by service; `attese`: its own
    seconds by kind of wait (connessione, invio, lettura), never longer than the installation's. `chiavi` and
    `versione`: of the REST service that the message is for. `identita`: the client certificate that it shows.
    """

    id: str
    intermediario: str
    password: str = field(repr=False)
    primitiva_rpt: str = "nodoInviaCarrelloRPT"
    rileva_duplicati: bool = True
    indirizzi: Mapping[str, str] = field(default_factory=dict)
    attese: Mapping[str, int] = field(default_factory=dict)
    chiavi: ChiaviServizio = ChiaviServizio(())
    versione: int = 2
    identita: IdentitaTls | None = None


@dataclass(frozen=True, slots=True)
class ChiaveRpt:
    """How the node knows an attempt."""

    dominio: str
    iuv: str
    ccp: str
