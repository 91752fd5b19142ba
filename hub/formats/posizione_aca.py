"""POST /paCreatePosition, both ways, and what a read of a position tells.

Source: node, ACA and debt positions (2.13); OpenAPI of paCreatePosition, 0.0.1.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hub.domain.posizione_aca import IMPORTO_MAX_CENT, PosizioneAca
from hub.formats.carrello_checkout import shorten

_TESTO_MAX = 255
_IBAN_LENGTH = 27
_SIZE_MAX_BYTES = 256 * 1024


class PosizioneNonValida(ValueError):
    """The position breaks the contract; `problems` are (path, Italian sentence), all of them."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{path}: {problem}" if path else problem for path, problem in problems))


@dataclass(frozen=True, slots=True)
class PosizioneLetta:
    """A position as the platform has it. `importo_cent` None: it does not say."""

    stato: str
    importo_cent: int | None


def render_posizione(posizione: PosizioneAca) -> bytes:
    """Return the body of paCreatePosition, the same bytes for the same position. Raises: PosizioneNonValida."""
    words: dict[str, Any] = {
        "paFiscalCode": posizione.dominio,
        "entityType": posizione.debitore_tipo,
        "entityFiscalCode": posizione.debitore_codice,
        "entityFullName": shorten(posizione.debitore_nome, _TESTO_MAX),
        "iuv": posizione.iuv,
        "nav": posizione.numero_avviso,
        "amount": posizione.importo_cent,
        "description": shorten(posizione.causale, _TESTO_MAX),
        "expirationDate": posizione.scade_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "switchToExpired": posizione.is_perentoria,
        "payStandIn": True,
    }
    # A foreign account has another length, which this contract does not know.
    for name, iban in (("iban", posizione.iban), ("postalIban", posizione.iban_postale)):
        if iban is not None and len(iban) == _IBAN_LENGTH:
            words[name] = iban
    if problems := _problems(words):
        raise PosizioneNonValida(problems)
    return json.dumps(words, ensure_ascii=False, separators=(",", ":")).encode()


def read_posizione(data: bytes) -> PosizioneAca:
    """Read the body of paCreatePosition as the platform does. Raises: PosizioneNonValida."""
    words = _object(data)
    if words is None:
        raise PosizioneNonValida([("", "atteso un oggetto JSON")])
    if problems := _problems(words):
        raise PosizioneNonValida(problems)
    return PosizioneAca(
        dominio=words["paFiscalCode"],
        iuv=words["iuv"],
        numero_avviso=words.get("nav") or "",
        debitore_tipo=words["entityType"],
        debitore_codice=words["entityFiscalCode"],
        debitore_nome=words["entityFullName"],
        importo_cent=words["amount"],
        causale=words["description"],
        scade_at=datetime.fromisoformat(words["expirationDate"]),
        iban=words.get("iban"),
        iban_postale=words.get("postalIban"),
        is_perentoria=words.get("switchToExpired", False),
    )


def read_posizione_letta(data: bytes) -> PosizioneLetta | None:
    """Return what an answer tells of a position: of paCreatePosition, or of a read; None when it tells nothing."""
    words = _object(data)
    if words is None or not isinstance(words.get("status"), str):
        return None
    amount = words.get("amount")
    options = words.get("paymentOption")
    if amount is None and isinstance(options, list) and options and isinstance(options[0], dict):
        amount = options[0].get("amount")
    is_whole = isinstance(amount, int) and not isinstance(amount, bool)
    return PosizioneLetta(words["status"], amount if is_whole else None)


def _object(data: bytes) -> dict[str, Any] | None:
    if len(data) > _SIZE_MAX_BYTES:
        return None
    try:
        words = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return words if isinstance(words, dict) else None


def _problems(words: dict[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    fiscal = words.get("paFiscalCode")
    if not (isinstance(fiscal, str) and len(fiscal) == 11):
        found.append(("paFiscalCode", "attesi 11 caratteri"))
    if words.get("entityType") not in ("F", "G"):
        found.append(("entityType", "atteso F o G"))
    for name, least, most, required in (
        ("entityFiscalCode", 2, None, True),
        ("entityFullName", 1, _TESTO_MAX, True),
        ("iuv", 1, _TESTO_MAX, True),
        ("nav", 1, _TESTO_MAX, False),
        ("description", 1, _TESTO_MAX, True),
        ("iban", _IBAN_LENGTH, _IBAN_LENGTH, False),
        ("postalIban", _IBAN_LENGTH, _IBAN_LENGTH, False),
    ):
        value = words.get(name)
        if value is None and not required:
            continue
        if not (isinstance(value, str) and least <= len(value) and (most is None or len(value) <= most)):
            found.append((name, f"atteso un testo da {least} a {most or 'più'} caratteri"))
    amount = words.get("amount")
    if isinstance(amount, bool) or not isinstance(amount, int) or not 0 <= amount <= IMPORTO_MAX_CENT:
        found.append(("amount", f"atteso un numero intero di centesimi, da 0 a {IMPORTO_MAX_CENT}"))
    if not _is_instant(words.get("expirationDate")):
        found.append(("expirationDate", "attesi giorno e ora con il fuso"))
    for name in ("switchToExpired", "payStandIn"):
        if not isinstance(words.get(name, False), bool):
            found.append((name, "atteso true o false"))
    return found


def _is_instant(value: Any) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
