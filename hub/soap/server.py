"""A contract and its operations as a WSGI callable: HTTP's own checks, Spyne behind them, one log line a request."""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import structlog
from spyne import Application, ComplexModel, Service, Unicode, rpc
from spyne.server import ServerBase

from hub import misure
from hub.domain.provenienza import find_source
from hub.formats.senza_password import senza_password
from hub.formats.xml import Limits, XmlNonValido, known_encoding
from hub.misure import OPERAZIONE_S
from hub.runtime import ARRIVED, REPLACED
from hub.soap.contract import Contract, Verb
from hub.soap.operation import Call, OnInvalid, Operation, Outgoing, SoapFault, perform, refuse, shielded
from hub.soap.protocol import ContractSoap11, fault_text
from hub.soap.security import Signatures
from hub.soap.shown import bearer, direct_certificate

log = structlog.get_logger("hub.soap")
Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Wsgi = Callable[[Environ, StartResponse], Iterable[bytes]]
# journal(call, redacted request, response, milliseconds): called when the answer is made; its transaction is its own.
Journal = Callable[[Call, bytes, bytes, int], None]

MAX_BYTES = 4 * 1024 * 1024
READ_BLOCK = 64 * 1024
QUERY_FIELDS_MAX = 10
_CORRELATION = re.compile(r"[A-Za-z0-9_-]{8,64}")
_CHARSET = re.compile(r"""charset\s*=\s*("[^"]*"|'[^']*'|[^;\s]*)""", re.IGNORECASE)
_XML = "text/xml; charset=utf-8"
# Kept with a call of the sandbox, by their names in lower case.
_TOLD_HEADERS = {
    "content-type": "CONTENT_TYPE", "soapaction": "HTTP_SOAPACTION", "host": "HTTP_HOST",
    "user-agent": "HTTP_USER_AGENT", "connection": "HTTP_CONNECTION", "transfer-encoding": "HTTP_TRANSFER_ENCODING",
}  # fmt: skip
_HEADER_MAX = 200
# Who calls, by the folder of the path; as /metrics tells it.
_SERVIZI = {"/ws/pa": "ente", "/ws/fesp": "nodo"}


def remote_addr(environ: Environ) -> str:
    """Return the address of the peer; behind a proxy `client_ip` must know which header to believe."""
    return str(environ.get("REMOTE_ADDR", ""))


def behind_proxies(trusted: tuple[str, ...]) -> Callable[[Environ], str]:
    """Return the function that finds who is calling: the last address of X-Forwarded-For that no trusted proxy wrote.

    Without trusted proxies, or when the peer is not one of them, the header is not believed.
    """

    def client_ip(environ: Environ) -> str:
        return find_source(remote_addr(environ), environ.get("HTTP_X_FORWARDED_FOR", ""), trusted)

    return client_ip


def build_wsgi(
    contract: Contract,
    operations: Mapping[str, Operation],
    *,
    public_url: str,
    path: str,
    max_bytes: int = MAX_BYTES,
    on_invalid: OnInvalid | None = None,
    journal: Journal | None = None,
    client_ip: Callable[[Environ], str] = remote_addr,
    certificate: Callable[[Environ], str | None] = direct_certificate,
    signatures: Signatures | None = None,
    disabled: frozenset[str] = frozenset(),
    tolerant: frozenset[str] = frozenset(),
    outgoing: Outgoing | None = None,
) -> Wsgi:
    """Return the WSGI callable of a contract, to be mounted under `path`.

    `operations` is by operation name; one that is missing or `disabled` answers a SOAP fault. `on_invalid` may answer
    a request that the contract refuses in the contract's own way instead of a SOAP fault. The operations in `tolerant`
    judge such a request themselves: what they carry must not be lost for an element that nobody knows yet.
    `outgoing` looks at every answer before it leaves.
    Raises: ValueError (an operation that the contract does not know).
    """
    unknown = set(operations) - {verb.name for verb in contract.by_request.values()}
    if unknown:
        raise ValueError(f"operations not of contract {contract.name}: {sorted(unknown)}")
    active = {name: operation for name, operation in operations.items() if name not in disabled}
    limits = Limits(bytes_max=max_bytes)
    protocols = (
        ContractSoap11(contract, limits, on_invalid, journal is not None, signatures, tolerant, outgoing)
        for _ in range(2)
    )
    service = _service(contract, active, outgoing)
    application = Application(
        [service], tns=contract.namespace, name=contract.name, in_protocol=next(protocols), out_protocol=next(protocols)
    )
    return SoapDoor(contract, ContractServer(application), public_url, path, max_bytes, journal, client_ip, certificate)


