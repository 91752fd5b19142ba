"""Write the configuration of an installation back with the keys of its file."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from hub.domain.configurazione import INVARIATO
from hub.domain.credenziali import Genere
from hub.domain.servizi_rest import Servizio
from hub.formats.certificati import render_pem
from hub.formats.importi import text_from_cent
from hub.store import (
    acquisizioni_fdr,
    credenziali,
    enti,
    eventi_esito,
    export_giornalieri,
    loghi,
    servizi_avviso,
    servizi_rest,
    stazioni,
    tipi,
)
from hub.store.database import Database, Session


def export_config(db: Database, now: datetime) -> dict[str, Any]:
    """Return the configuration with the keys of the file; secrets are INVARIATO."""
    with db.reading() as session:
        return {
            "stazioni": [_stazione_dict(session, row) for row in stazioni.all_rows(session)],
            "enti": [_ente_dict(session, row, now) for row in enti.all_rows(session)],
        }


def export_ente(db: Database, cod_ipa_ente: str, now: datetime) -> dict[str, Any]:
    """Return one ente with the keys of the file. Raises: NotFound."""
    with db.reading() as session:
        return _ente_dict(session, enti.by_cod_ipa(session, cod_ipa_ente), now)


def _stazione_dict(session: Session, row: Row[Any]) -> dict[str, Any]:
    columns = ("pagamento_online", "versione_primitive", "primitiva_rpt", "rileva_duplicati")
    head = {"id": row.id, "intermediario": row.intermediario, "password": INVARIATO}
    own = {column: getattr(row, column) for column in ("indirizzi", "attese") if getattr(row, column)}
    fdr = acquisizioni_fdr.trasporto_of(session, row.id)
    own |= {"fdr": fdr} if fdr else {}
    values = head | {column: getattr(row, column) for column in columns} | own
    if row.certificato is not None:
        values["certificato"] = {"pem": row.certificato, "chiave": INVARIATO}
    services = {one.servizio: _servizio_dict(one) for one in servizi_rest.of_stazione(session, row.id)}
    return values | ({"servizi_rest": services} if services else {})


def _servizio_dict(row: Row[Any]) -> dict[str, Any]:
    values: dict[str, Any] = {"chiave": INVARIATO}
    if row.chiave_secondaria_cifrata:
        values["chiave_secondaria"] = INVARIATO
    if row.scade_il is not None:
        values["scade_il"] = row.scade_il.isoformat()
    return values | ({"versione": row.versione} if row.servizio == Servizio.CHECKOUT else {})


def _ente_dict(session: Session, row: Row[Any], now: datetime) -> dict[str, Any]:
    active = credenziali.kept(session, row.id, now)
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
    for column in ("livelli_base64_pagati", "quota_secondaria", "esito_carrello", "import_ripetuto"):
        values[column] = getattr(row, column)
    if row.autenticazione is not None:
        values["autenticazione"] = row.autenticazione
    values["inoltro_esito"] = row.inoltro_esito
    if row.chiave_ritorno_cifrata:
        values["chiave_ritorno"] = INVARIATO
    if row.url_archivio_esterno:
        values["url_archivio_esterno"] = row.url_archivio_esterno
        values["ripiego_archivio"] = row.ripiego_archivio
    servizi = servizi_avviso.of_ente(session, row.id)
    if servizi:
        keys = ("id_servizio", "id_soggetto", "tipo", "causale", "campi")
        values["servizi_avviso"] = [{key: getattr(one, key) for key in keys} for one in servizi]
    values |= _present(row, ("codice_convenzione", "beneficiario", "codice_cbill", "autorizzazione_stampa", "contatti"))
    logo = loghi.find(session, row.id)
    if logo is not None:
        values["logo"] = b64encode(logo).decode()
    values |= _credenziali_dict([one for one in active if one.applicazione is None])
    if row.pubblica_posizioni:
        values["pubblica_posizioni"] = True
    if row.amministratore:
        values["amministratore"] = True
    if row.password_mypivot_hash is not None:
        values["password_mypivot"] = INVARIATO
    if row.flusso_bytes_max is not None:
        values["flusso_bytes_max"] = row.flusso_bytes_max
    daily = export_giornalieri.find(session, row.id)
    if daily is not None:
        values["export_giornaliero"] = _export_dict(daily)
    names = sorted({one.applicazione for one in active if one.applicazione is not None})
    values["applicazioni"] = [
        _applicazione_dict(nome, [one for one in active if one.applicazione == nome]) for nome in names
    ]
    values["tipi"] = [_tipo_dict(session, tipo) for tipo in tipi.of_ente(session, row.id)]
    return values


def _applicazione_dict(nome: str, rows: Sequence[Row[Any]]) -> dict[str, Any]:
    # During a rotation an application has more rows: the last one speaks for it.
    last = rows[-1]
    head = {"nome": nome} | ({"software_house": last.software_house} if last.software_house else {})
    granted = {"tipi": _granted(last.tipi), "operazioni": _granted(last.operazioni)}
    return head | _credenziali_dict(rows) | granted | _present(last, ("chiamate_al_secondo", "chiamate_insieme"))


def _export_dict(row: Row[Any]) -> dict[str, Any]:
    """What an ente gets every day."""
    values = {column: getattr(row, column) for column in ("attivo", "ora", "versione", "ricevuta")}
    values["tipi"] = _granted(row.tipi)
    if row.sftp_host is not None:
        names = ("host", "porta", "utente", "cartella", "chiave_host")
        sftp = {name: getattr(row, f"sftp_{name}") for name in names if getattr(row, f"sftp_{name}")}
        sftp |= {"password": INVARIATO} if row.sftp_password_cifrata else {}
        values["sftp"] = sftp | ({"chiave_privata": INVARIATO} if row.sftp_chiave_cifrata else {})
    return values


def _credenziali_dict(rows: Sequence[Row[Any]]) -> dict[str, Any]:
    """Return the credentials of one caller."""
    kinds = {row.genere for row in rows}
    values: dict[str, Any] = {key: INVARIATO for key in (Genere.PASSWORD, Genere.TOKEN) if key in kinds}
    for key, genere in (("certificati", Genere.CERTIFICATO), ("firme", Genere.FIRMA)):
        if genere in kinds:
            values[key] = [render_pem(row.certificato) for row in rows if row.genere == genere]
    return {str(key): value for key, value in values.items()}


def _present(row: Row[Any], columns: Sequence[str]) -> dict[str, Any]:
    return {column: getattr(row, column) for column in columns if getattr(row, column) is not None}


def _granted(names: list[str] | None) -> list[str]:
    return ["*"] if names is None else names


def _tipo_dict(session: Session, row: Row[Any]) -> dict[str, Any]:
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
    values["notifica_esito"] = row.notifica_esito
    values["stampa_avviso"] = row.stampa_avviso
    values |= _present(row, ("settore", "iban_postale", "conto_postale", "intestatario_conto_postale", "metadati"))
    endpoint = eventi_esito.find_endpoint(session, row.ente_id, row.codice)
    if endpoint is not None:
        optional = {name: getattr(endpoint, name) for name in ("client_id", "mail") if getattr(endpoint, name)}
        values["endpoint_esito"] = {
            "url": endpoint.url, "chiave": INVARIATO, **optional, "tentativi_max": endpoint.tentativi_max
        }  # fmt: skip
    return values
