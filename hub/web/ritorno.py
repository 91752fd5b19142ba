"""The way back to the ente: which address, with which parameters. Source: pa-per-ente, browser redirect (4.1)."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit, urlunsplit

OK = "OK"
ERROR = "ERROR"


def safe_url(url: str | None) -> str | None:
    """Return the address when a browser may be sent there: absolute, http or https, nothing hidden in it; else None.

    An address that cannot be read is ignored without a word, as the contract says.

    >>> safe_url("https://sportello.example.org/esito?pratica=7")
    'https://sportello.example.org/esito?pratica=7'
    >>> safe_url("javascript:alert(1)"), safe_url("//example.org"), safe_url("http://utente:chiave@example.org/")
    (None, None, None)
    """
    if not url or any(char <= " " or char in '\\"<>\x7f' for char in url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return None
    return url


def return_url(
    url: str | None, id_session: str, esito: str, polling_token: str | None = None, firma: str | None = None
) -> str | None:
    """Return the ente's address with the outcome appended and its own query untouched; None when there is none.

    `esito` is OK or ERROR. Without a token the address carries idSession and esito only (payment never started).
    `firma`: our addition to the contract, for an ente that has a key; without it the address proves nothing.

    >>> return_url("https://e.example.org/p?a=1&a=%20#fine", "S", "OK")
    'https://e.example.org/p?a=1&a=%20&idSession=S&esito=OK#fine'
    """
    safe = safe_url(url)
    if safe is None:
        return None
    parts = urlsplit(safe)
    added = {"idSession": id_session, "esito": esito}
    if polling_token:
        added["pollingToken"] = polling_token
    if firma:
        added["firma"] = firma
    query = "&".join(part for part in (parts.query.rstrip("&"), urlencode(added)) if part)
    return urlunsplit(parts._replace(query=query))
