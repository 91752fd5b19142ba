"""A question put to an endpoint by HTTP, and what came back: how the live rules get their evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Domanda:
    """`metodo`: of HTTP. `corpo`: the exact bytes."""

    url: str
    metodo: str = "POST"
    intestazioni: Mapping[str, str] = field(default_factory=dict)
    corpo: bytes = b""


@dataclass(frozen=True, slots=True)
class Ritorno:
    """`stato` 0: no whole answer came, `errore` is the code that says why. Header names are in lower case.

    `giorni_certificato`: for how long the certificate of the address is still valid, None without one.
    """

    stato: int = 0
    durata_ms: int = 0
    intestazioni: Mapping[str, str] = field(default_factory=dict)
    corpo: bytes = b""
    errore: str = ""
    giorni_certificato: int | None = None


# Puts a question; bounded in bytes and seconds, never raises for what the other side does.
Chiedi = Callable[[Domanda], Ritorno]
