"""The part of the configuration file on where a station calls, and how long it waits. Source: node, 1.4, 2.0.5."""

from __future__ import annotations

from urllib.parse import urlsplit

from hub.domain.configurazione import ATTESE_MAX_S, SERVIZI
from hub.formats.campi import Campi


def read_indirizzi(campi: Campi) -> dict[str, str] | None:
    """Return the base addresses by service, without a final slash; None when the file gives none."""
    inner = campi.mapping("indirizzi", SERVIZI)
    if inner is None:
        return None
    rule = "indirizzo http:// o https:// senza parametri"
    given = {servizio: inner.optional_text(servizio, check=_is_base, rule=rule) for servizio in SERVIZI}
    return {servizio: url.rstrip("/") for servizio, url in given.items() if url} or None


def read_attese(campi: Campi) -> dict[str, int] | None:
    """Return the seconds by kind of wait; None when the file gives none."""
    inner = campi.mapping("attese", tuple(ATTESE_MAX_S))
    if inner is None:
        return None
    given = {name: inner.number(name, 1, most) for name, most in ATTESE_MAX_S.items()}
    return {name: seconds for name, seconds in given.items() if seconds is not None} or None


def _is_base(text: str) -> bool:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        return False
    is_plain = not (parts.query or parts.fragment or parts.username)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and is_plain
