"""What each field means: the sentences of campi.toml, the nearest of a field's place."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from docs.pagine.contratto import Campo

OPERAZIONI, GUASTO, DOCUMENTI = "operazioni", "guasto", "documenti"


@cache
def frasi(genere: str) -> dict[str, str]:
    """The sentences of a kind of fields, by name, path, or type and path."""
    found: dict[str, str] = tomllib.loads(Path(__file__).with_name("campi.toml").read_text(encoding="utf-8"))[genere]
    return found


def significato(campo: Campo, genere: str) -> str:
    """The sentence of a field. Raises: KeyError when it has none."""
    return frasi(genere)[chiave(campo, genere)]


def chiave(campo: Campo, genere: str) -> str:
    """Which sentence is a field's."""
    places = (f"{campo.owner}.{campo.path}", campo.path, "/".join(campo.path.split("/")[-2:]), campo.nome)
    return next((place for place in places if place in frasi(genere)), campo.nome)
