"""XML too long to be held whole: the children of the root one by one, with the precautions of `hub/formats/xml.py`.

Source: node, 5 rule 4 (DTD and entities off, size and depth bounded, long documents streamed).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from lxml import etree

from hub.formats.xml import XmlNonValido, known_encoding

_HEAD_BYTES = 1024
_DECLARED = re.compile(rb"""^(?:\xef\xbb\xbf)?<\?xml[^>]*?\sencoding\s*=\s*["']([^"'>]{1,40})["']""")


@dataclass(frozen=True, slots=True)
class LongLimits:
    """The size of a long document in bytes, that of one child of its root, and the levels, the root's included.

    `child_bytes_max` is what keeps the memory flat: nothing between two children may be longer.
    """

    bytes_max: int
    child_bytes_max: int = 64 * 1024
    depth_max: int = 16


def read_children(source: BinaryIO, root: str, limits: LongLimits) -> Iterator[etree._Element]:
    """Yield each child of the root when it is complete; it is emptied as soon as the next one is asked for.

    What was yielded is good only if the iteration ends: a document may be cut or wrong after its millionth child.
    `root`: its name, `{namespace}name`. Comments and processing instructions are dropped.
    Raises: XmlNonValido (empty, too long, malformed, DTD, another root, too deep, encoding not accepted).
    """
    counted = _Counted(source, limits)
    _check_encoding(counted.head)
    events = etree.iterparse(
        counted,
        events=("start", "end"),
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        yield from _children(events, root, limits, counted)
    except etree.XMLSyntaxError as error:
        line, column = error.position if error.position else (0, 0)
        raise XmlNonValido(f"documento XML malformato (riga {line}, colonna {column})") from None


def _children(events: etree.iterparse, root: str, limits: LongLimits, counted: _Counted) -> Iterator[etree._Element]:
    depth, top = 0, None
    for event, element in events:
        if event == "start":
            depth += 1
            if top is None:
                top = element
                _check_root(element, root)
            if depth > limits.depth_max:
                raise XmlNonValido(f"documento con più di {limits.depth_max} livelli")
            continue
        depth -= 1
        if depth == 1:
            yield element
            counted.child_ended()
            # Its own content, then the blanks that follow the child before it: neither stays in memory.
            element.clear()
            assert top is not None
            while element.getprevious() is not None:
                del top[0]


def _check_root(element: etree._Element, root: str) -> None:
    document = element.getroottree().docinfo
    if document.internalDTD is not None or document.externalDTD is not None:
        raise XmlNonValido("dichiarazione DOCTYPE non ammessa")
    if element.tag != root:
        raise XmlNonValido(f"la radice non è {root}")


def _check_encoding(head: bytes) -> None:
    if not head:
        raise XmlNonValido("documento vuoto")
    declared = _DECLARED.match(head)
    if declared:
        known_encoding(declared[1].decode("ascii", "replace"))


class _Counted:
    """A source that refuses to give more than the limits, in all and since the last child ended."""

    def __init__(self, source: BinaryIO, limits: LongLimits) -> None:
        self._source = source
        self._limits = limits
        self.head = b""
        # A socket may give a byte at a time: the declaration is looked at whole.
        while len(self.head) < _HEAD_BYTES and (block := source.read(_HEAD_BYTES - len(self.head))):
            self.head += block
        self._pending = self.head
        self._given = 0
        self._child_from = 0

    def read(self, size: int) -> bytes:
        data, self._pending = self._pending or self._source.read(size), b""
        self._given += len(data)
        if self._given > self._limits.bytes_max:
            raise XmlNonValido(f"documento oltre il limite di {self._limits.bytes_max} byte")
        # A block is read ahead of the events it holds: the bound is loose by one block.
        if self._given - len(data) - self._child_from > self._limits.child_bytes_max:
            raise XmlNonValido(f"elemento oltre il limite di {self._limits.child_bytes_max} byte")
        return data

    def child_ended(self) -> None:
        self._child_from = self._given
