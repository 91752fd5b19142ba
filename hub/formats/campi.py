"""Reading named values of a mapping, collecting every problem with its path instead of stopping at the first."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from typing import Any

from hub.domain.configurazione import INVARIATO, ConfigurazioneNonValida

# Enough to mend a file in one go; beyond it is the wrong file.
_PROBLEMS_MAX = 200


class Problemi:
    """The refusals found so far: (path, Italian sentence)."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []

    def add(self, path: str, sentence: str) -> None:
        if len(self.found) < _PROBLEMS_MAX:
            self.found.append((path, sentence))

    def has(self, path: str) -> bool:
        return any(known == path for known, _sentence in self.found)

    def raise_if_any(self) -> None:
        """Raises: ConfigurazioneNonValida."""
        if self.found:
            raise ConfigurazioneNonValida(self.found)


def _without_credentials(text: str) -> str:
    """Return a text that may be an address without the name and password that stand in it."""
    return re.sub(r"//[^/]*@", "//***@", text)


class Campi:
    """A mapping at a path. A wrong value is noted in `problems` and read as an empty one, so that reading goes on."""

    def __init__(self, value: Any, path: str, problems: Problemi, keys: Sequence[str]) -> None:
        self.problems = problems
        self.prefix = f"{path}." if path else ""
        self._values: dict[str, Any] = {}
        self._is_mapping = isinstance(value, dict)
        if not isinstance(value, dict):
            problems.add(path, "attese chiavi e valori")
            return
        for key, item in value.items():
            if key not in keys:
                close = difflib.get_close_matches(str(key), keys, n=1)
                hint = f" (forse {close[0]})" if close else ""
                problems.add(f"{self.prefix}{str(key)[:60]}", f"chiave sconosciuta{hint}")
            elif item is not None:
                self._values[key] = item

    def _note(self, key: str, sentence: str) -> None:
        self.problems.add(f"{self.prefix}{key}", sentence)

    def text(
        self, key: str, *, pattern: str = "", check: Callable[[str], bool] | None = None, rule: str = "",
        length_max: int = 2048,
    ) -> str:
        if key not in self._values:
            if self._is_mapping:
                self._note(key, "manca")
            return ""
        return self.optional_text(key, pattern=pattern, check=check, rule=rule, length_max=length_max) or ""

    def optional_text(
        self, key: str, *, pattern: str = "", check: Callable[[str], bool] | None = None, rule: str = "",
        length_max: int = 2048,
    ) -> str | None:
        """Return a text without blanks around, None when absent; noted when it breaks the rule."""
        value = self._values.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            self._note(key, "deve essere un testo: scriverlo fra virgolette")
            return ""
        text = value.strip()
        is_good = bool(text) and len(text) <= length_max and text.isprintable()
        if is_good and pattern:
            is_good = re.fullmatch(pattern, text) is not None
        if is_good and check is not None:
            is_good = check(text)
        if not is_good:
            shown = _without_credentials(text)[:60]
            self._note(key, f"{shown!r} non ammesso: {rule or f'da 1 a {length_max} caratteri'}")
        return text

    def long_text(self, key: str, length_max: int) -> str | None:
        """Return a text of any number of lines, None when absent or too long (noted)."""
        value = self._values.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            self._note(key, "deve essere un testo: scriverlo fra virgolette")
            return None
        if len(value) > length_max:
            self._note(key, f"troppo lungo: oltre {length_max} caratteri")
            return None
        return value

    def secret(self, key: str, length_min: int, length_max: int, *, required: bool = True) -> str | None:
        """Return a secret or INVARIATO; its value never gets into a problem."""
        value = self._values.get(key)
        if value is None:
            if required and self._is_mapping:
                self._note(key, f'manca ("{INVARIATO}" per lasciarla com\'è)')
            return None
        if not isinstance(value, str):
            self._note(key, "deve essere un testo: scriverlo fra virgolette")
            return ""
        if value == INVARIATO:
            return value
        if value != value.strip() or not value.isprintable() or not length_min <= len(value) <= length_max:
            self._note(key, f"deve avere da {length_min} a {length_max} caratteri, senza spazi ai bordi")
        return value

    def choice(self, key: str, allowed: Sequence[str], default: str) -> str:
        value = self._values.get(key, default)
        if value not in allowed:
            self._note(key, f"{str(value)[:60]!r} non ammesso: uno fra {', '.join(allowed)}")
            return default
        return str(value)

    def whole(self, key: str, allowed: Sequence[int], default: int) -> int:
        value = self._values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
            self._note(key, f"{str(value)[:60]!r} non ammesso: uno fra {', '.join(map(str, allowed))}")
            return default
        return value

    def number(self, key: str, least: int, most: int) -> int | None:
        """Return a whole number between two, both included; None when it is not given."""
        value = self._values.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most):
            self._note(key, f"{str(value)[:60]!r} non ammesso: un numero intero fra {least} e {most}")
            return None
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self._values.get(key, default)
        if not isinstance(value, bool):
            self._note(key, f"{str(value)[:60]!r} non ammesso: true o false")
            return default
        return value

    def names(self, key: str, *, allowed: Sequence[str] = ()) -> tuple[str, ...] | None:
        """Return a list of names; None when absent or `["*"]`: all of them."""
        value = self._values.get(key)
        if value is None or value == ["*"]:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
            self._note(key, 'attesa una lista di nomi, oppure ["*"]')
            return ()
        for item in value:
            if allowed and item not in allowed:
                close = difflib.get_close_matches(item, allowed, n=1)
                hint = f" (forse {close[0]})" if close else ""
                self._note(key, f"{item[:60]!r} sconosciuto{hint}")
        return tuple(dict.fromkeys(item.strip() for item in value))

    def mapping(self, key: str, keys: Sequence[str]) -> Campi | None:
        """Return the mapping under a key, with the keys that it may have; None when absent."""
        value = self._values.get(key)
        return None if value is None else Campi(value, f"{self.prefix}{key}", self.problems, keys)

    def pairs(self, key: str, most: int, length_max: int) -> dict[str, str] | None:
        """Return texts under names of the writer's own, at most so many; None when absent."""
        value = self._values.get(key)
        if value is None:
            return None
        if not isinstance(value, dict) or len(value) > most:
            self._note(key, f"attese chiavi e valori, al massimo {most}")
            return {}
        for text in (*value, *value.values()):
            if not isinstance(text, str) or not text.strip() or len(text) > length_max or not text.isprintable():
                self._note(key, f"{str(text)[:60]!r} non ammesso: da 1 a {length_max} caratteri, fra virgolette")
                return {}
        return {name.strip(): text.strip() for name, text in value.items()}

    def items(self, key: str) -> list[tuple[str, Any]] | None:
        """Return the elements of a list with their paths; None when the key is absent."""
        value = self._values.get(key)
        if value is None:
            return None
        if not isinstance(value, list):
            self._note(key, "attesa una lista")
            return []
        return list(zip(self.paths(key), value, strict=True))

    def paths(self, key: str) -> list[str]:
        value = self._values.get(key)
        return [f"{self.prefix}{key}[{index}]" for index in range(len(value))] if isinstance(value, list) else []
