"""Hostile XML, made from any document in which `@@` marks a place for text.

Each maker takes the document and the address of a listener that must never hear a connection.
"""

from __future__ import annotations

from collections.abc import Callable

# Stands in the hostile parts: it may come back neither in an answer nor in a log.
SEGNO = "Zz9NonRipetere"
# The base64 of this one is larger than any message may be.
TOO_LARGE = "very wide"
# A character that XML cannot hold: the documents of the ente are read without it. Source: pa-per-ente, 1.5.
NUL = "nul"
_FILE = "/etc/hostname"

Maker = Callable[[str, str], bytes]


def _dtd(declarations: str, text: str) -> Maker:
    def make(xml: str, address: str) -> bytes:
        return (f"<!DOCTYPE x [{declarations}]>" + xml.replace("@@", text)).replace("$URL", address).encode()

    return make


def _text(text: str, encoding: str = "utf-8") -> Maker:
    return lambda xml, address: xml.replace("@@", text.replace("$URL", address)).encode(encoding)


def _head(head: str, text: str = "x", encoding: str = "utf-8") -> Maker:
    return lambda xml, _: (head + xml.replace("@@", text)).encode(encoding)


def _attribute(attribute: str) -> Maker:
    """An attribute of XML Schema's instances on the element that holds the text."""

    def make(xml: str, address: str) -> bytes:
        instance = "http://www.w3.org/2001/XMLSchema-instance"
        return xml.replace(">@@<", f' xmlns:i="{instance}" {attribute}>x<').replace("$URL", address).encode()

    return make


_LAUGHS = f'<!ENTITY l0 "{SEGNO}">' + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
_INCLUDE = '<i:include xmlns:i="http://www.w3.org/2001/XInclude" parse="text" href="{}"/>'

# Nobody can use these: the document is refused.
REFUSED: dict[str, Maker] = {
    "billion laughs": _dtd(_LAUGHS, "&l11;"),
    "quadratic blow-up": _dtd(f'<!ENTITY x "{SEGNO * 2000}">', "&x;" * 2000),
    "declared entity": _dtd(f'<!ENTITY x "{SEGNO}">', "&x;"),
    "entity in an attribute": _dtd(f'<!ENTITY x "{SEGNO}">', '<a b="&x;"/>'),
    "entity for a file": _dtd(f'<!ENTITY x SYSTEM "file://{_FILE}">', "&x;"),
    "entity for an address": _dtd('<!ENTITY x SYSTEM "$URL/x">', "&x;"),
    "parameter entity for an address": _dtd('<!ENTITY % x SYSTEM "$URL/x"> %x;', "x"),
    "entity that writes an address": _dtd('<!ENTITY % a "<!ENTITY x SYSTEM \'$URL/x\'>"> %a;', "&x;"),
    "unparsed entity": _dtd('<!NOTATION n SYSTEM "$URL/n"><!ENTITY x SYSTEM "$URL/x" NDATA n>', "x"),
    "default attribute": _dtd(f'<!ATTLIST x y CDATA "{SEGNO}">', "x"),
    "empty dtd": lambda xml, _: b"<!DOCTYPE x>" + xml.replace("@@", "x").encode(),
    "dtd at an address": lambda xml, url: f'<!DOCTYPE x SYSTEM "{url}/x.dtd">{xml.replace("@@", "x")}'.encode(),
    "public dtd": lambda xml, url: f'<!DOCTYPE x PUBLIC "-//x" "{url}/x.dtd">{xml.replace("@@", "x")}'.encode(),
    NUL: _text("\0x"),
    "undeclared entity": _text(f"&{SEGNO};"),
    "deep": _text("<a>" * 200 + "</a>" * 200),
    "very deep": _text("<a>" * 5000 + "</a>" * 5000),
    "wide": _text("<a/>" * 45_000),
    TOO_LARGE: _text("<a/>" * 410_000),
    "many attributes": _text("<a " + " ".join(f'b{n}="{SEGNO}"' for n in range(20_000)) + "/>"),
    "element in a text": _text(f"<{SEGNO}/>"),
    "include of a file": _text(_INCLUDE.format(f"file://{_FILE}")),
    "include of an address": _text(_INCLUDE.format("$URL/x")),
    "unclosed": _text(f"<{SEGNO}>"),
    "text after the end": lambda xml, _: (xml.replace("@@", "x") + SEGNO).encode(),
    "two roots": lambda xml, _: (xml + xml).replace("@@", "x").encode(),
    "latin-1 without saying it": _text("à", "iso-8859-1"),
    "cut in the middle of a letter": lambda xml, _: xml.encode().replace(b"@@", b"\xc3"),
    "overlong utf-8": lambda xml, _: xml.encode().replace(b"@@", b"\xc0\xbc"),
    "surrogate in utf-8": lambda xml, _: xml.encode().replace(b"@@", b"\xed\xa0\x80"),
    "unknown encoding": _head('<?xml version="1.0" encoding="x-none"?>'),
    "utf-7": _head('<?xml version="1.0" encoding="UTF-7"?>', "+ADw-a+AD4-"),
    "utf-16 that is utf-8": lambda xml, _: b"\xff\xfe" + xml.replace("@@", "x").encode(),
    "utf-32": _head("\ufeff", "x", "utf-32-le"),
    "xml 1.1 control character": _head('<?xml version="1.1"?>', "\x01<"),
    "another type": _attribute('i:type="i:anyType"'),
    "null": _attribute('i:nil="true"'),
}

# Odd, but what they mean is plain: they are taken as the document without them would be.
TAKEN: dict[str, Maker] = {
    "processing instruction": _text(f"x<?{SEGNO} {SEGNO}?>"),
    "stylesheet": lambda xml, url: f'<?xml-stylesheet href="{url}/x.xsl"?>{xml.replace("@@", "x")}'.encode(),
    "comment": _text(f"x<!-- {SEGNO} -->"),
    "cdata": _text("<![CDATA[x]]>"),
    "schema at an address": _attribute('i:schemaLocation="urn:x $URL/x.xsd"'),
    "schema without namespace at an address": _attribute('i:noNamespaceSchemaLocation="$URL/x.xsd"'),
    "latin-1 declared": _head('<?xml version="1.0" encoding="ISO-8859-1"?>', "à", "iso-8859-1"),
    "utf-16": _head("\ufeff", "à", "utf-16-le"),
    "utf-16 big": _head("\ufeff", "à", "utf-16-be"),
    "utf-8 with its mark": _head("\ufeff", "à"),
}

NOT_BASE64 = {
    "foreign characters": "***",
    "two paddings too many": "QUJD====",
    "padding in the middle": "QU==JD",
    "one letter": "Q",
    "other alphabet": "_-_-",
    "full-width letters": "\uff21\uff21\uff21\uff21",
}
