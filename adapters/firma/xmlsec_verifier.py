"""Verifies an XML signature with xmlsec, and gives back what it covers. Source: XML Signature 1.1."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import xmlsec

from hub.formats.ws_security import DIGESTS, DS, LET_IN, SIGNATURE, WSU, WSU_ID, prefixes_of
from hub.formats.xml import XmlNonValido, canonical, parse

_DIGESTS = (xmlsec.Transform.SHA256, xmlsec.Transform.SHA384, xmlsec.Transform.SHA512)
_METHODS = (
    xmlsec.Transform.RSA_SHA256, xmlsec.Transform.RSA_SHA384, xmlsec.Transform.RSA_SHA512,
    xmlsec.Transform.ECDSA_SHA256, xmlsec.Transform.ECDSA_SHA384, xmlsec.Transform.ECDSA_SHA512,
)  # fmt: skip


class XmlsecFirme:
    """Implements `hub.ports.Firme`. Stateless: every verification has a context of its own."""

    def verify(self, document: bytes, certificate: bytes) -> dict[str, bytes] | None:
        """See `hub.ports.Firme.verify`."""
        try:
            root = parse(document, LET_IN)
        except XmlNonValido:
            return None
        signatures = list(root.iter(SIGNATURE))
        if len(signatures) != 1:
            return None
        by_id: dict[str, list[Any]] = {}
        for element in root.xpath("//*[@u:Id]", namespaces={"u": WSU[1:-1]}):
            by_id.setdefault(element.get(WSU_ID), []).append(element)
        references = signatures[0].findall(f"{DS}SignedInfo/{DS}Reference")
        named = {reference.get("URI", "")[1:]: reference for reference in references}
        if not references or any(len(by_id.get(id, ())) != 1 for id in named):
            return None
        if not _is_verified(signatures[0], [by_id[id][0] for id in named], certificate):
            return None
        covered = {id: _covered(reference, by_id[id][0]) for id, reference in named.items()}
        return {id: text for id, text in covered.items() if text is not None} if None not in covered.values() else None


def _is_verified(signature: Any, elements: list[Any], certificate: bytes) -> bool:
    context = xmlsec.SignatureContext()
    # Nothing but what the form admits can run, whatever the message asks for.
    for transform in (xmlsec.Transform.EXCL_C14N, *_DIGESTS):
        context.enable_reference_transform(transform)
    for transform in (xmlsec.Transform.EXCL_C14N, *_DIGESTS, *_METHODS):
        context.enable_signature_transform(transform)
    try:
        # The key is given: KeyInfo is not searched for one.
        context.key = xmlsec.Key.from_memory(certificate, xmlsec.KeyFormat.CERT_DER, None)
        for element in elements:
            context.register_id(element, "Id", WSU[1:-1])
        context.verify(signature)
    except xmlsec.Error:
        return False
    return True


def _covered(reference: Any, element: Any) -> bytes | None:
    """Return the canonical bytes of a signed element: those of which the signature holds the digest, or None."""
    transform = reference.find(f"{DS}Transforms/{DS}Transform")
    text = canonical(element, prefixes_of(transform))
    algorithm = DIGESTS[reference.find(DS + "DigestMethod").get("Algorithm")]
    wanted = base64.b64decode(reference.findtext(DS + "DigestValue") or "")
    return text if hmac.compare_digest(hashlib.new(algorithm, text).digest(), wanted) else None
