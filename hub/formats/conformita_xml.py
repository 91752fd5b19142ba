"""XML that somebody else wrote, read as far as it goes: to judge one mistake the others must not stand in the way."""

from __future__ import annotations

import re
from typing import Any

from hub.formats.xml import Limits, SchemaError, XmlNonValido, parse

_ENCODING = re.compile(rb"""^\s*(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_DECLARATION = re.compile(rb"^\s*(?:\xef\xbb\xbf)?<\?xml[^>]*\?>")
_DOCTYPE = re.compile(rb"<!DOCTYPE", re.IGNORECASE)
# A prolog is short; what comes later is content.
_HEAD = 4096


def read_root(data: bytes, limits: Limits) -> tuple[Any, bool]:
    """Return the root, and whether the bytes are of the encoding that they declare.

    Bytes of another encoding are read all the same, as those of a western machine: the rest can still be judged.
    Raises: XmlNonValido.
    """
    try:
        return parse(data, limits), True
    except XmlNonValido:
        if _is_encoded(data):
            raise
    text = _DECLARATION.sub(b"", data, count=1).decode("cp1252", "replace")
    return parse(text.encode("utf-8"), limits), False


def encoding_of(data: bytes) -> str:
    """Return the encoding that the XML declaration names, lower case; empty without one.

    >>> encoding_of(b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>'), encoding_of(b"<a/>")
    ('iso-8859-1', '')
    """
    match = _ENCODING.match(data[:200])
    return match[1].decode("ascii").lower() if match else ""


def has_doctype(data: bytes) -> bool:
    return _DOCTYPE.search(data[:_HEAD]) is not None


def local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def namespace(element: Any) -> str:
    tag = str(element.tag)
    return tag[1:].rpartition("}")[0] if tag.startswith("{") else ""


def is_struttura(error: SchemaError) -> bool:
    """Whether an element is missing, foreign or out of its place, and not only of a wrong value."""
    return error.rule.startswith(("incompleto", "non previsto"))


def _is_encoded(data: bytes) -> bool:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return True
    try:
        data.decode(encoding_of(data) or "utf-8")
    except (LookupError, UnicodeDecodeError):
        return False
    return True
