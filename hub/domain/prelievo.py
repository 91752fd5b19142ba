"""What came of asking pagoPA for a table: its bytes, that it is the one we have, or that nothing usable came."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EsitoPrelievo(StrEnum):
    NUOVO = "NUOVO"
    INVARIATO = "INVARIATO"
    NON_RIUSCITO = "NON_RIUSCITO"


@dataclass(frozen=True, slots=True)
class Prelievo:
    """`codice`: why it failed; `etag`: of the bytes, as the server wrote it, to be shown the next time."""

    esito: EsitoPrelievo
    corpo: bytes = b""
    etag: str | None = None
    codice: str = ""
