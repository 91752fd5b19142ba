"""One call: what an operation is given, and how its refusals and our mistakes become answers.

The only translation of `HubError` for SOAP, and the only `except Exception` of this door.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, TypeVar

import structlog
from spyne.model.fault import Fault

from hub.domain.errors import HubError, OutOfService, Sovraccarico, TroppoSpesso
from hub.domain.guasti import is_known
from hub.formats.xml import SchemaError
from hub.soap.contract import Verb
from hub.soap.shape import Shape
from hub.usecases.authenticate import Firma

log = structlog.get_logger("hub.soap")
T = TypeVar("T")
FAULT_TEXT_MAX = 1000
# A database that was restarted is back within seconds; the node's own pause is longer.
OUT_OF_SERVICE_RETRY_S = 5


@dataclass(slots=True)
class Call:
    """One request. `header` is None when the header is missing; what is added to `log` goes into the log line."""

    operation: str = ""
    header: dict[str, Any] | None = None
    source_ip: str = ""
    # What is shown beside the envelope: the text after `Bearer`, the fingerprint of the TLS client certificate.
    token: str | None = field(default=None, repr=False)
    certificate: str | None = None
    signature: Firma | None = None
    correlation_id: str = ""
    log: dict[str, Any] = field(default_factory=dict)
    # Children of the answer that are told even beside a fault.
    announced: dict[str, Any] = field(default_factory=dict)
    outcome: str = "ok"
    http_status: str = "200 OK"
    retry_after_s: int | None = None
    # Of the HTTP headers those that say how the message came, for who keeps calls whole.
    http_headers: dict[str, str] = field(default_factory=dict)
    # What the protocol and the journal need of the request.
    body: bytes = b""
    charset: str | None = None
    verb: Verb | None = None
    ready_answer: dict[str, Any] | None = None
    # What the contract has against a request, of an operation that takes it all the same too.
    violations: list[SchemaError] = field(default_factory=list)
    # What a request says, as far as it can be read when the contract refuses it.
    said: dict[str, Any] = field(default_factory=dict)
    redacted_request: bytes = b""
    # When the whole request was here, by the clock of `time.monotonic`; None: nobody noted it.
    arrived_s: float | None = None
    # For how long the door has worked on it, when its answer is made.
    duration_us: int = 0
    # An answer of ours was not valid, and another one went instead.
    is_replaced: bool = False
    # What is given back when the operation has ended.
    at_end: ExitStack = field(default_factory=ExitStack, repr=False)

    def waited_s(self) -> float:
        """For how many seconds the request has been waiting for its answer."""
        return 0.0 if self.arrived_s is None else time.monotonic() - self.arrived_s


Operation = Callable[[Call, dict[str, Any]], dict[str, Any]]
OnInvalid = Callable[[Call, str, list[SchemaError]], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What a door does about mistakes of its own.

    `check`: what is wrong with the bytes of an answer. `stand_in`: the answer that goes instead of one that is wrong or
    was never made, given the request; None: a SOAP fault, so that whoever asked asks again.
    """

    check: Callable[[bytes], list[str]]
    stand_in: Callable[[Call, Verb, dict[str, Any]], dict[str, Any] | None]


class SoapFault(Fault):
    """A SOAP 1.1 fault: code (Client, Server, VersionMismatch, MustUnderstand), Italian text, HTTP status.

    `is_overload`: there was no room for the request, as when the queue before the doors is full.
    """

    is_overload = False

    def __init__(self, code: str, text: str, http_status: str = "500 Internal Server Error") -> None:
        super().__init__(faultcode=code, faultstring=text)
        self.http_status = http_status


def refuse(call: Call, code: str, text: str, http_status: str = "500 Internal Server Error") -> SoapFault:
    """Return the fault to raise; its text ends with the reference that the log line has too."""
    return SoapFault(code, f"{text[:FAULT_TEXT_MAX]} (riferimento {call.correlation_id})", http_status)


def shielded(call: Call, work: Callable[[], T]) -> T:
    """Return what `work` returns; a mistake of ours becomes a Server fault that says nothing but the reference.

    Raises: SoapFault.
    """
    try:
        return work()
    except SoapFault:
        raise
    except Exception as error:  # noqa: BLE001 - the door's last stand: nothing of ours may reach the caller
        frames = traceback.extract_tb(error.__traceback__)
        where = f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        log.error(
            "soap_unexpected_error",
            operation=call.operation,
            error=type(error).__name__,
            where=where,
            correlation_id=call.correlation_id,
        )
        raise refuse(call, "Server", "Errore interno") from None


