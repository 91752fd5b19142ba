"""What an answer says of its refusal, whatever it is: a business or SOAP fault, a problem document, JSON."""

from __future__ import annotations

import json
from typing import Any

from hub.domain.spiegazioni import GuastoLetto
from hub.formats.testi import clean
from hub.formats.xml import Limits, XmlNonValido, parse

_LIMITS = Limits(bytes_max=4 * 1024 * 1024)
_TEXT_MAX = 1000
_CODES = ("faultCode", "codice")
_TEXTS = ("faultString", "dettaglio", "detail", "descrizione", "errore")
_DESCRIPTIONS = ("description",)


def read_guasto(answer: bytes) -> GuastoLetto:
    """Return the refusal in an answer; of one that says none, or that nobody can read, texts that are empty.

    >>> read_guasto(b"<a><fault><faultCode>PAA_X</faultCode><faultString>no</faultString></fault></a>")
    GuastoLetto(codice='PAA_X', testo='no', descrizione='')
    >>> read_guasto(b'{"detail": "il file manca"}').testo
    'il file manca'
    >>> read_guasto(b"%PDF-1.7")
    GuastoLetto(codice='', testo='', descrizione='')
    """
    start = answer[:64].lstrip()
    if start.startswith((b"{", b"[")):
        return _of_json(answer)
    return _of_xml(answer) if start.startswith(b"<") else GuastoLetto()


def _of_json(answer: bytes) -> GuastoLetto:
    try:
        words: Any = json.loads(answer)
    except (ValueError, RecursionError):
        return GuastoLetto()
    # The legacy upload answers an array of one object.
    words = words[0] if isinstance(words, list) and words else words
    if not isinstance(words, dict):
        return GuastoLetto()

    def first(names: tuple[str, ...]) -> str:
        return next((clean(value, _TEXT_MAX) for name in names if isinstance(value := words.get(name), str)), "")

    rimedio = first(("rimedio",))
    testo = first(_TEXTS) + (f"\nRimedio: {rimedio}." if rimedio else "")
    return GuastoLetto(first(_CODES), testo, first(_DESCRIPTIONS))


def _of_xml(answer: bytes) -> GuastoLetto:
    try:
        root = parse(answer, _LIMITS)
    except XmlNonValido:
        return GuastoLetto()

    def first(*names: str) -> str:
        return next((clean(node.text or "", _TEXT_MAX) for node in root.iter(*(f"{{*}}{name}" for name in names))), "")

    return GuastoLetto(
        first("faultCode", "faultcode").rpartition(":")[2],
        first("faultString", "faultstring"),
        first("description") if first("faultCode") else "",
    )
