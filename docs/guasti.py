"""docs/guasti.md: the catalogue of faults as a page for integrators, made from `hub.domain.guasti`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from hub.domain.guasti import CATALOGO, OPERAZIONI, OPERAZIONI_ENTE, Guasto

FILE = Path(__file__).with_name("guasti.md")

_HEAD = """# Catalogo dei guasti

<!-- Generato da hub/domain/guasti con `make docs`: non si corregge a mano. -->

Un rifiuto è una risposta normale con il figlio `fault`: `faultCode` è uno dei codici di questa pagina, `faultString` la
frase con il valore in causa, `description` elemento, valore e regola, `id` l'ente (per la ricevuta, il dominio). Lo
stato HTTP è 200, o 429 dopo troppe password errate. Vince il primo controllo che fallisce, nell'ordine del contratto.
Dove la risposta ha `esito`, un guasto porta `KO`.

Non hanno codice, e sono un SOAP Fault: un messaggio che non rispetta il contratto (HTTP 500, `faultcode` `Client`), un
errore nostro (HTTP 500, `Server`) e un servizio che non può registrare (HTTP 503 con `Retry-After`: si ripete la stessa
richiesta). Ogni risposta porta `X-Correlation-Id`: va indicato a chi gestisce l'hub.
"""


def render() -> str:
    """Return the page; it is the same for the same catalogue."""
    lines = [_HEAD, "## Per codice", ""]
    lines += table(("codice", "quando", "che cosa fare", "ripetere la chiamata", "operazioni"), map(_row, _by_code()))
    lines += ["", "## Per operazione", ""]
    lines += table(("operazione", "codici"), ((f"`{name}`", _codes_of(name)) for name in OPERAZIONI))
    return "\n".join(lines) + "\n"


def _by_code() -> Sequence[Guasto]:
    return sorted(CATALOGO, key=lambda guasto: guasto.code)


def _row(guasto: Guasto) -> tuple[str, ...]:
    return (f"`{guasto.code}`", guasto.condizione, guasto.rimedio, str(guasto.ripetere), _names(guasto.operazioni))


def _names(operazioni: tuple[str, ...]) -> str:
    return "tutte" if operazioni == OPERAZIONI_ENTE else ", ".join(f"`{name}`" for name in operazioni)


def _codes_of(operation: str) -> str:
    return ", ".join(f"`{guasto.code}`" for guasto in _by_code() if operation in guasto.operazioni)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Give the lines of a table."""
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
