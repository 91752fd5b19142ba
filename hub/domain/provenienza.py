"""Where a request really comes from, when proxies stand in front."""

from __future__ import annotations

from collections.abc import Collection


def find_source(peer: str, forwarded_for: str, trusted: Collection[str]) -> str:
    """Return the last address of X-Forwarded-For that no trusted proxy wrote; the peer when it is not one of them.

    >>> find_source("10.0.0.1", "203.0.113.9, 198.51.100.7", {"10.0.0.1"}), find_source("198.51.100.7", "1.1.1.1", ())
    ('198.51.100.7', '198.51.100.7')
    """
    hops = [hop.strip() for hop in forwarded_for.split(",") if hop.strip()]
    found = peer
    while found in trusted and hops:
        found = hops.pop()
    return found
