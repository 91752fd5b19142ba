"""Recipes: what would be large is kept as a few lines of YAML that say how it is made.

A recipe is a list of pieces, one after the other: a text; `testo` `volte` times, `{n}` in it being the number of the
turn; `base64`, `gzip` and `zip` of other pieces.
"""

from __future__ import annotations

import base64
import gzip
import io
import zipfile
from collections.abc import Callable
from typing import Any

import yaml

RICETTA = ".ricetta.yaml"


def cook(recipe: bytes) -> bytes:
    """Return the bytes that a recipe describes, the same ones each time."""
    return _pieces(yaml.safe_load(recipe))


def _pieces(pieces: Any) -> bytes:
    return b"".join(map(_piece, pieces)) if isinstance(pieces, list) else _piece(pieces)


def _piece(piece: Any) -> bytes:
    if isinstance(piece, str):
        return piece.encode()
    if isinstance(piece, bytes):
        return piece
    ((verb, _),) = [item for item in piece.items() if item[0] in _VERBS]
    return _VERBS[verb](piece)


def _times(piece: dict[str, Any]) -> bytes:
    text, times = piece["testo"], piece["volte"]
    if "{n}" not in text:
        return _piece(text) * times
    return "".join(text.replace("{n}", str(number)) for number in range(times)).encode()


def _zip(piece: dict[str, Any]) -> bytes:
    archivio = io.BytesIO()
    with zipfile.ZipFile(archivio, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in piece["zip"].items():
            opened.writestr(zipfile.ZipInfo(name), _pieces(content), zipfile.ZIP_DEFLATED)
    return archivio.getvalue()


_VERBS: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "testo": _times,
    "base64": lambda piece: base64.b64encode(_pieces(piece["base64"])),
    "gzip": lambda piece: gzip.compress(_pieces(piece["gzip"]), mtime=0),
    "zip": _zip,
}
