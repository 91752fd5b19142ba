"""Assembly of the ports beside the first, and of who gets to what the node calls."""

from __future__ import annotations

import http.client
import resource
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from hub.config import Config
from hub.soap import nodo
from hub.soap.server import behind_proxies
from hub.soap.shown import direct_der, proxied_der
from hub.web import tls
from hub.web.guardia_nodo import PORTA_NODO, GuardiaNodo
from hub.web.porte import Porta
from hub.web.tls import TlsSettings
from hub.web.vigile import Vigile

# Database, files on their way, the server's own.
_OTHER_FILES = 1024
_PLACES_MIN = 64
# What systemd hears of: questions to each process of the server, and how long an answer may take.
_QUESTIONS, _ANSWER_S = 4, 5.0


def build_porte(config: Config) -> Mapping[str, Porta]:
    """Return the ports beside the first, by the name of their variable. Raises: Misconfigured (files of TLS)."""
    is_shared = config.workers > 1
    porte = {}
    if config.tls_cert is not None and config.tls_key is not None:
        settings = TlsSettings(
            config.host, config.tls_port, config.tls_cert, config.tls_key, config.tls_client_ca, is_shared
        )
        porte["PONTEPA_TLS_PORT"] = tls.build_porta(settings)
    if config.node_port is None:
        return porte
    if config.tls_cert is None or config.tls_key is None:
        return porte | {"PONTEPA_NODE_PORT": Porta(config.host, config.node_port, None, PORTA_NODO, is_shared)}
    settings = TlsSettings(
        config.host, config.node_port, config.tls_cert, config.tls_key, config.node_client_ca, is_shared,
        is_required=config.node_client_ca is not None, nome=PORTA_NODO,
    )  # fmt: skip
    return porte | {"PONTEPA_NODE_PORT": tls.build_porta(settings)}


def check_porte(config: Config) -> None:
    """Raises: Misconfigured (files of TLS, a port taken by somebody else)."""
    for variable, porta in build_porte(config).items():
        tls.check(porta, variable)


def places(wanted: int) -> int:
    """Return how many connections a process may have: as many as wanted, or as its open files leave room for.

    What a shell or a supervisor gives at first is often less than what it allows.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(_PLACES_MIN, min(wanted, soft - _OTHER_FILES))


def build_vigile(config: Config, room: int) -> Vigile:
    """Return who ends the connections of this process that do nothing."""
    ports = [config.port, *(porta.port for porta in build_porte(config).values())]
    return Vigile(ports, room, config.trusted_proxies)


def build_guardia(config: Config, clock: Callable[[], datetime]) -> GuardiaNodo:
    """Return who judges the callers of the paths of the node."""
    return GuardiaNodo(
        paths=frozenset(porta.path for porta in nodo.PORTE),
        client_ip=behind_proxies(config.trusted_proxies),
        certificate=_certificate(config),
        clock=clock,
        is_apart=config.node_port is not None,
        sources=config.node_sources,
        is_certificate_wanted=config.node_client_ca is not None or bool(config.node_client_subjects),
        subjects=frozenset(config.node_client_subjects),
    )


def _certificate(config: Config) -> Callable[[dict[str, Any]], bytes | None]:
    """Return what finds the certificate of the node: its port's own when it is asked for there, else the proxy's.

    One that was shown on the port of the entes proves nothing here: its authorities are others.
    """
    if config.node_client_ca is not None:
        return direct_der
    return proxied_der(config.proxy_cert_header, config.trusted_proxies)


def answer_all(config: Config) -> bool:
    """Whether the server's processes answer. Which of them a connection reaches is chance: each is met by some."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(config.host, config.host)
    for _ in range(config.workers if config.workers == 1 else _QUESTIONS * config.workers):
        connection = http.client.HTTPConnection(host, config.port, timeout=_ANSWER_S)
        try:
            connection.request("GET", "/health/live")
            if connection.getresponse().status != 200:
                return False
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
    return True
