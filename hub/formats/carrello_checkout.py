"""POST /carts, both ways, in version 1 and 2, and the problems that the platform answers with.

Both are held to the limits of the contract; an unknown key is let through, as the contract does.
Source: node, Checkout carts (2.11); OpenAPI of the carts, 1.0.0 and 2.0.0.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

from hub.domain.carrello_checkout import AVVISI_MAX, TESTO_MAX, AvvisoCarrello, CarrelloCheckout, RitorniCarrello

# Five notices are 3 kB.
SIZE_MAX_BYTES = 64 * 1024
_URL_MAX = 2048
_ID_MAX = 255
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_RITORNI = (("ok", "returnOkUrl"), ("annullato", "returnCancelUrl"), ("errore", "returnErrorUrl"))
_ATTESA = ("attesa", "returnWaitingUrl")
_POSTALI_ABI = "07601"


class CarrelloNonValido(ValueError):
    """The cart breaks the contract; `problems` are (path, Italian sentence), all of them."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{path}: {problem}" if path else problem for path, problem in problems))


def is_email(text: str) -> bool:
    """Say whether the platform would take this as a mail address.

    >>> is_email("Mario.Rossi@Example.ORG"), is_email("mario@"), is_email("a b@example.org"), is_email("x" * 300)
    (True, False, False, False)
    """
    return len(text) <= 256 and _EMAIL.fullmatch(text) is not None and "." in text.partition("@")[2]


def is_postale(iban: str) -> bool:
    """Say whether an IBAN is of a postal account.

    >>> is_postale("IT60X0542811101000000123456"), is_postale("IT30N0760101000000000123456")
    (False, True)
    """
    return iban[:2] == "IT" and iban[5:10] == _POSTALI_ABI


def shorten(text: str, length_max: int = TESTO_MAX) -> str:
    """Return a text that fits a field of the contract: on one line, no control characters, cut.

    >>> shorten("Tassa\\n rifiuti  2026"), shorten("abc", 2)
    ('Tassa rifiuti 2026', 'ab')
    """
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:length_max]


def render_carrello(carrello: CarrelloCheckout, versione: int, *, is_open: bool = False) -> bytes:
    """Return the body of POST /carts. `is_open`: addresses of return may be http, on a workbench.

    Raises: CarrelloNonValido.
    """
    fields = _RITORNI if versione == 1 else (*_RITORNI, _ATTESA)
    words: dict[str, Any] = {} if carrello.email is None else {"emailNotice": carrello.email}
    words["paymentNotices"] = [
        {
            "noticeNumber": avviso.numero_avviso,
            "fiscalCode": avviso.codice_fiscale,
            "amount": avviso.importo_cent,
            "companyName": avviso.ente_nome,
            "description": avviso.descrizione,
        }
        for avviso in carrello.avvisi
    ]
    words["returnUrls"] = {name: getattr(carrello.ritorni, attribute) for attribute, name in fields}
    if carrello.id_carrello is not None:
        words["idCart"] = carrello.id_carrello
    words["allCCP"] = carrello.solo_postali
    if problems := _problems(words, versione, is_open=is_open):
        raise CarrelloNonValido(problems)
    return json.dumps(words, ensure_ascii=False, separators=(",", ":")).encode()


def read_carrello(data: bytes, versione: int, *, is_open: bool = False) -> CarrelloCheckout:
    """Read the body of POST /carts as the platform does. Raises: CarrelloNonValido."""
    if len(data) > SIZE_MAX_BYTES:
        raise CarrelloNonValido([("", f"oltre {SIZE_MAX_BYTES} byte")])
    try:
        words = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CarrelloNonValido([("", "JSON non ben formato")]) from error
    if not isinstance(words, dict):
        raise CarrelloNonValido([("", "atteso un oggetto")])
    if problems := _problems(words, versione, is_open=is_open):
        raise CarrelloNonValido(problems)
    ritorni = words["returnUrls"]
    return CarrelloCheckout(
        avvisi=tuple(
            AvvisoCarrello(
                one["noticeNumber"], one["fiscalCode"], one["amount"], one["companyName"], one["description"]
            )
            for one in words["paymentNotices"]
        ),
        ritorni=RitorniCarrello(
            **{attribute: ritorni[name] for attribute, name in _RITORNI},
            attesa=ritorni.get(_ATTESA[1], "") if versione != 1 else "",
        ),
        id_carrello=words.get("idCart"),
        email=words.get("emailNotice"),
        solo_postali=words.get("allCCP", False),
    )


