"""Flows as the worker leaves them: the registry's row, the dovuti that it brought, under their keys in file order."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, insert, select

from hub.domain.iuv import build_iuv
from hub.store import schema
from tests.factories import CODICE_FISCALE
from tests.world import INTERMEDIARIO, World

_PAGATORE = {"tipo": "F", "codice": CODICE_FISCALE, "anagrafica": "Mario Rossi", "email": "mario@example.org"}


def lay_import(world: World, nome: str = "C_PROVA-F1-1_3", **values: Any) -> Row[Any]:
    """A request to load a flow that has come to its end, ten rows all accepted; `values` change its columns."""
    _, iuf, versione = nome.split("-")
    now = world.clock()
    token = str(uuid.uuid4())
    base = f"C_PROVA/IMPORT_ELABORATI/{now:%Y_%m}/{nome}/{nome}"
    row = {
        "request_token": token, "ente_id": 1, "jti": uuid.uuid4().hex, "authorization_expires_at": now,
        "stato": "IMPORT_ESEGUITO", "stato_flusso": "CARICATO", "nome_file": f"{nome}.zip", "iuf": iuf,
        "versione": versione, "size_bytes": 1000, "file": f"C_PROVA/IMPORT/{now:%Y_%m}/{token}/{nome}.zip",
        "righe_totali": 10, "righe_caricate": 10, "csv_bytes": 5000, "csv_letti": 5000, "file_iuv": f"{base}_IUV.zip",
        "created_at": now, "received_at": now, "started_at": now, "finished_at": now, "updated_at": now,
    }  # fmt: skip
    with world.db.transaction() as session:
        session.execute(insert(schema.flussi_import), row | values)
    return world.one(schema.flussi_import, request_token=(row | values)["request_token"])


def lay_flusso(world: World, righe: int, nome: str = "C_PROVA-F1-1_3", **values: Any) -> Row[Any]:
    """A loaded flow of so many dovuti, row n with IUD `<iuf>-n` and an IUV of its own."""
    flusso = lay_import(world, nome, righe_totali=righe, righe_caricate=righe, **values)
    now = world.clock()
    rows = [
        {
            "id": f"{flusso.id:016x}{riga:016x}", "ente_id": 1, "dominio": INTERMEDIARIO, "posizione": 1,
            "iud": f"{flusso.iuf}-{riga}", "iuv": build_iuv(1, flusso.id * 1_000_000 + riga), "tipo": "TARI",
            "importo_cent": 5000, "causale": "Tassa rifiuti", "dati_specifici": "9/0101101IM/",
            "scadenza": now.date() + timedelta(days=30), "tipo_versamento": "ALL", "pagatore_tipo": "F",
            "pagatore_codice": CODICE_FISCALE, "pagatore": _PAGATORE, "origine": "FLUSSO", "flusso_id": flusso.id,
            "riga": riga, "stato": "INSERIMENTO_DOVUTO", "created_at": now, "updated_at": now,
        }
        for riga in range(1, righe + 1)
    ]  # fmt: skip
    with world.db.transaction() as session:
        session.execute(insert(schema.dovuti), rows)
    return flusso


def riga_di(world: World, flusso: Row[Any], riga: int) -> Row[Any]:
    """The dovuto that a row of a flow brought."""
    return world.one(schema.dovuti, id=f"{flusso.id:016x}{riga:016x}")


def stati_di(world: World, flusso: Row[Any]) -> list[tuple[str, bool]]:
    """State and `attuale` of the dovuti that a flow brought, in file order."""
    query = select(schema.dovuti.c.stato, schema.dovuti.c.attuale).where(schema.dovuti.c.flusso_id == flusso.id)
    with world.db.reading() as session:
        return [(stato, attuale) for stato, attuale in session.execute(query.order_by(schema.dovuti.c.id))]
