"""A receipt of BizEvents: the same content as that of paSendRTV2, in JSON, read as leniently.

Amounts are JSON numbers, read as decimals. Source: node, BizEvents receipts (2.14); OpenAPI of bizevents, 0.1.89.
"""

from __future__ import annotations

import base64
import binascii
import json
from decimal import Decimal, InvalidOperation
from typing import Any

from hub.domain.documenti import Soggetto
from hub.domain.errors_nodo import RicevutaNonLeggibile
from hub.domain.ricevuta import Ricevuta, Testata, Trasferimento
from hub.formats.istanti import giorno_o_niente, istante_o_niente

# A receipt of five transfers with five stamps is under 60 kB.
BYTES_MAX = 1024 * 1024
_TRANSFERS_MAX = 100
_CENT_MAX = 99_999_999_999_99


def read_ricevuta_rest(data: bytes, id_pa: str, intermediario: str, stazione: str) -> Ricevuta:
    """Return the receipt that was asked for `id_pa`.

    Needed: receiptId, creditorReferenceId, fiscalCode and an amount. Raises: RicevutaNonLeggibile, which names the key.
    """
    words = _object(data)
    testata = Testata(
        id_pa=id_pa,
        intermediario=intermediario,
        stazione=stazione,
        receipt_id=_text(words, "receiptId"),
        numero_avviso=_text(words, "noticeNumber"),
        iuv=_text(words, "creditorReferenceId"),
        dominio=_text(words, "fiscalCode"),
    )
    for name, value in (
        ("receiptId", testata.receipt_id), ("creditorReferenceId", testata.iuv), ("fiscalCode", testata.dominio)
    ):  # fmt: skip
        if not value:
            raise _unreadable(name, "manca o è vuoto")
    transfers = words.get("transferList")
    if not isinstance(transfers, list) or len(transfers) > _TRANSFERS_MAX:
        raise _unreadable("transferList", f"attese al massimo {_TRANSFERS_MAX} voci")
    return Ricevuta(
        testata=testata,
        esito=_text(words, "outcome"),
        importo_cent=_cent(words, "paymentAmount"),
        descrizione=_text(words, "description"),
        ente_nome=_text(words, "companyName"),
        debitore=_subject(words.get("debtor")),
        trasferimenti=tuple(_transfer(one, number) for number, one in enumerate(transfers, 1)),
        psp=_text(words, "idPSP"),
        psp_nome=_text(words, "pspCompanyName"),
        canale=_text(words, "idChannel"),
        versante=_subject(words["payer"]) if isinstance(words.get("payer"), dict) else None,
        commissione_cent=_cent_if(words, "fee"),
        commissione_ente_cent=_cent_if(words, "primaryCiIncurredFee"),
        pagato_at=istante_o_niente(_text(words, "paymentDateTimeFormatted")),
        # paymentDateTime is a day, whatever it is called.
        data_applicazione=(
            giorno_o_niente(_text(words, "applicationDate")) or giorno_o_niente(_text(words, "paymentDateTime"))
        ),
    )


def _object(data: bytes) -> dict[str, Any]:
    if len(data) > BYTES_MAX:
        raise _unreadable("documento", f"oltre {BYTES_MAX} byte")
    try:
        words = json.loads(data, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise _unreadable("documento", "JSON non ben formato") from error
    if not isinstance(words, dict):
        raise _unreadable("documento", "atteso un oggetto")
    return words


def _unreadable(name: str, reason: str) -> RicevutaNonLeggibile:
    return RicevutaNonLeggibile("ricevuta non leggibile", f"Chiave {name}: {reason}")


def _text(words: Any, name: str) -> str:
    value = words.get(name) if isinstance(words, dict) else None
    return value.strip() if isinstance(value, str) else ""


def _cent(words: Any, name: str) -> int:
    value = words.get(name) if isinstance(words, dict) else None
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise _unreadable(name, "atteso un numero")
    try:
        cents = Decimal(value) * 100
        is_whole = cents == cents.to_integral_value() and 0 <= cents <= _CENT_MAX
    except (InvalidOperation, OverflowError):
        is_whole = False
    if not is_whole:
        raise _unreadable(name, "importo non leggibile")
    return int(cents)


def _cent_if(words: Any, name: str) -> int | None:
    try:
        return _cent(words, name)
    except RicevutaNonLeggibile:
        return None  # a fee: what cannot be read of it does not stop the payment


def _transfer(words: Any, number: int) -> Trasferimento:
    indice = words.get("idTransfer") if isinstance(words, dict) else None
    return Trasferimento(
        indice=indice if isinstance(indice, int) and 0 < indice < 1000 else number,
        importo_cent=_cent(words, "transferAmount"),
        codice_fiscale=_text(words, "fiscalCodePA"),
        iban=_text(words, "iban") or None,
        marca=_attachment(_text(words, "mbdAttachment")),
        causale=_text(words, "remittanceInformation"),
        categoria=_text(words, "transferCategory"),
    )


def _subject(words: Any) -> Soggetto:
    return Soggetto(
        tipo=_text(words, "entityUniqueIdentifierType"),
        codice=_text(words, "entityUniqueIdentifierValue"),
        anagrafica=_text(words, "fullName"),
        indirizzo=_text(words, "streetName") or None,
        civico=_text(words, "civicNumber") or None,
        cap=_text(words, "postalCode") or None,
        localita=_text(words, "city") or None,
        provincia=_text(words, "stateProvinceRegion") or None,
        nazione=_text(words, "country") or None,
        email=_text(words, "email") or None,
    )


def _attachment(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True) if text else None
    except (binascii.Error, ValueError):
        return None  # the receipt counts; its bytes are kept as they came