def _service(contract: Contract, operations: Mapping[str, Operation], outgoing: Outgoing | None) -> type:
    """Return a Spyne service with a method for each operation; its types are names only."""
    verbs = contract.by_request.values()
    methods = {verb.name: _method(contract, verb, operations.get(verb.name), outgoing) for verb in verbs}
    return type(Service)(f"{contract.name}Service", (Service,), methods)


def _method(contract: Contract, verb: Verb, operation: Operation | None, outgoing: Outgoing | None) -> Any:
    def method(ctx: Any, request: dict[str, Any]) -> dict[str, Any]:
        call: Call = ctx.udc
        if operation is None:
            raise refuse(call, "Client", f"Operazione {verb.name} non abilitata su questo servizio")
        return perform(call, verb, operation, request, outgoing)

    method.__name__ = verb.name
    request_name, response_name = (verb.request.rpartition("}")[2], verb.response.rpartition("}")[2])
    return rpc(
        _named_type(contract, request_name),
        _returns=_named_type(contract, response_name),
        _body_style="bare",
        _in_message_name=request_name,
        _out_message_name=response_name,
    )(method)


def _named_type(contract: Contract, name: str) -> Any:
    # The field is never read or written: Spyne refuses a bare message whose type has none.
    members = {"__namespace__": contract.namespace, "__type_name__": name, "contenuto": Unicode}
    return type(ComplexModel)(name, (ComplexModel,), members)


