"""Which addresses of an ente may be called: public ones only, judged on what the name means at call time.

The call then goes to the very address that was judged, so that a name cannot mean another one a moment later. Shared by
all that calls an address which an ente gave.
Source: IANA special-purpose address registries (RFC 6890, RFC 8190); OWASP, server side request forgery.
"""

from __future__ import annotations

import socket
import threading
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# Names that resolve to more are not those of an ente's server.
_ADDRESSES_MAX = 8

# Beyond what the standard library calls not global: it lets multicast through, for instance.
_FORBIDDEN_4 = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",  # public by number, but the management service of a cloud's machines
    )
)  # fmt: skip
_GLOBAL_6 = ip_network("2000::/3")
# Tunnels (Teredo, 6to4), benchmarks, documentation: inside the global range, and not a server's.
_FORBIDDEN_6 = tuple(ip_network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
# Networks without IPv4 reach an IPv4 server through this prefix: judged by the address inside.
_NAT64 = ip_network("64:ff9b::/96")


class IndirizzoNonAmmesso(Exception):
    """The address may not be called; the message is an Italian sentence for the operator."""


class NomeNonRisolto(Exception):
    """The name has no address now."""


def is_public(text: str) -> bool:
    """Say whether a numeric address belongs to the public internet.

    >>> [is_public(text) for text in ("93.184.216.34", "2606:2800:220:1::1", "10.0.0.1", "::1", "::ffff:127.0.0.1")]
    [True, True, False, False, False]
    """
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        if address.ipv4_mapped is not None:
            return _is_public_4(address.ipv4_mapped)
        if address in _NAT64:
            return _is_public_4(IPv4Address(int(address) & 0xFFFFFFFF))
        return address in _GLOBAL_6 and address.is_global and not any(address in one for one in _FORBIDDEN_6)
    return _is_public_4(address)


def _is_public_4(address: IPv4Address) -> bool:
    return address.is_global and not any(address in one for one in _FORBIDDEN_4)


def judge(host: str, port: int, *, is_open: bool, timeout_s: float) -> tuple[str, ...]:
    """Return the addresses of a name, judged now, in the order to try.

    `is_open`: the demo and the workbench, where private addresses are allowed too. One address that is not public makes
    the whole name refused: a name that means both is a trick or a mistake.
    Raises: IndirizzoNonAmmesso, NomeNonRisolto.
    """
    addresses = _resolve(host, port, timeout_s)
    if not is_open:
        for address in addresses:
            if not is_public(address):
                raise IndirizzoNonAmmesso(f"{host} porta a {address}, che non è un indirizzo pubblico")
    return addresses


def _resolve(host: str, port: int, timeout_s: float) -> tuple[str, ...]:
    """Ask the system's resolver, which has no time-out of its own worth waiting for."""
    found: list[str] = []
    failed: list[str] = []

    def look() -> None:
        try:
            for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP):
                found.append(str(address[0]))
        except (OSError, UnicodeError) as error:
            failed.append(type(error).__name__)

    thread = threading.Thread(target=look, name="dns", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if thread.is_alive() or failed or not found:
        raise NomeNonRisolto(f"il nome {host} non si risolve")
    return tuple(dict.fromkeys(found))[:_ADDRESSES_MAX]
