"""What every operation of pa-per-ente reads in the same way: who is calling, texts that may be blank."""

from __future__ import annotations

from typing import Any

from hub.soap.operation import Call
from hub.usecases.authenticate import Chiamante, Presentazione


def header_caller(call: Call, request: dict[str, Any]) -> Presentazione:
    """The caller of an operation that carries codIpaEnte in the header; a missing header names nobody."""
    return _caller(call, (call.header or {}).get("codIpaEnte"), request)


def body_caller(call: Call, request: dict[str, Any]) -> Presentazione:
    """The caller of an operation that carries codIpaEnte in the body; a superfluous header is not looked at."""
    return _caller(call, request.get("codIpaEnte"), request)


def _caller(call: Call, cod_ipa_ente: str | None, request: dict[str, Any]) -> Presentazione:
    call.log["ente"] = cod_ipa_ente

    def opened(chiamante: Chiamante) -> None:
        call.log["applicazione"] = chiamante.applicazione

    return Presentazione(
        cod_ipa_ente, request.get("password"), call.source_ip, call.token, call.certificate, call.signature,
        call.at_end, opened,
    )  # fmt: skip


def text(request: dict[str, Any], name: str) -> str | None:
    """The text of a field; blank counts as absent."""
    return (request.get(name) or "").strip() or None


def flag(request: dict[str, Any], name: str) -> bool:
    """The value of an xsd:boolean that the contract has admitted; absent is false."""
    return request.get(name) in ("true", "1")
