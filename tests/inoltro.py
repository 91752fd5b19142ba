"""An ente that wants to be told: the three switches of the push, laid as rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, update

from hub.store import schema
from tests.world import World

CHIAVE = "k" * 64


def configure_inoltro(
    world: World,
    *tipi: str,
    ente_id: int = 1,
    url: str | None = "https://sportello.example.org/esiti",
    inoltro_esito: bool = True,
    notifica_esito: bool = True,
    **values: Any,
) -> None:
    """Switch the push on for these tipi; `url` None: without an address. `values`: other columns of the endpoint."""
    endpoint = {"chiave_cifrata": world.runtime.cassaforte.seal(CHIAVE), "tentativi_max": 4, "url": url} | values
    with world.db.transaction() as session:
        session.execute(
            update(schema.enti).where(schema.enti.c.id == ente_id).values(inoltro_esito=inoltro_esito)
        )
        for tipo in tipi:
            where = (schema.tipi.c.ente_id == ente_id, schema.tipi.c.codice == tipo)
            session.execute(update(schema.tipi).where(*where).values(notifica_esito=notifica_esito))
            if url is not None:
                session.execute(insert(schema.endpoint_esito), {**endpoint, "ente_id": ente_id, "tipo": tipo})
