"""Tables of the taxonomy that tests lay: the shipped one with some codes ended, begun later or taken out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hub.domain.tassonomia import Tassonomia, VoceTassonomia
from hub.formats.tassonomia import bundled
from hub.store import tassonomia
from hub.store.database import Database


def changed(*without: str, **dates: dict[str, date]) -> Tassonomia:
    """The shipped table; `dates`: by the nine characters of a code, what is other in its row."""
    voci = {voce.codice: voce for voce in bundled() if voce.codice[2:-1] not in without}
    for code, values in dates.items():
        voci[f"9/{code[1:]}/"] = replace(voci[f"9/{code[1:]}/"], **values)
    return Tassonomia(voci.values())


def lay(db: Database, table: Tassonomia) -> None:
    """Keep a table as if it had been fetched."""
    with db.transaction() as session:
        tassonomia.replace(session, tassonomia.stato(session).generazione, table)


def voce(codice: str, dal: date = date(1900, 1, 1), al: date = date(2080, 1, 1), versione: int = 33) -> VoceTassonomia:
    return VoceTassonomia(codice, "COMUNE", "TRIBUTI", "Un servizio", versione, dal, al)
