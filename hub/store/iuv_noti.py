"""Which numbers of IUVs the rows of this database have seen drawn, wherever they stand."""

from __future__ import annotations

from sqlalchemy import func, select

from hub.store.database import Session
from hub.store.invarianti_iuv import is_drawn
from hub.store.schema import dovuti, enti, rendicontazioni, rendicontazioni_righe, rt_ricevute, tentativi

# Of the progressive number inside an IUV. Source: SACI, "numero avviso"; hub.domain.iuv.
_DA, _CIFRE = 5, 11


def enti_noti(session: Session) -> dict[str, tuple[str, str]]:
    """Tax code and segregation code of every ente, by its codIpaEnte."""
    query = select(enti.c.cod_ipa_ente, enti.c.codice_fiscale, enti.c.codice_segregazione)
    return {row.cod_ipa_ente: (row.codice_fiscale, row.codice_segregazione) for row in session.execute(query)}


def highest(session: Session) -> dict[tuple[str, str], int]:
    """Return the number after the last one that a row has, by tax code and segregation code.

    It reads the tables whole. Only counters of enti that are here are told of: others' numbers are not ours.
    """
    known = set(enti_noti(session).values())
    sources = (
        (dovuti.c.dominio, dovuti.c.iuv, dovuti),
        (tentativi.c.dominio, tentativi.c.iuv, tentativi),
        (rt_ricevute.c.dominio, rt_ricevute.c.iuv, rt_ricevute),
        (
            rendicontazioni.c.dominio,
            rendicontazioni_righe.c.iuv,
            rendicontazioni_righe.join(
                rendicontazioni, rendicontazioni.c.id == rendicontazioni_righe.c.rendicontazione_id
            ),
        ),
    )
    found: dict[tuple[str, str], int] = {}
    for dominio, iuv, table in sources:
        segregazione = func.substr(iuv, 1, 2)
        number = func.max(func.substr(iuv, _DA, _CIFRE))
        query = select(dominio, segregazione, number).select_from(table).where(is_drawn(iuv))
        for key_dominio, key_segregazione, text in session.execute(query.group_by(dominio, segregazione)):
            key = (key_dominio, key_segregazione)
            if key in known:
                found[key] = max(found.get(key, 0), int(text) + 1)
    return found
