"""TLS that ends in this process, for clients that show a certificate. Source: RFC 8446 4.4.2."""

from __future__ import annotations

import errno
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.domain.errors import Misconfigured
from hub.log import get_logger
from hub.web.porte import Porta


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """`client_ca`: the authorities, or the certificates themselves, of clients; None: no certificate is asked for.

    `is_required`: who shows none of these is not let in. `is_shared`: several processes listen on the port. `nome`: of
    the port.
    """

    host: str
    port: int
    cert: Path
    key: Path
    client_ca: Path | None
    is_shared: bool = False
    is_required: bool = False
    nome: str = ""


class ContestoVivo(ssl.SSLContext):
    """A context that looks at its files before each handshake: a certificate that was replaced is shown at once.

    What cannot be used, a certificate whose key is not there yet, is not taken: the old one stays. An authority that
    was added counts, one that was taken away goes with the process.
    """

    settings: TlsSettings
    seen: tuple[tuple[int, int], ...]

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
        found = _state(self.settings)
        if found != self.seen:
            self.seen = found
            try:
                # On the side: a load that fails leaves a context without a key.
                _load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), self.settings)
                _load(self, self.settings)
            except Misconfigured as error:
                get_logger().error("tls_files_unusable", port=self.settings.port, reason=str(error))
            else:
                get_logger().info("tls_files_taken", port=self.settings.port)
        return super().wrap_bio(*arguments, **options)


def _state(settings: TlsSettings) -> tuple[tuple[int, int], ...]:
    """Return what changes when a file does; a file that is not there has a state of its own."""
    states = []
    for path in (settings.cert, settings.key, settings.client_ca):
        try:
            stat = None if path is None else path.stat()
        except OSError:
            stat = None
        states.append((0, 0) if stat is None else (stat.st_mtime_ns, stat.st_ino))
    return tuple(states)


def build_context(settings: TlsSettings) -> ssl.SSLContext:
    """Return the context of the port: TLS 1.2 and later; a client certificate is asked for, if need be required.

    Sessions are not resumed: every connection shows its certificate.
    Raises: Misconfigured (files that cannot be read or do not belong together).
    """
    context = ContestoVivo(ssl.PROTOCOL_TLS_SERVER)
    context.settings, context.seen = settings, _state(settings)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 0
    context.set_alpn_protocols(["http/1.1"])
    _load(context, settings)
    return context


def _load(context: ssl.SSLContext, settings: TlsSettings) -> None:
    """Raises: Misconfigured."""
    try:
        context.load_cert_chain(settings.cert, settings.key, password=_no_password)
        if settings.client_ca is not None:
            context.load_verify_locations(settings.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED if settings.is_required else ssl.CERT_OPTIONAL
            # A certificate that is in the file by itself needs no authority behind it.
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    except (OSError, ValueError) as error:
        reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        authorities = "PONTEPA_NODE_CLIENT_CA" if settings.is_required else "PONTEPA_TLS_CLIENT_CA"
        raise Misconfigured(f"PONTEPA_TLS_CERT, PONTEPA_TLS_KEY o {authorities}: {reason}") from error


def _no_password() -> str:
    raise ValueError("la chiave è cifrata: serve senza password")


def check(porta: Porta, variable: str) -> None:
    """Raises: Misconfigured (the port of that variable is taken by somebody else)."""
    family = socket.AF_INET6 if ":" in porta.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((porta.host, porta.port))
        except OSError as error:
            why = "è già in uso" if error.errno == errno.EADDRINUSE else f"non si apre ({error.strerror})"
            raise Misconfigured(f"la porta {variable} {porta.port} {why}") from error


def build_porta(settings: TlsSettings) -> Porta:
    """Return the port. Raises: Misconfigured."""
    return Porta(settings.host, settings.port, build_context(settings), settings.nome, settings.is_shared)
