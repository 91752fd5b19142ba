"""Who gets to the paths that the node calls: on which port, from which address, with which client certificate.

Source: node, security at the boundary (5). What a message says of itself (broker, station, domain) is judged later, by
each operation: nothing here replaces that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from ipaddress import IPv4Network, IPv6Network, ip_address
from wsgiref.types import WSGIEnvironment

from hub.domain.errors import InvalidRequest
from hub.formats.certificati import read_der
from hub.log import get_logger
from hub.runtime import PORTA

# The name of the port of the node.
PORTA_NODO = "nodo"


@dataclass(frozen=True)
class GuardiaNodo:
    """`paths`: those that the node calls. `is_apart`: they answer on the node's port only, and nothing else does there.

    `sources` empty: any address. `is_certificate_wanted`: a valid client certificate must be shown, whose subject is
    one of `subjects` (the common name or the whole RFC 4514 text), or any when there are none. `client_ip`,
    `certificate`: find the caller's address and the DER that it has shown, b"" when that cannot be read.
    """

    paths: Collection[str]
    client_ip: Callable[[WSGIEnvironment], str]
    certificate: Callable[[WSGIEnvironment], bytes | None]
    clock: Callable[[], datetime]
    is_apart: bool = False
    sources: tuple[IPv4Network | IPv6Network, ...] = ()
    is_certificate_wanted: bool = False
    subjects: frozenset[str] = frozenset()

    def refuse(self, environ: WSGIEnvironment, path: str | None) -> HTTPStatus | None:
        """Return the status that turns a request away; None lets it in. `path`: of the door that it found, if any."""
        is_nodes = path in self.paths
        if self.is_apart and is_nodes != (environ.get(PORTA) == PORTA_NODO):
            return HTTPStatus.NOT_FOUND
        if not is_nodes:
            return None
        source = self.client_ip(environ)
        reason = self._source_problem(source) or self._certificate_problem(environ)
        if reason is None:
            return None
        get_logger().warning("node_caller_refused", reason=reason, source_ip=source, path=path)
        return HTTPStatus.FORBIDDEN

    def _source_problem(self, source: str) -> str | None:
        if not self.sources:
            return None
        try:
            address = ip_address(source.partition("%")[0])
        except ValueError:
            return "sorgente"
        # ::ffff:192.0.2.1 is 192.0.2.1, seen from a socket of both families.
        address = getattr(address, "ipv4_mapped", None) or address
        return None if any(address in network for network in self.sources) else "sorgente"

    def _certificate_problem(self, environ: WSGIEnvironment) -> str | None:
        if not self.is_certificate_wanted:
            return None
        der = self.certificate(environ)
        if der is None:
            return "certificato_assente"
        try:
            found = read_der(der)
        except InvalidRequest:
            return "certificato_illeggibile"
        if not found.valido_dal <= self.clock() < found.valido_fino:
            # A proxy need not have looked.
            return "certificato_scaduto"
        is_known = not self.subjects or bool(self.subjects & {found.soggetto, found.nome_comune})
        return None if is_known else "soggetto"
