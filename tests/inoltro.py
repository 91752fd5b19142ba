"""An ente that wants to be told: the three switches of the push, laid as rows."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from sqlalchemy import insert, update

from adapters.ente.chiamata import Limiti
from adapters.ente.client import EnteClient
from hub.formats.rpt import read_rpt
from hub.formats.rt import render_rt
from hub.store import schema
from hub.usecases import relay_outbox
from hub.usecases.inoltro_esito import TOPIC_ESITO, build_topic
from hub.usecases.relay_outbox import RelayLimits, Topic
from tests.factories import make_rt, rt_of
from tests.world import LIMITS, World

CHIAVE = "9f0d6c1b7a3e58422fd1c0be96a7d3e4" * 2
LIMITI = Limiti(connect_s=1.0, read_s=0.5, total_s=1.5)


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
        session.execute(update(schema.enti).where(schema.enti.c.id == ente_id).values(inoltro_esito=inoltro_esito))
        for tipo in tipi:
            where = (schema.tipi.c.ente_id == ente_id, schema.tipi.c.codice == tipo)
            session.execute(update(schema.tipi).where(*where).values(notifica_esito=notifica_esito))
            if url is not None:
                session.execute(insert(schema.endpoint_esito), {**endpoint, "ente_id": ente_id, "tipo": tipo})


def inoltro_topics(world: World) -> dict[str, Topic]:
    """The real client of the entes' systems, on the workbench: http on this machine is allowed."""
    client = EnteClient(is_open=True, limiti=LIMITI)
    return {TOPIC_ESITO: build_topic(world.db, client, world.runtime.cassaforte)}


def relay_enti(world: World, limits: RelayLimits = LIMITS) -> bool:
    """One tick of the relay of the entes' lane."""
    with ThreadPoolExecutor(limits.slots) as pool:
        return relay_outbox.run_once(world.db, inoltro_topics(world), pool, limits, world.clock, threading.Event())


def pay(world: World, id_session: str, esito: int = 0) -> bytes:
    """The receipt of a session arrives and is applied."""
    tentativo = world.tentativo(id_session)
    raw = make_rt(bytes(tentativo.rpt), esito)
    world.receive(raw, tentativo)
    world.apply()
    return raw


def refuse(world: World, id_session: str) -> bytes:
    """A negative receipt that lists the items of a session arrives and is applied."""
    tentativo = world.tentativo(id_session)
    paid = rt_of(read_rpt(bytes(tentativo.rpt)), 0)
    lines = tuple(replace(line, importo_cent=0, esito="NON PAGATA", iur="n/a") for line in paid.pagamenti)
    raw = render_rt(replace(paid, id_messaggio="negativa", codice_esito=1, importo_cent=0, pagamenti=lines))
    world.receive(raw, tentativo)
    world.apply()
    return raw
