"""An expired position as an export tells it: a dovuto that nobody paid before its due date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from hub.domain.documenti import Soggetto


@dataclass(frozen=True, slots=True)
class Scaduto:
    """`is_iuv_drawn`: the hub gave it its IUV."""

    iud: str
    iuv: str | None
    created_at: datetime
    pagatore: Soggetto
    scadenza: date
    importo_cent: int
    commissione_cent: int | None
    tipo: str
    tipo_versamento: str
    causale: str
    dati_specifici: str
    bilancio_xml: str | None
    is_iuv_drawn: bool
