"""What a receipt says against what the hub had asked for: told to the operator, never a reason to refuse money.

Source: node, receipt processing (3.5.1), digital stamp (4.7).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from hub.domain.documenti import Rt
from hub.domain.ricevuta import Ricevuta, Segnalazione
from hub.domain.stati import ESITI_POSITIVI
from hub.formats.marca import read_impronta
from hub.store import tipi
from hub.store.database import Session
from hub.usecases.rt_di_ricevuta import giorno_del_pagamento

_MARCA = "la marca da bollo non è quella del documento"


def confronta(
    session: Session, dovuti: Sequence[Row[Any]], ricevuta: Ricevuta, received_at: datetime
) -> tuple[str | None, tuple[Segnalazione, ...]]:
    """Return a sentence and the flags for what differs; None and none when the receipt is as asked for."""
    found: list[tuple[Segnalazione, str]] = []
    own_cent = sum(dovuto.importo_cent for dovuto in dovuti)
    due = Counter({ricevuta.testata.dominio: own_cent})
    due.update(_shares(dovuti))
    due_cent = due.total()
    if ricevuta.importo_cent != due_cent:
        words = f"importo pagato {ricevuta.importo_cent} diverso dal dovuto {due_cent}"
        found.append((Segnalazione.IMPORTO_DIVERSO, words))
    paid: Counter[str] = Counter()
    for each in ricevuta.trasferimenti:
        paid[each.codice_fiscale] += each.importo_cent
    if paid != due:
        told = ", ".join(f"{codice} {cent}" for codice, cent in list(paid.items())[:5]) or "nessuno"
        found.append((Segnalazione.TRASFERIMENTI_DIVERSI, f"trasferimenti diversi da quelli del dovuto: {told}"))
    if _is_late(session, dovuti, ricevuta, received_at):
        found.append((Segnalazione.POSIZIONE_SCADUTA, "pagato dopo la scadenza"))
    if not _are_stamps_right(dovuti, ricevuta):
        found.append((Segnalazione.MARCA_DIVERSA, _MARCA))
    return "; ".join(words for _, words in found) or None, tuple(flag for flag, _ in found)


def confronta_rt(
    rt: Rt, carrello: Row[Any], dovuti: Sequence[Row[Any]]
) -> tuple[str | None, tuple[Segnalazione, ...]]:
    """The same of a classic receipt, against its carrello. Source: node, 3.9 step 6, outcome of an RT (4.5)."""
    found: list[tuple[Segnalazione, str]] = []
    total = sum(pagamento.importo_cent for pagamento in rt.pagamenti)
    if rt.importo_cent != total:
        words = f"importoTotalePagato {rt.importo_cent} diverso dalla somma dei singoli {total}"
        found.append((Segnalazione.IMPORTO_DIVERSO, words))
    elif rt.codice_esito == 0 and rt.importo_cent != carrello.importo_cent:
        words = f"importo pagato {rt.importo_cent} diverso dal dovuto {carrello.importo_cent}"
        found.append((Segnalazione.IMPORTO_DIVERSO, words))
    elif rt.codice_esito in {1, 3} and rt.importo_cent:
        found.append((Segnalazione.IMPORTO_DIVERSO, f"esito negativo con importo {rt.importo_cent}"))
    # A share that is the ente's own is a line of its RPT. Source: `build_rpt`.
    lines = len(dovuti) + (carrello.dominio in _shares(dovuti))
    if len(rt.pagamenti) not in ({lines} if rt.codice_esito in ESITI_POSITIVI else {0, lines}):
        words = f"{len(rt.pagamenti)} singoli pagamenti per {lines} versamenti"
        found.append((Segnalazione.TRASFERIMENTI_DIVERSI, words))
    if rt.codice_esito == 0:
        stamps = [each.allegato for each in rt.pagamenti if each.allegato_tipo == "BD"]
        came = sorted((stamp and read_impronta(stamp)) or "" for stamp in stamps)
        if came != _stamps_wanted(dovuti):
            found.append((Segnalazione.MARCA_DIVERSA, _MARCA))
    return "; ".join(words for _, words in found) or None, tuple(flag for flag, _ in found)


def _shares(dovuti: Sequence[Row[Any]]) -> dict[str, int]:
    """The cents of the second beneficiary by his code; a cart has one at most."""
    return {
        dovuto.secondario["codice_fiscale"]: dovuto.secondario["importo_cent"] for dovuto in dovuti if dovuto.secondario
    }


def _is_late(session: Session, dovuti: Sequence[Row[Any]], ricevuta: Ricevuta, received_at: datetime) -> bool:
    """Whether a due date that counts had passed on the day of the payment."""
    day = giorno_del_pagamento(ricevuta, received_at)
    for dovuto in dovuti:
        tipo = tipi.find(session, dovuto.ente_id, dovuto.tipo)
        if tipo is not None and tipo.scadenza_obbligatoria and dovuto.scadenza is not None and dovuto.scadenza < day:
            return True
    return False


def _are_stamps_right(dovuti: Sequence[Row[Any]], ricevuta: Ricevuta) -> bool:
    """Whether every stamp that was asked for has come, over the document that was declared."""
    came = sorted(read_impronta(each.marca) or "" for each in ricevuta.trasferimenti if each.marca is not None)
    return came == _stamps_wanted(dovuti)


def _stamps_wanted(dovuti: Sequence[Row[Any]]) -> list[str]:
    return sorted(dovuto.marca["hash_documento"] for dovuto in dovuti if dovuto.marca)
