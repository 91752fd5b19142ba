"""paGetPayment and V2: the position as it is now; nothing is locked, what was answered is remembered.

Source: node, 3.2 and 3.3, locking (3.0.5), validation order, step 11 (3.0.4).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from hub.domain.errors_nodo import NonRappresentabile
from hub.domain.posizione import Posizione
from hub.store import attivazioni
from hub.store.database import Database
from hub.usecases.posizione_avviso import check_accettabile


@dataclass(frozen=True, slots=True)
class Attivazione:
    """How the node asks. `has_marche`: its answer has room for stamps; `is_postale`: postal accounts are wanted."""

    primitiva: str
    stazione: str
    has_marche: bool
    is_postale: bool = False
    nota: str | None = None


def attiva_avviso(db: Database, posizione: Posizione, attivazione: Attivazione, now: datetime) -> Posizione:
    """Return the position that the node is to be told, and keep what it says.

    Raises: NonRappresentabile (a stamp in V1, something that the node would reject).
    """
    if attivazione.is_postale:
        posizione = posizione.alla_posta()
    if posizione.has_marche and not attivazione.has_marche:
        raise NonRappresentabile(
            "l'avviso non si può pagare con questa operazione",
            f"{attivazione.primitiva} non porta marche da bollo: serve paGetPaymentV2",
            id=posizione.dominio,
        )
    check_accettabile(posizione)
    trasferimenti = [
        {
            "idTransfer": one.numero,
            "importo_cent": one.importo_cent,
            "beneficiario": one.beneficiario,
            "iban": one.iban,
        }
        for one in posizione.trasferimenti
    ]
    with db.transaction() as session:
        attivazioni.note(
            session,
            now,
            dominio=posizione.dominio,
            iuv=posizione.iuv,
            impronta=hashlib.sha256(json.dumps(trasferimenti, sort_keys=True).encode()).hexdigest(),
            importo_cent=posizione.importo_cent,
            trasferimenti=trasferimenti,
            stazione_id=attivazione.stazione,
            primitiva=attivazione.primitiva,
            nota=attivazione.nota,
        )
    return posizione
