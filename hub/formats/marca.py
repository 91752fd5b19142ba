"""The digital stamp that a receipt carries: only what binds it to its document is read, the bytes stay as they came.

Source: node, digital stamp attachment (4.7).
"""

from __future__ import annotations

from hub.formats.blocchi import by_name, text_of
from hub.formats.xml import Limits, XmlNonValido, parse

_LIMITS = Limits(bytes_max=1024 * 1024, depth_max=32, tags_max=10_000)


def read_impronta(data: bytes) -> str | None:
    """Return the digest (base64) of the document that a stamp was bought for; None when it cannot be read."""
    try:
        root = parse(data, _LIMITS)
    except XmlNonValido:
        return None
    return "".join(text_of(by_name(by_name(root).get("ImprontaDocumento")), "DigestValue").split()) or None
