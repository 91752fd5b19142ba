"""What the server and the process of a trial say to each other: one question, then pieces of the answer.

Shape: the question is a line of JSON on the process's standard input. What comes back are frames: kind (1 byte), length
of the text (4 bytes, big-endian), text; a kind is a piece of the answer, or, alone and first, why there is none.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from hub.domain.errors import FlussoRifiutato, HubError, OutOfService

PEZZO = b"P"
RIFIUTO = b"R"
_HEAD = struct.Struct(">cI")


@dataclass(frozen=True, slots=True)
class Domanda:
    """What a trial needs to know, and no setting more. `file`: the descriptor of the received file.

    `concessi`: the tipi that whoever would bring the flow may touch, None: all.
    """

    file: int
    nome_file: str
    ente: str
    concessi: frozenset[str] | None
    now: datetime
    iuv_quindici_fino_al: date
    database_url: str = field(repr=False)
    log_format: str
    log_level: str


def render_domanda(domanda: Domanda) -> bytes:
    """Return the question as one line. It holds the password of the database: for a pipe, never for a log."""
    values = {name: getattr(domanda, name) for name in Domanda.__slots__}
    values["concessi"] = None if domanda.concessi is None else sorted(domanda.concessi)
    values["now"] = domanda.now.isoformat()
    values["iuv_quindici_fino_al"] = domanda.iuv_quindici_fino_al.isoformat()
    return json.dumps(values).encode() + b"\n"


def read_domanda(line: bytes) -> Domanda:
    """Return the question as it was put. Raises: ValueError (it is not whole)."""
    values = json.loads(line)
    values["concessi"] = None if values["concessi"] is None else frozenset(values["concessi"])
    values["now"] = datetime.fromisoformat(values["now"])
    values["iuv_quindici_fino_al"] = date.fromisoformat(values["iuv_quindici_fino_al"])
    return Domanda(**values)


def render_pezzo(text: str) -> bytes:
    """Return a piece of the answer as a frame."""
    data = text.encode()
    return _HEAD.pack(PEZZO, len(data)) + data


def render_rifiuto(error: FlussoRifiutato | OutOfService) -> bytes:
    """Return why there is no answer as a frame."""
    told = [error.stato, error.testo] if isinstance(error, FlussoRifiutato) else [str(error)]
    data = json.dumps(told).encode()
    return _HEAD.pack(RIFIUTO, len(data)) + data


def read_rifiuto(text: bytes) -> HubError:
    """Return the refusal that the process came to."""
    told: list[Any] = json.loads(text)
    return FlussoRifiutato(*told) if len(told) > 1 else OutOfService(*told)


class Cornici:
    """Frames out of the bytes of a pipe, which come cut anywhere."""

    def __init__(self) -> None:
        self._held = bytearray()

    def add(self, data: bytes) -> None:
        self._held += data

    def take(self) -> tuple[bytes, bytes] | None:
        """Give kind and text of the next frame, None while it is not whole."""
        if len(self._held) < _HEAD.size:
            return None
        kind, length = _HEAD.unpack_from(self._held)
        end = _HEAD.size + length
        if len(self._held) < end:
            return None
        text = bytes(self._held[_HEAD.size : end])
        del self._held[:end]
        return kind, text
