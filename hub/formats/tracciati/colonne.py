"""The kinds of column of a tracciato: what each admits, how it is read and written.

Source: flows, 2.1 to 2.3, and defect 5 (12): amounts and days are read strictly.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Any

from hub.domain.tipo_versamento import TUTTI, compact
from hub.formats.importi import text_from_cent

# A sign is an amount that the rules refuse later, with a code of its own.
_IMPORTO = re.compile(r"(-?[0-9]{1,15})(?:\.([0-9]{1,2}))?")
_GIORNO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SNAKE = re.compile(r"(?<=[a-z])(?=[A-Z])")
_BANDIERE = {"": False, "true": True, "false": False}


@lru_cache(4096)
def _giorno(text: str) -> date | None:
    if not text:
        return None
    if not _GIORNO.fullmatch(text):
        raise ValueError("not a day")
    return date.fromisoformat(text)


@lru_cache(256)
def _modi(text: str) -> str:
    return compact(text) or TUTTI


class Colonna:
    """A text of at most `length_max` characters.

    `nome` is the canonical one; `chiave` names it in the texts of refusals, where they do not follow from the name.
    """

    # Whether reading changes the text: texts that stay as they are cost nothing.
    is_typed = False
    empty: Any = ""

    def __init__(
        self, nome: str, length_max: int, *, required: bool = False, chiave: str = "", chiave_lunga: str = "",
        regola: str = "",
    ) -> None:
        self.nome = nome
        self.length_max = length_max
        self.required = required
        self.chiave = chiave or _SNAKE.sub("_", nome).upper()
        self._chiave_lunga = chiave_lunga or self.chiave
        self._regola = regola

    @property
    def regola(self) -> str:
        """What to write, for people."""
        presence = "obbligatorio" if self.required else "facoltativo"
        limit = f"al massimo {self.length_max} caratteri" if self.length_max > 1 else "un solo carattere"
        return "; ".join(filter(None, (self._regola, limit, presence)))

    def read(self, text: str) -> Any:
        """Return the value of a trimmed text. Raises: ValueError."""
        return text

    def write(self, value: Any) -> str:
        return str(value)

    def problem(self, text: str) -> str | None:
        """Return what is wrong with a trimmed text, in the words of the contract; None when nothing is."""
        if not text:
            return f"{self.chiave} NON PRESENTE" if self.required else None
        if len(text) > self.length_max:
            return f"{self._chiave_lunga} TROPPO GRANDE"
        try:
            self.read(text)
        except ValueError:
            return self._unreadable(text)
        return None

    def _unreadable(self, text: str) -> str:
        return f"{self.chiave} NON CONFORME"


class Testo(Colonna):
    """Free text."""


class Maiuscole(Colonna):
    """A text that comes out in capitals."""

    is_typed = True
    # Here and below: called for every row without a step in between.
    read = staticmethod(str.upper)  # type: ignore[assignment]


class Modi(Colonna):
    """`tipoVersamento`: canonical, `ALL` when blank; whether its parts exist is a rule, not structure."""

    is_typed = True
    empty = TUTTI

    read = staticmethod(_modi)


class Importo(Colonna):
    """Euro with a point and at most two decimals; cents inside, None when blank."""

    is_typed = True
    empty = None

    def read(self, text: str) -> int | None:
        if not text:
            return None
        match = _IMPORTO.fullmatch(text)
        if match is None:
            raise ValueError("not an amount")
        units, decimals = match[1], match[2] or "00"
        return int(units + (decimals if len(decimals) == 2 else decimals + "0"))

    def write(self, value: Any) -> str:
        return "" if value is None else text_from_cent(value)

    def _unreadable(self, text: str) -> str:
        return f"{self.chiave} NON CONFROME: {text}"  # the misspelling is the contract's


class Giorno(Colonna):
    """A civil day `yyyy-MM-dd`, None when blank."""

    is_typed = True
    empty = None

    read = staticmethod(_giorno)

    def write(self, value: Any) -> str:
        return "" if value is None else str(value.isoformat())

    def problem(self, text: str) -> str | None:
        return self._unreadable(text) if len(text) > self.length_max else super().problem(text)

    def _unreadable(self, text: str) -> str:
        return "dataScadenzaPagamento:wrong DATE pattern or wrong DATE data"


class Bandiera(Colonna):
    """`true` or `false` in any case; blank is false."""

    is_typed = True
    empty = False

    def read(self, text: str) -> bool:
        is_set = _BANDIERE.get(text.lower())
        if is_set is None:
            raise ValueError("neither true nor false")
        return is_set

    def write(self, value: Any) -> str:
        return "true" if value else "false"
