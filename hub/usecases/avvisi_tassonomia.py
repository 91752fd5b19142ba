"""The tipi whose taxonomy code has ended, is about to, or is none: what an operator must change before pagoPA refuses.

Source: flows, 7.3 (warning for codes that expire).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from hub.domain.tassonomia import Tassonomia, Vigore
from hub.store import tassonomia as store
from hub.store.database import Session


@dataclass(frozen=True, slots=True)
class AvvisoTipo:
    """How the code of an active tipo stands. `servizio`, `valido_al`: of the table, None where it has no such code."""

    cod_ipa_ente: str
    tipo: str
    tassonomia: str
    vigore: Vigore
    servizio: str | None = None
    valido_al: date | None = None

    def __str__(self) -> str:
        fine = "" if self.valido_al is None else self.valido_al.isoformat()
        words = {
            Vigore.SCADUTO: f"il codice {self.tassonomia} è scaduto il {fine}",
            Vigore.IN_SCADENZA: f"il codice {self.tassonomia} scade il {fine}",
            Vigore.NON_ANCORA_VALIDO: f"il codice {self.tassonomia} non è ancora valido",
            Vigore.SCONOSCIUTO: f"il codice {self.tassonomia} non è nella tassonomia pagoPA",
            Vigore.FUORI_TASSONOMIA: f"{self.tassonomia or 'vuoto'} non è un codice della tassonomia pagoPA",
            Vigore.VALIDO: f"il codice {self.tassonomia} è valido",
        }
        return f"ente {self.cod_ipa_ente}, tipo {self.tipo}: {words[self.vigore]}"


def active_avvisi(session: Session, tassonomia: Tassonomia, day: date, preavviso: timedelta) -> list[AvvisoTipo]:
    """Return the active tipi of all enti whose code is not plainly valid, or ends within `preavviso`."""
    rows = ((row.cod_ipa_ente, row.codice, row.tassonomia) for row in store.active_tipi(session))
    return tipi_avvisi(rows, tassonomia, day, preavviso)


def tipi_avvisi(
    rows: Iterable[tuple[str, str, str]], tassonomia: Tassonomia, day: date, preavviso: timedelta
) -> list[AvvisoTipo]:
    """As `active_avvisi`, of (codIpaEnte, tipo, code) that are not kept yet."""
    found = []
    for cod_ipa_ente, tipo, codice in rows:
        vigore = tassonomia.vigore(codice, day, preavviso)
        if vigore == Vigore.VALIDO:
            continue
        voce = tassonomia.find_start(codice)
        known = (None, None) if voce is None else (voce.servizio, voce.valido_al)
        found.append(AvvisoTipo(cod_ipa_ente, tipo, codice, vigore, *known))
    return found