def perform(
    call: Call, verb: Verb, operation: Operation, request: dict[str, Any], outgoing: Outgoing | None = None
) -> dict[str, Any]:
    """Return the operation's answer, or the answer that says its refusal; note the outcome on the call.

    `outgoing` may answer where nothing else can.

    Raises: SoapFault.
    """

    def answered() -> dict[str, Any]:
        try:
            with call.at_end:
                return operation(call, request)
        except OutOfService as error:
            if error.reason is not None:
                call.log["reason"] = error.reason
            # No business answer: after a well-formed KO the node would never send that receipt again (node, 3.0.7).
            call.retry_after_s = OUT_OF_SERVICE_RETRY_S
            fault = refuse(call, "Server", str(error), "503 Service Unavailable")
            fault.is_overload = isinstance(error, Sovraccarico)
            raise fault from error
        except HubError as error:
            if error.reason is not None:
                call.log["reason"] = error.reason
            return refusal(call, verb.response_shape, request, error)

    try:
        answer = call.ready_answer if call.ready_answer is not None else shielded(call, answered)
    except SoapFault as fault:
        # Who finds no room is told so, and when to come back, as at the queue before the doors.
        is_ours = fault.faultcode == "Server" and not fault.is_overload
        instead = outgoing.stand_in(call, verb, request) if outgoing and is_ours else None
        if instead is None:
            raise
        answer, call.retry_after_s = instead, None
        call.log.setdefault("reason", fault.faultstring)
    note_outcome(call, verb, answer)
    return answer


def note_outcome(call: Call, verb: Verb, answer: dict[str, Any]) -> None:
    """Write on the call what an answer says; a code that the catalogue lacks is told in the log."""
    code = fault_code(answer)
    if code is not None and not is_known(verb.name, code):
        # The caller has its answer; docs/guasti.md owes him a line.
        log.error("fault_not_in_catalogue", operation=verb.name, code=code, correlation_id=call.correlation_id)
    call.outcome = code or "ok"


def refusal(call: Call, shape: Shape, request: dict[str, Any], error: HubError) -> dict[str, Any]:
    """Return the contract's answer to a refusal: its `fault`, and KO where the answer has an outcome.

    Shape: `fault` with faultCode, faultString, id, description; some answers of the node carry it one level down.
    """
    if isinstance(error, TroppoSpesso):
        call.http_status, call.retry_after_s = ("429 Too Many Requests", error.retry_after_s)
    ente = ente_of(call, request)
    fault: dict[str, Any] = {
        "faultCode": error.code,
        "faultString": str(error),
        "id": error.id or ente or "n/a",
        "description": error.description,
    }
    if error.serial is not None:
        fault["serial"] = error.serial
    return _with_fault(shape, fault, call.announced)


def ente_of(call: Call, request: dict[str, Any]) -> str | None:
    """Return codIpaEnte or tax code of the ente that a request names."""
    header = call.header or {}
    ente = header.get("codIpaEnte") or request.get("codIpaEnte") or request.get("idPA")
    return ente or header.get("identificativoDominio")


def _with_fault(shape: Shape, fault: dict[str, Any], announced: dict[str, Any]) -> dict[str, Any]:
    if "fault" not in shape.by_name and len(shape.children) == 1 and shape.children[0].shape is not None:
        return {shape.children[0].name: _with_fault(shape.children[0].shape, fault, announced)}
    answer: dict[str, Any] = {"fault": fault}
    answer |= {name: value for name, value in announced.items() if name in shape.by_name}
    for outcome in ("esito", "outcome"):
        if outcome in shape.by_name:
            answer[outcome] = "KO"
    return answer


def fault_code(answer: dict[str, Any]) -> str | None:
    """Return the business fault's code in an answer, also when it lies one level down."""
    fault = answer.get("fault")
    if fault is None and len(answer) == 1:
        (inner,) = answer.values()
        fault = inner.get("fault") if isinstance(inner, dict) else None
    return fault.get("faultCode") if isinstance(fault, dict) else None
