"""base64Binary fields, read strictly: XML schema validation skips stray characters, this does not."""

from __future__ import annotations

import binascii
import re

_ONLY_ALPHABET = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
_BLANKS = b" \t\r\n\f\v"
# A document shows itself here, before the whole of it is looked at.
_HEAD = 256


def decode_strict(text: str) -> bytes:
    """Return the bytes of a base64 text; line breaks and blanks are admitted, anything else foreign is not.

    Raises: ValueError (foreign character, wrong padding, nothing inside).
    """
    try:
        return _decode(text.encode("ascii").translate(None, _BLANKS))
    except (UnicodeEncodeError, binascii.Error) as error:
        raise ValueError("not base64") from error


def decode_document(text: str) -> bytes:
    """Return the document inside a base64 text, one level or two: clients of both kinds exist.

    What only looks like a second level is returned as it is: whoever keeps bytes before reading them loses none.
    Raises: ValueError.
    """
    data = decode_strict(text)
    if b"<" in data[:_HEAD]:
        return data
    compact = data.translate(None, _BLANKS)
    if not _ONLY_ALPHABET.fullmatch(compact):
        return data
    try:
        return _decode(compact)
    except binascii.Error:
        return data


def _decode(compact: bytes) -> bytes:
    # strict_mode refuses foreign characters and text after the padding, but lets more padding than needed pass.
    if not compact or len(compact) % 4 or compact.endswith(b"==="):
        raise binascii.Error("wrong length or padding")
    return binascii.a2b_base64(compact, strict_mode=True)
