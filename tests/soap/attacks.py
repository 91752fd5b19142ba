"""What happens to a signed message on its way: changes to be refused, each with a word of the reason in the log."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from typing import Any

from lxml import etree

from hub.formats.ws_security import DS, EXC, SOAP, WSSE, WSU_ID
from tests.certificates import make_identity
from tests.soap.signing import ADDRESS, part

STRANGER = make_identity("Uno sconosciuto")
Change = Callable[[Any], Any]


def other_body(envelope: Any, text: str | None = None) -> Any:
    """A Body as the attacker would like it: the same operation with other dovuti."""
    other = copy.deepcopy(part(envelope, "Body"))
    part(other, "dovuti").text = text or base64.b64encode(b"<altro/>").decode()
    return other


def wrap_in_header(envelope: Any, new_id: str | None) -> Any:
    """The signed Body hides in a header, another stands in its place (Mainka, XSW 1)."""
    body = part(envelope, "Body")
    evil = other_body(envelope)
    envelope.replace(body, evil)
    if new_id is None:
        evil.attrib.pop(WSU_ID)
    elif new_id:
        evil.set(WSU_ID, new_id)
    etree.SubElement(part(envelope, "Header"), "involucro").append(body)
    return envelope


def second_body(envelope: Any) -> Any:
    evil = other_body(envelope)
    evil.attrib.pop(WSU_ID)
    etree.SubElement(part(envelope, "Security"), "involucro").append(part(envelope, "Body"))
    envelope.append(evil)
    return envelope


def wrap_in_new_body(envelope: Any) -> Any:
    """The signed Body becomes a child of the payload of a new one."""
    body = part(envelope, "Body")
    evil = other_body(envelope)
    evil.attrib.pop(WSU_ID)
    envelope.replace(body, evil)
    evil[0].append(body)
    return envelope


def wrap_in_object(envelope: Any) -> Any:
    """The signed Body goes into a ds:Object of its own signature (XSW 8)."""
    body = part(envelope, "Body")
    evil = other_body(envelope)
    evil.attrib.pop(WSU_ID)
    envelope.replace(body, evil)
    etree.SubElement(part(envelope, "Signature"), DS + "Object").append(body)
    return envelope


def wrap_header(name: str) -> Change:
    def change(envelope: Any) -> Any:
        old = part(envelope, name)
        new = copy.deepcopy(old)
        new.attrib.pop(WSU_ID)
        old.getparent().replace(old, new)
        for text in new.iter():
            if text.text == "C_PROVA":
                text.text = "C_VICINO"
        etree.SubElement(part(envelope, "Header"), "involucro").append(old)
        return envelope

    return change


def double(name: str) -> Change:
    def change(envelope: Any) -> Any:
        element = part(envelope, name)
        element.addprevious(copy.deepcopy(element))
        return envelope

    return change


def move_security(envelope: Any) -> Any:
    etree.SubElement(part(envelope, "Header"), "involucro").append(part(envelope, "Security"))
    return envelope


def move_signature(envelope: Any) -> Any:
    part(envelope, "Header").append(part(envelope, "Signature"))
    return envelope


def second_security(envelope: Any) -> Any:
    etree.SubElement(part(envelope, "Header"), WSSE + "Security")
    return envelope


def second_timestamp(envelope: Any) -> Any:
    timestamp = part(envelope, "Timestamp")
    second = copy.deepcopy(timestamp)
    second.attrib.pop(WSU_ID)
    timestamp.addprevious(second)
    return envelope


def another_actor(envelope: Any) -> Any:
    part(envelope, "Security").set(SOAP + "actor", "urn:un-altro")
    part(envelope, "Security").attrib.pop(SOAP + "mustUnderstand")
    return envelope


def set_text(name: str, text: str) -> Change:
    def change(envelope: Any) -> Any:
        part(envelope, name).text = text
        return envelope

    return change


def set_attribute(name: str, attribute: str, value: str) -> Change:
    def change(envelope: Any) -> Any:
        part(envelope, name).set(attribute, value)
        return envelope

    return change


def child(name: str, tag: str) -> Change:
    def change(envelope: Any) -> Any:
        etree.SubElement(part(envelope, name), tag)
        return envelope

    return change


def transform(algorithm: str, child: str = "", text: str = "") -> Change:
    """Put a second transform before the one that is there."""
    def change(envelope: Any) -> Any:
        node = etree.Element(DS + "Transform", Algorithm=algorithm)
        if child:
            etree.SubElement(node, child).text = text
        part(envelope, "Transforms").insert(0, node)
        return envelope

    return change


def only_transform(algorithm: str) -> Change:
    def change(envelope: Any) -> Any:
        for node in envelope.iter(DS + "Transform"):
            node.set("Algorithm", algorithm)
        return envelope

    return change


def no_references(envelope: Any) -> Any:
    for reference in list(envelope.iter(DS + "Reference")):
        reference.getparent().remove(reference)
    return envelope


def repeated_reference(envelope: Any) -> Any:
    reference = part(envelope, "SignedInfo").find(DS + "Reference")
    reference.addnext(copy.deepcopy(reference))
    return envelope


def same_id(attribute: str) -> Change:
    """A header takes the id of the Body, under whatever kind of id attribute."""

    def change(envelope: Any) -> Any:
        etree.SubElement(part(envelope, "Header"), "involucro").set(attribute, part(envelope, "Body").get(WSU_ID))
        return envelope

    return change


def plain_id(envelope: Any) -> Any:
    body = part(envelope, "Body")
    body.set("Id", body.attrib.pop(WSU_ID))
    return envelope


def unsigned(envelope: Any) -> Any:
    part(envelope, "Header").remove(part(envelope, "Security"))
    return envelope


def no_signature(envelope: Any) -> Any:
    part(envelope, "Security").remove(part(envelope, "Signature"))
    return envelope


def pointer(envelope: Any) -> Any:
    for reference in envelope.iter(DS + "Reference"):
        reference.set("URI", "#xpointer(id('x'))")
    return envelope


XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
CHANGED: list[tuple[str, Change, str]] = [
    ("Body in a header, its id on both", lambda e: wrap_in_header(e, ""), "fuori posto"),
    ("Body in a header, another id on the new", lambda e: wrap_in_header(e, "nuovo"), "fuori posto"),
    ("Body in a header, no id on the new", lambda e: wrap_in_header(e, None), "fuori posto"),
    ("Body in Security", second_body, "fuori posto"),
    ("Body in an Object of the signature", wrap_in_object, "Signature non ha la forma"),
    ("codIpaEnte in a wrapper", wrap_header("intestazionePPT"), "fuori posto"),
    ("Timestamp in a wrapper", wrap_header("Timestamp"), "fuori posto"),
    ("MessageID in a wrapper", wrap_header("MessageID"), "fuori posto"),
    ("two intestazionePPT", double("intestazionePPT"), "ripetuto"),
    ("two MessageID", double("MessageID"), "ripetuto"),
    ("two Timestamp", double("Timestamp"), "ripetuto"),
    ("a second Timestamp without id", second_timestamp, "2 elementi Timestamp"),
    ("two signatures", double("Signature"), "elementi Signature"),
    ("two tokens", double("BinarySecurityToken"), "BinarySecurityToken"),
    ("Security in a wrapper", move_security, "0 elementi Security"),
    ("signature out of Security", move_signature, "0 elementi Signature"),
    ("a second Security", second_security, "2 elementi Security"),
    ("Security for another", another_actor, "altro destinatario"),
    ("dovuti swapped", set_text("dovuti", "QUJD"), "firma che non corrisponde"),
    ("password added", set_text("password", "Segreto12345"), "firma che non corrisponde"),
    ("codIpaEnte changed", set_text("codIpaEnte", "C_VICINO"), "certificato sconosciuto"),
    ("To changed to ours", set_text("To", f"{ADDRESS} "), "firma che non corrisponde"),
    ("MessageID changed", set_text("MessageID", "urn:uuid:altro"), "firma che non corrisponde"),
    ("Expires later", set_text("Expires", "2999-01-01T00:00:00Z"), "firma che non corrisponde"),
    ("Created in words", set_text("Created", "ieri"), "istante"),
    ("Created without zone", set_text("Created", "2026-11-21T10:00:00"), "istante"),
    ("Created that is no day", set_text("Created", "2026-02-30T10:00:00Z"), "istante"),
    ("Created at the end of time", set_text("Created", "9999-12-31T23:59:59-23:59"), "istante"),
    ("signature value changed", set_text("SignatureValue", "QUJD"), "firma che non corrisponde"),
    ("signature value of nothing", set_text("SignatureValue", ""), "firma che non corrisponde"),
    ("digest of nothing", set_text("DigestValue", ""), "firma che non corrisponde"),
    ("token swapped", set_text("BinarySecurityToken", base64.b64encode(STRANGER.der).decode()), "to sconosciuto"),
    ("token of garbage", set_text("BinarySecurityToken", "@@@"), "non si legge"),
    ("token of nothing", set_text("BinarySecurityToken", ""), "certificato sconosciuto"),
    ("token without end", set_text("BinarySecurityToken", "A" * 100_000), "non si legge"),
    ("token of another kind", set_attribute("BinarySecurityToken", "ValueType", "urn:PKCS7"), "non porta al suo token"),
    ("reference to another token", set_attribute("Reference", "URI", "https://x.example.org/"), "non è nel messaggio"),
    ("reference to a file", set_attribute("Reference", "URI", "file:///etc/passwd"), "non è nel messaggio"),
    ("reference to the whole document", set_attribute("Reference", "URI", ""), "non è nel messaggio"),
    ("reference to what is not there", set_attribute("Reference", "URI", "#altrove"), "non è nel messaggio"),
    ("reference by XPointer", pointer, "non è nel messaggio"),
    ("reference of a type", set_attribute("Reference", "Type", DS + "Object"), "forma non ammessa"),
    ("no references", no_references, "nessun riferimento"),
    ("a reference twice", repeated_reference, "riferimento ripetuto"),
    ("XPath", transform(XPATH, DS + "XPath", "true()"), "non ha la forma"),
    ("XPath alone", only_transform(XPATH), "trasformazione"),
    ("XSLT", transform(XSLT, "{http://www.w3.org/1999/XSL/Transform}stylesheet"), "non ha la forma"),
    ("enveloped signature", transform(DS[1:-1] + "enveloped-signature"), "non ha la forma"),
    ("STR transform", only_transform("http://docs.oasis-open.org/wss/#STR-Transform"), "trasformazione"),
    ("base64 transform", only_transform(DS[1:-1] + "base64"), "trasformazione"),
    ("truncated signature", child("SignatureMethod", DS + "HMACOutputLength"), "algoritmo di firma"),
    ("id of the Body on a header", same_id(WSU_ID), "ripetuto"),
    ("id of the Body as xml:id", same_id("{http://www.w3.org/XML/1998/namespace}id"), "ripetuto"),
    ("id of the Body as plain ID", same_id("ID"), "ripetuto"),
    ("plain Id on the Body", plain_id, "fuori posto"),
    ("canonicalization with a stranger inside", child("Transform", EXC + "Altro"), "trasformazione"),
    ("unsigned", unsigned, "nessuna credenziale"),
    ("token without signature", no_signature, "0 elementi Signature"),
]  # fmt: skip
