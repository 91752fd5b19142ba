"""How the dovuti of an ente are found by IUV: the index begins with the domain, pagoPA's key, and not with the ente."""

from __future__ import annotations

from sqlalchemy import BindParameter, ColumnElement, select

from hub.store.schema import dovuti, enti


def of_ente(ente_id: int | BindParameter[int]) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions. An ente that has dovuti keeps its tax code."""
    dominio = select(enti.c.codice_fiscale).where(enti.c.id == ente_id).scalar_subquery()
    return dovuti.c.ente_id == ente_id, dovuti.c.dominio == dominio

