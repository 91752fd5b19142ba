"""base64Binary fields, read strictly: XML schema validation skips stray characters, this does not."""

from __future__ import annotations

import base64
import binascii
import re

_ONLY_ALPHABET = re.compile(rb"[A-Za-z0-9+/\s]+={0,2}\s*")
_BLANKS = b" \t\r\n\f\v"


def decode_strict(text: str) -> bytes:
    """Return the bytes of a base64 text; line breaks and blanks are admitted, anything else foreign is not.

    Raises: ValueError (foreign character, wrong padding, nothing inside).
    """
    try:
        data = base64.b64decode(text.encode("ascii").translate(None, _BLANKS), validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise ValueError("not base64") from error
    if not data:
        raise ValueError("empty")
    return data


def decode_document(text: str) -> bytes:
    """Return the document inside a base64 text, one level or two: clients of both kinds exist.

    Raises: ValueError.
    """
    data = decode_strict(text)
    if _ONLY_ALPHABET.fullmatch(data):
        return decode_strict(data.decode("ascii"))
    return data
