"""paGetPayment and paGetPaymentV2: what is to be paid, line by line. Source: node, 3.2 and 3.3."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from hub.domain.documenti import Soggetto
from hub.domain.posizione import METADATI_MAX, Posizione, Trasferimento
from hub.formats.importi import text_from_cent
from hub.formats.testi import clean
from hub.runtime import Runtime
from hub.soap.nodo.parole import TESTO_MAX, posizione_asked
from hub.soap.operation import Call, Operation
from hub.usecases.attiva_avviso import Attivazione, attiva_avviso

_EMAIL = re.compile(r"[a-zA-Z0-9_.+\-]+@[a-zA-Z0-9\-]+(\.[a-zA-Z0-9\-]+)*")
_TWO_CAPITALS = re.compile(r"[A-Z]{2}")
_EMAIL_MAX = 256
# Of a debtor whose tax code the contract has no room for. Source: node, 4.4 [P].
_ANONIMO = "ANONIMO"


def build(runtime: Runtime, *, is_v2: bool) -> Operation:
    def get_payment(call: Call, request: dict[str, Any]) -> dict[str, Any]:
        attivazione = Attivazione(
            primitiva=call.operation,
            stazione=request["idStation"],
            has_marche=is_v2,
            is_postale=request.get("transferType") == "POSTAL",
            nota=request.get("paymentNote"),
        )
        asked = posizione_asked(runtime, call, request)
        posizione = attiva_avviso(runtime.db, asked, attivazione, runtime.clock())
        return {"outcome": "OK", "data": _data(posizione, runtime.config.scadenza_assente, is_v2=is_v2)}

    return get_payment


def _data(posizione: Posizione, scadenza_assente: date, *, is_v2: bool) -> dict[str, Any]:
    return {
        "creditorReferenceId": posizione.iuv,
        "paymentAmount": text_from_cent(posizione.importo_cent),
        # The contract wants one even where the notice has none.
        "dueDate": posizione.scadenza or scadenza_assente,
        "description": clean(posizione.causale, TESTO_MAX),
        "companyName": clean(posizione.nome_ente, TESTO_MAX),
        "officeName": clean(posizione.ufficio, TESTO_MAX) or None,
        "debtor": debitore(posizione.debitore),
        "transferList": {"transfer": [_transfer(one, is_v2=is_v2) for one in posizione.trasferimenti]},
        "metadata": metadati(posizione.metadati),
    }


def _transfer(one: Trasferimento, *, is_v2: bool) -> dict[str, Any]:
    values: dict[str, Any] = {
        "idTransfer": one.numero,
        "transferAmount": text_from_cent(one.importo_cent),
        "fiscalCodePA": one.beneficiario,
        "remittanceInformation": clean(one.causale, TESTO_MAX),
        "transferCategory": clean(one.tassonomia, TESTO_MAX),
    }
    if is_v2:
        values["companyName"] = clean(one.nome, TESTO_MAX) or None
    if one.marca is None:
        return values | {"IBAN": one.iban}
    bollo = {
        "hashDocumento": one.marca.hash_documento,
        "tipoBollo": one.marca.tipo_bollo,
        "provinciaResidenza": one.marca.provincia_residenza,
    }
    return values | {"richiestaMarcaDaBollo": bollo}


def debitore(soggetto: Soggetto) -> dict[str, Any]:
    """Return the debtor; what the contract would refuse in an optional element is left out or cut."""
    codice = clean(soggetto.codice, 35)
    email = (soggetto.email or "").strip()
    nazione = (soggetto.nazione or "").strip().upper()
    return {
        "uniqueIdentifier": {
            "entityUniqueIdentifierType": soggetto.tipo if soggetto.tipo in ("F", "G") else "F",
            "entityUniqueIdentifierValue": codice if 2 <= len(codice) <= 16 else _ANONIMO,
        },
        "fullName": clean(soggetto.anagrafica, 70) or _ANONIMO,
        "streetName": clean(soggetto.indirizzo, 70) or None,
        "civicNumber": clean(soggetto.civico, 16) or None,
        "postalCode": clean(soggetto.cap, 16) or None,
        "city": clean(soggetto.localita, 35) or None,
        "stateProvinceRegion": clean(soggetto.provincia, 35) or None,
        "country": nazione if _TWO_CAPITALS.fullmatch(nazione) else None,
        "e-mail": email if len(email) <= _EMAIL_MAX and _EMAIL.fullmatch(email) else None,
    }


def metadati(pairs: Sequence[tuple[str, str]]) -> dict[str, Any] | None:
    """Return the metadata block; None without pairs: an empty one is a violation. Source: node, 3.2."""
    entries = [{"key": clean(key, TESTO_MAX), "value": clean(value, TESTO_MAX)} for key, value in pairs]
    whole = [entry for entry in entries if entry["key"] and entry["value"]]
    return {"mapEntry": whole[:METADATI_MAX]} if whole else None
