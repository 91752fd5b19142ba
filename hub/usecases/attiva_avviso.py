"""paGetPayment and V2: the position as it is now; nothing is locked, what was answered is remembered.

Source: node, 3.2 and 3.3, locking (3.0.5), validation order, step 11 (3.0.4).
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime

from hub.domain.documenti import MarcaBollo
from hub.domain.errors_nodo import NonRappresentabile
from hub.domain.posizione import Posizione
from hub.formats import iban
from hub.formats.importi import IMPORTO_MAX_CENT
from hub.store import attivazioni
from hub.store.database import Database

_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_TWO_CAPITALS = re.compile(r"[A-Z]{2}")


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

    Raises: NonRappresentabile (a stamp in V1, an account or an amount that the node would reject).
    """
    if attivazione.is_postale:
        posizione = posizione.alla_posta()
    _check(posizione, attivazione)
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


def _is_stamp(marca: MarcaBollo) -> bool:
    impronta = marca.hash_documento
    is_hash = _BASE64.fullmatch(impronta) is not None and 4 <= len(impronta) <= 72 and len(impronta) % 4 == 0
    return is_hash and marca.tipo_bollo == "01" and _TWO_CAPITALS.fullmatch(marca.provincia_residenza) is not None


def _check(posizione: Posizione, attivazione: Attivazione) -> None:
    reason = None
    if posizione.has_marche and not attivazione.has_marche:
        reason = f"{attivazione.primitiva} non porta marche da bollo: serve paGetPaymentV2"
    elif any(one.iban is not None and not iban.is_valid(one.iban) for one in posizione.trasferimenti):
        reason = "un conto di accredito non è un IBAN"
    elif any(one.marca is not None and not _is_stamp(one.marca) for one in posizione.trasferimenti):
        reason = "i dati di una marca da bollo non rispettano il contratto"
    elif posizione.importo_cent > IMPORTO_MAX_CENT:
        reason = "l'importo totale supera 999999999.99"
    if reason is not None:
        raise NonRappresentabile("l'avviso non si può pagare con questa operazione", reason, id=posizione.dominio)
