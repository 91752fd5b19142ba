"""Tables of the taxonomy that tests lay: the shipped one with some codes ended, begun later or taken out."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date

from hub.domain.tassonomia import Tassonomia, VoceTassonomia
from hub.formats.resources import resource
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


def table(versione: int = 34, without: tuple[str, ...] = (), more: tuple[VoceTassonomia, ...] = ()) -> bytes:
    """The shipped table as a newer one."""
    shipped = resource("schemas", "tassonomia.csv").read_text(encoding="utf-8")
    rows = [one for one in csv.reader(io.StringIO(shipped), delimiter=";") if one[0] not in without]
    for row in rows[1:]:
        row[8] = str(versione)
    for one in more:
        days = (one.valido_dal.isoformat(), one.valido_al.isoformat())
        parts = one.codice[2:4], one.tipo_ente, one.codice[4:6], one.macro_area, one.codice[6:9], one.servizio
        rows.append([one.codice, *parts, one.codice[9:11], str(one.versione), *days])
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows(rows)
    return out.getvalue().encode()
