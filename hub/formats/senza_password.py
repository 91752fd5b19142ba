"""A SOAP message without its passwords, so that a digest of it can be shown: nobody may guess at them behind it.

Source: pa-per-ente, `password` and `passwordMypivot`; node, `password` of the station.
"""

from __future__ import annotations

import re

# Neither ever looks past the next tag: a body of openings that nothing closes would cost the square of its length.
_OPENING = re.compile(rb"<(?:[^\s<>/:]+:)?password(?:Mypivot)?(?:\s[^<>]*)?>")
_CLOSING = re.compile(rb"</(?:[^\s<>/:]+:)?password(?:Mypivot)?\s*>")
# Whatever is called a password, by anybody, closed or not.
_OVUNQUE = re.compile(
    rb"(<(?:[^\s<>/:]+:)?password\w*(?:\s[^<>]*)?(?<!/)>)(?:<!\[CDATA\[(?:[^\]]|\](?!\]>))*(?:\]\]>)?|[^<])*",
    re.IGNORECASE,
)


def senza_password(message: bytes) -> tuple[bytes, int]:
    """Return the bytes with `***` for the content of each password, and how many there were.

    In a character set that is not ASCII's none is found.

    >>> senza_password(b"<p:password a='1'><![CDATA[x]]></p:password ><password/>")
    (b"<p:password a='1'>***</p:password ><password/>", 1)
    """
    parts: list[bytes] = []
    at = found = 0
    while (opening := _OPENING.search(message, at)) and (closing := _CLOSING.search(message, opening.end())):
        parts += (message[at : opening.end()], b"***", closing.group())
        at, found = closing.end(), found + 1
    return b"".join((*parts, message[at:])), found


def senza_segreti(message: bytes) -> bytes:
    """Return the bytes as they may be shown: no content of what is called a password, closed or not.

    Of what is in a character set that is not ASCII's nothing is left: nobody could tell what it says.

    >>> senza_segreti(b"<wsse:Password Type='x'>uno</wsse:Password><password>due</passwrd>")
    b"<wsse:Password Type='x'>***</wsse:Password><password>***</passwrd>"
    >>> senza_segreti("<a/>".encode("utf-16"))
    b''
    """
    if b"\0" in message and message[:4].count(b"\0"):
        return b""
    return _OVUNQUE.sub(rb"\1***", message)
