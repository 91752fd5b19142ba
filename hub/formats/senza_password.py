"""A SOAP message without its passwords, so that a digest of it can be shown: nobody may guess at them behind it.

Source: pa-per-ente, `password` and `passwordMypivot`; node, `password` of the station.
"""

from __future__ import annotations

import re

_PASSWORD = re.compile(
    rb"(<(?:[^\s<>/:]+:)?password(?:Mypivot)?(?:\s[^>]*)?>).*?(</(?:[^\s<>/:]+:)?password(?:Mypivot)?\s*>)", re.DOTALL
)


def senza_password(message: bytes) -> tuple[bytes, int]:
    """Return the bytes with `***` for the content of each password, and how many there were.

    In a character set that is not ASCII's none is found.

    >>> senza_password(b"<p:password a='1'><![CDATA[x]]></p:password ><password/>")
    (b"<p:password a='1'>***</p:password ><password/>", 1)
    """
    return _PASSWORD.subn(rb"\1***\2", message)
