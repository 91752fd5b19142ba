"""Where a request really comes from, when proxies stand in front."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address


def find_source(peer: str, forwarded_for: str, trusted: Collection[str]) -> str:
    """Return the last address of X-Forwarded-For that no trusted proxy wrote; the peer when it is not one of them.

    What is no address says nothing, and nothing before it: whoever handed it on is the last that is known.

    >>> find_source("10.0.0.1", "203.0.113.9, 198.51.100.7", {"10.0.0.1"}), find_source("198.51.100.7", "1.1.1.1", ())
    ('198.51.100.7', '198.51.100.7')
    >>> find_source("10.0.0.1", "203.0.113.9:4711", {"10.0.0.1"}), find_source("10.0.0.1", "altro", {"10.0.0.1"})
    ('203.0.113.9', '10.0.0.1')
    """
    hops = [hop.strip() for hop in forwarded_for.split(",") if hop.strip()]
    found = peer
    while found in trusted and hops:
        hop = _address(hops.pop())
        if hop is None:
            return found
        found = hop
    return found


def _address(hop: str) -> str | None:
    """Return the address of a hop, without the port that some proxies write; None when it is none."""
    for text in (hop, hop.rpartition(":")[0].strip("[]")):
        try:
            return str(ip_address(text))
        except ValueError:
            continue
    return None
