"""A flow that somebody orders at the simulator: JSON of `POST /api/fdr` -> flow.

`dominio` alone is enough. `psp`, `iuf`, `revisione`, `generato_at`, `pubblicato_at`, `visibile_at` (listed late),
`regolato`, `nome`, `righe` (each `iuv`, `iur`, `importo_cent`, `data`, `esito`, `indice`), `sintetici`, `difetti`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from adapters.nodo.fdr_prodotti import (
    STATI_REST,
    Difetto,
    FlussoProdotto,
    Pagamento,
    nome_flusso,
)
from hub.formats.istanti import giorno_di, read_giorno, read_istante

_KEYS = frozenset(
    ("dominio", "psp", "iuf", "revisione", "generato_at", "pubblicato_at", "visibile_at", "regolato", "nome", "righe",
     "sintetici", "difetti")
)  # fmt: skip
_ID = re.compile(r"[A-Za-z0-9_.-]{1,35}")
_SINTETICI_MAX = 1_000_000
PSP = "ABI03069"


class RichiestaNonValida(ValueError):
    """The order cannot be read; the message says why, in Italian."""


def read_richiesta(
    words: Any, now: datetime, next_libero: Callable[[str, str, date], int]
) -> tuple[FlussoProdotto, datetime | None]:
    """Return the flow that is ordered, and from when on it is listed. Raises: RichiestaNonValida."""
    if not isinstance(words, dict):
        raise RichiestaNonValida("atteso un oggetto JSON, o una lista di oggetti")
    unknown = set(words) - _KEYS
    if unknown:
        raise RichiestaNonValida(f"chiavi sconosciute: {', '.join(sorted(unknown))}")
    try:
        return _read(words, now, next_libero)
    except (KeyError, TypeError, ValueError) as error:
        raise RichiestaNonValida(f"flusso non valido: {error}") from error


def _read(
    words: dict[str, Any], now: datetime, next_libero: Callable[[str, str, date], int]
) -> tuple[FlussoProdotto, datetime | None]:
    generato_at = read_istante(words["generato_at"]) if "generato_at" in words else now.replace(microsecond=0)
    regolato = read_giorno(words["regolato"]) if "regolato" in words else giorno_di(generato_at)
    dominio, psp = _id(words["dominio"]), _id(words.get("psp", PSP))
    sintetici = int(words.get("sintetici", 0))
    righe = tuple(_riga(riga, regolato) for riga in words.get("righe", ()))
    if not 0 <= sintetici <= _SINTETICI_MAX or not (sintetici or righe):
        raise ValueError(f"servono righe, o sintetici fra 1 e {_SINTETICI_MAX}")
    iuf = _id(words["iuf"]) if "iuf" in words else None
    flusso = FlussoProdotto(
        dominio=dominio,
        psp=psp,
        iuf=iuf or nome_flusso(regolato, psp, f"S{next_libero(dominio, psp, regolato):06d}"),
        generato_at=generato_at,
        regolato=regolato,
        pagamenti=righe,
        revisione=int(words.get("revisione", 1)),
        pubblicato_at=read_istante(words["pubblicato_at"]) if "pubblicato_at" in words else None,
        nome=str(words.get("nome", "Comune di Prova")),
        sintetici=sintetici,
        difetti=frozenset(Difetto(one) for one in words.get("difetti", ())),
    )
    return flusso, read_istante(words["visibile_at"]) if "visibile_at" in words else None


def _riga(words: dict[str, Any], regolato: date) -> Pagamento:
    esito, cent = str(words.get("esito", "0")), words["importo_cent"]
    if esito not in STATI_REST or isinstance(cent, bool) or not isinstance(cent, int):
        raise ValueError(f"riga con esito {esito} o importo_cent non ammessi")
    giorno = read_giorno(words["data"]) if "data" in words else regolato
    return Pagamento(_id(words["iuv"]), _id(words["iur"]), cent, giorno, esito, words.get("indice", 1))


def _id(text: Any) -> str:
    if not isinstance(text, str) or not _ID.fullmatch(text):
        raise ValueError(f"identificativo non ammesso: {text}")
    return text
