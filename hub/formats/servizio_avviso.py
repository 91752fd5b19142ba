"""The data with which a PSP asks for a notice: XML of the service, of which the ente declares the elements.

Source: node, paDemandPaymentNotice (3.6). What else the document says is not ours to read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from hub.domain.errors_nodo import DatiServizioNonValidi
from hub.formats.base64_campi import decode_strict
from hub.formats.blocchi import local_name
from hub.formats.xml import Limits, XmlNonValido, canonical, parse

_LIMITS = Limits(bytes_max=256 * 1024, depth_max=16, tags_max=2_000)


@dataclass(frozen=True, slots=True)
class DatiServizio:
    """What the data say, by the ente's own words for it; `impronta`: the same data have the same, however written."""

    campi: Mapping[str, str]
    impronta: str


def read_dati_servizio(text: str, campi: Mapping[str, str]) -> DatiServizio:
    """Return the declared fields of a base64 document; those that it does not hold are absent.

    `campi`: word -> element.
    Raises: DatiServizioNonValidi (neither base64 nor XML).
    """
    try:
        root = parse(decode_strict(text), _LIMITS)
    except (ValueError, XmlNonValido) as error:
        reason = error.reason if isinstance(error, XmlNonValido) else "non è base64"
        raise DatiServizioNonValidi("datiSpecificiServizioRequest non leggibili", reason) from error
    words = {element: word for word, element in campi.items()}
    found: dict[str, str] = {}
    for node in root.iter("{*}*"):
        word = words.get(local_name(node))
        text_of_node = (node.text or "").strip()
        if word is not None and text_of_node and len(node) == 0:
            found.setdefault(word, text_of_node)
    return DatiServizio(found, hashlib.sha256(canonical(root)).hexdigest())
