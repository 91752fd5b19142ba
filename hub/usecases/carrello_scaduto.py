"""A cart of notices that was given up, and is paid after all: the receipt wins, and the session says what was paid.

Source: node, Checkout carts (2.11), "the return pages prove nothing"; 2.0.5, "the RT wins"; pa-per-ente, effect of a
receipt (5.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from hub.domain.ricevuta import Ricevuta
from hub.domain.stati import StatoDovuto
from hub.store import carrelli, dovuti, tentativi
from hub.store.database import Session


def find_scaduto(session: Session, versions: Sequence[Row[Any]], ricevuta: Ricevuta) -> Row[Any] | None:
    """The cart of a session that this receipt pays though it was given up; None when there is none.

    `versions`: what the notice of the receipt is now. Its dovuti wait to be paid again just as they were in the cart:
    of what was changed or cancelled since, or is in payment in another cart, that one counts. An IUV drawn for one
    attempt is of its cart, whatever has become of the dovuto. Of several carts the one that the receipt names, else
    the last.
    """
    first = versions[0]
    found = [
        carrello
        for carrello in carrelli.given_up(session, first.ente_id, first.dominio, ricevuta.testata.iuv)
        if _is_as_it_was(session, carrello, versions)
    ]
    named = [each for each in found if ricevuta.nota and _name_of(session, each) == ricevuta.nota]
    return next(iter(named or found), None)


def _is_as_it_was(session: Session, carrello: Row[Any], versions: Sequence[Row[Any]]) -> bool:
    rows = carrelli.dovuti_of(session, carrello.id)
    if not rows or any(row.stato != StatoDovuto.SCADUTO for row in rows):
        return False
    if all(row.iuv_volatile for row in rows):
        return True
    waiting = {row.iud: row for row in versions if row.attuale and row.stato == StatoDovuto.INSERIMENTO_DOVUTO}
    return len(waiting) == len(versions) == len(rows) and all(
        row.iud in waiting and dovuti.is_copy(row, waiting[row.iud]) for row in rows
    )


def _name_of(session: Session, carrello: Row[Any]) -> str | None:
    """What the platform calls the cart."""
    tentativo = tentativi.last_of(session, carrello.id)
    return None if tentativo is None else tentativo.id_carrello_nodo
