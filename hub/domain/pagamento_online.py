"""A payment that starts on line, as no transport says it; and what a search for its outcome may find.

The RPT is the one inner model: amounts, accounts and causali of one ente, in the order of its lines. Who sends
something else (a cart of notices) makes it out of the RPTs. Source: node, 2.2, 2.11, 4.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hub.domain.delivery import Azione, ChiaveRpt, Delivery
from hub.domain.documenti import Rpt


@dataclass(frozen=True, slots=True)
class RptPronta:
    """An RPT and its bytes, kept with the attempt whatever is sent."""

    rpt: Rpt
    raw: bytes

    @property
    def chiave(self) -> ChiaveRpt:
        return ChiaveRpt(self.rpt.dominio, self.rpt.iuv, self.rpt.ccp)


@dataclass(frozen=True, slots=True)
class PagamentoOnline:
    """What one message to the node starts: up to five RPTs of one station, paid together.

    `primitiva_rpt`: of the station, where RPTs are sent. `is_multibeneficiario`: the second RPT is the share of a
    second beneficiary of the first. `email`: of the payer, when he gave one. `codice_convenzione`: the agreement under
    which all of it is paid.
    """

    id_session: str
    stazione: str
    intermediario: str
    primitiva_rpt: str
    id_carrello: str
    parti: tuple[RptPronta, ...]
    is_multibeneficiario: bool = False
    email: str | None = None
    codice_convenzione: str | None = None


@dataclass(frozen=True, slots=True)
class TentativoCercato:
    """An attempt whose outcome is looked for. `creato_at`: when it was written, before anything was sent."""

    chiave: ChiaveRpt
    creato_at: datetime
    id_session: str = ""


@dataclass(frozen=True, slots=True)
class Trovato:
    """What one way of finding out has said.

    `delivery`, of the attempt: DELIVERED, the node has it; REFUSED, it failed there for sure; TRY_AGAIN, never seen;
    UNKNOWN, nothing certain. `azione`: what its state asks of us, when a state was told. `documento`: a receipt, as
    it came, of this `genere` (RT, or a name that a recorder in `app.py` knows). `is_gone`: this way is no more.
    """

    delivery: Delivery
    azione: Azione | None = None
    documento: bytes | None = None
    genere: str = "RT"
    is_gone: bool = False
