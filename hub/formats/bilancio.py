"""The accounting breakdown of a row of a flow: XML on one line, without a namespace. Source: flows, 7.2."""

from __future__ import annotations

from lxml import etree

from hub.formats.importi import cent_from_text
from hub.formats.xml import Limits, XmlNonValido, parse

# The column admits 4096 characters, four bytes each at most.
_LIMITS = Limits(bytes_max=4 * 4096, depth_max=4, tags_max=2048)


def sum_bilancio(text: str) -> int:
    """Return the cents that the breakdown adds up to.

    Raises: ValueError, its text an Italian sentence.

    >>> sum_bilancio("<bilancio><capitolo><codCapitolo>1</codCapitolo><accertamento><importo>60.00</importo>"
    ... "</accertamento><accertamento><importo>40.00</importo></accertamento></capitolo></bilancio>")
    10000
    >>> sum_bilancio("<bilancio/>")
    Traceback (most recent call last):
    ValueError: bilancio: serve almeno un capitolo
    """
    try:
        root = parse(text.encode(), _LIMITS)
    except XmlNonValido as error:
        raise ValueError(f"bilancio: {error.reason}") from error
    if root.tag != "bilancio":
        raise ValueError("l'elemento radice deve essere bilancio, senza namespace")
    capitoli = _children(root, "capitolo", {})
    return sum(
        cent_from_text(_importo(accertamento))
        for capitolo in capitoli
        for accertamento in _children(capitolo, "accertamento", {"codCapitolo": 12, "codUfficio": 16})
    )


def _children(parent: etree._Element, name: str, texts: dict[str, int]) -> list[etree._Element]:
    """The children called `name`, at least one, after the texts that may come first, in order and once."""
    children = list(parent)
    for text, length_max in texts.items():
        if children and children[0].tag == text:
            _text(children.pop(0), length_max)
    if not children:
        raise ValueError(f"{parent.tag}: serve almeno un {name}")
    for child in children:
        if child.tag != name:
            raise ValueError(f"{parent.tag}: elemento {str(child.tag)[:40]} fuori posto")
    return children


def _importo(accertamento: etree._Element) -> str:
    children = list(accertamento)
    if children and children[0].tag == "codAccertamento":
        _text(children.pop(0), 32)
    if len(children) != 1 or children[0].tag != "importo":
        raise ValueError("accertamento: serve un importo, e uno solo")
    text = _text(children[0], 15)
    try:
        cent_from_text(text)
    except ValueError as error:
        raise ValueError("importo: attese cifre, un punto e due decimali, per esempio 60.00") from error
    return text


def _text(element: etree._Element, length_max: int) -> str:
    text = (element.text or "").strip()
    if len(element) or not text or len(text) > length_max:
        raise ValueError(f"{element.tag}: atteso un testo da 1 a {length_max} caratteri")
    return text
