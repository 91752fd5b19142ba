"""The trial of a flow as JSON, written while it goes on: one object, whatever the number of rejected rows.

Shape: `flusso` (the parts of its name), `ente` (null: what is stored was not looked at), `scarti` (for each reason of
each rejected row: linea, riga, campo, valore, codice, messaggio, rimedio), `rifiuto` (codice, messaggio: only when the
file turned out to be no flow half-way), `riepilogo` (righe, scartate; nuovi, modificati, annullati: dovuti,
importo; avvisi, where there are some: inizio, stato, dovuti, of taxonomy codes that do not count).
A trial that did not come to its end has `rifiuto` and no `riepilogo`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from hub.domain.errors import FlussoRifiutato
from hub.domain.flussi import NomeFlusso
from hub.domain.prova import Riepilogo
from hub.domain.scarto import Scarto
from hub.formats.importi import text_from_cent
from hub.formats.tracciati.righe import Riga

RigaScartata = tuple[Riga, Sequence[Scarto]]
# Of an `azione`, in words.
AZIONI = {"I": "nuovi", "M": "modificati", "A": "annullati"}


def render_prova(
    nome: NomeFlusso, ente: str, batches: Iterable[Sequence[RigaScartata]], riepilogo: Riepilogo
) -> Iterator[str]:
    """Give the text in pieces, one for each batch, empty where nothing was found. `ente`: empty, none was looked at.

    The last piece, and no other, ends with a line end.
    Raises: FlussoRifiutato, before the first piece or after the last: the text is whole then.
    """
    rest = iter(batches)
    found: Sequence[RigaScartata] | None = next(rest, None)
    head = json.dumps({"flusso": asdict(nome), "ente": ente or None}, ensure_ascii=False)
    yield f'{head[:-1]}, "scarti": ['
    separator = "\n"
    refusal = None
    try:
        while found is not None:
            piece = []
            for riga, scarti in found:
                for scarto in scarti:
                    piece.append(separator + json.dumps({"linea": riga.linea, **asdict(scarto)}, ensure_ascii=False))
                    separator = ",\n"
            yield "".join(piece)
            found = next(rest, None)
    except FlussoRifiutato as error:
        refusal = error
    told = "" if refusal is None else _rifiuto(refusal.stato, refusal.testo)
    yield f'\n]{told}, "riepilogo": {_totals(riepilogo)}}}\n'
    if refusal is not None:
        raise refusal


def is_last(piece: bytes) -> bool:
    """Whether the text is whole with this piece."""
    return piece.endswith(b"\n")


def render_interrotta(codice: str, messaggio: str) -> str:
    """Return what makes a whole text of the pieces of a trial that broke off; it has no totals."""
    return f"\n]{_rifiuto(codice, messaggio)}}}\n"


def _rifiuto(codice: str, messaggio: str) -> str:
    told = json.dumps({"codice": codice, "messaggio": messaggio}, ensure_ascii=False)
    return f', "rifiuto": {told}'


def _totals(riepilogo: Riepilogo) -> str:
    totals: dict[str, Any] = {"righe": riepilogo.righe, "scartate": riepilogo.scartate}
    for azione, name in AZIONI.items():
        conto = riepilogo.azioni[azione]
        totals[name] = {"dovuti": conto.dovuti, "importo": text_from_cent(conto.importo_cent)}
    if riepilogo.tassonomia:
        found = sorted(riepilogo.tassonomia.items())
        totals["avvisi"] = [{"inizio": key[0], "stato": str(key[1]), "dovuti": number} for key, number in found]
    return json.dumps(totals, ensure_ascii=False)
