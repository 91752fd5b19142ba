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


def build_context(settings: TlsSettings) -> ssl.SSLContext:
    """Return the context of the port: TLS 1.2 and later; a client certificate is asked for, if need be required.

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
            context.verify_mode = ssl.CERT_REQUIRED if settings.is_required else ssl.CERT_OPTIONAL
            # A certificate that is in the file by itself needs no authority behind it.
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    except (OSError, ValueError) as error:
        reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        authorities = "PONTEPA_NODE_CLIENT_CA" if settings.is_required else "PONTEPA_TLS_CLIENT_CA"
        raise Misconfigured(f"PONTEPA_TLS_CERT, PONTEPA_TLS_KEY o {authorities}: {reason}") from error
    return context


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
