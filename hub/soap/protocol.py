"""Contract-first SOAP 1.1 for Spyne: the contract's own schema decides what enters, plain dicts go to the operations.

Replaces Spyne's reading and writing altogether: its own follows href/id references, ignores headers and mustUnderstand,
and puts request text into faults and logs.
"""

from __future__ import annotations

from typing import Any

import structlog
from lxml import etree
from spyne.protocol.soap.soap11 import Soap11

from hub.formats.senza_password import senza_password
from hub.formats.ws_security import UNDERSTOOD, WSU_ID, is_signed
from hub.formats.xml import Limits, SchemaError, XmlNonValido, parse
from hub.soap.contract import SOAP_ENV, Contract, Verb
from hub.soap.operation import Call, OnInvalid, Outgoing, SoapFault, note_outcome, refuse, shielded
from hub.soap.security import Signatures

log = structlog.get_logger("hub.soap")
ENVELOPE, HEADER, BODY = (f"{{{SOAP_ENV}}}{name}" for name in ("Envelope", "Header", "Body"))
MUST_UNDERSTAND, ACTOR = f"{{{SOAP_ENV}}}mustUnderstand", f"{{{SOAP_ENV}}}actor"
ACTOR_NEXT = "http://schemas.xmlsoap.org/soap/actor/next"
ERRORS_TOLD = 5


class ContractSoap11(Soap11):
    """Soap11 whose message model is a `Contract`. The `Call` is the context's `udc`."""

    def __init__(
        self,
        contract: Contract,
        limits: Limits,
        on_invalid: OnInvalid | None,
        keep_request: bool,
        signatures: Signatures | None = None,
        tolerant: frozenset[str] = frozenset(),
        outgoing: Outgoing | None = None,
    ) -> None:
        super().__init__(validator=None)
        self.contract = contract
        self.limits = limits
        self.on_invalid = on_invalid
        self.keep_request = keep_request
        self.signatures = signatures
        self.tolerant = tolerant
        self.outgoing = outgoing

    def create_in_document(self, ctx: Any, charset: str | None = None) -> None:
        call: Call = ctx.udc
        try:
            ctx.in_document = parse(call.body, self.limits, call.charset)
        except XmlNonValido as error:
            raise refuse(call, "Client", f"Richiesta non leggibile: {error.reason}") from None

    def decompose_incoming_envelope(self, ctx: Any, message: str = Soap11.REQUEST) -> None:
        call: Call = ctx.udc
        envelope = ctx.in_document
        headers, payload = _parts(call, envelope)
        if self.signatures is not None and is_signed(headers):
            self._refuse_obligations(call, headers, UNDERSTOOD)
            headers, payload = self.signatures.open(call, envelope, payload, self.contract.headers) or (
                [header for header in headers if header.tag in self.contract.headers], payload
            )
        verb = self.contract.by_request.get(payload.tag)
        if verb is None:
            raise refuse(call, "Client", "Operazione sconosciuta in questo servizio", "404 Not Found")
        call.operation, call.verb = verb.name, verb
        header = self._header(call, headers, verb)
        try:
            errors = self._violations(verb, header, payload)
            if not errors or verb.name in self.tolerant:
                if header is not None and verb.header_shape is not None:
                    call.header = verb.header_shape.read(header)
                ctx.in_object = call.said = verb.request_shape.read(payload)
        finally:
            if self.keep_request:
                call.redacted_request = _redacted(call.body, envelope)
        if errors and verb.name in self.tolerant:
            call.violations = errors
            call.log["rules"] = _rules(errors)
        elif errors:
            ctx.in_object = {}
            call.violations = errors
            call.said = verb.request_shape.read(payload)
            call.ready_answer = self._answer_to(call, verb, errors)
        ctx.in_body_doc = payload
        ctx.method_request_string = payload.tag

    def _header(self, call: Call, headers: list[etree._Element], verb: Verb) -> etree._Element | None:
        self._refuse_obligations(call, headers)
        found = [header for header in headers if header.tag == verb.header]
        if len(found) > 1 and call.signature is None:
            # Whoever stands between may have read the other one. A signed message says by itself which one counts.
            raise refuse(call, "Client", "La busta SOAP ripete l'intestazione dell'operazione: ne serve una")
        return found[0] if found else None

    def _refuse_obligations(
        self, call: Call, headers: list[etree._Element], understood: frozenset[str] = frozenset()
    ) -> None:
        """Raises: SoapFault (a header that must be understood and is not)."""
        for header in headers:
            known = header.tag in self.contract.headers or header.tag in understood
            if not known and _must_be_understood(header):
                raise refuse(call, "MustUnderstand", "Intestazione SOAP obbligatoria non riconosciuta")

    def _violations(self, verb: Verb, header: etree._Element | None, payload: etree._Element) -> list[SchemaError]:
        """Return what the contract refuses, after one attempt at bringing the request nearer to it."""
        check = self.contract.schema.check
        errors: list[SchemaError] = []
        if header is not None and verb.header_shape is not None and (errors := self._header_errors(header)):
            verb.header_shape.repair(header, str(verb.header).rpartition("}")[0][1:])
            errors = self._header_errors(header)
        if body_errors := check(payload):
            verb.request_shape.repair(payload, self.contract.namespace)
            body_errors = check(payload)
        return errors + body_errors

    def _header_errors(self, header: etree._Element) -> list[SchemaError]:
        # SOAP's and WS-Security's attributes may stand on any header; the contract's schema does not know them.
        for name in (MUST_UNDERSTAND, ACTOR, WSU_ID):
            header.attrib.pop(name, None)
        return self.contract.schema.check(header)

    def _answer_to(self, call: Call, verb: Verb, errors: list[SchemaError]) -> dict[str, Any]:
        call.log["rules"] = _rules(errors)
        answer = self.on_invalid(call, verb.request, errors) if self.on_invalid is not None else None
        if answer is None:
            told = "; ".join(str(error) for error in errors[:ERRORS_TOLD])
            raise refuse(call, "Client", f"Richiesta non conforme al contratto: {told}")
        return answer

    def deserialize(self, ctx: Any, message: str) -> None:
        """Nothing is left to be done: `decompose_incoming_envelope` has read the body."""

    def serialize(self, ctx: Any, message: str) -> None:
        call: Call = ctx.udc
        verb: Verb = ctx.udc.verb
        written = _written(verb, ctx.out_object[0]) if self.outgoing is None else self._checked(ctx, call, verb)
        ctx.out_string = [written]

    def _checked(self, ctx: Any, call: Call, verb: Verb) -> bytes:
        """Return the bytes of the answer, or of the one that goes instead when it is not valid: our own mistake.

        Raises: SoapFault (there is nothing to be said instead, or that is not valid either).
        """
        assert self.outgoing is not None
        check = self.outgoing.check

        def checked(answer: dict[str, Any]) -> tuple[bytes, list[str]]:
            written = _written(verb, answer)
            return written, check(written)

        try:
            written, violations = shielded(call, lambda: checked(ctx.out_object[0]))
        except SoapFault:
            written, violations = b"", ["the answer cannot be written"]
        if not violations:
            return written
        call.is_replaced = True
        log.error(
            "answer_not_valid",
            operation=verb.name,
            violations=violations[:ERRORS_TOLD],
            correlation_id=call.correlation_id,
        )
        instead = self.outgoing.stand_in(call, verb, call.said)
        if instead is not None:
            written, violations = checked(instead)
            if not violations:
                note_outcome(call, verb, instead)
                return written
        raise refuse(call, "Server", "Errore interno", "503 Service Unavailable")

    def create_out_string(self, ctx: Any, charset: str | None = None) -> None:
        """Nothing is left to be done: `serialize` has written the bytes."""