class _Context:
    """What Spyne's protocol, application and service read and write of one call.

    Its own MethodContext makes contexts for protocols and events that nobody here uses, and is copied for each method.
    """

    __slots__ = (
        *("udc", "in_document", "in_body_doc", "in_object", "method_request_string", "descriptor", "function"),
        *("protocol", "outprot_ctx", "out_object", "out_error", "out_string"),
    )

    def __init__(self, call: Call) -> None:
        self.udc = call
        self.protocol = self.outprot_ctx = self.out_object = self.out_error = None

    def fire_event(self, event: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""


class ContractServer(ServerBase):
    """Drives Spyne for one request; HTTP has been judged before."""

    transport = "http://schemas.xmlsoap.org/soap/http"

    def answer(self, call: Call) -> tuple[str, bytes]:
        """Return status and body of the answer to a call; the call's body is the request.

        Raises: SoapFault.
        """
        context: Any = _Context(call)
        incoming = self.app.in_protocol
        incoming.create_in_document(context)
        incoming.decompose_incoming_envelope(context)
        (context.descriptor,) = incoming.get_call_handles(context)
        context.function = context.descriptor.function
        self.app.process_request(context)
        if context.out_error is not None:
            raise context.out_error
        self.app.out_protocol.serialize(context, incoming.RESPONSE)
        return call.http_status, b"".join(context.out_string)


class SoapDoor:
    """The outer layer: method, size, content type and character set; served WSDL; correlation id, log line, journal."""

    def __init__(
        self,
        contract: Contract,
        inner: ContractServer,
        public_url: str,
        path: str,
        max_bytes: int,
        journal: Journal | None,
        client_ip: Callable[[Environ], str],
        certificate: Callable[[Environ], str | None],
    ) -> None:
        self._contract = contract
        self._inner = inner
        self._wsdl = contract.wsdl_text(public_url, path)
        self._base = public_url.rstrip("/") + path
        self._servizio = _SERVIZI.get(path.rpartition("/")[0], "altro")
        self._max_bytes = max_bytes
        self._journal = journal
        self._client_ip = client_ip
        self._certificate = certificate

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("REQUEST_METHOD") in ("GET", "HEAD"):
            return self._get(environ, start_response)
        started = time.perf_counter()
        asked = environ.get("HTTP_X_CORRELATION_ID", "")
        call = Call(correlation_id=asked if _CORRELATION.fullmatch(asked) else secrets.token_hex(16))
        tokens = structlog.contextvars.bind_contextvars(correlation_id=call.correlation_id)
        try:
            status, response = self._answer(call, environ)
            call.http_status, call.duration_us = status, round((time.perf_counter() - started) * 1_000_000)
            self._note(call, status, response, round((time.perf_counter() - started) * 1000, 1))
        finally:
            structlog.contextvars.reset_contextvars(**tokens)
        headers = [
            ("Content-Type", _XML),
            ("Content-Length", str(len(response))),
            ("X-Correlation-Id", call.correlation_id),
        ]
        if call.is_replaced:
            environ[REPLACED] = call.operation
        if call.retry_after_s is not None:
            headers.append(("Retry-After", str(call.retry_after_s)))
        if status.startswith("405"):
            headers.append(("Allow", "GET, HEAD, POST"))
        start_response(status, headers)
        return [response]

    def _answer(self, call: Call, environ: Environ) -> tuple[str, bytes]:
        """Return status and body, a fault's when there is no other answer."""
        try:
            return shielded(call, lambda: self._post(call, environ))
        except SoapFault as fault:
            call.outcome = fault.faultcode
            return fault.http_status, fault_text(fault.faultcode, fault.faultstring)

    def _post(self, call: Call, environ: Environ) -> tuple[str, bytes]:
        """Return status and body of the answer.

        Raises: SoapFault.
        """
        call.arrived_s = environ.get(ARRIVED)
        if self._journal is not None:
            call.http_headers = _told_headers(environ)
        call.source_ip = self._client_ip(environ)
        call.token = bearer(environ)
        call.certificate = self._certificate(environ)
        if environ.get("REQUEST_METHOD") != "POST":
            raise refuse(call, "Client", "Il servizio risponde al metodo POST", "405 Method Not Allowed")
        call.charset = _content_charset(call, environ)
        call.body = self._read(call, environ)
        if not call.body:
            raise refuse(call, "Client", "Richiesta senza contenuto")
        return self._inner.answer(call)

    def _read(self, call: Call, environ: Environ) -> bytes:
        """Return the body, never more than the limit: a declared length is judged before the first byte is read."""
        too_large = "413 Content Too Large"
        stream = environ["wsgi.input"]
        if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower() or environ.get("wsgi.input_terminated"):
            wanted = self._max_bytes + 1
        else:
            length = environ.get("CONTENT_LENGTH") or "0"
            if not (length.isascii() and length.isdigit()):
                raise refuse(call, "Client", "Content-Length non valido", "400 Bad Request")
            wanted = int(length) if len(length) < 19 else self._max_bytes + 1
            if wanted > self._max_bytes:
                raise refuse(call, "Client", f"Richiesta oltre il limite di {self._max_bytes} byte", too_large)
        read = bytearray()
        while len(read) < wanted:
            block = stream.read(min(READ_BLOCK, wanted - len(read)))
            if not block:
                break
            read += block
        if len(read) > self._max_bytes:
            raise refuse(call, "Client", f"Richiesta oltre il limite di {self._max_bytes} byte", too_large)
        return bytes(read)

    def _note(self, call: Call, status: str, response: bytes, duration_ms: float) -> None:
        """Write the journal entry and the log line. The deed is done: if the journal fails, the answer stands."""
        waited_s = call.waited_s() or duration_ms / 1000
        misure.observe(OPERAZIONE_S, waited_s, self._servizio, call.operation or "-", _esito(call, status))
        if self._journal is not None:
            journal = self._journal
            # What cannot be read has no operation; its passwords, if any, are blanked all the same.
            request = call.redacted_request or senza_password(call.body)[0]
            with contextlib.suppress(SoapFault):
                shielded(call, lambda: journal(call, request, response, round(duration_ms)))
        line = {
            "operation": call.operation or None,
            "outcome": call.outcome,
            "http_status": int(status[:3]),
            "duration_ms": duration_ms,
            "correlation_id": call.correlation_id,
            "bytes_in": len(call.body),
            "bytes_out": len(response),
            "source_ip": call.source_ip,
        }
        log.info("soap_request", **(call.log | line))

    def _get(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve the WSDL (`?wsdl`, `.wsdl`) and its schemas (`?xsd=NAME`) with public addresses, whatever the Host."""
        status = "405 Method Not Allowed"
        body = fault_text("Client", "Il servizio risponde al metodo POST; il contratto è in ?wsdl")
        try:
            fields = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX)
        except ValueError:
            fields = []
        query = {name.lower(): value for name, value in fields}
        if "xsd" in query:
            try:
                status, body = "200 OK", self._contract.xsd(query["xsd"], self._base)
            except KeyError:
                status, body = ("404 Not Found", fault_text("Client", "Schema sconosciuto"))
        elif "wsdl" in query or environ.get("PATH_INFO", "").endswith(".wsdl"):
            status, body = "200 OK", self._wsdl
        headers = [("Content-Type", _XML), ("Content-Length", str(len(body)))]
        if status.startswith("405"):
            headers.append(("Allow", "POST"))
        start_response(status, headers)
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]


def _told_headers(environ: Environ) -> dict[str, str]:
    """Return the headers that say how a message came, none that says a secret; `schema`: of the address called."""
    found = {name: str(environ[key])[:_HEADER_MAX] for name, key in _TOLD_HEADERS.items() if environ.get(key)}
    schema = environ.get("HTTP_X_FORWARDED_PROTO") or environ.get("wsgi.url_scheme") or ""
    return found | ({"schema": str(schema)[:_HEADER_MAX].lower()} if schema else {})


def _esito(call: Call, status: str) -> str:
    """Whose fault the outcome of a call is: ok; rifiuto, the caller's; guasto, ours, whatever the answer looks like."""
    if call.outcome == "ok" and not call.is_replaced:
        return "ok"
    is_slowed = status.startswith("429")
    is_ours = call.is_replaced or call.outcome == "Server" or call.outcome.endswith("SYSTEM_ERROR")
    return "guasto" if is_ours and not is_slowed else "rifiuto"


def _content_charset(call: Call, environ: Environ) -> str | None:
    """Return the character set of the Content-Type, None when it names none.

    Raises: SoapFault (SOAP 1.2, attachments, compression, anything that is not XML; unknown character set).
    """
    content_type = environ.get("CONTENT_TYPE") or ""
    media = content_type.partition(";")[0].strip().lower()
    unsupported = "415 Unsupported Media Type"
    if media == "application/soap+xml":
        raise refuse(call, "VersionMismatch", "Il servizio parla SOAP 1.1, con Content-Type text/xml", unsupported)
    if media and not media.startswith("text/") and media != "application/xml":
        raise refuse(call, "Client", "Content-Type non ammesso: usare text/xml", unsupported)
    if environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() not in ("", "identity"):
        raise refuse(call, "Client", "Content-Encoding non ammesso", unsupported)
    match = _CHARSET.search(content_type)
    if match is None:
        return None
    try:
        return known_encoding(match.group(1))
    except XmlNonValido as error:
        raise refuse(call, "Client", f"Richiesta non leggibile: {error.reason}") from None
