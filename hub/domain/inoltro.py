"""What goes to the software of an ente without being asked. Source: pa-per-ente, push of the outcome (4.2)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class InvioEsito:
    """One outcome on its way; lives only while it is being sent, with its key in clear.

    `evento`: the id, the same at every attempt; it ends with `sequenza`, which counts the outcomes of one dovuto from
    1. `corpo`: the exact bytes. `client_id` and `mail` together: a bearer token is wanted too.
    """

    url: str
    evento: str
    sequenza: int
    corpo: bytes
    chiave: str = field(repr=False)
    client_id: str | None = None
    mail: str | None = None
