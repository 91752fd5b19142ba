"""The part of the configuration file that says where the hub calls an ente. Source: pa-per-ente, 4.2 and 4.3."""

from __future__ import annotations

from urllib.parse import urlsplit

from hub.domain.configurazione import INOLTRO_TENTATIVI, INOLTRO_TENTATIVI_MAX, EndpointEsito
from hub.formats.campi import Campi

# HS512 wants a key as long as its digest (RFC 7518, 3.2), and common libraries refuse a shorter one.
CHIAVE_MIN = 64
# HS256, for the payer's return.
CHIAVE_RITORNO_MIN = 32
_CHIAVE_MAX = 256

_ADDRESS_RULE = "indirizzo https:// senza credenziali né frammento"


def read_endpoint(campi: Campi) -> EndpointEsito | None:
    """Return where the outcomes of a tipo go; None when the file does not speak of it."""
    inner = campi.mapping("endpoint_esito", ("url", "chiave", "client_id", "mail", "tentativi_max"))
    if inner is None:
        return None
    endpoint = EndpointEsito(
        url=inner.text("url", check=is_service_address, rule=_ADDRESS_RULE),
        chiave=inner.secret("chiave", CHIAVE_MIN, _CHIAVE_MAX) or "",
        client_id=inner.optional_text("client_id", length_max=256),
        mail=inner.optional_text("mail", length_max=256),
        tentativi_max=inner.whole("tentativi_max", range(1, INOLTRO_TENTATIVI_MAX + 1), INOLTRO_TENTATIVI),
    )
    if (endpoint.client_id is None) != (endpoint.mail is None):
        campi.problems.add(f"{inner.prefix}client_id", "client_id e mail vanno insieme: servono al token Bearer")
    return endpoint


def read_chiave_ritorno(campi: Campi) -> str | None:
    """Return the key that signs the payer's return; None when the file does not speak of it."""
    return campi.secret("chiave_ritorno", CHIAVE_RITORNO_MIN, _CHIAVE_MAX, required=False)


def read_archivio(campi: Campi) -> str | None:
    return campi.optional_text("url_archivio_esterno", check=is_service_address, rule=_ADDRESS_RULE)


def is_service_address(text: str) -> bool:
    """Say whether the hub may be asked to call this; http is refused later, where the installation is not a workbench.

    >>> [is_service_address(url) for url in ("https://e.example.org/x", "https://e.it/#x", "ftp://e.it", "https:")]
    [True, False, False, False]
    """
    return is_web_address(text) and not urlsplit(text).fragment


def is_web_address(text: str) -> bool:
    """Say whether a browser may be sent there: absolute, http or https, nothing hidden in it.

    >>> [is_web_address(url) for url in ("https://e.it/#x", "https://a:b@e.it", "https://e.it/a b", "https://e.it:x")]
    [True, False, False, False]
    """
    if any(char <= " " or char in '\\"<>\x7f' for char in text):
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
