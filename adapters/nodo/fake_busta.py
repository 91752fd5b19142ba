"""What the calls of the simulated node have in common: markup written, envelopes opened, a verdict on the answer.

Only the outermost element of a body carries a namespace. Source: node, endpoint behaviour (3.0.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from hub.formats.xml import Schema, XmlNonValido, parse

ENVELOPE_NS = "http://schemas.xmlsoap.org/soap/envelope/"


@dataclass(frozen=True, slots=True)
class Risposta:
    """What the hub answered, as the node judges it.

    `esito` is OK or KO; `violazione` says why the node rejects the answer, and then nothing else counts. `dati` is the
    element with the answer's content.
    """

    esito: str = ""
    code: str = ""
    description: str = ""
    violazione: str = ""
    dati: Any = None

    @property
    def is_ok(self) -> bool:
        return self.esito == "OK" and not self.violazione


def fields(**values: str | None) -> str:
    """Return an element for each value that is there, in the order given."""
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items() if value is not None)


def markup(element: Any, without: frozenset[str] = frozenset()) -> str:
    """Return an unqualified element as it was received, children named in `without` left out."""
    children = [child for child in element.iterchildren("*") if child.tag not in without]
    inner = "".join(markup(child, without) for child in children) if len(element) else escape(element.text or "")
    return f"<{element.tag}>{inner}</{element.tag}>"


def open_answer(body: bytes, tag: str, schema: Schema) -> Any:
    """Return the element `tag` of an answer.

    Raises: ValueError (no envelope, another body, a SOAP fault, not as the contract wants; said in Italian).
    """
    try:
        envelope = parse(body)
    except XmlNonValido as error:
        raise ValueError(f"risposta non leggibile: {error.reason}") from error
    bodies = envelope.findall(f"{{{ENVELOPE_NS}}}Body") if envelope.tag == f"{{{ENVELOPE_NS}}}Envelope" else []
    children = [child for part in bodies for child in part.iterchildren("*")]
    if len(bodies) != 1 or len(children) != 1:
        raise ValueError("la risposta non è una busta SOAP con un solo contenuto")
    answer = children[0]
    if answer.tag != tag:
        raise ValueError(f"atteso {tag.rpartition('}')[2]}, ricevuto {str(answer.tag).rpartition('}')[2]}")
    errors = schema.check(answer)
    if errors:
        raise ValueError("; ".join(str(error) for error in errors[:3]))
    empty = next((node.tag for node in answer.iter("*") if not len(node) and not (node.text or "").strip()), None)
    if empty is not None:
        # The schema lets a plain string be empty, the node does not (SIN_PVPNR_45).
        raise ValueError(f"elemento {str(empty).rpartition('}')[2]} vuoto: va omesso")
    return answer
