"""Signs a report with an enveloped XML signature, and says what a signed one covers and whose certificate it shows.

Source: XML Signature 1.1, enveloped signature (6.6.4); exclusive canonicalization.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import xmlsec

from hub.formats.rapporto_conformita import LIMITS
from hub.formats.ws_security import DS
from hub.formats.xml import XmlNonValido, canonical, parse

_METHODS = (
    xmlsec.Transform.RSA_SHA256, xmlsec.Transform.RSA_SHA384, xmlsec.Transform.RSA_SHA512,
    xmlsec.Transform.ECDSA_SHA256, xmlsec.Transform.ECDSA_SHA384, xmlsec.Transform.ECDSA_SHA512,
)  # fmt: skip
_DIGESTS = (xmlsec.Transform.SHA256, xmlsec.Transform.SHA384, xmlsec.Transform.SHA512)
_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"


def sign(document: bytes, key_pem: bytes, certificate_pem: bytes) -> bytes:
    """Return the document with a signature over the whole of it as its last child, the certificate inside.

    Raises: ValueError (the key cannot sign).
    """
    # Which kind of key it is shows when it is used.
    for method in (xmlsec.Transform.RSA_SHA256, xmlsec.Transform.ECDSA_SHA256):
        try:
            key = xmlsec.Key.from_memory(key_pem, xmlsec.KeyFormat.PEM, None)
            key.load_cert_from_memory(certificate_pem, xmlsec.KeyFormat.PEM)
            return _signed(parse(document, LIMITS), key, method)
        except xmlsec.Error:
            continue
    raise ValueError("the key cannot sign")


def _signed(root: Any, key: Any, method: Any) -> bytes:
    node = xmlsec.template.create(root, xmlsec.Transform.EXCL_C14N, method, ns="ds")
    root.append(node)
    reference = xmlsec.template.add_reference(node, xmlsec.Transform.SHA256, uri="")
    xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
    xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
    info = xmlsec.template.ensure_key_info(node)
    data = xmlsec.template.add_x509_data(info)
    xmlsec.template.x509_data_add_certificate(data)
    context = xmlsec.SignatureContext()
    context.key = key
    context.sign(node)
    return b"<?xml version='1.0' encoding='UTF-8'?>\n" + canonical(root) + b"\n"


def verify(document: bytes) -> tuple[bytes, bytes] | None:
    """Return the bytes that the signature covers and the certificate (DER) that made it; None when it proves nothing.

    Whether the certificate is somebody's whom one believes is for who asks.
    """
    try:
        root = parse(document, LIMITS)
    except XmlNonValido:
        return None
    signatures = list(root.iter(f"{DS}Signature"))
    if len(signatures) != 1 or signatures[0].getparent() is not root or not _covers_all(signatures[0]):
        return None
    der = _certificate(signatures[0])
    if der is None or not _is_verified(signatures[0], der):
        return None
    root.remove(signatures[0])
    return canonical(root), der


def _covers_all(signature: Any) -> bool:
    references = signature.findall(f"{DS}SignedInfo/{DS}Reference")
    if len(references) != 1 or references[0].get("URI") != "":
        return False
    transforms = [one.get("Algorithm") for one in references[0].iterfind(f"{DS}Transforms/{DS}Transform")]
    return transforms == [_ENVELOPED, _EXCLUSIVE]


def _certificate(signature: Any) -> bytes | None:
    texts = signature.findall(f"{DS}KeyInfo/{DS}X509Data/{DS}X509Certificate")
    if len(texts) != 1:
        return None
    try:
        return base64.b64decode("".join((texts[0].text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _is_verified(signature: Any, der: bytes) -> bool:
    context = xmlsec.SignatureContext()
    for transform in (xmlsec.Transform.ENVELOPED, xmlsec.Transform.EXCL_C14N, *_DIGESTS):
        context.enable_reference_transform(transform)
    for transform in (xmlsec.Transform.EXCL_C14N, *_DIGESTS, *_METHODS):
        context.enable_signature_transform(transform)
    try:
        # The key is given: KeyInfo is not searched for another one.
        context.key = xmlsec.Key.from_memory(der, xmlsec.KeyFormat.CERT_DER, None)
        context.verify(signature)
    except xmlsec.Error:
        return False
    return True