def _rules(errors: list[SchemaError]) -> list[str]:
    return sorted({error.rule.partition(",")[0] for error in errors})[:ERRORS_TOLD]


def _written(verb: Verb, answer: dict[str, Any]) -> bytes:
    opening, closing = verb.answer_frame
    written: list[str] = []
    verb.response_shape.write(written, answer, verb.answer_names)
    return b"".join((opening, "".join(written).encode(), closing))


def _must_be_understood(header: etree._Element) -> bool:
    """Say whether the header is meant for us and forbids to be ignored."""
    return header.get(MUST_UNDERSTAND) in ("1", "true") and header.get(ACTOR, ACTOR_NEXT) in ("", ACTOR_NEXT)


def _parts(call: Call, envelope: etree._Element) -> tuple[list[etree._Element], etree._Element]:
    """Return the header entries and the one payload of a SOAP 1.1 envelope.

    Raises: SoapFault (another version, no envelope, not exactly one Body with one child).
    """
    if envelope.tag != ENVELOPE:
        if etree.QName(envelope).localname == "Envelope":
            raise refuse(call, "VersionMismatch", "Il servizio parla SOAP 1.1")
        raise refuse(call, "Client", "Il documento non è una busta SOAP")
    headers = [child for child in envelope if child.tag == HEADER]
    bodies = [child for child in envelope if child.tag == BODY]
    if len(bodies) != 1 or len(headers) > 1:
        raise refuse(call, "Client", "La busta SOAP deve avere un solo Body e al più un Header")
    if len(bodies[0]) != 1:
        raise refuse(call, "Client", "Il Body della busta SOAP deve contenere un solo elemento")
    return list(headers[0]) if headers else [], bodies[0][0]


def _redacted(body: bytes, envelope: etree._Element) -> bytes:
    """Return the request without its passwords, for the journal: its own bytes wherever they can be told apart."""
    nodes = list(envelope.iter("{*}password", "{*}passwordMypivot"))
    blanked, found = senza_password(body)
    if found == len(nodes):
        return blanked
    for node in nodes:
        for child in list(node):
            node.remove(child)
        node.text = "***"
    return etree.tostring(envelope)


def fault_text(code: str, text: str) -> bytes:
    """Return the bytes of a SOAP 1.1 fault."""
    envelope = etree.Element(ENVELOPE, nsmap={"soapenv": SOAP_ENV})
    fault = etree.SubElement(etree.SubElement(envelope, BODY), f"{{{SOAP_ENV}}}Fault")
    etree.SubElement(fault, "faultcode").text = f"soapenv:{code}"
    etree.SubElement(fault, "faultstring").text = text
    return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")
