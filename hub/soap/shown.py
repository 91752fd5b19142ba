"""What a request shows beside its envelope: a bearer token, a TLS client certificate.

Source: RFC 6750 (bearer), RFC 9440 (Client-Cert), nginx `$ssl_client_escaped_cert` (X-SSL-Client-Cert).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from hub.formats.certificati import SIZE_MAX_BYTES, impronta
from hub.runtime import PEER_CERTIFICATE

Environ = dict[str, Any]

# Shown but not to be read: it is nobody's.
UNREADABLE = ""
_BEARER = re.compile(r"bearer +([!-~]+)", re.IGNORECASE)
_PEM_MARK = re.compile(r"-----(BEGIN|END) CERTIFICATE-----")


def bearer(environ: Environ) -> str | None:
    """Return the token after `Bearer`; None when there is no such header or it speaks of another scheme."""
    value = environ.get("HTTP_AUTHORIZATION", "").strip()
    if "bearer" not in value.lower():
        return None
    match = _BEARER.fullmatch(value)
    return match.group(1) if match else UNREADABLE


def direct_certificate(environ: Environ) -> str | None:
    """Return the fingerprint of the certificate of the connection itself, None when it showed none."""
    der = environ.get(PEER_CERTIFICATE)
    return None if der is None else impronta(der)


def direct_der(environ: Environ) -> bytes | None:
    """Return the certificate (DER) of the connection itself, None when it showed none."""
    return environ.get(PEER_CERTIFICATE)


def proxied_der(header: str, trusted: tuple[str, ...]) -> Callable[[Environ], bytes | None]:
    """Return the function that finds the certificate (DER) in the header that a trusted proxy writes; b"": unreadable.

    The header of any other peer is not looked at; an empty `header` means that no proxy writes one. Only `header` is
    believed even from the proxy: it replaces that one, and may let another pass as its own client wrote it.
    Source: RFC 9440, 4 (header injection).
    """
    key = "HTTP_" + header.upper().replace("-", "_")

    def der(environ: Environ) -> bytes | None:
        if environ.get("REMOTE_ADDR") not in trusted:
            return None
        value = environ.get(key, "").strip()
        # Apache writes (null) for a variable without value.
        return None if value in ("", "(null)") else _der(value)

    return der


def proxied_certificate(header: str, trusted: tuple[str, ...]) -> Callable[[Environ], str | None]:
    """Return the function that finds the fingerprint: of the connection, or of what `proxied_der` finds."""
    shown = proxied_der(header, trusted)

    def certificate(environ: Environ) -> str | None:
        found = direct_certificate(environ)
        if found is not None:
            return found
        der = shown(environ)
        return None if der is None else impronta(der) if der else UNREADABLE

    return certificate


def _der(value: str) -> bytes:
    """Return the DER in a header: `:base64:`, PEM with its line ends escaped or turned into spaces; empty if none."""
    if len(value) > 3 * SIZE_MAX_BYTES:
        return b""
    if value[0] == value[-1] == ":":
        text = value[1:-1]
    else:
        text = "".join(_PEM_MARK.sub("", unquote(value)).split())
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
