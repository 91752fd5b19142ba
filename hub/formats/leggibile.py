"""The bytes of a call as a person reads them: XML and JSON with one element a line, anything else as text."""

from __future__ import annotations

import json

from lxml import etree

from hub.formats.xml import Limits, XmlNonValido, parse

_LIMITS = Limits(bytes_max=256 * 1024)


def leggibile(body: bytes) -> str:
    """Return a text to be shown, never to be run: nothing of it is escaped.

    >>> print(leggibile(b"<a><b>1</b></a>"))
    <a>
      <b>1</b>
    </a>
    >>> leggibile(b'{"a":1}'), leggibile(b"PK\\x03\\x04\\xff")
    ('{\\n  "a": 1\\n}', '[5 byte che non sono testo]')
    """
    start = body[:64].lstrip()
    if start.startswith(b"<"):
        try:
            root = parse(body, _LIMITS)
            etree.indent(root)
            return etree.tostring(root, encoding="unicode").strip()
        except XmlNonValido:
            pass
    if start.startswith((b"{", b"[")):
        try:
            return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
        except (ValueError, RecursionError):
            pass
    try:
        return body.decode()
    except UnicodeDecodeError:
        return _mostly(body)


def estensione(body: bytes) -> str:
    """Return how the name of a file with these bytes ends.

    >>> [estensione(one) for one in (b" <a/>", b"{}", b"x")]
    ['xml', 'json', 'txt']
    """
    start = body[:64].lstrip()
    return "xml" if start.startswith(b"<") else "json" if start.startswith((b"{", b"[")) else "txt"


def _mostly(body: bytes) -> str:
    """Text in another character set, or a form around a file, is shown with marks; a file alone is not."""
    text = body.decode(errors="replace")
    strange = sum(1 for c in text if c == "\ufffd" or (c < " " and c not in "\r\n\t"))
    return text if strange * 10 < len(text) else f"[{len(body)} byte che non sono testo]"
