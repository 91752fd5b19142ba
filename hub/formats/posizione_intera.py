"""A debt position with several transfers, or a stamp, as the platform's archive of positions takes it, both ways.

Source: node, ACA and debt positions (2.13); OpenAPI of the positions, PaymentPositionModel.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from hub.domain.documenti import MarcaBollo
from hub.domain.posizione import TRASFERIMENTI_MAX, Trasferimento
from hub.domain.posizione_aca import PosizioneAca, iupd_of
from hub.formats.carrello_checkout import shorten

_TESTO_MAX, _HASH_MAX = 140, 72
_IUPD = re.compile(r"ACA_([0-9]{11})_([A-Z0-9]{1,35})")
_CONTO = re.compile(r"[A-Za-z0-9]{1,35}")


def problem_of(posizione: PosizioneAca) -> str | None:
    """The first limit of the contract that the position breaks, as an Italian sentence; None when it may leave."""
    lines = posizione.trasferimenti
    if not 1 <= len(lines) <= TRASFERIMENTI_MAX:
        return f"le voci sono {len(lines)}: la piattaforma ne ammette da 1 a {TRASFERIMENTI_MAX}"
    if any(one.importo_cent < 1 for one in lines):
        return "una voce non ha importo"
    for one in lines:
        if (one.iban is None) == (one.marca is None):
            return f"voce {one.numero}: serve un conto oppure una marca da bollo"
        if one.iban is not None and not _CONTO.fullmatch(one.iban):
            return f"voce {one.numero}: il conto non è di lettere e cifre, al massimo 35"
        if one.marca is not None and not _is_stamp(one.marca):
            return f"voce {one.numero}: i dati della marca da bollo non rispettano il contratto"
    return None


def _is_stamp(marca: MarcaBollo) -> bool:
    is_hash = 1 <= len(marca.hash_documento) <= _HASH_MAX
    return is_hash and len(marca.tipo_bollo) == 2 and re.fullmatch(r"[A-Z]{2}", marca.provincia_residenza) is not None


def render_posizione_intera(posizione: PosizioneAca) -> bytes:
    """Return the body, the same bytes for the same position; `problem_of` has nothing against it."""
    option: dict[str, Any] = {
        "nav": posizione.numero_avviso,
        "iuv": posizione.iuv,
        "amount": posizione.importo_cent,
        "description": shorten(posizione.causale, _TESTO_MAX),
        "isPartialPayment": False,
        "dueDate": posizione.scade_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "transfer": [_transfer(one) for one in posizione.trasferimenti],
    }
    words = {
        "iupd": iupd_of(posizione.dominio, posizione.iuv),
        "type": posizione.debitore_tipo,
        "fiscalCode": posizione.debitore_codice,
        "fullName": shorten(posizione.debitore_nome, 255),
        "companyName": shorten(posizione.nome_ente, _TESTO_MAX),
        "switchToExpired": posizione.is_perentoria,
        "payStandIn": True,
        "paymentOption": [option],
    }
    return json.dumps(words, ensure_ascii=False, separators=(",", ":")).encode()


def _transfer(one: Trasferimento) -> dict[str, Any]:
    words: dict[str, Any] = {
        "idTransfer": str(one.numero),
        "amount": one.importo_cent,
        "organizationFiscalCode": one.beneficiario,
        "companyName": shorten(one.nome, _TESTO_MAX),
        "remittanceInformation": shorten(one.causale, _TESTO_MAX),
        "category": one.tassonomia,
    }
    if one.marca is not None:
        stamp = one.marca
        return words | {
            "stamp": {
                "hashDocument": stamp.hash_documento,
                "stampType": stamp.tipo_bollo,
                "provincialResidence": stamp.provincia_residenza,
            }
        }
    return words | {"iban": one.iban} | ({"postalIban": one.iban_postale} if one.iban_postale else {})


def read_posizione_intera(data: bytes) -> PosizioneAca | None:
    """Read such a body as the platform does; None when it is none, or breaks the contract."""
    try:
        words = json.loads(data)
        found = _IUPD.fullmatch(words["iupd"])
        (option,) = words["paymentOption"]
        if found is None:
            return None
        posizione = PosizioneAca(
            dominio=found[1],
            iuv=option["iuv"],
            numero_avviso=option["nav"],
            debitore_tipo=words["type"],
            debitore_codice=words["fiscalCode"],
            debitore_nome=words["fullName"],
            importo_cent=int(option["amount"]),
            causale=option["description"],
            scade_at=datetime.fromisoformat(option["dueDate"]),
            is_perentoria=bool(words["switchToExpired"]),
            nome_ente=words["companyName"],
            trasferimenti=tuple(_read_transfer(one) for one in option["transfer"]),
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    is_summed = posizione.importo_cent == sum(one.importo_cent for one in posizione.trasferimenti)
    return posizione if is_summed and problem_of(posizione) is None else None


def _read_transfer(words: dict[str, Any]) -> Trasferimento:
    stamp = words.get("stamp")
    return Trasferimento(
        numero=int(words["idTransfer"]),
        importo_cent=int(words["amount"]),
        beneficiario=words["organizationFiscalCode"],
        nome=words["companyName"],
        causale=words["remittanceInformation"],
        tassonomia=words["category"],
        iban=words.get("iban"),
        iban_postale=words.get("postalIban"),
        marca=None if stamp is None else MarcaBollo(
            stamp["stampType"], stamp["hashDocument"], stamp["provincialResidence"]
        ),
    )  # fmt: skip
