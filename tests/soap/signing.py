"""Signed messages as an honest client writes them, each step open to a test that wants it otherwise."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
import xmlsec
from lxml import etree

from hub.formats.ws_security import DS, EXC, SOAP, WSA, WSSE, WSU, WSU_ID
from hub.soap import ente
from tests.certificates import Identity, make_identity
from tests.factories import encode, make_documento
from tests.soap.zeep_client import Answer, open_door
from tests.world import World

NS = "http://www.regione.veneto.it/pagamenti/ente/"
ADDRESS = "https://hub.example.org" + ente.PATH
PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
THUMBPRINT = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1"
SIGNER = make_identity("Firma di tributi")
ALL = ("Timestamp", "To", "MessageID", "intestazionePPT", "Body")


@dataclass
class Message:
    """One paaSILInviaDovuti to be signed; `build` writes the envelope, `sign` signs it where it stands."""

    created: datetime
    life: timedelta = timedelta(minutes=5)
    ente: str = "C_PROVA"
    password: str = ""
    to: str | None = ADDRESS
    message_id: str | None = field(default_factory=lambda: f"urn:uuid:{uuid.uuid4()}")
    identity: Identity = SIGNER
    parts: tuple[str, ...] = ALL
    named_by: str = "token"
    digest: Any = xmlsec.Transform.SHA256
    method: Any = xmlsec.Transform.RSA_SHA256
    transforms: tuple[Any, ...] = (xmlsec.Transform.EXCL_C14N,)
    c14n: Any = xmlsec.Transform.EXCL_C14N
    key: Callable[[Identity], Any] | None = None
    prefixes: str = ""

    def build(self) -> Any:
        dovuti = encode(make_documento().xml)
        envelope = etree.fromstring(
            f'<s:Envelope xmlns:s="{SOAP[1:-1]}" xmlns:wsu="{WSU[1:-1]}"><s:Header>'
            f'<h:intestazionePPT xmlns:h="{NS}ppthead"><codIpaEnte>{self.ente}</codIpaEnte></h:intestazionePPT>'
            f'</s:Header><s:Body><e:paaSILInviaDovuti xmlns:e="{NS}"><password>{self.password}</password>'
            f"<dovuti>{dovuti}</dovuti></e:paaSILInviaDovuti></s:Body></s:Envelope>"
        )
        header = part(envelope, "Header")
        for name, text in (("To", self.to), ("MessageID", self.message_id)):
            if text is not None:
                etree.SubElement(header, WSA + name, nsmap={"wsa": WSA[1:-1]}).text = text
        security = etree.SubElement(header, WSSE + "Security", nsmap={"wsse": WSSE[1:-1]})
        security.set(SOAP + "mustUnderstand", "1")
        timestamp = etree.SubElement(security, WSU + "Timestamp")
        for name, instant in (("Created", self.created), ("Expires", self.created + self.life)):
            etree.SubElement(timestamp, WSU + name).text = instant.strftime("%Y-%m-%dT%H:%M:%SZ")
        return envelope

    def sign(self, envelope: Any) -> Any:
        """Sign the parts at the end of Security and return the signed envelope."""
        security = part(envelope, "Security")
        signature = xmlsec.template.create(security, self.c14n, self.method, ns="ds")
        security.append(signature)
        context = xmlsec.SignatureContext()
        context.key = (self.key or _private)(self.identity)
        for name in self.parts:
            element = part(envelope, name)
            reference = self.refer(signature, identify(element))
            for transform in self.transforms:
                node = xmlsec.template.add_transform(reference, transform)
                if self.prefixes:
                    etree.SubElement(node, EXC + "InclusiveNamespaces", PrefixList=self.prefixes)
            context.register_id(element, "Id", WSU[1:-1])
        self._name_key(signature, security)
        context.sign(signature)
        # Read again: the names of nodes that xmlsec made are not found by lxml.
        return etree.fromstring(etree.tostring(envelope))

    def refer(self, signature: Any, id: str) -> Any:
        return xmlsec.template.add_reference(signature, self.digest, uri="#" + id)

    def _name_key(self, signature: Any, security: Any) -> None:
        info = xmlsec.template.ensure_key_info(signature)
        if self.named_by == "key":
            xmlsec.template.add_key_value(info)
            return
        reference = etree.SubElement(info, WSSE + "SecurityTokenReference")
        if self.named_by == "token":
            token = etree.Element(WSSE + "BinarySecurityToken", ValueType=PROFILE)
            token.text = base64.b64encode(self.identity.der).decode()
            security.insert(0, token)
            etree.SubElement(reference, WSSE + "Reference", URI="#" + identify(token), ValueType=PROFILE)
        elif self.named_by == "thumbprint":
            named = etree.SubElement(reference, WSSE + "KeyIdentifier", ValueType=THUMBPRINT)
            named.text = base64.b64encode(self.identity.thumbprint).decode()
        else:
            data = etree.SubElement(etree.SubElement(reference, DS + "X509Data"), DS + "X509IssuerSerial")
            etree.SubElement(data, DS + "X509IssuerName").text = self.identity.certificate.issuer.rfc4514_string()
            etree.SubElement(data, DS + "X509SerialNumber").text = str(self.identity.certificate.serial_number)


def _private(identity: Identity) -> Any:
    return xmlsec.Key.from_memory(identity.key_pem, xmlsec.KeyFormat.PEM, None)


def part(envelope: Any, name: str) -> Any:
    """The first element of a local name."""
    return next(envelope.iter("{*}" + name))


def identify(element: Any) -> str:
    if element.get(WSU_ID) is None:
        element.set(WSU_ID, f"id-{uuid.uuid4().hex}")
    return str(element.get(WSU_ID))


def signed(now: datetime, **values: Any) -> Any:
    message = Message(now, **values)
    return message.sign(message.build())


def to_bytes(envelope: Any) -> bytes:
    return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")


def post(world: World, envelope: Any) -> tuple[Answer, dict[str, Any]]:
    """Return the answer and the log line of a call."""
    with structlog.testing.capture_logs() as lines:
        answer = open_door(world).post(ente.PATH, to_bytes(envelope), {})
    (line,) = [line for line in lines if line["event"] == "soap_request"]
    return answer, line
