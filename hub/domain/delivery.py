"""What came of handing a message to the outside: four outcomes, never folded into two.

Source: node, fault classes (2.0.4) and state of an RPT (annex A).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Mapping


class Outcome(StrEnum):
    DELIVERED = "DELIVERED"
    REFUSED = "REFUSED"
    TRY_AGAIN = "TRY_AGAIN"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Delivery:
    """The outside's behaviour as a value.

    `code`: the fault code, HTTP status or exception name; empty when accepted. `response`: named texts (`url`).
    `retry_after_s`: what the other side asked for, when it did.
    """

    outcome: Outcome
    code: str = ""
    detail: str = ""
    response: Mapping[str, str] = field(default_factory=dict)
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Stazione:
    """A station of the intermediary, with its password in clear: lives only while a message is being sent.

    `primitiva_rpt`: nodoInviaCarrelloRPT or nodoInviaRPT. `rileva_duplicati`: the node refuses a second RPT with the
    same key, so the same bytes may be sent again.
    """

    id: str
    intermediario: str
    password: str
    primitiva_rpt: str = "nodoInviaCarrelloRPT"
    rileva_duplicati: bool = True


@dataclass(frozen=True, slots=True)
class ChiaveRpt:
    """How the node knows an attempt."""

    dominio: str
    iuv: str
    ccp: str
