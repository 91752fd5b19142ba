"""The signature of a SOAP message as it is written: one X.509 signature of WS-Security over the parts at their places.

Read before any cryptography, and strict: what is signed must be the very parts that are processed, found where they
belong, so that nothing can be wrapped, moved or doubled. What the signature is worth is the verifier's to say.
Source: ModI, ID_AUTH_SOAP_02 and INTEGRITY_SOAP_01; WS-Security 1.1 and X.509 token profile; XML Signature 1.1;
Exclusive C14N 1.0; WS-Addressing 1.0.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree

from hub.formats.certificati import SIZE_MAX_BYTES, serial_of, thumbprint
from hub.formats.xml import Limits

SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
WSSE = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
WSU = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"
EXC = "{http://www.w3.org/2001/10/xml-exc-c14n#}"
WSA = "{http://www.w3.org/2005/08/addressing}"
EXC_C14N = EXC[1:-1]
WSU_ID = WSU + "Id"
SECURITY, SIGNATURE, TOKEN = WSSE + "Security", DS + "Signature", WSSE + "BinarySecurityToken"
# Headers that are understood in a signed message. Action says what the signed Body says already.
UNDERSTOOD = frozenset({SECURITY, WSA + "To", WSA + "MessageID", WSA + "Action"})
ACTOR = SOAP + "actor"
ACTOR_NEXT = "http://schemas.xmlsoap.org/soap/actor/next"

_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_ENC = "http://www.w3.org/2001/04/xmlenc#"
SIGNATURE_METHODS = frozenset(f"{_MORE}{key}-sha{bits}" for key in ("rsa", "ecdsa") for bits in (256, 384, 512))
DIGESTS = {f"{_ENC}sha256": "sha256", f"{_MORE}sha384": "sha384", f"{_ENC}sha512": "sha512"}
_PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#"
_SECURITY_1_1 = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#"
_X509 = f"{_PROFILE}X509v3"
_THUMBPRINT = f"{_SECURITY_1_1}ThumbprintSHA1"
_BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"

# For a document that the door has let in within its own limits: canonical text is longer than what was sent.
LET_IN = Limits(bytes_max=512 * 1024 * 1024, tags_max=4_000_000)
# Timestamp, Body, token, and a header each: an honest message signs six or seven.
_REFERENCES_MAX = 16
MESSAGE_ID_MAX = 256
# libxml2 sorts the attributes of an element one by one and looks a prefix up among all: ten thousand of them cost
# seconds in canonical form. An element of an honest message has a handful; some toolkits declare namespaces at each.
_ATTRIBUTES_MAX = 32
_NAMESPACES_MAX = 1000
_IDS_MAX = 100
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_IS_CROWDED = etree.XPath(f"boolean(//*[count(@*) > {_ATTRIBUTES_MAX}])")
_IDS = etree.XPath("//@*[translate(local-name(), 'ID', 'id') = 'id']")


class FirmaNonValida(ValueError):
    """A signature that proves nothing; the message says why, for the log."""


@dataclass(frozen=True, slots=True)
class MessaggioFirmato:
    """What a signed message says of itself, not verified yet.

    The certificate is named by itself (`certificato`, DER), by its SHA-1 (`sha1`) or by its serial number (`seriale`).
    `corpo`: the wsu:Id of the Body; `intestazioni`: those of the contract's headers that are there.
    """

    creato: datetime
    scade: datetime
    destinatario: str
    message_id: str
    certificato: bytes | None
    sha1: bytes | None
    seriale: int | None
    corpo: str
    intestazioni: tuple[str, ...]

    def is_signed_with(self, der: bytes) -> bool:
        """Say whether this is the certificate that the message names."""
        if self.certificato is not None:
            return der == self.certificato
        if self.sha1 is not None:
            return thumbprint(der) == self.sha1
        return serial_of(der) == self.seriale


def is_signed(headers: Iterable[etree._Element]) -> bool:
    """Say whether the headers of a message show a signature, good or not."""
    return any(next(header.iter(SIGNATURE, TOKEN), None) is not None for header in headers)


def read_signed(
    envelope: etree._Element, document: bytes, contract_headers: Collection[str]
) -> MessaggioFirmato:
    """Return what a signed message says, when its form leaves no doubt on what was signed.

    `document`: the envelope's text. `contract_headers`: the names of the headers that the service reads; those that are
    there must be signed.
    Raises: FirmaNonValida.
    """
    if _IS_CROWDED(envelope) or document.count(b"xmlns") > _NAMESPACES_MAX:
        raise FirmaNonValida("troppi attributi o namespace")
    header, body = envelope.find(SOAP + "Header"), envelope.find(SOAP + "Body")
    if header is None or body is None:
        raise FirmaNonValida("busta senza Header o senza Body")
    security = _only(header, SECURITY)
    if security.get(ACTOR, ACTOR_NEXT) not in ("", ACTOR_NEXT):
        raise FirmaNonValida("Security è per un altro destinatario")
    signature = _only(security, SIGNATURE)
    if len(list(envelope.iter(SIGNATURE))) != 1:
        raise FirmaNonValida("più di una firma")
    signed_info, value, key_info = _children(signature, DS, "SignedInfo", "SignatureValue", "KeyInfo")
    signed = _signed(envelope, _references(signed_info), (*header, *security, body))
    timestamp = _only(security, WSU + "Timestamp")
    to, message_id = (_only(header, WSA + name) for name in ("To", "MessageID"))
    own = [child for child in header if child.tag in contract_headers]
    for part in (body, timestamp, to, message_id, *own):
        if part not in signed.values():
            raise FirmaNonValida(f"{etree.QName(part).localname} non è firmato")
    ids = {part: id for id, part in signed.items()}
    der, sha1, seriale = _key(key_info, security)
    created, expires = _children(timestamp, WSU, "Created", "Expires")
    return MessaggioFirmato(
        creato=_instant(created), scade=_instant(expires), destinatario=_text(to), message_id=_message_id(message_id),
        certificato=der, sha1=sha1, seriale=seriale, corpo=ids[body], intestazioni=tuple(ids[part] for part in own),
    )  # fmt: skip


def _only(parent: etree._Element, tag: str) -> etree._Element:
    found = parent.findall(tag)
    if len(found) != 1:
        raise FirmaNonValida(f"{len(found)} elementi {etree.QName(tag).localname} in {etree.QName(parent).localname}")
    return found[0]


def _children(parent: etree._Element, namespace: str, *names: str) -> list[etree._Element]:
    """Return the children, which must be these and no other, in this order."""
    if [child.tag for child in parent] != [namespace + name for name in names]:
        raise FirmaNonValida(f"{etree.QName(parent).localname} non ha la forma attesa")
    return list(parent)


def _text(element: etree._Element) -> str:
    if len(element):
        raise FirmaNonValida(f"{etree.QName(element).localname} deve contenere solo testo")
    return (element.text or "").strip()


def _message_id(element: etree._Element) -> str:
    text = _text(element)
    if not 0 < len(text) <= MESSAGE_ID_MAX or not text.isprintable():
        raise FirmaNonValida(f"MessageID vuoto, non stampabile o oltre {MESSAGE_ID_MAX} caratteri")
    return text


def _instant(element: etree._Element) -> datetime:
    text = _text(element)
    try:
        if not _INSTANT.fullmatch(text):
            raise ValueError
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise FirmaNonValida(f"{etree.QName(element).localname} non è un istante con il fuso") from None


def _references(signed_info: etree._Element) -> list[str]:
    """Return the ids that the signature covers, having looked at every algorithm."""
    method, algorithm, *references = signed_info
    if (method.tag, algorithm.tag) != (DS + "CanonicalizationMethod", DS + "SignatureMethod"):
        raise FirmaNonValida("SignedInfo non ha la forma attesa")
    _exclusive(method)
    if algorithm.get("Algorithm") not in SIGNATURE_METHODS or len(algorithm):
        raise FirmaNonValida("algoritmo di firma non ammesso")
    if not 0 < len(references) <= _REFERENCES_MAX:
        raise FirmaNonValida("nessun riferimento, o troppi")
    ids = [_reference(reference) for reference in references]
    if len(set(ids)) != len(ids):
        raise FirmaNonValida("riferimento ripetuto")
    return ids


def _reference(reference: etree._Element) -> str:
    if reference.tag != DS + "Reference" or not set(reference.attrib) <= {"URI", "Id"}:
        raise FirmaNonValida("riferimento di forma non ammessa")
    transforms, digest, _ = _children(reference, DS, "Transforms", "DigestMethod", "DigestValue")
    (transform,) = _children(transforms, DS, "Transform")
    _exclusive(transform)
    if digest.get("Algorithm") not in DIGESTS or len(digest):
        raise FirmaNonValida("algoritmo di impronta non ammesso")
    uri = reference.get("URI", "")
    if not uri.startswith("#") or not re.fullmatch(r"[\w.-]{1,256}", uri[1:]):
        raise FirmaNonValida("riferimento a qualcosa che non è nel messaggio")
    return uri[1:]


def _exclusive(method: etree._Element) -> None:
    """Refuse everything but exclusive canonicalization without comments, and its list of prefixes."""
    children = [child.tag for child in method]
    if method.get("Algorithm") != EXC_C14N or children not in ([], [EXC + "InclusiveNamespaces"]):
        raise FirmaNonValida("trasformazione non ammessa")


def prefixes_of(transform: etree._Element) -> list[str]:
    """Return the inclusive prefixes of an exclusive canonicalization."""
    return [prefix for child in transform for prefix in (child.get("PrefixList") or "").split()]


def _signed(
    envelope: etree._Element, ids: Sequence[str], places: Collection[etree._Element]
) -> dict[str, etree._Element]:
    """Return the signed elements by id: each id once in the message, on a part at its place."""
    wanted = set(ids)
    found: dict[str, etree._Element] = {}
    every = _IDS(envelope)
    if len(every) > _IDS_MAX:
        raise FirmaNonValida("troppi identificatori")
    for attribute in every:
        if attribute not in wanted:
            continue
        element = attribute.getparent()
        if attribute in found or attribute.attrname != WSU_ID or element not in places:
            raise FirmaNonValida("identificatore ripetuto, o su un elemento fuori posto")
        found[str(attribute)] = element
    if set(found) != wanted:
        raise FirmaNonValida("riferimento a qualcosa che non è nel messaggio")
    return found


def _key(key_info: etree._Element, security: etree._Element) -> tuple[bytes | None, bytes | None, int | None]:
    """Return the certificate, or its SHA-1, or its serial number: whichever the signature names it by."""
    tokens = security.findall(TOKEN)
    if len(tokens) > 1:
        raise FirmaNonValida("più di un BinarySecurityToken")
    (reference,) = _children(key_info, WSSE, "SecurityTokenReference")
    if len(reference) != 1:
        raise FirmaNonValida("SecurityTokenReference non ha la forma attesa")
    named = reference[0]
    kind = named.get("ValueType", _X509)
    if named.tag == WSSE + "Reference" and kind == _X509 and tokens:
        token = tokens[0]
        if named.get("URI") != "#" + token.get(WSU_ID, "") or token.get("ValueType", _X509) != _X509:
            raise FirmaNonValida("il riferimento al certificato non porta al suo token")
        if token.get("EncodingType", _BASE64) != _BASE64:
            raise FirmaNonValida("codifica del certificato non ammessa")
        return _binary(token), None, None
    if named.tag == WSSE + "KeyIdentifier" and kind in (_X509, _THUMBPRINT):
        return (_binary(named), None, None) if kind == _X509 else (None, _binary(named), None)
    if named.tag == DS + "X509Data":
        certificate, serial = named.find(DS + "X509Certificate"), named.find(f".//{DS}X509SerialNumber")
        if certificate is not None:
            return _binary(certificate), None, None
        if serial is not None and re.fullmatch(r"\d{1,60}", _text(serial)):
            return None, None, int(_text(serial))
    raise FirmaNonValida("chiave indicata in un modo non ammesso")


def _binary(element: etree._Element) -> bytes:
    text = "".join(_text(element).split())
    try:
        if len(text) > 2 * SIZE_MAX_BYTES:
            raise ValueError
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise FirmaNonValida("il certificato nel messaggio non si legge") from None
