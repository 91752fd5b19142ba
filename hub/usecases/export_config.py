"""Write the configuration of an installation back with the keys of its file."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from hub.domain.configurazione import INVARIATO
from hub.formats.importi import text_from_cent
from hub.store import credenziali, enti, stazioni, tipi
from hub.store.database import Database, Session


def export_config(db: Database, now: datetime) -> dict[str, Any]:
    """Return the configuration with the keys of the file; secrets are INVARIATO."""
    with db.reading() as session:
        return {
            "stazioni": [_stazione_dict(row) for row in stazioni.all_rows(session)],
            "enti": [_ente_dict(session, row, now) for row in enti.all_rows(session)],
        }


def export_ente(db: Database, cod_ipa_ente: str, now: datetime) -> dict[str, Any]:
    """Return one ente with the keys of the file. Raises: NotFound."""
    with db.reading() as session:
        return _ente_dict(session, enti.by_cod_ipa(session, cod_ipa_ente), now)


def _stazione_dict(row: Row[Any]) -> dict[str, Any]:
    columns = ("pagamento_online", "versione_primitive", "primitiva_rpt", "rileva_duplicati")
    head = {"id": row.id, "intermediario": row.intermediario, "password": INVARIATO}
    return head | {column: getattr(row, column) for column in columns}


def _ente_dict(session: Session, row: Row[Any], now: datetime) -> dict[str, Any]:
    active = credenziali.attive(session, row.id, now)
    values: dict[str, Any] = {
        "codIpaEnte": row.cod_ipa_ente,
        "codice_fiscale": row.codice_fiscale,
        "nome": row.nome,
        "stato": row.stato,
        "stazione": row.stazione_id,
        "codice_segregazione": row.codice_segregazione,
        "iban": row.iban,
    }
    if row.url_esito:
        values["url_esito"] = row.url_esito
    for column in ("livelli_base64_pagati", "quota_secondaria", "esito_carrello"):
        values[column] = getattr(row, column)
    if any(one.applicazione is None for one in active):
        values["password"] = INVARIATO
    # During a rotation an application has two rows: the one that lasts speaks for it.
    by_name = {one.applicazione: one for one in sorted(active, key=lambda one: one.expires_at is None)}
    values["applicazioni"] = [
        _applicazione_dict(one) for nome, one in sorted(by_name.items(), key=lambda pair: pair[0] or "") if nome
    ]
    values["tipi"] = [_tipo_dict(tipo) for tipo in tipi.of_ente(session, row.id)]
    return values


def _applicazione_dict(row: Row[Any]) -> dict[str, Any]:
    return {
        "nome": row.applicazione,
        "password": INVARIATO,
        "tipi": _granted(row.tipi),
        "operazioni": _granted(row.operazioni),
    }


def _granted(names: list[str] | None) -> list[str]:
    return ["*"] if names is None else names


def _tipo_dict(row: Row[Any]) -> dict[str, Any]:
    values: dict[str, Any] = {"codice": row.codice, "descrizione": row.descrizione}
    if row.tassonomia:
        values["tassonomia"] = row.tassonomia
    values["modalita"] = list(row.modalita)
    flags = ("attivo", "scadenza_obbligatoria", "stampa_data_scadenza", "anonimo")
    values |= {column: getattr(row, column) for column in flags}
    if row.iban:
        values["iban"] = row.iban
    if row.importo_cent is not None:
        values["importo"] = text_from_cent(row.importo_cent)
    return values
