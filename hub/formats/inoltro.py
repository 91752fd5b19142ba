"""The body of the push of an outcome. Source: pa-per-ente, push of the outcome (4.2)."""

from __future__ import annotations

import base64
import json


def render_inoltro(rt: bytes | None, pagati: bytes) -> bytes:
    """Return the JSON body: receipt and `Pagati`, each in base64 once; `rt` is empty when there is no receipt.

    The same input gives the same bytes: a repetition is recognised by them, and they are what is signed.

    >>> render_inoltro(None, b"<a/>")
    b'{"rt": "", "esito": "PGEvPg=="}'
    """
    words = {"rt": base64.b64encode(rt or b"").decode("ascii"), "esito": base64.b64encode(pagati).decode("ascii")}
    return json.dumps(words).encode("ascii")
