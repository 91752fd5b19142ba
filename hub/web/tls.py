"""TLS that ends in this process, for clients that show a certificate. Source: RFC 8446 4.4.2."""

from __future__ import annotations

import errno
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from hub.domain.errors import Misconfigured
from hub.web.porte import Porta


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """`client_ca`: the authorities, or the certificates themselves, of clients; None: no certificate is asked for.

    `is_shared`: several processes listen on the port.
    """

    host: str
    port: int
    cert: Path
    key: Path
    client_ca: Path | None
    is_shared: bool = False


def build_context(settings: TlsSettings) -> ssl.SSLContext:
    """Return the context of the port: TLS 1.2 and later, a client certificate asked for and optional.

    Sessions are not resumed: every connection shows its certificate.
    Raises: Misconfigured (files that cannot be read or do not belong together).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 0
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(settings.cert, settings.key, password=_no_password)
        if settings.client_ca is not None:
            context.load_verify_locations(settings.client_ca)
            context.verify_mode = ssl.CERT_OPTIONAL
            # A certificate that is in the file by itself needs no authority behind it.
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    except (OSError, ValueError) as error:
        reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        raise Misconfigured(f"PONTEPA_TLS_CERT, PONTEPA_TLS_KEY o PONTEPA_TLS_CLIENT_CA: {reason}") from error
    return context


def _no_password() -> str:
    raise ValueError("la chiave è cifrata: serve senza password")


def check(settings: TlsSettings) -> None:
    """Raises: Misconfigured (files of the port, or the port taken by somebody else)."""
    build_context(settings)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            why = "è già in uso" if error.errno == errno.EADDRINUSE else f"non si apre ({error.strerror})"
            raise Misconfigured(f"la porta PONTEPA_TLS_PORT {settings.port} {why}") from error


def build_porta(settings: TlsSettings) -> Porta:
    """Return the port. Raises: Misconfigured."""
    return Porta(settings.host, settings.port, build_context(settings), is_shared=settings.is_shared)