def without_attesa(data: bytes) -> bytes:
    """Return a cart of version 2, as `render_carrello` wrote it, as version 1 has it."""
    words = json.loads(data)
    words["returnUrls"].pop(_ATTESA[1], None)
    return json.dumps(words, ensure_ascii=False, separators=(",", ":")).encode()


def read_problema(data: bytes) -> str:
    """Return what a ProblemJson says, in one line; empty when it is not one."""
    try:
        words = json.loads(data[:SIZE_MAX_BYTES])
    except (ValueError, RecursionError):
        return ""
    if not isinstance(words, dict):
        return ""
    said = [words[key] for key in ("title", "detail") if isinstance(words.get(key), str)]
    return shorten(": ".join(said), 300)


def _problems(words: dict[str, Any], versione: int, *, is_open: bool) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    email = words.get("emailNotice")
    if email is not None and not (isinstance(email, str) and is_email(email)):
        found.append(("emailNotice", "non è un indirizzo di posta"))
    found += _avvisi_problems(words.get("paymentNotices"))
    ritorni = words.get("returnUrls")
    if not isinstance(ritorni, dict):
        found.append(("returnUrls", "manca"))
    else:
        for _, name in _RITORNI if versione == 1 else (*_RITORNI, _ATTESA):
            if not _is_address(ritorni.get(name), is_open=is_open):
                found.append((f"returnUrls.{name}", "atteso un indirizzo https:// assoluto"))
    id_carrello = words.get("idCart")
    if id_carrello is not None and not (isinstance(id_carrello, str) and 0 < len(id_carrello) <= _ID_MAX):
        found.append(("idCart", f"atteso un testo da 1 a {_ID_MAX} caratteri"))
    if not isinstance(words.get("allCCP", False), bool):
        found.append(("allCCP", "atteso true o false"))
    return found


def _avvisi_problems(avvisi: Any) -> list[tuple[str, str]]:
    if not isinstance(avvisi, list) or not 1 <= len(avvisi) <= AVVISI_MAX:
        return [("paymentNotices", f"attesi da 1 a {AVVISI_MAX} avvisi")]
    found: list[tuple[str, str]] = []
    seen: set[tuple[Any, Any]] = set()
    for index, avviso in enumerate(avvisi):
        path = f"paymentNotices[{index}]"
        if not isinstance(avviso, dict):
            found.append((path, "atteso un oggetto"))
            continue
        for name, length in (("noticeNumber", 18), ("fiscalCode", 11)):
            value = avviso.get(name)
            if not (isinstance(value, str) and len(value) == length and value.isascii() and value.isdigit()):
                found.append((f"{path}.{name}", f"attese {length} cifre"))
        amount = avviso.get("amount")
        if isinstance(amount, bool) or not isinstance(amount, int) or amount < 1:
            found.append((f"{path}.amount", "atteso un numero intero di centesimi, almeno 1"))
        for name in ("companyName", "description"):
            value = avviso.get(name)
            if not (isinstance(value, str) and 0 < len(value) <= TESTO_MAX):
                found.append((f"{path}.{name}", f"atteso un testo da 1 a {TESTO_MAX} caratteri"))
        key = (str(avviso.get("noticeNumber")), str(avviso.get("fiscalCode")))
        if key in seen:
            found.append((path, "avviso ripetuto nel carrello"))
        seen.add(key)
    return found


def _is_address(value: Any, *, is_open: bool) -> bool:
    if not isinstance(value, str) or len(value) > _URL_MAX or any(char <= " " for char in value):
        return False
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return False
    schemes = ("https", "http") if is_open else ("https",)
    return parts.scheme in schemes and bool(parts.hostname) and "@" not in parts.netloc
