"""A file that somebody brings, before anything is decided about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class FileArrivato:
    """`contenuto` can be sought, and stands anywhere; the sums were made while its bytes came. `media`: as declared."""

    nome: str
    contenuto: BinaryIO = field(repr=False)
    size_bytes: int
    sha256: str
    md5: str
    media: str
