"""The kinds of column of an export: where a value is found in what is said, and how it is written.

A formula is neutralised in texts that people wrote, where a spreadsheet would run it, and nowhere else: identifiers and
amounts stay what they are. Source: flows, 3.3; CSV injection, OWASP.
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, date, datetime
from operator import attrgetter
from typing import Any, ClassVar, Generic, TypeVar

from hub.formats.importi import text_from_cent
from hub.formats.istanti import ROMA, giorno_di

Detto = TypeVar("Detto")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# A row is a line for many a reader, whatever its quotes say.
_CONTROLS = {code: " " for code in (*range(32), 127, 0x85, 0x2028, 0x2029)}
_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")


def one_line(text: str) -> str:
    return text if text.isprintable() else text.translate(_CONTROLS)


class Esportata:
    """An identifier or a code, as it is. `da`: the attributes that lead to it."""

    def __init__(self, nome: str, da: str) -> None:
        self.nome = nome
        self.read = attrgetter(da)

    def write(self, value: Any) -> str:
        return one_line(str(value))


class Libero(Esportata):
    """A text that somebody wrote: with an apostrophe before it where a spreadsheet would take it for a formula."""

    def write(self, value: Any) -> str:
        return one_line("'" + value if value.startswith(_FORMULA) else value)


class Euro(Esportata):
    """Integer cents as euro, with a point and two decimals."""

    def write(self, value: int) -> str:
        return text_from_cent(value)


class Giorno(Esportata):
    """A civil day, `yyyy-MM-dd`; of an instant the day it is in Europe/Rome."""

    def write(self, value: date) -> str:
        return (giorno_di(value) if isinstance(value, datetime) else value).isoformat()


class OraLocale(Esportata):
    """The text of an xsd:dateTime as `yyyy-MM-ddTHH:mm:ss` of Europe/Rome."""

    def write(self, value: str) -> str:
        if _LOCAL.fullmatch(value):
            return value
        instant = datetime.fromisoformat(value)
        local = instant if instant.tzinfo is None else instant.astimezone(UTC).astimezone(ROMA)
        return local.strftime("%Y-%m-%dT%H:%M:%S")


class Base64(Esportata):
    """Bytes, in base64 on one line."""

    def write(self, value: bytes) -> str:
        return base64.b64encode(value).decode("ascii")


class Bandiera(Esportata):
    """`true` or `false`."""

    def write(self, value: bool) -> str:
        return "true" if value else "false"


class Esportazione:
    """The columns of a layout, in the order in which the class and those it builds on declare them."""

    colonne: ClassVar[tuple[Esportata, ...]] = ()

    def __init_subclass__(cls) -> None:
        declared: dict[str, Esportata] = {}
        for base in reversed(cls.__mro__):
            declared |= {name: value for name, value in vars(base).items() if isinstance(value, Esportata)}
        cls.colonne = tuple(declared.values())


class Foglio(Generic[Detto]):
    """Rows of one layout: header and texts, in the order of its columns."""

    def __init__(self, colonne: tuple[Esportata, ...]) -> None:
        self.intestazione = [colonna.nome for colonna in colonne]
        self._cells = [(colonna.read, colonna.write) for colonna in colonne]

    def row(self, said: Detto) -> list[str]:
        """Return the texts of what is said; None is an empty one."""
        texts = []
        for read, write in self._cells:
            value = read(said)
            texts.append("" if value is None else write(value))
        return texts
