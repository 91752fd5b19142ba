"""Files of the archive as a listing tells them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class FileArchiviato:
    """`eta`: since it was last written, by the clock of the store; `is_incompiuto`: what a writer that died left."""

    path: str
    size_bytes: int
    eta: timedelta
    is_incompiuto: bool = False
